"""Ordinary answers say after the filter what they said before."""

from __future__ import annotations

import pytest

from missy_lsp.markdown.filtering import MarkdownFilter, filter_markdown
from tests.support.markdown_cases import ordinary_answers
from tests.support.markdown_oracle import live_parts, rendered

ANSWERS = ordinary_answers()
every_answer = pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)


def test_there_are_ten_of_them() -> None:
    assert len(ANSWERS) >= 10


@every_answer
def test_an_ordinary_answer_keeps_its_meaning(answer: str) -> None:
    assert rendered(filter_markdown(answer)) == rendered(answer)
    assert live_parts(filter_markdown(answer)) == []


@every_answer
@pytest.mark.parametrize("size", [1, 4, 23])
def test_a_streamed_answer_is_the_same_text(answer: str, size: int) -> None:
    stream = MarkdownFilter()
    given = [stream.feed(answer[start : start + size]) for start in range(0, len(answer), size)]
    assert "".join([*given, stream.finish()]) == filter_markdown(answer)


@pytest.mark.parametrize(
    "line",
    [
        "A plain sentence, with a comma; and (brackets) or [brackets] - and a dash.",
        "Call `f(x)` and **not** *g* or `a | b`, x = y[0], snake_case_name, 2 * 3 < 7 & more, 50 % of ~5 ms.",
        "It costs $5 (or $0.003 per call) #1 @decorator C:\\dir 'quoted' \"words\" a/b e.g. i.e. v1.2.3 x->y a<=b?",
        "# Heading with `code` and C#-like words",
        "> quoted **words**",
        "- [ ] open\n- [x] done\n  1. nested\n  2. list\n     > and a quote",
        "```python\nprint('<b>')  # https://example.com\n\n\tx\n```",
        "| a | b |\n| :-- | --- |\n| `x` | y |",
    ],
    ids=["sentence", "code and signs", "prices and paths", "heading", "quote", "lists", "fence", "table"],
)
def test_what_is_written_in_the_usual_way_comes_back_letter_by_letter(line: str) -> None:
    assert filter_markdown(line) == line.replace("x->y a<=b", "x->y a&lt;=b")
