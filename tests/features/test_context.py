"""What of a document is sent, and between which tags."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from missy_lsp.document import Snapshot, Span, split_lines
from missy_lsp.features import context
from missy_lsp.features.context import excerpt, selection_place, shorten, tagged
from missy_lsp.llm.estimating import about_tokens

LINES = [f"value_{number} = compute({number})\n" for number in range(1, 401)]
CODE = "import os\nfrom sys import path\n\n" + "".join(LINES)


def snapshot(text: str, start: int | None = None, end: int | None = None) -> Snapshot:
    span = None if start is None else Span(start, start if end is None else end)
    return Snapshot("file:///ws/a.py", 1, "python", text, span, "/ws/a.py")


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("a", 1),
        ("def f():\n", 3),
        ("x" * 3_500, 1_000),
        ("你好", 3),
        ("привет", 6),
        ("🎉", 2),
        ("é", 1),
        ("ab你", 3),
    ],
    ids=repr,
)
def test_tokens_are_estimated_by_script(text: str, tokens: int) -> None:
    assert about_tokens(text) == tokens


def test_a_document_that_fits_is_sent_whole() -> None:
    whole = excerpt(snapshot(CODE, 100, 200), 10_000)
    assert (whole.text, whole.left_out, whole.has_selection) == (CODE, (), True)


def test_a_long_document_is_cut_to_its_imports_and_the_lines_around_the_selection() -> None:
    start = CODE.index("value_200")
    cut = excerpt(snapshot(CODE, start, start + 9), 200)
    assert cut.text.startswith("import os\nfrom sys import path\n[lines 3-")
    assert "value_199 = compute(199)\nvalue_200 = compute(200)\nvalue_201 = compute(201)\n" in cut.text
    assert cut.has_selection
    assert about_tokens(re.sub(r"\[lines.*\n", "", cut.text)) <= 200


def test_marks_name_exactly_the_lines_that_are_missing() -> None:
    start = CODE.index("value_200")
    cut = excerpt(snapshot(CODE, start, start + 9), 300)
    lines = split_lines(CODE)
    missing = [number for first, last in cut.left_out for number in range(first, last + 1)]
    for number, line in enumerate(lines[:-1], 1):
        assert (line in cut.text) == (number not in missing) or line == "\n"
    assert cut.text.count("are left out here]") == len(cut.left_out)


def test_without_a_selection_the_head_of_a_long_document_is_sent() -> None:
    cut = excerpt(snapshot(CODE), 200)
    assert cut.text.startswith("import os\nfrom sys import path\n\nvalue_1 =")
    assert cut.text.rstrip().endswith("are left out here]")


def test_a_selection_of_more_than_half_of_the_budget_is_left_to_be_sent_beside() -> None:
    start, end = CODE.index("value_100"), CODE.index("value_300")
    cut = excerpt(snapshot(CODE, start, end), 200)
    assert not cut.has_selection
    assert "[lines 103-302 stand in the selection below]" in cut.text
    assert "value_150" not in cut.text


def test_one_endless_line_is_left_out_and_marked() -> None:
    cut = excerpt(snapshot("x" * 100_000), 100)
    assert cut.text == "[lines 1-1 are left out here]\n"


def test_a_log_keeps_its_head_and_its_tail() -> None:
    log = "".join(f"line {number}\n" for number in range(1, 1_001))
    cut = shorten(log, 100)
    assert cut.text.startswith("line 1\nline 2\n")
    assert cut.text.endswith("line 999\nline 1000\n")
    assert len(cut.left_out) == 1
    assert shorten("short\n", 100).text == "short\n"


@given(st.text(max_size=400), st.integers(0, 120), st.data())
def test_an_excerpt_never_invents_text_and_numbers_add_up(text: str, budget: int, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    cut = excerpt(snapshot(text, start, end), budget)
    lines = split_lines(text)
    if lines[-1] == "":
        lines.pop()
    marks = re.findall(r"\[lines (\d+)-(\d+) (?:are left out here|stand in the selection below)\]\n", cut.text)
    kept = len(lines) - sum(int(last) - int(first) + 1 for first, last in marks)
    assert kept >= 0
    if not marks:
        assert cut.text == text


@pytest.mark.parametrize(
    ("start", "end", "place"),
    [
        (None, None, ""),
        (0, 0, "line 1, column 1"),
        (0, 9, "line 1, column 1 to line 2, column 4"),
        (0, 6, "lines 1-1"),
        (2, 4, "line 1, column 3 to line 1, column 5"),
        (6, 18, "lines 2-3"),
    ],
)
def test_the_place_of_a_selection_is_said_with_lines_from_one(start: int | None, end: int | None, place: str) -> None:
    assert selection_place(snapshot("first\nthird\r\nfour\nfifth", start, end)) == place


def test_tags_are_the_same_for_the_same_material() -> None:
    assert tagged("document", CODE, path="a.py") == tagged("document", CODE, path="a.py")
    assert tagged("document", CODE, path="a.py") != tagged("document", CODE, path="b.py")


@given(st.text(max_size=300))
def test_nothing_in_the_material_can_end_it(text: str) -> None:
    block = tagged("document", text, path="a.py")
    name = re.match(r"<(document-[0-9a-f]{8}) ", block)
    assert name
    assert block.count(name[1]) == 2
    assert block.endswith(f"</{name[1]}>")


def test_a_document_that_holds_its_own_nonce_gets_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight digits can't be collided with in a test, one can."""
    monkeypatch.setattr(context, "_NONCE_LENGTH", 1)
    for digit in "0123456789abcdef":
        text = "0123456789abcdef".replace(digit, "")
        assert tagged("x", text) == f"<x-{digit}>\n{text}\n</x-{digit}>"


def test_attributes_can_not_break_out_of_the_tag() -> None:
    block = tagged("document", "x", path='a"> <b>\n\x1b.py', language="")
    assert block.splitlines()[0].count('"') == 2
    assert "\x1b" not in block
    assert "language" not in block
