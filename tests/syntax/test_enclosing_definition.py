"""The definition around a cursor: every grammar that comes with us, and without one by indentation."""

from __future__ import annotations

import time

import pytest

from missy_lsp.document import Span
from missy_lsp.syntax.definitions import enclosing_definition
from tests.support.syntax_cases import Case, read_cases

CASES = read_cases("enclosing")
PYTHON = "x = 1\n\n\ndef f():\n    return 1\n\n\ny = 2\n"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_innermost_definition_is_found_as_whole_lines(case: Case) -> None:
    assert case.found(enclosing_definition(case.source, case.cursor, case.language_id)) == case.expected


@pytest.mark.parametrize("end", ["\r\n", "\r"], ids=["CRLF", "CR"])
def test_line_ends_make_no_difference(end: str) -> None:
    for case in [case.with_line_ends(end) for case in CASES]:
        found = case.found(enclosing_definition(case.source, case.cursor, case.language_id))
        assert found == case.expected, case.name


@pytest.mark.parametrize("language_id", ["python", "kotlin", "markdown", "", "../evil"])
def test_an_empty_text_has_no_definition(language_id: str) -> None:
    assert enclosing_definition("", 0, language_id) in (None, Span(0, 0))
    assert enclosing_definition("\n\n", 1, language_id) is None


def test_the_end_of_the_text_is_a_place_like_others() -> None:
    text = "def f():\n    return 1"
    assert enclosing_definition(text, len(text), "python") == Span(0, len(text))
    assert enclosing_definition(f"{text}\n", len(text) + 1, "python") is None
    assert enclosing_definition(text, len(text) + 99, "python") == Span(0, len(text))


@pytest.mark.parametrize("before", ["é", "漢", "😋", "😋" * 50, "\u2028\x85", "\ud83d", "\ufeff", "\0"])
def test_offsets_are_code_points_whatever_stands_before(before: str) -> None:
    text = f"a = '{before}'; b = 1\n" + PYTHON.replace("return 1", f"return '{before}' + x")
    start, end = text.index("def f"), text.index("\n\ny") - 1
    for offset in (start, text.index("+ x"), end):
        found = enclosing_definition(text, offset, "python")
        assert found is not None
        assert text[found.start : found.end].startswith("def f():")
        assert text[found.start : found.end].endswith("+ x\n")
    assert enclosing_definition(text, text.index("b = 1"), "python") is None


def test_a_form_feed_is_no_line_end() -> None:
    text = "\f\nimport os\f\n\fdef f():\n    return 1\n\f\nx = 1\n"
    found = enclosing_definition(text, text.index("return"), "python")
    assert found is not None
    assert text[found.start : found.end] == "\fdef f():\n    return 1\n"


def test_a_form_feed_starts_the_indentation_over() -> None:
    text = "a\n  x\n\fb\n  y\n"
    assert enclosing_definition(text, text.index("x"), "unknown") == Span(0, text.index("\f"))


@pytest.mark.parametrize("language_id", ["python", "nim"])
def test_tabs_and_spaces_are_compared_by_columns(language_id: str) -> None:
    text = "def f():\n    if x:\n\treturn 1\n    return 2\n\ny = 1\n"
    assert enclosing_definition(text, text.index("return 1"), language_id) == Span(0, text.index("\ny"))


def test_a_grammar_that_is_installed_but_not_in_our_table_is_found_by_name() -> None:
    text = "class A {\n  void F() {\n    x();\n  }\n}\n"
    found = enclosing_definition(text, text.index("x()"), "c_sharp")
    assert found is not None
    assert text[found.start : found.end] == "  void F() {\n    x();\n  }\n"


@pytest.mark.parametrize("language_id", ["python", "javascript", "kotlin", "markdown"])
def test_one_line_of_5_mb_is_answered(language_id: str) -> None:
    text = "x = [" + "1, " * 1_700_000 + "]"
    assert enclosing_definition(text, 2_500_000, language_id) in (None, Span(0, len(text)))


@pytest.mark.parametrize(
    ("language_id", "text"),
    [
        ("c", "(a)*" * 300_000),
        ("javascript", "(" * 300_000),
        ("javascript", "a+" * 100_000),
        ("cpp", "a<" * 50_000),
        ("python", "[" * 300_000),
    ],
    ids=["casts", "parentheses", "sums", "comparisons", "lists"],
)
def test_endless_nesting_ends_neither_us_nor_the_process(language_id: str, text: str) -> None:
    enclosing_definition(text, len(text) // 2, language_id)


def test_a_document_above_2_mb_is_answered_by_indentation() -> None:
    text = PYTHON * 60_000
    offset = text.index("return", 1_200_000)
    found = enclosing_definition(text, offset, "python")
    assert found is not None
    assert text[found.start : found.end] == "def f():\n    return 1\n"


def test_a_megabyte_of_python_takes_less_than_a_second() -> None:
    # Measured: 0.25 s. The limit is wide, since the machine is shared.
    text = (
        PYTHON + "class A:\n    @property\n    def g(self):\n        return [x for x in self.y if x > 1]\n\n\n"
    ) * 8_500
    offset = text.index("return [", len(text) // 2)
    begin_s = time.perf_counter()
    assert enclosing_definition(text, offset, "python") is not None
    assert time.perf_counter() - begin_s < 1.5
