"""What lies between two texts, line by line: the smallest edits, and a diff to read."""

from __future__ import annotations

import difflib
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence

import attrs

from missy_lsp.characters import one_line
from missy_lsp.document import split_lines

# First and last line of the old text, first and last line of the new one; the last are not part of it.
Change = tuple[int, int, int, int]
# Beyond so many lines that differ, finding the smallest edits takes too long: one edit covers them.
_MOST_COMPARED = 4_000
_MOST_PAIRS = 4_000_000
_VISIBLE_ENDS = {"": "", "\n": "\n", "\r\n": "␍\n", "\r": "␍\n"}
_NO_LINE_END = "\\ No newline at end of file\n"


@attrs.frozen
class Hunk:
    """One edit of whole lines: what stands from `start` to `end`, offsets in the old text, becomes `new_text`."""

    start: int
    end: int
    new_text: str


def hunks(old: str, new: str) -> tuple[Hunk, ...]:
    """Return edits that turn `old` into `new` and touch no line that both have, in the order of their places.

    Each stands on its own: applying some of them leaves the others to be applied.
    """
    old_lines, new_lines = split_lines(old), split_lines(new)
    starts = _starts(old_lines)
    return tuple(
        Hunk(starts[first], starts[last], "".join(new_lines[new_first:new_last]))
        for first, last, new_first, new_last in _changes(old_lines, new_lines)
    )


def apply(old: str, chosen: Iterable[Hunk]) -> str:
    """Return a text with some of its hunks applied."""
    pieces, last = [], 0
    for hunk in sorted(chosen, key=lambda hunk: hunk.start):
        pieces += [old[last : hunk.start], hunk.new_text]
        last = hunk.end
    return "".join([*pieces, old[last:]])


def unified_diff(old: str, new: str, name: str, first_line: int = 1, context: int = 3) -> str:
    """Return the difference in the unified format; empty where there is none.

    `first_line` is the number of the first line of both texts in their document. Carriage returns are left out where
    all lines end alike, and stand as `␍` where they do not, so that a change of line ends alone can be seen.
    """
    name = one_line(name)
    old_lines, new_lines = split_lines(old), split_lines(new)
    changes = _changes(old_lines, new_lines)
    if not changes:
        return ""
    if len({_end(line) for line in (*old_lines, *new_lines)} - {""}) > 1:
        old_lines, new_lines = ([_with_visible_end(line) for line in lines] for lines in (old_lines, new_lines))
    parts = [f"--- {name}\n", f"+++ {name}\n"]
    for group in _grouped(changes, context):
        parts += _group(group, old_lines, new_lines, first_line, context)
    return "".join(parts)


def _changes(old_lines: Sequence[str], new_lines: Sequence[str]) -> list[Change]:
    """Return the ranges of lines that differ: first and last of the old, first and last of the new.

    Texts that are too long to be compared line by line are parted at lines that both have once.
    """
    whole = _trimmed(old_lines, new_lines, (0, len(old_lines), 0, len(new_lines)))
    if whole is None:
        return []
    parts = [whole] if _is_small(whole) else _parted(old_lines, new_lines, whole)
    changes: list[Change] = []
    pairs = 0
    for part in parts:
        first, last, new_first, new_last = part
        pairs += (last - first) * (new_last - new_first)
        if not _is_small(part) or pairs > _MOST_PAIRS:
            changes.append(part)
            continue
        changed, changed_to = old_lines[first:last], new_lines[new_first:new_last]
        matcher = difflib.SequenceMatcher(None, changed, changed_to, autojunk=len(changed_to) > 500)
        changes += [
            (first + at, first + end, new_first + new_at, new_first + new_end)
            for tag, at, end, new_at, new_end in matcher.get_opcodes()
            if tag != "equal"
        ]
    return changes


def _is_small(change: Change) -> bool:
    size, new_size = change[1] - change[0], change[3] - change[2]
    return max(size, new_size) <= _MOST_COMPARED and size * new_size <= _MOST_PAIRS


def _trimmed(old_lines: Sequence[str], new_lines: Sequence[str], change: Change) -> Change | None:
    """Return a range without the lines that both have at its beginning and end, None where nothing differs."""
    first, last, new_first, new_last = change
    while first < last and new_first < new_last and old_lines[first] == new_lines[new_first]:
        first, new_first = first + 1, new_first + 1
    while first < last and new_first < new_last and old_lines[last - 1] == new_lines[new_last - 1]:
        last, new_last = last - 1, new_last - 1
    return None if first == last and new_first == new_last else (first, last, new_first, new_last)


def _parted(old_lines: Sequence[str], new_lines: Sequence[str], whole: Change) -> list[Change]:
    """Return what differs between the lines that both have once and in the same order (patience diff)."""
    first, last, new_first, new_last = whole
    places: dict[str, int] = {}
    for at in range(first, last):
        places[old_lines[at]] = -1 if old_lines[at] in places else at
    counts = Counter(new_lines[new_first:new_last])
    anchors = [
        (places[line], at)
        for at, line in enumerate(new_lines[new_first:new_last], start=new_first)
        if counts[line] == 1 and places.get(line, -1) >= 0
    ]
    parts = []
    at, new_at = first, new_first
    for anchor, new_anchor in [*_rising(anchors), (last, new_last)]:
        part = _trimmed(old_lines, new_lines, (at, anchor, new_at, new_anchor))
        if part is not None:
            parts.append(part)
        at, new_at = anchor + 1, new_anchor + 1
    return parts


def _rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the longest row of pairs, in their order, whose first numbers rise."""
    ends: list[int] = []
    rows: list[int] = []
    before: list[int] = []
    for number, (value, _) in enumerate(pairs):
        size = bisect_left(ends, value)
        before.append(rows[size - 1] if size else -1)
        ends[size : size + 1] = [value]
        rows[size : size + 1] = [number]
    found = []
    number = rows[-1] if rows else -1
    while number >= 0:
        found.append(pairs[number])
        number = before[number]
    return found[::-1]


def _starts(lines: Sequence[str]) -> list[int]:
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    return starts


def _grouped(changes: list[Change], context: int) -> list[list[Change]]:
    """Put changes together whose context would touch."""
    groups: list[list[Change]] = []
    for change in changes:
        if groups and change[0] - groups[-1][-1][1] <= 2 * context:
            groups[-1].append(change)
        else:
            groups.append([change])
    return groups


def _group(group: list[Change], old_lines: list[str], new_lines: list[str], first_line: int, context: int) -> list[str]:
    old_count = len(old_lines) - (old_lines[-1] == "")
    start = max(0, group[0][0] - context)
    end = min(old_count, group[-1][1] + context)
    body: list[str] = []
    at = start
    for first, last, new_first, new_last in group:
        body += [_shown(" ", line) for line in old_lines[at:first]]
        body += [_shown("-", line) for line in old_lines[first:last] if line]
        body += [_shown("+", line) for line in new_lines[new_first:new_last] if line]
        at = last
    body += [_shown(" ", line) for line in old_lines[at:end]]
    new_start = group[0][2] - (group[0][0] - start)
    old_size = sum(line[0] in " -" for line in body)
    new_size = sum(line[0] in " +" for line in body)
    old_place = _place(start + first_line, old_size)
    return [f"@@ -{old_place} +{_place(new_start + first_line, new_size)} @@\n", *body]


def _place(line: int, count: int) -> str:
    """Write a range of lines as the format wants it: without lines, it names the one before."""
    return f"{line if count else line - 1},{count}" if count != 1 else str(line)


def _end(line: str) -> str:
    return line[len(line.rstrip("\r\n")) :]


def _with_visible_end(line: str) -> str:
    return line[: len(line) - len(_end(line))] + _VISIBLE_ENDS[_end(line)]


def _shown(mark: str, line: str) -> str:
    content = line.rstrip("\r\n")
    if content == line:
        return f"{mark}{content}\n{_NO_LINE_END}"
    return f"{mark}{content}\n"
