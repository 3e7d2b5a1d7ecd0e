"""A text put in for another one: what is replaced, what stays as it was, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from missy_lsp.features.exact_edits import ExactFault, edited
from missy_lsp.features.fitting import with_line_ends_of


@pytest.mark.parametrize(
    ("text", "old", "new", "after"),
    [
        ("a\r\nb\nc\nd\r\n", "a\nb\nc\n", "a\nB\nc\n", "a\r\nB\nc\nd\r\n"),
        ("a\r\nb\nc\r\nd\n", "a\nb\nc", "a\nB\nc", "a\r\nB\nc\r\nd\n"),
        ("a\rb\nc\r\n", "a\nb\nc\n", "a\nx\nb\nc\n", "a\rx\nb\nc\r\n"),
        ("a\r\nb\nc", "a\nb\nc", "c\nx\ny", "c\nx\ny"),
        ("y\r\nb\nc", "y\nb\nc", "b\ny", "b\ny"),
        ("a\r\nb\r\n", "a\nb", "a\nB\nC", "a\r\nB\r\nC\r\n"),
    ],
)
def test_unchanged_lines_keep_their_ends_where_they_are_mixed(text: str, old: str, new: str, after: str) -> None:
    assert edited(text, old, new) == after


@pytest.mark.parametrize(
    ("text", "old", "new", "after"),
    [
        ("x = 'a\u200bb'\ny = 1\n", "x = 'ab'", "x = 'c'", "x = 'c'\ny = 1\n"),
        ("x = 'a\u200bb'\ny = 1\n", "x = 'ab'\ny = 1", "x = 'ab'\ny = 2", "x = 'a\u200bb'\ny = 2\n"),
        ("x = 'a\u200bb'\ny = 1\n", "y = 1", "y = 2", "x = 'a\u200bb'\ny = 2\n"),
        ("\u202ea\u202e\r\n\u202eb\u202ec\r\n", "a\nb", "A\nB", "\u202eA\r\nB\u202ec\r\n"),
        ("a\u200b\u200bb", "a\u200b\u200bb", "c", "c"),
        ("\u200b\u200b1\r\n2\u200b\r\n3", "2\n3", "4", "\u200b\u200b1\r\n4"),
        ("\u2764\ufe0f ok\n", "\u2764\ufe0f ok", "\u2764\ufe0f no", "\u2764\ufe0f no\n"),
    ],
)
def test_a_line_with_characters_that_nobody_sees_is_edited_as_it_is_shown(
    text: str, old: str, new: str, after: str
) -> None:
    assert edited(text, old, new) == after


@pytest.mark.parametrize(
    ("text", "old", "new", "reason"),
    [
        ("a\u200bb\nab\n", "ab", "c", "old_text stands in the file more than once."),
        ("a\u200bb\n", "a\u200b\u200bb", "c", "old_text does not stand in the file."),
        ("a\u200bb\n", "ab", "ab", "new_text is the same as old_text."),
        ("\ufeffint a;\n", "\ufeff", "", "old_text holds nothing but a byte order mark"),
        ("\ufeffint a;\n", "\ufeffint a;", "int a;", "new_text is the same as old_text."),
        ("int a;\n", "int a;", "\ufeffint a;", "new_text is the same as old_text."),
    ],
)
def test_what_can_not_be_replaced_is_refused_with_its_reason(text: str, old: str, new: str, reason: str) -> None:
    fault = edited(text, old, new)
    assert isinstance(fault, ExactFault)
    assert fault.for_model.startswith(reason)


def test_a_byte_order_mark_stays_whatever_is_written_beside_it() -> None:
    assert edited("\ufeffint a;\n", "\ufeffint a;", "int b;") == "\ufeffint b;\n"
    assert edited("\ufeffint a;\n", "int a;", "\ufeffint b;") == "\ufeffint b;\n"


TEXTS = st.lists(st.sampled_from(["a", "b", "\n", "\r", "\r\n", "\u200b"]), max_size=12).map("".join)


@given(before=TEXTS, old=TEXTS, after=TEXTS, new=TEXTS)
def test_only_what_is_named_is_replaced(before: str, old: str, after: str, new: str) -> None:
    result = edited(f"{before}<{old}>{after}", f"<{old}>", f"<{new}>")
    if isinstance(result, str):
        assert result.startswith(f"{before}<")
        assert result.endswith(f">{after}")
        if "\u200b" not in old:
            assert result[len(before) : len(result) - len(after)].splitlines() == f"<{new}>".splitlines()


@given(old=TEXTS, new=TEXTS)
def test_taking_over_line_ends_changes_no_line(old: str, new: str) -> None:
    assert with_line_ends_of(old, new).splitlines() == new.splitlines()
