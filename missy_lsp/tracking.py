"""Places in a text that follow it through every change: pure.

An edit of ours may only land on the very text that it was made for. So a place remembers which of its text is still
there, how far that reaches which has touched it, and what stood around it in there: a copy of its text is not taken
for it.
"""

from __future__ import annotations

from collections.abc import Callable

from missy_lsp.document import Change, Span

_PIECE = 1 << 16  # small enough for the processor's cache


class TrackedSpan:
    """A stretch of text, followed through changes.

    What is typed right before or right behind it is not part of it, until something has touched it: from then on
    all that adjoins belongs to the outer region, in which its text may come back. Nothing in the outer region is
    older than the touch but what is kept of the place itself.
    """

    def __init__(self, start: int, end: int) -> None:
        self.is_touched = False
        # From the first to the last character that has always been there; empty where none is left.
        self._kept_start = start
        self._kept_end = end
        self._outer_start = start
        self._outer_end = end
        # What the outer region has taken in on both sides, as it was then.
        self._left = ""
        self._right = ""

    @property
    def span(self) -> Span:
        """Return where it is or what is left of it, for showing: with nothing left, all that took its place."""
        if self.is_touched and self._kept_start == self._kept_end:
            return Span(self._outer_start, self._outer_end)
        return Span(self._kept_start, self._kept_end)

    def apply(self, change: Change) -> None:
        """Follow one change of the text."""
        if not change.removed and not change.new_text:
            return
        if self._is_hit_by(change):
            self.is_touched = True
            self._take_in(change)
        elif change.end <= self._outer_start:
            self._outer_start += change.growth
            self._outer_end += change.growth
        self._keep(change)

    def locate(self, text: str, original: str) -> Span | None:
        """Return where `original` stands in `text` now; None where it is gone or could be at several places.

        It is where its own characters are, or where it was when all around it is as it was (an undo), or else the only
        place for it (retyped, or written anew by a formatter), which blanks alone can't tell. An empty place that was
        touched is gone: what it stood between is no longer the same.
        """
        if text[self._kept_start : self._kept_end] == original and (original or not self.is_touched):
            return Span(self._kept_start, self._kept_end)
        if not self.is_touched or not original:
            return None
        region = text[self._outer_start : self._outer_end]
        before = f"{self._left}{original}{self._right}"
        if region == before:
            return _span_of(self._outer_start + len(self._left), original)
        if original.isspace() or not _occurs_once(original, before) or not _occurs_once(original, region):
            return None
        place = _span_of(self._outer_start + region.find(original), original)
        is_nothing_kept = self._kept_start == self._kept_end
        if is_nothing_kept or (place.start <= self._kept_start and self._kept_end <= place.end):
            return place
        return None

    def locate_new(self, text: str, new: str) -> Span | None:
        """Return where `new` has taken the place of what stood there; None where it has not, or nobody can tell.

        Where that is nothing, all around it has to be as it was.
        """
        if new:
            return self.locate(text, new)
        is_cut_out = self.is_touched and text[self._outer_start : self._outer_end] == self._left + self._right
        return _span_of(self._outer_start + len(self._left), new) if is_cut_out else None

    def _is_hit_by(self, change: Change) -> bool:
        if self.is_touched or self._outer_start == self._outer_end:
            return change.start <= self._outer_end and change.end >= self._outer_start
        return change.start < self._outer_end and change.end > self._outer_start

    def _take_in(self, change: Change) -> None:
        if change.start < self._outer_start:
            self._left = change.removed[: self._outer_start - change.start] + self._left
            self._outer_start = change.start
        if change.end > self._outer_end:
            self._right += change.removed[self._outer_end - change.end :]
            self._outer_end = change.end
        self._outer_end += change.growth

    def _keep(self, change: Change) -> None:
        if change.end <= self._kept_start:
            self._kept_start += change.growth
            self._kept_end += change.growth
        elif change.start < self._kept_end:
            behind = change.start + len(change.new_text)
            is_cut_off = change.end >= self._kept_end
            if change.start > self._kept_start:
                self._kept_end = change.start if is_cut_off else self._kept_end + change.growth
            else:
                self._kept_end = behind if is_cut_off else self._kept_end + change.growth
                self._kept_start = behind


def whole_change(old: str, new: str) -> Change:
    """Return the region that may have changed where all of `old` was replaced by `new` and no range says where.

    It lies between what the texts begin and end with in common. Where an edit could have been made at several
    places with the same result (one of two equal lines removed), the region covers them all: nobody can tell.
    """
    shorter = min(len(old), len(new))
    prefix = _common(shorter, lambda low, high: new.startswith(old[low:high], low))
    suffix = _common(shorter, lambda low, high: new.endswith(old[len(old) - high : len(old) - low], 0, len(new) - low))
    start = min(prefix, shorter - suffix)
    end = max(prefix, shorter - suffix)
    if len(old) == len(new) == prefix:
        start = end = 0
    return Change(start, old[start : end + len(old) - shorter], new[start : end + len(new) - shorter])


def narrowed(change: Change) -> Change:
    """Return a change without what it wrote anew as it was: a formatter replaces whole documents."""
    inner = whole_change(change.removed, change.new_text)
    return Change(change.start + inner.start, inner.removed, inner.new_text)


def _common(most: int, is_common: Callable[[int, int], bool]) -> int:
    """Return the greatest length up to `most` that is common: by pieces, then by halving, at the speed of C."""
    low = 0
    while low < most and is_common(low, min(low + _PIECE, most)):
        low = min(low + _PIECE, most)
    high = min(low + _PIECE, most)
    while low < high:
        middle = (low + high + 1) // 2
        if is_common(low, middle):
            low = middle
        else:
            high = middle - 1
    return low


def _occurs_once(part: str, text: str) -> bool:
    found = text.find(part)
    return found >= 0 and text.find(part, found + 1) < 0


def _span_of(start: int, text: str) -> Span:
    return Span(start, start + len(text))
