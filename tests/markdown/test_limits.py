"""No text takes long, however deep or large it is, and none is too odd."""

from __future__ import annotations

import os
import time

import pytest

from missy_lsp.markdown.filtering import MarkdownFilter, filter_markdown
from missy_lsp.markdown.plain import plain_text
from tests.support.markdown_cases import ordinary_answers
from tests.support.markdown_oracle import live_parts

MEGABYTE = 1_000_000
# Processor time: about a second on a quiet machine of two cores.
MAX_S = 4.0
LARGE = {
    "quotes": ">" * MEGABYTE,
    "brackets": "[" * MEGABYTE,
}
MORE = {
    "stars": "*a " * (MEGABYTE // 3),
    "rows": "|a|b|\n|-|-|\n" + "|x|y|\n" * (MEGABYTE // 6),
    "images": "![" * (MEGABYTE // 2),
    "open links": "[a](" * (MEGABYTE // 4),
    "tags": "<a " * (MEGABYTE // 3),
    "stars between letters": "a**b" * (MEGABYTE // 4),
    "backticks": "".join("`" * length + " " for length in range(1, 1400)),
    "lists": "- " * (MEGABYTE // 2) + "a",
    "numbers": "1) " * (MEGABYTE // 3) + "a",
    "short lines": "a\n" * (MEGABYTE // 2),
    "short paragraphs": "a\n\n" * (MEGABYTE // 3),
    "items": "- a b c\n" * (MEGABYTE // 8),
    "lazy quote": "> a\n" + "b\n" * (MEGABYTE // 2),
    "wide table": ("|".join("a" * 256) + "\n" + "|".join("-" * 256) + "\n" + "b\n" * 500 + "\n") * (MEGABYTE // 2000),
    "addresses": "https://a.example/" + ")" * MEGABYTE,
    "dots": "a." * (MEGABYTE // 2),
    "NUL": "\0" * MEGABYTE,
    "unseen": "a\u200d" * (MEGABYTE // 2),
    "tag characters": "\U000e0041" * MEGABYTE,
    "surrogates": "\ud800" * MEGABYTE,
    "blank lines": "\n" * MEGABYTE,
    "answers": "\n\n".join(ordinary_answers().values()) * 130,
}
CASES = {**LARGE, **MORE} if os.environ.get("MISSY_SOAK") else LARGE


@pytest.mark.parametrize("text", CASES.values(), ids=CASES)
def test_a_megabyte_is_filtered_in_bounded_time(text: str) -> None:
    start = time.process_time()
    filtered = filter_markdown(text)
    assert time.process_time() - start < MAX_S
    assert live_parts(filtered[:2_000]) == []


@pytest.mark.parametrize("text", CASES.values(), ids=CASES)
def test_a_large_text_in_small_pieces_is_filtered_in_bounded_time(text: str) -> None:
    text = text[: MEGABYTE // 20]
    start = time.process_time()
    stream = MarkdownFilter()
    for at in range(0, len(text), 40):
        stream.feed(text[at : at + 40])
    stream.finish()
    assert time.process_time() - start < MAX_S


@pytest.mark.parametrize(
    "text",
    [
        ">" * 10_000 + " [a](javascript:x)",
        "- " * 10_000 + "[a](javascript:x)",
        "[" * 10_000 + "a" + "](javascript:x)" * 10_000,
        "![" * 1_000 + "a" + "](https://X/?d=S)" * 1_000,
        "**a " * 1_000 + "b** " * 1_000,
        "<b>" * 1_000 + "x" + "</b>" * 1_000,
        "".join("  " * depth + "- a\n" for depth in range(200)),
        "".join(f"{'> ' * depth}a\n" for depth in range(200)),
    ],
    ids=["quotes", "lists", "links", "images", "emphasis", "tags", "nested lists", "nested quotes"],
)
def test_what_is_nested_too_deep_is_shown_and_not_left_out(text: str) -> None:
    filtered = filter_markdown(text)
    assert live_parts(filtered) == []
    assert "a" in filtered or "x" in filtered


def test_what_a_text_costs_too_much_to_parse_for_is_shown_as_code() -> None:
    filtered = filter_markdown("first\n\n" + "[a](command:x) ``` \n" * 20_000 + "````````\n[b](command:x)\n")
    head, _, tail = filtered.partition("````````\n")
    assert head.startswith("first\n\na (`command:`)")
    assert tail.endswith("''''''''\n[b](command:x)\n````````")
    assert "````````" not in tail.removesuffix("````````")


def test_an_open_fence_stays_open_beyond_what_is_parsed() -> None:
    text = "```py\n" + "x[0] = [1]\n" * 20_000 + "```\n\n[b](command:x)\n"
    filtered = filter_markdown(text)
    assert filtered.startswith(text[: text.index("\n\n[b]")])
    assert filtered.endswith("\n```\n\n````````\n[b](command:x)\n````````")


def test_plain_text_of_a_large_text_takes_no_time() -> None:
    start = time.process_time()
    for text in CASES.values():
        plain_text(text)
    assert time.process_time() - start < MAX_S
