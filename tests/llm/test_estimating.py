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


def test_dense_data_within_code_counts_for_itself() -> None:
    assert most_tokens(CODE + KEY) == pytest.approx(most_tokens(CODE) + most_tokens(KEY), abs=2)


def test_a_long_text_takes_time_in_proportion_to_its_length() -> None:
    assert most_tokens("x" * 1_000_000) == 400_000


def test_a_prompt_has_its_texts_and_what_goes_around_them() -> None:
    prompt = Prompt((TextBlock(CODE),), (Message("user", (TextBlock(CODE),)),))
    assert prompt_tokens(prompt) > 2 * most_tokens(CODE)
