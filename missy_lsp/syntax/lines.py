"""The lines of a text with the places where they start."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

import attrs

from missy_lsp.document import Span, split_lines

TAB_COLUMNS = 8
# A longer line is looked at only so far: no indentation and no head of a definition is longer.
LONGEST_LOOK = 400


@attrs.frozen
class LineTable:
    """Lines as the protocol counts them, with their ends; `starts` holds one offset more than there are lines."""

    lines: Sequence[str]
    starts: Sequence[int]

    @classmethod
    def of(cls, text: str) -> LineTable:
        lines = split_lines(text)
        return cls(lines, list(accumulate(map(len, lines), initial=0)))

    def row_of(self, offset: int) -> int:
        """Return the line that holds an offset; one outside the text is moved into it."""
        return max(0, min(bisect_right(self.starts, offset) - 1, len(self.lines) - 1))

    def whole(self, first: int, last: int) -> Span:
        """Return the span of some lines, both included, with the last one's end."""
        return Span(self.starts[first], self.starts[last + 1])

    def is_blank(self, row: int) -> bool:
        return not self.lines[row] or self.lines[row].isspace()

    def next_filled(self, row: int) -> int | None:
        """Return the first line at or after `row` that is not blank."""
        return next((at for at in range(row, len(self.lines)) if not self.is_blank(at)), None)

    def last_filled(self, row: int) -> int | None:
        """Return the last line at or before `row` that is not blank."""
        return next((at for at in range(row, -1, -1) if not self.is_blank(at)), None)

    def indent(self, row: int) -> int:
        """Return how many columns a line is indented; a form feed starts over, as in Python."""
        line = self.lines[row][:LONGEST_LOOK]
        return len(line[: len(line) - len(line.lstrip(" \t\f"))].rpartition("\f")[2].expandtabs(TAB_COLUMNS))

    def head(self, row: int) -> str:
        """Return the beginning of a line, without the white space around it."""
        return self.lines[row][:LONGEST_LOOK].strip()
