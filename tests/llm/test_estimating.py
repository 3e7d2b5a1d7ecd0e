"""`llm/estimating.py`: how many tokens a text has at most."""

from __future__ import annotations

import base64
import random

import pytest

from missy_lsp.llm.estimating import about_tokens, most_tokens, prompt_tokens
from missy_lsp.llm.types import Message, Prompt, TextBlock

CODE = "def total(prices):\n    return sum(price for price in prices if price > 0)\n" * 20
KEY = base64.b64encode(random.Random(1).randbytes(3_000)).decode()


@pytest.mark.parametrize(
    ("text", "characters_per_token"),
    [(CODE, 2.5), (KEY, 1.3), (KEY.lower(), 1.3), ("漢字を読む" * 50, 2 / 3), ("привет мир " * 50, 1.1)],
    ids=["code", "encoded data", "a hash", "Japanese", "Russian"],
)
def test_the_most_is_not_below_what_the_densest_tokenizer_makes_of_a_text(
    text: str, characters_per_token: float
) -> None:
    assert len(text) / most_tokens(text) == pytest.approx(characters_per_token, rel=0.15)
    assert most_tokens(text) >= about_tokens(text)


@pytest.mark.parametrize(
    "text",
    [
        "1,0,1,1,0," * 100,
        "[[0,1],[1,0]]," * 50,
        "0 1 1 0 " * 100,
        "1\n0\n" * 100,
        "0x3F, " * 100,
        "3.14, -2.71e-5, " * 50,
    ],
    ids=["commas", "a matrix", "spaces", "a column", "bytes", "fractions"],
)
def test_numbers_in_a_row_have_a_token_for_each_character(text: str) -> None:
    assert most_tokens(text) == pytest.approx(len(text), abs=2)
    assert most_tokens(CODE + text + CODE) == pytest.approx(2 * most_tokens(CODE) + len(text), abs=4)


def test_a_few_numbers_in_code_change_nothing() -> None:
    code = "grid[0][1], x = (1, 2), 3  # 4, 5 and 6 of 7\n" * 50
    assert most_tokens(code) == len(code) / 2.5


def test_dense_data_within_code_counts_for_itself() -> None:
    assert most_tokens(CODE + KEY) == pytest.approx(most_tokens(CODE) + most_tokens(KEY), abs=2)


def test_a_long_text_takes_time_in_proportion_to_its_length() -> None:
    assert most_tokens("x" * 1_000_000) == 400_000
    assert most_tokens("1" * 1_000_000) == 800_000
    assert most_tokens(("1," * 7 + "a") * 60_000) == 360_000


def test_a_prompt_has_its_texts_and_what_goes_around_them() -> None:
    prompt = Prompt((TextBlock(CODE),), (Message("user", (TextBlock(CODE),)),))
    assert prompt_tokens(prompt) > 2 * most_tokens(CODE)
