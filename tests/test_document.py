"""The text buffer against a naive model of what a client holds."""

from __future__ import annotations

import os
import random
import re
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from missy_lsp.document import Change, Position, PositionEncoding, TextBuffer, column_at, split_lines, units_before

ENCODINGS: tuple[PositionEncoding, ...] = ("utf-8", "utf-16", "utf-32")
UNIT_BYTES = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}
HALVES = "\ud83d\ude0b"  # of 😋, as an editor may send them one by one


def mend(text: str) -> str:
    """Make one character of two halves, as JSON does."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


CHARACTERS = st.sampled_from([*"ab\n\r\f\v\x85\u2028é漢😋\u0301 ", *HALVES])
TEXT = st.lists(CHARACTERS, max_size=40).map(lambda characters: mend("".join(characters)))
CASES = 10_000 if os.environ.get("MISSY_SOAK") else 100


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
        width = len(character.encode(codec, "surrogatepass")) // size
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
        ("a\f\r\nb\r\f\n\ud83d\r", ["a\f\r\n", "b\r", "\f\n", "\ud83d\r", ""]),
    ],
)
def test_only_line_feed_and_carriage_return_end_a_line(text: str, lines: list[str]) -> None:
    assert split_lines(text) == lines


def test_no_other_character_ends_a_line() -> None:
    everything = "a".join(map(chr, range(sys.maxunicode + 1)))
    suspects = {piece[-1] for piece in everything.splitlines(keepends=True)[:-1]} - {"\n", "\r"}
    assert len(suspects) >= 8, "Python splits at these"
    for character in suspects:
        assert split_lines(f"a{character}b\n") == [f"a{character}b\n", ""]


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


@pytest.mark.parametrize(
    ("before", "start", "end", "new", "change"),
    [
        ("abc\n", Position(0, 1), Position(0, 2), "X", Change(1, "b", "X")),
        ("abc\n", Position(0, 9), Position(7, 0), "X", Change(3, "\n", "X")),
        ("abc\n", Position(0, 2), Position(0, 1), "X", Change(2, "", "X")),
        ("a\r\nb\n", Position(0, 9), Position(1, 0), "", Change(1, "\r\n", "")),
        ("a\rb\n", Position(1, 0), Position(1, 1), "\n", Change(2, "b", "\n")),
        ("a\nb\nc", Position(0, 1), Position(2, 0), "", Change(1, "\nb\n", "")),
        ("a\ud83db", Position(0, 2), Position(0, 2), "\ude0b", Change(1, "\ud83d", "😋")),
        ("a\ude0bb", Position(0, 1), Position(0, 1), "\ud83d", Change(1, "\ude0b", "😋")),
        ("\ud83dxx\ude0b", Position(0, 1), Position(0, 3), "", Change(0, "\ud83dxx\ude0b", "😋")),
    ],
    ids=[
        "inside",
        "over the end",
        "turned round",
        "a whole CRLF",
        "behind CR",
        "over lines",
        "second half",
        "first half",
        "between",
    ],
)
def test_a_change_says_what_really_happened(
    before: str, start: Position, end: Position, new: str, change: Change
) -> None:
    buffer = TextBuffer(before, "utf-16")
    assert buffer.replace(start, end, new) == change
    assert buffer.text == before[: change.start] + change.new_text + before[change.end :]
    assert list(buffer.lines) == naive_lines(buffer.text)


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
        before, text = text, mend(text[:a] + new + text[b:])
        change = buffer.replace(start, end, new)
        assert before[change.start : change.end] == change.removed
        assert before[: change.start] + change.new_text + before[change.end :] == text
        assert list(buffer.lines) == naive_lines(text)
        assert buffer.text == text


@settings(max_examples=CASES, deadline=None, derandomize=True)
@given(text=TEXT, encoding=st.sampled_from(ENCODINGS), data=st.data())
def test_offsets_outside_of_line_ends_survive_the_round_trip(
    text: str, encoding: PositionEncoding, data: st.DataObject
) -> None:
    buffer = TextBuffer(text, encoding)
    offset = data.draw(st.integers(0, len(text)))
    if text[offset - 1 : offset + 1] != "\r\n":
        assert buffer.offset_at(buffer.position_at(offset)) == offset


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_places_in_a_long_document_are_right_after_many_edits(encoding: PositionEncoding) -> None:
    chance = random.Random(encoding)
    pieces = ["a\n", "é😋\r\n", "\r", "b\f\n", "\n"]
    for _ in range(100 if os.environ.get("MISSY_SOAK") else 1):
        text = "".join(chance.choices(pieces, k=3_000))
        buffer = TextBuffer(text, encoding)
        for _ in range(40):
            line = chance.randrange(buffer.line_count)
            last = line + chance.choice([0, 0, 1, 700])
            new = "".join(chance.choices(pieces, k=chance.choice([0, 1, 2, 1_500])))
            change = buffer.replace(Position(line, chance.randrange(2)), Position(last, 1), new)
            text = text[: change.start] + change.new_text + text[change.end :]
            lines = naive_lines(text)
            for _ in range(3):
                at = Position(chance.randrange(len(lines)), 0)
                offset = sum(map(len, lines[: at.line]))
                assert (buffer.offset_at(at), buffer.position_at(offset)) == (offset, at)
        assert buffer.text == text


def test_a_whole_new_text_takes_the_place_of_the_old_one() -> None:
    buffer = TextBuffer("a\n" * 2_000, "utf-16")
    assert buffer.offset_at(Position(1_900, 0)) == 3_800
    buffer.replace_all("long\n" * 2_000)
    assert buffer.offset_at(Position(1_900, 0)) == 9_500
    assert buffer.position_at(99_999) == Position(2_000, 0)
    assert buffer.position_at(-1) == Position(0, 0)
