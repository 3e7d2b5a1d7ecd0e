"""A change in the form of the text that it goes into."""

from __future__ import annotations

import pytest

from missy_lsp.features.text_forms import adapted, is_same_text


@pytest.mark.parametrize(
    ("before", "after", "text", "expected"),
    [
        ("a\nb\n", "a\nc\n", "a\nb\n", ("a\nb\n", "a\nc\n")),
        ("a\nb\n", "a\nc\n", "a\r\nb\r\n", ("a\r\nb\r\n", "a\r\nc\r\n")),
        ("a\r\nb\r\n", "a\r\nc\r\n", "a\nb\n", ("a\nb\n", "a\nc\n")),
        ("a\r\nb\r\n", "a\r\nc\r\n", "x\na\nb\n", ("a\nb\n", "a\nc\n")),  # typed in since
        ("a\rb\r", "a\rc\r", "a\nb\n", ("a\nb\n", "a\nc\n")),
        ("a\r\nb\n", "a\r\nc\n", "a\nb\n", ("a\nb\n", "a\nc\n")),
        ("a\nb\n", "a\nc\n", "a\r\nb\n", ("a\nb\n", "a\nc\n")),  # of several kinds: which would be which?
        ("a\r\nb\r\n", "a\nb\n", "a\r\nb\r\n", ("a\r\nb\r\n", "a\nb\n")),
        ("a\r\nb\r\n", "a\nb\n", "a\nb\n", ("a\nb\n", "a\nb\n")),
        ("a", "a\nb", "a", ("a", "a\nb")),
        ("\ufeffa\n", "\ufeffb\n", "a\n", ("a\n", "b\n")),
        ("\ufeffa\n", "a\n", "a\n", ("a\n", "a\n")),
        ("a\n", "b\n", "\ufeffa\n", ("\ufeffa\n", "\ufeffb\n")),
        ("a\n", "\ufeffa\n", "\ufeffa\n", ("\ufeffa\n", "\ufeffa\n")),
        ("a\n", "b\n", "\ufeffa\r\n", ("\ufeffa\r\n", "\ufeffb\r\n")),
        ("\ufeffa\n", "a\n", "\ufeffa\n", ("\ufeffa\n", "a\n")),
    ],
)
def test_a_change_takes_the_byte_order_mark_and_the_line_ends_of_the_text(
    before: str, after: str, text: str, expected: tuple[str, str]
) -> None:
    assert adapted(before, after, text) == expected


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("a\nb\n", "\ufeffa\r\nb\r", True),
        ("a\n", "a\n\n", False),
        ("a\r\n", "a\n\n", False),
        ("a", "a\n", False),
        ("a\ufeff", "a", False),
    ],
)
def test_the_form_of_a_text_is_its_mark_and_its_line_ends_and_nothing_else(one: str, other: str, is_same: bool) -> None:
    assert is_same_text(one, other) is is_same
