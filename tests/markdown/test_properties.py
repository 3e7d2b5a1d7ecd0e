"""Whatever a model writes and however it is cut into pieces: nothing is live, nothing fails, nothing depends on it."""

from __future__ import annotations

import os

from hypothesis import given, settings
from hypothesis import strategies as st

from missy_lsp.markdown.filtering import MarkdownFilter, filter_markdown
from missy_lsp.markdown.plain import plain_text
from tests.support.markdown_cases import ATOMS, UNSEEN_ATOMS
from tests.support.markdown_oracle import UNSEEN, live_parts

EXAMPLES = 100_000 if os.environ.get("MISSY_SOAK") else 150
hostile = st.lists(st.sampled_from((*ATOMS, *UNSEEN_ATOMS)), max_size=30).map("".join)
texts = hostile | st.text(st.characters(), max_size=60)
several = settings(max_examples=EXAMPLES, deadline=None, derandomize=EXAMPLES < 1_000)


@several
@given(texts)
def test_nothing_is_live_and_filtering_again_changes_nothing(text: str) -> None:
    filtered = filter_markdown(text)
    assert live_parts(filtered) == []
    assert filter_markdown(filtered) == filtered


@several
@given(texts, st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_pieces_of_any_size_make_the_same_text_and_are_safe_on_the_way(text: str, sizes: list[int]) -> None:
    stream, shown, start = MarkdownFilter(), "", 0
    for turn in range(len(text)):
        size = sizes[turn % len(sizes)]
        piece = stream.feed(text[start : start + size])
        shown += piece
        start += size
        assert not piece or live_parts(shown) == []
    assert shown + stream.finish() == filter_markdown(text)


@several
@given(texts, st.none() | st.integers(1, 40))
def test_plain_text_is_one_line_without_unseen_characters(text: str, limit: int | None) -> None:
    shown = plain_text(text, limit)
    assert not UNSEEN.search(shown)
    assert "\n" not in shown
    assert "](" not in shown
    assert limit is None or len(shown) <= limit
