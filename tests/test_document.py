"""The text buffer against a naive model of what a client holds."""

from __future__ import annotations

import os
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from missy_lsp.document import Position, PositionEncoding, TextBuffer, column_at, split_lines, units_before

ENCODINGS: tuple[PositionEncoding, ...] = ("utf-8", "utf-16", "utf-32")
UNIT_BYTES = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}
TEXT = st.text(alphabet="ab\n\r\f\v\x85\u2028é漢😋\u0301 ", max_size=40)
CASES = 10_000 if os.environ.get("MISSY_SOAK") else 300


def naive_lines(text: str) -> list[str]:
    parts = re.split(r"(\r\n|\n|\r)", text)
    return [content + end for content, end in zip(parts[::2], [*parts[1::2], ""], strict=True)]


def naive_offset(text: str, position: Position, encoding: PositionEncoding) -> int:
    """Walk characters as the specification describes it, clamping to the line's end."""
    lines = naive_lines(text)
    if position.line >= len(lines):
        return len(text)
    start = sum(len(line) for line in lines[: position.line])
    content = re.sub(r"[\r\n]+$", "", lines[position.line])
    codec, size = UNIT_BYTES[encoding]
    units = 0
    for index, character in enumerate(content):
        width = len(character.encode(codec)) // size
        if units + width > position.character:
            return start + index
        units += width
    return start + len(content)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", [""]),
        ("a", ["a"]),
        ("a\n", ["a\n", ""]),
        ("a\r\nb\rc\nd", ["a\r\n", "b\r", "c\n", "d"]),
        ("a\fb\x85c\u2028d\n", ["a\fb\x85c\u2028d\n", ""]),
        ("\r\r\n\n", ["\r", "\r\n", "\n", ""]),
    ],
)
def test_only_line_feed_and_carriage_return_end_a_line(text: str, lines: list[str]) -> None:
    assert split_lines(text) == lines


@pytest.mark.parametrize(
    ("before", "at", "after"),
    [
        ("a\fb\nc\n", Position(1, 0), "a\fb\nXc\n"),
        ("abc", Position(0, 99), "abcX"),
        ("abc", Position(7, 3), "abcX"),
        ("abc\r\n", Position(0, 99), "abcX\r\n"),
        ("", Position(0, 0), "X"),
    ],
)
def test_an_edit_lands_where_the_protocol_says(before: str, at: Position, after: str) -> None:
    buffer = TextBuffer(before, "utf-16")
    buffer.replace(at, at, "X")
    assert buffer.text == after


@pytest.mark.parametrize(
    ("character", "encoding", "column"),
    [(1, "utf-16", 1), (2, "utf-16", 1), (3, "utf-16", 2), (3, "utf-8", 1), (5, "utf-8", 2), (2, "utf-32", 2)],
)
def test_a_position_inside_a_character_is_before_it(character: int, encoding: PositionEncoding, column: int) -> None:
    assert column_at("a😋b\n", character, encoding) == column


def test_lone_surrogates_do_not_break_positions() -> None:
    assert column_at("\ud83dab", 2, "utf-16") == 2
    assert units_before("\ud83dab", 2, "utf-8") == 4


EDIT = st.tuples(st.integers(0, 6), st.integers(0, 12), st.integers(0, 6), st.integers(0, 12), TEXT)


@settings(max_examples=CASES, deadline=None, derandomize=True)
@given(text=TEXT, edits=st.lists(EDIT, max_size=6), encoding=st.sampled_from(ENCODINGS))
def test_any_run_of_edits_gives_the_text_of_the_naive_model(
    text: str, edits: list[tuple[int, int, int, int, str]], encoding: PositionEncoding
) -> None:
    buffer = TextBuffer(text, encoding)
    for line_a, character_a, line_b, character_b, new in edits:
        start, end = sorted([Position(line_a, character_a), Position(line_b, character_b)])
        a, b = naive_offset(text, start, encoding), naive_offset(text, end, encoding)
        assert (buffer.offset_at(start), buffer.offset_at(end)) == (a, b)
        text = text[:a] + new + text[b:]
        buffer.replace(start, end, new)
        assert buffer.text == text
        assert buffer.line_count == len(naive_lines(text))


@settings(max_examples=CASES, deadline=None, derandomize=True)
@given(text=TEXT, encoding=st.sampled_from(ENCODINGS), data=st.data())
def test_offsets_outside_of_line_ends_survive_the_round_trip(
    text: str, encoding: PositionEncoding, data: st.DataObject
) -> None:
    buffer = TextBuffer(text, encoding)
    offset = data.draw(st.integers(0, len(text)))
    if text[offset - 1 : offset + 1] != "\r\n":
        assert buffer.offset_at(buffer.position_at(offset)) == offset
