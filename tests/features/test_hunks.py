"""The smallest edits between two texts, and a diff to read."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from missy_lsp.features.hunks import Hunk, apply, hunks, unified_diff

TEXTS = st.lists(st.sampled_from(["a\n", "b\n", "c\r\n", "d", "\r", "é😋\n", "\f\n", "\n"]), max_size=14).map("".join)


@given(TEXTS, TEXTS)
@settings(max_examples=300, deadline=None)
def test_all_hunks_give_the_new_text_and_touch_no_common_line(old: str, new: str) -> None:
    found = hunks(old, new)
    assert apply(old, found) == new
    assert all(one.end <= other.start for one, other in pairwise(found))
    for hunk in found:
        removed = old[hunk.start : hunk.end]
        assert removed != hunk.new_text
    assert hunks(old, old) == ()


@given(TEXTS, TEXTS)
@settings(max_examples=100, deadline=None)
def test_hunks_that_are_left_apply_to_what_the_others_made(old: str, new: str) -> None:
    found = hunks(old, new)[:4]
    for chosen in combinations(found, max(0, len(found) - 1)):
        between = apply(old, chosen)
        assert apply(between, hunks(between, new)) == new


def test_unchanged_lines_are_left_alone() -> None:
    assert hunks("a\nb\nc\n", "a\nx\nc\ny\n") == (Hunk(2, 4, "x\n"), Hunk(6, 6, "y\n"))


def test_very_different_texts_take_one_edit_and_no_time() -> None:
    old = "".join(f"old {number}\n" for number in range(20_000))
    new = "".join(f"new {number}\n" for number in range(20_000))
    assert hunks(f"a\n{old}z\n", f"a\n{new}z\n") == (Hunk(2, 2 + len(old), new),)


@pytest.mark.parametrize(
    ("old", "new", "first_line", "expected"),
    [
        ("a\nb\nc\n", "a\nx\nc\n", 10, "@@ -10,3 +10,3 @@\n a\n-b\n+x\n c\n"),
        ("", "x\n", 1, "@@ -0,0 +1 @@\n+x\n"),
        ("x\n", "", 1, "@@ -1 +0,0 @@\n-x\n"),
        ("a", "a\n", 1, "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n"),
        ("a\r\nb\r\n", "a\r\nx\r\n", 1, "@@ -1,2 +1,2 @@\n a\n-b\n+x\n"),
    ],
    ids=["in a document", "a new file", "emptied", "a final newline", "crlf"],
)
def test_a_diff_has_the_numbers_of_the_document(old: str, new: str, first_line: int, expected: str) -> None:
    assert unified_diff(old, new, "a.py", first_line) == f"--- a.py\n+++ a.py\n{expected}"


def test_changes_far_apart_are_shown_apart() -> None:
    old = "".join(f"{number}\n" for number in range(40))
    new = old.replace("5\n", "five\n", 1).replace("30\n", "thirty\n")
    diff = unified_diff(old, new, "n")
    assert diff.count("@@ -") == 2
    assert "@@ -28,7 +28,7 @@" in diff


def test_equal_texts_have_no_diff() -> None:
    assert unified_diff("a\n", "a\n", "n") == ""
