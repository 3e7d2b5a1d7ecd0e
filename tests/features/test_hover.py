"""What is under the cursor, and what a model is asked about it."""

from __future__ import annotations

import hashlib
import json

import pytest

from missy_lsp.document import Snapshot
from missy_lsp.features.hover import (
    MAX_SHOWN_CHARACTERS,
    HoverTarget,
    cache_key,
    hover_markdown,
    hover_plain,
    hover_prompt,
    hover_target,
)
from missy_lsp.llm.types import Prompt

_LETTERS = str.maketrans("0123456789", "ghijklmnop")  # a name, so that a symbol may be in it
CODE = "import os\n\n\ndef total(prices):\n    return sum(prices)\n\n\nprint(total([1]))\n"


def target(text: str, marked: str = "|", language_id: str = "python", *, redact: bool = True) -> HoverTarget | None:
    """Find the symbol at the mark, which is no part of the text."""
    offset = text.index(marked)
    snapshot = Snapshot("file:///a", 1, language_id, text.replace(marked, "", 1), None, None)
    return hover_target(snapshot, offset, redact=redact)


@pytest.mark.parametrize(
    ("text", "language_id", "symbol"),
    [
        ("pri|ces = 1", "python", "prices"),
        ("|prices = 1", "python", "prices"),
        ("prices| = 1", "python", "prices"),
        ("größe|n = 1", "python", "größen"),
        ("変数| = 1", "python", "変数"),
        ("नम|स्ते = 1", "python", "नमस्ते"),
        ("नमस्ते| = 1", "python", "नमस्ते"),
        ("(cafe\u0301-|x)", "elisp", "cafe\u0301-x"),
        ("x = \u0301|1", "python", None),
        ("let $el|em = 1", "javascript", "$elem"),
        ("a-b|c", "python", "bc"),
        ("(defun my-f|un ())", "elisp", "my-fun"),
        ("x = 12|34", "python", None),
        ("a | b", "python", None),
        ("a +| b", "python", None),
        ("|", "python", None),
        ("\n|\n", "python", None),
        (f"{'x' * 150}|", "python", None),
        (f"{'x + ' * 100_000}na|me", "python", "name"),
    ],
)
def test_the_symbol_is_the_name_that_the_cursor_touches(text: str, language_id: str, symbol: str | None) -> None:
    found = target(text, language_id=language_id)
    assert (found.symbol if found else None) == symbol
    if found is not None:
        assert text.replace("|", "", 1)[found.span.start : found.span.end] == symbol


def test_the_definition_around_it_explains_a_symbol() -> None:
    found = target(CODE.replace("sum(pri", "sum(|pri"))
    assert found is not None
    assert found.shown == "def total(prices):\n    return sum(prices)\n"


@pytest.mark.parametrize("place", [0, 5_000, 9_999])
def test_of_a_long_document_only_lines_near_the_symbol_are_shown(place: int) -> None:
    lines = [f"value_{number} = {number}\n" for number in range(10_000)]
    lines[place] = f"|{lines[place]}"
    found = target("".join(lines))
    assert found is not None
    assert found.symbol == f"value_{place}"
    assert lines[place][1:] in found.shown
    assert len(found.shown) <= MAX_SHOWN_CHARACTERS + 100
    assert found.shown.endswith("\n")


def prompt(text: str, card: str = "", *, redact: bool = True) -> Prompt | None:
    found = target(text, redact=redact)
    return None if found is None else hover_prompt(found, card)


def test_the_same_code_asks_the_same_and_has_the_same_key() -> None:
    one, other = prompt(CODE.replace("sum(", "s|um(")), prompt(f"# moved\n{CODE}".replace("sum(", "su|m("))
    assert one is not None
    assert other is not None
    assert one == other
    key = cache_key(one, "anthropic", None, "model")
    assert key == cache_key(other, "anthropic", None, "model")
    changed = prompt(CODE.replace("sum(", "s|um(").replace("total", "all"))
    assert changed is not None
    others = [
        cache_key(changed, "anthropic", None, "model"),
        cache_key(one, "other", None, "model"),
        cache_key(one, "anthropic", "http://127.0.0.1:1", "model"),
        cache_key(one, "anthropic", None, "other"),
    ]
    assert len({key, *others}) == 5


def test_secrets_and_hidden_characters_are_not_sent_and_a_secret_is_no_symbol() -> None:
    secret = "ghp_" + "A1b2C3d4" * 4 + "Zz9Y"
    text = f'def f():\n    tok\u200ben = "{secret}"\n    return |token\n'
    sent = json.dumps([block.text for message in prompt(text).messages for block in message.content])  # type: ignore[union-attr]
    assert secret not in sent
    assert "\\u200b" not in sent
    assert prompt(f'token = "{secret[:9]}|{secret[9:]}"\n') is None
    assert prompt(f'token = "{secret[:9]}|{secret[9:]}"\n', redact=False) is not None


@pytest.mark.parametrize("place", ["middle", "end", "below"])
def test_a_secret_is_found_also_where_only_its_middle_is_near_the_symbol(place: str) -> None:
    lines = [hashlib.sha512(b"%d" % number).hexdigest()[:64].translate(_LETTERS) for number in range(400)]
    key = "\n".join(["-----BEGIN RSA PRIVATE KEY-----", *lines, "-----END RSA PRIVATE KEY-----"])
    marked = {"middle": f"x = {key[:14_000]}|{key[14_000:]}\n", "end": f"x = {key[:-40]}|{key[-40:]}\n"}
    asked = prompt(marked.get(place, f'x = """{key}"""\nval|ue = x\n'))
    sent = json.dumps([block.text for block in asked.messages[0].content]) if asked else ""  # type: ignore[union-attr]
    assert not [line for line in lines if line in sent]
    assert (asked is None) == (place != "below")


def test_the_name_that_a_model_gives_itself_has_nothing_live_either() -> None:
    name = "m](https://evil.example) <img src=x>\n# x"
    assert "](h" not in hover_markdown("It adds.", name)
    assert "<img" not in hover_markdown("It adds.", name)
    assert hover_plain("It adds.", name).count("\n") == 1


def test_what_is_shown_has_nothing_live_and_says_that_a_model_wrote_it() -> None:
    text = "It *adds* ![x](https://example.invalid/x.png).\n\nSee [this](command:run) and `sum`."
    markdown = hover_markdown(text, "claude-haiku-4-5")
    assert markdown.startswith("**Missy** (claude-haiku-4-5)\n\n")
    assert "](" not in markdown.replace("\\](", "")
    plain = hover_plain(text, "claude-haiku-4-5").split("\n")
    assert plain[0] == "Missy (claude-haiku-4-5)"
    assert len(plain) == 3
    assert plain[1].startswith("It adds ")
    assert "`" not in plain[2]
