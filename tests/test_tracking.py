"""Places follow their text, or are given up; a model of the client, character by character, decides which."""

from __future__ import annotations

import os
import random

import pytest

from missy_lsp.document import Change, Position, PositionEncoding, Span, TextBuffer
from missy_lsp.tracking import TrackedSpan, whole_change

TEXT = "one\ntwo\nthree\n"
SPAN = Span(4, 8)  # "two\n"

CASES: dict[str, tuple[list[Change], Span | None]] = {
    "nothing happened": ([], Span(4, 8)),
    "typed far above": ([Change(0, 0, "zero\n")], Span(9, 13)),
    "typed right before": ([Change(4, 4, "x")], Span(5, 9)),
    "typed right behind": ([Change(8, 8, "x")], Span(4, 8)),
    "typed below": ([Change(9, 9, "x")], Span(4, 8)),
    "removed above": ([Change(0, 4, "")], Span(0, 4)),
    "typed inside": ([Change(5, 5, "x")], None),
    "typed inside and undone": ([Change(5, 5, "x"), Change(5, 6, "")], Span(4, 8)),
    "removed and undone": ([Change(4, 8, ""), Change(4, 4, "two\n")], Span(4, 8)),
    "removed with its surroundings and undone": ([Change(2, 10, ""), Change(2, 2, "e\ntwo\nth")], Span(4, 8)),
    "removed by and by and undone": (
        [Change(7, 8, ""), Change(6, 7, ""), Change(4, 6, ""), Change(4, 4, "tw"), Change(6, 6, "o\n")],
        Span(4, 8),
    ),
    "removed and typed elsewhere": ([Change(4, 8, ""), Change(0, 0, "two\n")], None),
    "cut and pasted below": ([Change(4, 8, ""), Change(10, 10, "two\n")], None),
    "replaced by two of it": ([Change(4, 8, "two\ntwo\n")], None),
    "replaced by itself": ([Change(4, 8, "two\n")], Span(4, 8)),
    "everything removed": ([Change(0, 14, "")], None),
    "everything removed and put back": ([Change(0, 14, ""), Change(0, 0, TEXT)], Span(4, 8)),
    "touched, then typed above": ([Change(5, 5, "x"), Change(5, 6, ""), Change(0, 0, "zero\n")], Span(9, 13)),
}


@pytest.mark.parametrize(("changes", "expected"), CASES.values(), ids=CASES)
def test_a_place_is_where_its_text_is(changes: list[Change], expected: Span | None) -> None:
    text, tracked = TEXT, TrackedSpan(SPAN.start, SPAN.end)
    for change in changes:
        text = text[: change.start] + change.new_text + text[change.end :]
        tracked.apply(change)
    assert tracked.locate(text, "two\n") == expected
    shown = tracked.span
    assert 0 <= shown.start <= shown.end <= len(text), "it can be shown in any case"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (Change(0, 1, ""), Span(3, 3)),
        (Change(5, 5, "x"), Span(4, 4)),
        (Change(4, 4, "x"), None),
        (Change(3, 4, ""), None),
        (Change(4, 5, "x"), None),
    ],
    ids=["above", "behind", "at it", "up to it", "from it on"],
)
def test_an_empty_place_is_given_up_when_it_is_touched(change: Change, expected: Span | None) -> None:
    tracked = TrackedSpan(4, 4)
    tracked.apply(change)
    text = TEXT[: change.start] + change.new_text + TEXT[change.end :]
    assert tracked.locate(text, "") == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("abc", "abc", Change(3, 3, "")),
        ("abc", "axc", Change(1, 2, "x")),
        ("", "abc", Change(0, 0, "abc")),
        ("abc", "", Change(0, 3, "")),
        ("a\na\n", "a\n", Change(0, 4, "a\n")),
        ("a\n", "a\na\n", Change(0, 2, "a\na\n")),
        ("xaay", "xay", Change(1, 3, "a")),
        ("xay", "xaay", Change(1, 2, "aa")),
    ],
    ids=range(8),
)
def test_a_whole_text_is_reduced_to_all_that_may_have_changed(old: str, new: str, expected: Change) -> None:
    change = whole_change(old, new)
    assert old[: change.start] + change.new_text + old[change.end :] == new
    if old != new:
        assert change == expected


# --- any edits, any client ------------------------------------------------------------------------

PIECES = ["a", "b", "\n", "\r\n", "\r", "😋", "é", "\f", "\u2028", "x = 1\n", "  ", "e\u0301", "two\n", "two\n"]
ENCODINGS: tuple[PositionEncoding, ...] = ("utf-8", "utf-16", "utf-32")
WHOLE_RUN = 10_000
CASES_HERE = WHOLE_RUN if os.environ.get("MISSY_SOAK") else WHOLE_RUN // 100


class Client:
    """A document as its editor has it: each character has a number of its own, whatever it looks like."""

    def __init__(self, text: str) -> None:
        self.characters = list(enumerate(text))
        self._next = len(text)
        self.past: list[list[tuple[int, str]]] = []

    @property
    def text(self) -> str:
        return "".join(character for _, character in self.characters)

    def edit(self, start: int, end: int, new_text: str) -> None:
        self.past.append(list(self.characters))
        new = list(enumerate(new_text, self._next))
        self._next += len(new_text)
        self.characters[start:end] = new

    def undo(self) -> None:
        self.characters = self.past.pop()

    def position(self, offset: int, encoding: PositionEncoding) -> Position | None:
        """Return the place of an offset; None between a carriage return and its line feed."""
        before, text = self.text[:offset], self.text
        if before.endswith("\r") and text[offset : offset + 1] == "\n":
            return None
        lines = before.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        width = {"utf-8": 1, "utf-16": 2, "utf-32": 4}[encoding]
        codec = {"utf-8": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}[encoding]
        return Position(len(lines) - 1, len(lines[-1].encode(codec)) // width)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_random_edits_never_lead_a_place_to_the_wrong_text(encoding: PositionEncoding) -> None:
    for case in range(CASES_HERE):
        chance = random.Random(f"{encoding} {case}")
        text = "".join(chance.choices(PIECES, k=chance.randrange(1, 30)))
        client, buffer = Client(text), TextBuffer(text, encoding)
        start, end = sorted(chance.choices(range(len(text) + 1), k=2))
        original, numbers = text[start:end], [number for number, _ in client.characters[start:end]]
        tracked = TrackedSpan(start, end)
        is_certain = True
        for _ in range(chance.randrange(1, 8)):
            is_certain &= one_edit(chance, client, buffer, tracked)
        assert buffer.text == client.text
        judge(client, tracked, original, numbers, certain=is_certain)


def one_edit(chance: random.Random, client: Client, buffer: TextBuffer, tracked: TrackedSpan) -> bool:
    """Let the client edit or undo and tell of it by range or by its whole text; say whether nobody has to guess."""
    before = client.text
    if client.past and chance.random() < 0.25:
        client.undo()
        start = end = None
    else:
        size = len(before)
        first = chance.randrange(size + 1)
        last = min(size, first + chance.choice([0, 0, 1, 3, 8]))
        start, end = client.position(first, buffer.encoding), client.position(last, buffer.encoding)
        new_text = "".join(chance.choices(PIECES, k=chance.choice([0, 1, 1, 2])))
        client.edit(first, last, new_text)
    if start is None or end is None or chance.random() < 0.3:
        change = whole_change(before, client.text)
        tracked.apply(change)
        buffer.replace_all(client.text)
        is_certain = False
    else:
        change = buffer.change_of(start, end, new_text)
        tracked.apply(change)
        buffer.replace(start, end, new_text)
        is_certain = True
    assert before[: change.start] + change.new_text + before[change.end :] == client.text
    return is_certain


def judge(client: Client, tracked: TrackedSpan, original: str, numbers: list[int], *, certain: bool) -> None:
    """Compare with what became of the very characters."""
    found = tracked.locate(client.text, original)
    here = [index for index, (number, _) in enumerate(client.characters) if number in set(numbers)]
    is_whole = len(here) == len(numbers) and here == list(range(here[0], here[0] + len(here))) if numbers else False
    if found is not None:
        assert client.text[found.start : found.end] == original
        if numbers and is_whole:
            assert found.start == here[0], "it must not land on a copy"
    elif certain and is_whole:
        assert tracked.is_touched, "what nothing touched can be found"
