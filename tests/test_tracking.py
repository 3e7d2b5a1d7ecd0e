"""Places follow their text through changes, or are given up."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from lsprotocol import types

from missy_lsp.document import Change, Position, Span
from missy_lsp.server.documents import OpenDocument, OpenDocuments
from missy_lsp.tracking import TrackedSpan, narrowed, whole_change

Edit = tuple[int, int, str]  # from, to (offsets in the text before it), new text

TEXT = "one\ntwo\nthree\n"
SPAN = Span(4, 8)  # "two\n"

CASES: dict[str, tuple[list[Edit], Span | None]] = {
    "nothing happened": ([], Span(4, 8)),
    "typed far above": ([(0, 0, "zero\n")], Span(9, 13)),
    "typed right before": ([(4, 4, "x")], Span(5, 9)),
    "typed right behind": ([(8, 8, "x")], Span(4, 8)),
    "typed below": ([(9, 9, "x")], Span(4, 8)),
    "removed above": ([(0, 4, "")], Span(0, 4)),
    "removed below": ([(8, 14, "")], Span(4, 8)),
    "typed inside": ([(5, 5, "x")], None),
    "typed inside and undone": ([(5, 5, "x"), (5, 6, "")], Span(4, 8)),
    "typed inside, undone, and its line doubled": ([(5, 5, "x"), (5, 6, ""), (8, 8, "two\n")], Span(4, 8)),
    "removed and undone": ([(4, 8, ""), (4, 4, "two\n")], Span(4, 8)),
    "removed, undone, and removed again": ([(4, 8, ""), (4, 4, "two\n"), (4, 8, "")], None),
    "removed with its surroundings and undone": ([(2, 10, ""), (2, 2, "e\ntwo\nth")], Span(4, 8)),
    "removed by and by and undone": (
        [(7, 8, ""), (6, 7, ""), (4, 6, ""), (4, 4, "tw"), (6, 6, "o\n")],
        Span(4, 8),
    ),
    "half of it removed and retyped": ([(6, 8, ""), (6, 6, "o"), (7, 7, "\n")], Span(4, 8)),
    "half of it removed, all of it typed behind": ([(6, 8, ""), (6, 6, "two\n")], None),
    "removed and typed elsewhere": ([(4, 8, ""), (0, 0, "two\n")], None),
    "cut and pasted below": ([(4, 8, ""), (10, 10, "two\n")], None),
    "the line below moved above it": ([(4, 4, "three\n"), (14, 20, "")], Span(10, 14)),
    "replaced by two of it": ([(4, 8, "two\ntwo\n")], None),
    "replaced by itself": ([(4, 8, "two\n")], Span(4, 8)),
    "its first letter doubled": ([(5, 5, "t")], None),
    "a copy of it typed inside": ([(6, 6, "two\n")], None),
    "everything removed": ([(0, 14, "")], None),
    "everything removed and put back": ([(0, 14, ""), (0, 0, TEXT)], Span(4, 8)),
    "everything removed and another text pasted": ([(0, 14, ""), (0, 0, "four\n")], None),
    "touched, then typed above": ([(5, 5, "x"), (5, 6, ""), (0, 0, "zero\n")], Span(9, 13)),
    "a formatter rewrote everything, changing what is above": ([(0, 14, "ONE\ntwo\nthree\n")], Span(4, 8)),
    "a formatter rewrote everything, changing what is around": ([(0, 14, "ONE;\ntwo\nTHREE;\n")], Span(5, 9)),
    "a formatter rewrote everything, indenting it": ([(0, 14, "one\n  two \nthree\n")], None),
    "a formatter rewrote all line ends": ([(0, 14, "one\r\ntwo\r\nthree\r\n")], None),
}

# The same for a text that has copies of it: nothing may land on one of them.
AMONG_COPIES: dict[str, tuple[str, Span, list[Edit], Span | None]] = {
    "its copy behind removed": ("a\na\n", Span(0, 2), [(2, 4, "")], Span(0, 2)),
    "its copy before removed": ("a\na\n", Span(2, 4), [(0, 2, "")], Span(0, 2)),
    "itself removed": ("a\na\n", Span(2, 4), [(2, 4, "")], None),
    "itself removed, told as the end of one line and most of the next": (
        "two\ntwo\n",
        Span(0, 4),
        [(3, 7, "")],
        None,
    ),
    "that told so and undone": ("two\ntwo\n", Span(4, 8), [(3, 7, ""), (3, 3, "\ntwo")], Span(4, 8)),
    "both rewritten, one left": ("two\nx\ntwo\n", Span(6, 10), [(0, 10, "two\n")], None),
    "both rewritten, in other surroundings": ("two\nx\ntwo\n", Span(6, 10), [(0, 10, "y\ntwo\nz\n")], None),
    "both removed and put back": ("two\nx\ntwo\n", Span(6, 10), [(0, 10, ""), (0, 0, "two\nx\ntwo\n")], Span(6, 10)),
    "both removed one by one and put back": (
        "two\nx\ntwo\n",
        Span(6, 10),
        [(4, 10, ""), (0, 4, ""), (0, 0, "two\n"), (4, 4, "x\ntwo\n")],
        Span(6, 10),
    ),
    "all rewritten, changing what is between": ("two\nx\ntwo\n", Span(6, 10), [(0, 10, "two\ny\ntwo\n")], Span(6, 10)),
    "doubled in front of it": ("two\n", Span(0, 4), [(0, 0, "two\n")], Span(4, 8)),
    "doubled behind it": ("two\n", Span(0, 4), [(4, 4, "two\n")], Span(0, 4)),
    "doubled in front of it, itself removed": ("two\n", Span(0, 4), [(0, 0, "two\n"), (4, 8, "")], None),
}


def changed(text: str, edit: Edit) -> tuple[Change, str]:
    start, end, new_text = edit
    return Change(start, text[start:end], new_text), text[:start] + new_text + text[end:]


def follow(text: str, tracked: TrackedSpan, edits: Sequence[Edit]) -> str:
    for edit in edits:
        change, text = changed(text, edit)
        tracked.apply(narrowed(change))
    return text


@pytest.mark.parametrize(("edits", "expected"), CASES.values(), ids=CASES)
def test_a_place_is_where_its_text_is(edits: list[Edit], expected: Span | None) -> None:
    tracked = TrackedSpan(SPAN.start, SPAN.end)
    text = follow(TEXT, tracked, edits)
    assert tracked.locate(text, "two\n") == expected
    shown = tracked.span
    assert 0 <= shown.start <= shown.end <= len(text), "it can be shown in any case"


@pytest.mark.parametrize(("text", "span", "edits", "expected"), AMONG_COPIES.values(), ids=AMONG_COPIES)
def test_a_copy_is_not_taken_for_it(text: str, span: Span, edits: list[Edit], expected: Span | None) -> None:
    tracked = TrackedSpan(span.start, span.end)
    original = text[span.start : span.end]
    assert tracked.locate(follow(text, tracked, edits), original) == expected


@pytest.mark.parametrize(
    ("edit", "is_touched", "shown"),
    [
        ((0, 1, ""), False, Span(3, 7)),
        ((4, 4, "x"), False, Span(5, 9)),
        ((8, 8, "x"), False, Span(4, 8)),
        ((5, 5, "x"), True, Span(4, 9)),
        ((2, 6, "x"), True, Span(3, 5)),
        ((6, 10, "x"), True, Span(4, 6)),
        ((4, 8, ""), True, Span(4, 4)),
        ((2, 10, "new\n"), True, Span(2, 6)),
    ],
    ids=[
        "above",
        "right before",
        "right behind",
        "inside",
        "over its start",
        "over its end",
        "removed",
        "replaced",
    ],
)
def test_a_place_is_shown_where_it_is_or_where_what_took_it_is(edit: Edit, is_touched: bool, shown: Span) -> None:
    tracked = TrackedSpan(SPAN.start, SPAN.end)
    change, _ = changed(TEXT, edit)
    tracked.apply(change)
    assert (tracked.is_touched, tracked.span) == (is_touched, shown)


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        ((0, 1, ""), Span(3, 3)),
        ((5, 5, "x"), Span(4, 4)),
        ((4, 4, "x"), None),
        ((3, 4, ""), None),
        ((4, 5, "x"), None),
        ((2, 7, ""), None),
        ((2, 7, TEXT[2:7]), Span(4, 4)),
        ((4, 7, TEXT[4:7]), Span(4, 4)),
    ],
    ids=[
        "above",
        "behind",
        "at it",
        "up to it",
        "from it on",
        "around it",
        "rewritten around it",
        "rewritten from it on",
    ],
)
def test_an_empty_place_is_given_up_when_it_is_touched(edit: Edit, expected: Span | None) -> None:
    tracked = TrackedSpan(4, 4)
    assert tracked.locate(follow(TEXT, tracked, [edit]), "") == expected


@pytest.mark.parametrize(
    ("text", "span", "edits", "new", "expected"),
    [
        (TEXT, SPAN, [(4, 8, "")], "", Span(4, 4)),
        (TEXT, SPAN, [(4, 6, ""), (4, 6, "")], "", Span(4, 4)),
        (TEXT, SPAN, [(0, 0, "zero\n"), (9, 13, "")], "", Span(9, 9)),
        ("a\na\n", Span(2, 4), [(0, 4, "a\n")], "", Span(2, 2)),
        (TEXT, SPAN, [(4, 8, ""), (4, 4, "x")], "", None),
        (TEXT, SPAN, [(3, 8, "")], "", None),
        (TEXT, SPAN, [(5, 8, "")], "", None),
        (TEXT, SPAN, [(0, 0, "x")], "", None),
        (TEXT, SPAN, [(4, 8, ""), (4, 4, "two\n")], "", None),
        (TEXT, SPAN, [(4, 7, "TWO")], "TWO\n", Span(4, 8)),
        (TEXT, SPAN, [(4, 7, "twice")], "TWO\n", None),
    ],
    ids=[
        "removed",
        "removed by and by",
        "moved and removed",
        "one of two removed, told as all",
        "removed, typed there",
        "more removed",
        "less removed",
        "not touched",
        "removed and put back",
        "replaced",
        "replaced by another",
    ],
)
def test_what_took_its_place_is_known_also_where_that_is_nothing(
    text: str, span: Span, edits: list[Edit], new: str, expected: Span | None
) -> None:
    tracked = TrackedSpan(span.start, span.end)
    assert tracked.locate_new(follow(text, tracked, edits), new) == expected


def test_blank_text_is_not_known_again_by_its_looks() -> None:
    tracked = TrackedSpan(3, 4)
    assert tracked.locate(follow("one\n", tracked, [(0, 4, "two\n")]), "\n") == Span(3, 4), "it was not touched"
    assert tracked.locate(follow("two\n", tracked, [(1, 4, ""), (1, 1, "\n")]), "\n") is None


def test_a_text_other_than_the_place_has_is_not_there() -> None:
    assert TrackedSpan(4, 8).locate(TEXT, "three") is None


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("abc", "abc", Change(0, "", "")),
        ("abc", "axc", Change(1, "b", "x")),
        ("", "abc", Change(0, "", "abc")),
        ("abc", "", Change(0, "abc", "")),
        ("a\na\n", "a\n", Change(0, "a\na\n", "a\n")),
        ("a\n", "a\na\n", Change(0, "a\n", "a\na\n")),
        ("xaay", "xay", Change(1, "aa", "a")),
        ("xay", "xaay", Change(1, "a", "aa")),
        ("xababy", "xaby", Change(1, "abab", "ab")),
        ("a" * 200_000 + "b" + "c" * 200_000, "a" * 200_000 + "d" + "c" * 200_000, Change(200_000, "b", "d")),
    ],
    ids=range(10),
)
def test_a_whole_text_is_reduced_to_all_that_may_have_changed(old: str, new: str, expected: Change) -> None:
    assert whole_change(old, new) == expected
    assert old[: expected.start] + expected.new_text + old[expected.end :] == new


# --- the documents that the client has open ---------------------------------------------------------

URI = "file:///a.py"


def opened(text: str) -> tuple[OpenDocuments, OpenDocument]:
    documents = OpenDocuments("utf-16")
    documents.open(types.TextDocumentItem(URI, "python", 1, text))
    document = documents.get(URI)
    assert document is not None
    return documents, document


def test_listeners_see_each_change_of_a_notification_and_the_version_with_the_last() -> None:
    documents, document = opened("a\n")
    seen: list[tuple[str, int]] = []
    document.on_change.append(lambda changed: seen.append((changed.buffer.text, changed.version)))
    start = types.Range(types.Position(0, 0), types.Position(0, 0))
    identifier = types.VersionedTextDocumentIdentifier(7, URI)
    changes = [types.TextDocumentContentChangePartial(start, text) for text in ("b", "c")]
    documents.change(types.DidChangeTextDocumentParams(identifier, changes))
    assert seen == [("ba\n", 1), ("cba\n", 7)]


def test_a_place_that_is_let_go_is_followed_no_longer() -> None:
    _, document = opened("a\n")
    kept, left = document.track(Span(0, 1)), document.track(Span(0, 1))
    document.untrack(left)
    document.untrack(left)
    document.replace_all("b\na\n")
    assert (kept.span, left.span) == (Span(2, 3), Span(0, 1))


def test_a_range_that_is_mostly_rewritten_as_it_was_touches_only_what_is_new() -> None:
    _, document = opened("two\nx\ntwo\n")
    tracked = document.track(Span(6, 10))
    document.replace(Position(0, 0), Position(3, 0), "two\nyy\ntwo\n")
    assert (tracked.is_touched, tracked.span) == (False, Span(7, 11))
