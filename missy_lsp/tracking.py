"""Places in a text that follow it through every change: pure.

An edit of ours may only land on the very text that it was made for. So a place remembers whether anything touched
it, and then how far what touched it reaches: text that came back (an undo) is found in there or not at all.
"""

from __future__ import annotations

from collections.abc import Callable

from missy_lsp.document import Change, Span


class TrackedSpan:
    """A stretch of text, followed through changes.

    What is typed right before or right behind it is not part of it, until something has touched it: from then on
    all that adjoins belongs to the region in which its text may come back.
    """

    def __init__(self, start: int, end: int) -> None:
        self._start = start
        self._end = end
        self._outer_start = start
        self._outer_end = end
        self.is_touched = False

    @property
    def span(self) -> Span:
        """Return where it is, or what is left of it."""
        return Span(self._start, self._end)

    def apply(self, change: Change) -> None:
        """Follow one change of the text."""
        grown = len(change.new_text) - (change.end - change.start)
        if self._is_hit_by(change):
            self.is_touched = True
            self._outer_start = min(self._outer_start, change.start)
            self._outer_end = max(self._outer_end, change.end) + grown
        elif change.end <= self._outer_start:
            self._outer_start += grown
            self._outer_end += grown
        self._move(change, grown)

    def locate(self, text: str, original: str) -> Span | None:
        """Return where `original` stands in `text` now; None where it is gone or could be at several places.

        An empty place that was touched is gone: what it stood between is no longer the same.
        """
        if not self.is_touched:
            return self.span if text[self._start : self._end] == original else None
        if not original:
            return None
        found = text.find(original, self._outer_start, self._outer_end)
        if found < 0 or text.find(original, found + 1, self._outer_end) >= 0:
            return None
        return Span(found, found + len(original))

    def _is_hit_by(self, change: Change) -> bool:
        if self.is_touched or self._start == self._end:
            return change.start <= self._outer_end and change.end >= self._outer_start
        return change.start < self._end and change.end > self._start

    def _move(self, change: Change, grown: int) -> None:
        if change.end <= self._start:
            self._start += grown
            self._end += grown
        elif change.start < self._end:
            self._start = min(self._start, change.start)
            self._end = max(self._end, change.end) + grown


def whole_change(old: str, new: str) -> Change:
    """Return the region that may have changed where a client sent the whole text and no range.

    It lies between what the texts begin and end with in common. Where an edit could have been made at several
    places with the same result (one of two equal lines removed), the region covers them all: nobody can tell.
    """
    shorter = min(len(old), len(new))
    prefix = _common(shorter, lambda length: old[:length] == new[:length])
    suffix = _common(shorter, lambda length: old[len(old) - length :] == new[len(new) - length :])
    start = min(prefix, shorter - suffix)
    end = max(prefix, shorter - suffix)
    return Change(start, end + len(old) - shorter, new[start : end + len(new) - shorter])


def _common(most: int, is_common: Callable[[int], bool]) -> int:
    """Return the greatest length up to `most` that is common, by halving: slices are compared at the speed of C."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if is_common(middle):
            low = middle
        else:
            high = middle - 1
    return low
