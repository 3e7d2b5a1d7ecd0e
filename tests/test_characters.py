"""Characters that nobody sees are found where nothing needs them, and only there."""

from __future__ import annotations

import os
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from missy_lsp.characters import invisible_characters, one_line, strip_invisible

HIDDEN = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2061"
    "\u2062\u2063\u2064\u2066\u2067\u2068\u2069\u206f\u2800\u3164\ufe0f\ufeff\uffa0\ufff9\U000e0001\U000e0041\U000e007f"
    "\U000e0100\U0001d173"
)


@pytest.mark.parametrize("character", HIDDEN, ids=lambda character: f"{ord(character):04X}")
def test_every_hidden_character_between_letters_is_found(character: str) -> None:
    [found] = invisible_characters(f"ab{character}cd")
    assert (found.offset, found.character) == (2, character)
    assert found.name.startswith(f"U+{ord(character):04X} ")
    assert strip_invisible(f"ab{character}cd") == ("abcd", 1)


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "tab\tand\nline",
        "äöü 漢字 עברית",
        "\ufeffwith a byte order mark",
        "👩\u200d👩\u200d👧\u200d👦",
        "👩🏽\u200d💻",
        "❤\ufe0f\u200d🔥",
        "1\ufe0f\u20e3",
        "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
        "می\u200cخواهم",
        "क्\u200dष",
        "葛\U000e0100",
        "e\u0301",
    ],
)
def test_what_a_text_needs_is_left(text: str) -> None:
    assert invisible_characters(text) == ()
    assert strip_invisible(text) == (text, 0)


@pytest.mark.parametrize(
    "text", ["a\ufe0f\ufe0fb", "❤\ufe0f\ufe0f\ufe0f", "x\ufeff", "\U000e0067\U000e0062\U000e007f", "👩\u200da"]
)
def test_the_same_characters_without_need_are_found(text: str) -> None:
    assert invisible_characters(text)


def test_every_format_character_of_unicode_is_known() -> None:
    """Category Cf is the least: letters that are not seen come on top (security.md, EDIT-14)."""
    signs = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD, *range(0x13430, 0x13440)}
    for code in range(0x110000):
        if unicodedata.category(chr(code)) == "Cf" and code not in signs:
            assert invisible_characters(f"ab{chr(code)}cd"), hex(code)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\nb\r\nc", "a b c"),
        ("\x1b[31mred\x1b[0m", "[31mred[0m"),
        ("a\u202eb\u200b", "ab"),
        ("  a \t b  ", "a b"),
        ("x" * 400, "x" * 299 + "…"),
        ("a\u2028b", "a b"),
        ("\ufeffa\ufeff", "a"),
    ],
)
def test_a_plain_field_is_one_visible_line(text: str, line: str) -> None:
    assert one_line(text) == line


FRAGMENTS = [
    *("a", " ", "क", "م", "漢", "👩", "❤", "🏽", "🏴", "1", "\n", "→"),
    *("\u200c", "\u200d", "\ufe0f", "\ufe0e", "\ufe00", "\ufeff", "\u202e", "\u034f", "\u180b"),
    *("\U000e0067", "\U000e007f", "\U000e0100"),
]


@settings(max_examples=20_000 if os.environ.get("MISSY_SOAK") else 300, deadline=None)
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join))
@example("क\u200c\u202ea")
@example("🏴\U000e0067\u202e\U000e0067\U000e007f")
@example("👩\u200d\u202e👩")
def test_a_text_without_its_hidden_characters_has_none(text: str) -> None:
    stripped, count = strip_invisible(text)
    assert strip_invisible(stripped) == (stripped, 0)
    assert len(stripped) == len(text) - count
