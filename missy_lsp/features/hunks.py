"""What lies between two texts, line by line: the smallest edits, and a diff to read."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

import attrs

from missy_lsp.document import split_lines

# Beyond so many lines that differ, finding the smallest edits takes too long: one edit covers them.
_MOST_COMPARED = 4_000
_MOST_PAIRS = 4_000_000
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

    `first_line` is the number of the first line of both texts in their document. A change of line ends alone is
    shown as such; carriage returns are left out otherwise.
    """
    old_lines, new_lines = split_lines(old), split_lines(new)
    changes = _changes(old_lines, new_lines)
    if not changes:
        return ""
    parts = [f"--- {name}\n", f"+++ {name}\n"]
    for group in _grouped(changes, context):
        parts += _group(group, old_lines, new_lines, first_line, context)
    return "".join(parts)


def _changes(old_lines: list[str], new_lines: list[str]) -> list[tuple[int, int, int, int]]:
    """Return the ranges of lines that differ: first and last of the old, first and last of the new."""
    prefix = 0
    shorter = min(len(old_lines), len(new_lines))
    while prefix < shorter and old_lines[prefix] == new_lines[prefix]:
        prefix += 1
    suffix = 0
    while suffix < shorter - prefix and old_lines[-1 - suffix] == new_lines[-1 - suffix]:
        suffix += 1
    old_end, new_end = len(old_lines) - suffix, len(new_lines) - suffix
    if prefix == old_end and prefix == new_end:
        return []
    changed, changed_to = old_lines[prefix:old_end], new_lines[prefix:new_end]
    if max(len(changed), len(changed_to)) > _MOST_COMPARED or len(changed) * len(changed_to) > _MOST_PAIRS:
        return [(prefix, old_end, prefix, new_end)]
    matcher = difflib.SequenceMatcher(None, changed, changed_to, autojunk=len(changed_to) > 500)
    return [
        (prefix + first, prefix + last, prefix + new_first, prefix + new_last)
        for tag, first, last, new_first, new_last in matcher.get_opcodes()
        if tag != "equal"
    ]


def _starts(lines: Sequence[str]) -> list[int]:
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    return starts


def _grouped(changes: list[tuple[int, int, int, int]], context: int) -> list[list[tuple[int, int, int, int]]]:
    """Put changes together whose context would touch."""
    groups: list[list[tuple[int, int, int, int]]] = []
    for change in changes:
        if groups and change[0] - groups[-1][-1][1] <= 2 * context:
            groups[-1].append(change)
        else:
            groups.append([change])
    return groups


def _group(
    group: list[tuple[int, int, int, int]], old_lines: list[str], new_lines: list[str], first_line: int, context: int
) -> list[str]:
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


def _shown(mark: str, line: str) -> str:
    content = line.rstrip("\r\n")
    if content == line:
        return f"{mark}{content}\n{_NO_LINE_END}"
    return f"{mark}{content}\n"
