"""Hostile texts are filtered as their files say, and nothing is live in them at any moment of a stream."""

from __future__ import annotations

import pytest

from missy_lsp.markdown.filtering import MarkdownFilter, filter_markdown
from tests.support.markdown_cases import HostileText, hostile_texts
from tests.support.markdown_oracle import live_parts

CASES = hostile_texts()
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def test_there_are_as_many_cases_as_were_asked_for() -> None:
    assert len(CASES) >= 80


def test_the_judge_finds_something_live_in_most_of_them() -> None:
    assert sum(bool(live_parts(case.source)) for case in CASES) >= 75


@every_case
def test_a_hostile_text_is_filtered_as_its_file_says(case: HostileText) -> None:
    assert filter_markdown(case.source) == case.filtered


@every_case
def test_nothing_is_live_in_the_result(case: HostileText) -> None:
    assert live_parts(filter_markdown(case.source)) == []


@every_case
def test_filtering_again_changes_nothing(case: HostileText) -> None:
    assert filter_markdown(case.filtered) == case.filtered


@every_case
@pytest.mark.parametrize("size", [1, 6])
def test_nothing_is_live_at_any_moment_of_a_stream(case: HostileText, size: int) -> None:
    stream, shown = MarkdownFilter(), ""
    for start in range(0, len(case.source), size):
        piece = stream.feed(case.source[start : start + size])
        shown += piece
        assert not piece or live_parts(shown) == []
    shown += stream.finish()
    assert shown == case.filtered


@pytest.mark.parametrize(
    ("pieces", "given"),
    [
        (["Hello wor", "ld, how are ", "you?\n"], ["Hello ", "world, how ", "", "are you?"]),
        (["One line\nand an", "other one\n\n"], ["One line\nand ", "another one", ""]),
        (["Use `a", "b` and **c", "** or so\n"], ["Use ", "`ab` ", "", "and **c** or so"]),
        (["2 * x[0] is", " [a", "](u)", " b c"], ["2 * x[0] ", "", "", "is a (`u`) b ", "c"]),
        (["```py\nx =", " 1\ny\n", "```\nend\n"], ["```py", "\nx = 1\ny", "\n```", "\n\nend"]),
        (["- a\n", "- b\n", "\n- c\n"], ["", "- a", "\n- b", "\n\n- c"]),
        (["# A\n", "b\n\n", "> c\n", "\n"], ["# A", "\n\nb", "", "\n\n> c", ""]),
        (["a | b\n", "-|-\n1 | 2\n", "\n"], ["", "", "a | b\n| --- | --- |\n| 1 | 2 |", ""]),
        (["Title of it", "\n===\n", "\n"], ["Title of ", "", "it\n===", ""]),
        (["a b\r", "\nc d\r\n\r", "\ne"], ["a ", "", "b\nc d", "\n\ne"]),
    ],
    ids=["words", "lines", "marks", "brackets", "fence", "list", "blocks", "table", "underline", "carriage returns"],
)
def test_as_little_as_possible_is_held_back(pieces: list[str], given: list[str]) -> None:
    stream = MarkdownFilter()
    assert [*map(stream.feed, pieces), stream.finish()] == given


def test_a_limit_cuts_the_text_and_says_so() -> None:
    assert filter_markdown("a" * 30, limit=20) == "a" * 20 + "\n\n…"
    assert filter_markdown("```\nabc\ndef\n```\n", limit=9) == "```\nabc\nd\n```\n\n…"
    assert filter_markdown("a" * 20, limit=20) == "a" * 20


@pytest.mark.parametrize("text", ["", " \n\t\n", "\n\n\n", "[r]: /u\n", "\u200b", "\ufeff"], ids=ascii)
def test_nothing_comes_of_nothing(text: str) -> None:
    assert filter_markdown(text) == ""
