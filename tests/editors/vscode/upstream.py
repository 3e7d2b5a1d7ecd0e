"""A Messages API for the tests in a real VS Code: answers by what is asked, and tells what it saw at /journal.

Run it with the repository's interpreter; it prints its address and serves until its standard input closes.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from tests.support.actions import edit_call, tool_turn
from tests.support.fake_api import (
    FakeApi,
    Reply,
    Request,
    Wait,
    answer,
    api_error,
    block_start,
    block_stop,
    document,
    message_delta,
    message_start,
    message_stop,
    stream,
    text_delta,
)

# What a model might write that must do no harm, beside what should be rendered.
MARKDOWN = """## What it does

It adds the *prices* with a **loop**:

1. start at `0`
2. add each price

```python
def total(prices):
    return sum(prices)
```

![tracking](https://example.invalid/pixel.png) and <img src=x onerror="document.title='owned'"> and
<script>document.title = 'owned'</script>

[the manual](https://example.invalid/manual) but not [this](command:workbench.action.terminal.new).

| word | meaning |
| --- | --- |
| `sum` | adds |
"""
REPLACEMENT = "Shorter by the built-in.\n<replacement>\ndef total(prices):\n    return sum(prices)\n</replacement>\n"
NEW_FILE = (
    "<path>test_prices.py</path>\n<replacement>\nfrom prices import total\n\n\n"
    "def test_total():\n    assert total([1, 2]) == 3\n</replacement>\n"
)
CART_ANSWER = """**Each of them is taken off once per matching line**, so two equal vouchers count twice.

- `total` walks over `vouchers` and, for each, over every line with its name.
- Nothing remembers that a voucher was used, and the total may go below zero.

```python
redeemed = {voucher.name: voucher for voucher in vouchers}
```

keeps one voucher for each name.
"""
CART_EDIT = """Equal vouchers now count once.
<replacement>
    def total(self, vouchers):
        total = sum((price * count for _, price, count in self.lines), Decimal(0))
        redeemed = {voucher.name: voucher for voucher in vouchers}
        for name in {name for name, _, _ in self.lines} & redeemed.keys():
            total -= redeemed[name].amount
        return total
</replacement>
"""
COMPLETIONS = {
    "def average(prices):": (
        "\n    if not prices:\n        return 0\n    return total(prices) / len(prices)\n\n\nprint(1)"
    ),
    "print(av": "erage([1, 2, 3]))",
}
RENAME = tool_turn(
    edit_call("prices.py", "def total(prices):", "def sum_of(prices):"),
    edit_call("prices.py", "print(total(", "print(sum_of("),
    edit_call("renamed.md", "", "`total` is `sum_of` now.\n"),
)
SLOW_PIECES = 300


def respond(request: Request) -> Reply:
    if request.path == "/journal":
        return document([_seen(one) for one in api.requests if one.method == "POST"])
    key = request.headers.get("x-api-key", "") or request.headers.get("authorization", "")
    if "WRONG" in key:
        return api_error(401, "authentication_error", "invalid x-api-key")
    asked = _asked(request)
    everything = request.body.decode()
    if "overloaded now" in asked:
        return api_error(529, "overloaded_error", "Overloaded")
    if "The symbol: `" in asked:  # documents.mjs
        return answer(
            "**Adds up the prices**, ", "[see](command:workbench.action.terminal.new) ![x](https://x.invalid/x)"
        )
    if "<|cursor|>" in everything:  # inline.mjs
        return answer(*_pieces(_completed(everything)))
    if "<path>" in everything:
        return answer(*_pieces(NEW_FILE))
    if "slowly" in asked:
        parts: list[bytes | Wait] = [message_start(), block_start()]
        for number in range(SLOW_PIECES):
            parts += [text_delta(f"word{number} "), Wait(0.1)]
        return stream(*parts, block_stop(), message_delta(), message_stop())
    if "voucher" in asked:  # pictures.mjs
        text = CART_EDIT if "<replacement>" in everything else CART_ANSWER
        usage = {"input_tokens": 812, "output_tokens": 1}
        pieces = [text_delta(piece) for piece in _pieces(text)]
        return stream(message_start(usage=usage), block_start(), *pieces, block_stop(), message_delta(), message_stop())
    if "rename total everywhere" in everything:  # groups.mjs
        return answer("I renamed it.") if "tool_result" in everything else RENAME
    if "<replacement>" in everything:
        return answer(*_pieces(REPLACEMENT))
    if "wait long" in asked:
        return [Wait(60)]
    if "follow" in asked:
        return answer("You asked before: ", str(len(_messages(request))), " messages.")
    parts = [message_start(usage={"input_tokens": 812, "output_tokens": 1}), block_start()]
    for piece in _pieces(MARKDOWN):
        parts += [text_delta(piece), Wait(0.04)]
    return stream(*parts, block_stop(), message_delta(usage={"output_tokens": 240}), message_stop())


def _completed(asked: str) -> str:
    """Go on with the line before the cursor, where it is one that is known."""
    for line, rest in COMPLETIONS.items():
        if f"{line}<|cursor|>" in asked:
            return f"<replacement>\n{line}{rest}\n</replacement>\n"
    return "<replacement>\n</replacement>\n"


def _pieces(text: str, size: int = 24) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def _messages(request: Request) -> list[dict[str, object]]:
    messages = request.json.get("messages")
    return messages if isinstance(messages, list) else []


def _asked(request: Request) -> str:
    return json.dumps(_messages(request)[-1:])


def _seen(request: Request) -> dict[str, object]:
    return {
        "asked": _asked(request)[-600:],
        "model": request.json.get("model"),
        "key": request.headers.get("x-api-key", ""),
        "messages": len(_messages(request)),
        "isClosed": request.closed.is_set(),
        "secondsOpen": None if request.closed_at is None else request.closed_at - request.received_at,
        "ago": time.monotonic() - request.received_at,
    }


with FakeApi() as api:
    api.respond = respond
    print(api.base_url, flush=True)
    sys.stdin.read()
