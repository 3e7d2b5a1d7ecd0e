"""Change messages of a session at random, from a seed: the source of what no polite client would send."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

Json = dict[str, Any]
_SESSION = Path(__file__).parents[1] / "data" / "protocol" / "session.json"

ODD_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 7, 1.0, 1.5, 2**31, 2**53, 2**70, 1e308),
    *("", "x", "offline", "\0", "\u2028", "\ud800", "🎈" * 50, "a" * 5000, "İ", "vault://x"),
    *("file:///", "file:///%00", "http://[::1", "file://[::1/x", "../../etc/passwd", "untitled:1"),
    *([], [None], [[]], [1, "a", {}], {}, {"": 1}, {"type_name": "x", "a b": 1}),
    *({"jsonrpc": "2.0", "id": 1, "method": "exit"}, {"line": 0, "character": 0}),
    {"start": {"line": 9, "character": 9}, "end": {"line": 0, "character": 0}},
)


@attrs.frozen
class Sent:
    """What goes out; `reply_to` is the id that has to be answered once, `is_junk` one that is answered without."""

    body: bytes
    reply_to: str | int | None = None
    is_junk: bool = False


class Mutator:
    """Make messages; the same seed makes the same ones."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self._session: dict[str, list[Json]] = json.loads(_SESSION.read_text(encoding="utf-8"))
        self._ids = iter(range(1, 10**9))

    def messages(self, count: int) -> Iterator[Sent]:
        for _ in range(count):
            yield self._message()

    def changed(self, value: Any, changes: int) -> Any:
        """Return a copy of a JSON value with some of its parts changed."""
        value = copy.deepcopy(value)
        for _ in range(changes):
            value = self._changed_once(value)
        return value

    def junk(self) -> Any:
        return copy.deepcopy(self.random.choice(ODD_VALUES))

    def _message(self) -> Sent:
        kind = self.random.random()
        if kind < 0.03:
            return self._torn()
        if kind < 0.06:
            return self._response()
        is_request = kind < 0.65
        message = {"jsonrpc": "2.0", **self._template("requests" if is_request else "notifications")}
        if self.random.random() < 0.02:
            message["method"] = self.random.choice(["no/such", "$/later", "", "x" * 1000, "textDocument/didOpen"])
        if "params" in message:
            message["params"] = self.changed(message["params"], self.random.choice([0, 0, 0, 1, 1, 2, 3, 10]))
        if not is_request:
            return Sent(_encoded(message))
        number = next(self._ids)
        message_id = self.random.choice([number, number, -number, f"id-{number}"])
        return Sent(_encoded({**message, "id": message_id}), message_id)

    def _template(self, kind: str) -> Json:
        template = self.random.choice(self._session[kind])
        if self.random.random() < 0.03:
            return {"method": template["method"]}
        return template

    def _torn(self) -> Sent:
        """Return a message that is no JSON, cut off somewhere or with a byte that is no text."""
        body = bytearray(_encoded({"jsonrpc": "2.0", "id": 1, **self._template("requests")}))
        cut = self.random.randrange(len(body) - 1)
        return Sent(bytes(body[:cut]) + self.random.choice([b"", b"\xff", b"\x00"]), is_junk=True)

    def _response(self) -> Sent:
        answered = self.random.choice(["missy-1", "missy-2", "missy-99999", 1, "x"])
        return Sent(_encoded({"jsonrpc": "2.0", "id": answered, self.random.choice(["result", "error"]): self.junk()}))

    def _changed_once(self, value: Any) -> Any:
        holders = list(_holders(value))
        if not holders or self.random.random() < 0.05:
            return self.junk()
        holder = self.random.choice(holders)
        key = self.random.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
        match self.random.randrange(6):
            case 0:
                del holder[key]
            case 1 | 2 | 3:
                holder[key] = self.junk()
            case 4 if isinstance(holder, dict):
                holder[self.random.choice(["later", "a b", "jsonrpc", "id", "uri", "range"])] = self.junk()
            case 4:
                holder.extend([holder[key]] * self.random.choice([1, 50]))
            case _:
                holder[key] = [holder[key]] if self.random.random() < 0.5 else {"value": holder[key]}
        return value


def _holders(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        if value:
            yield value
        for item in value.values() if isinstance(value, dict) else value:
            yield from _holders(item)


def _encoded(message: Json) -> bytes:
    return json.dumps(message, ensure_ascii=False).encode("utf-8", "surrogatepass").replace(b"\xed\xa0\x80", b"\\ud800")
