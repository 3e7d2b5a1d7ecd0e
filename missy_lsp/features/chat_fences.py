"""Which lines of a chat stand in a fenced block of code, line by line, as CommonMark (0.31, 4.5) has it."""

from __future__ import annotations

import re

_OPENS = re.compile(r"`{3,}(?=[^`]*$)|~{3,}")
_ENDS = re.compile(r"`{3,}|~{3,}")
_QUOTES = re.compile(r"(?: *>)*")
# Behind the mark of a list item stand one to four blanks; with more, its text begins with one and is indented code.
_ITEM = re.compile(r"(?:[-*+]|[0-9]{1,9}[.)])(?: {1,4}(?! )| (?= )| *$)")
_CODE_INDENT = 4


class Fence:
    """Follow lines and tell which of them stand in a fenced block of code.

    A block ends with its fence, or with the quote or the list item that it stands in.
    """

    def __init__(self) -> None:
        self._mark = ""
        self._quotes = 0
        self._column = 0
        # The columns at which the text of the list items begins that a line may belong to.
        self._items: list[int] = []

    @property
    def closing(self) -> str:
        """Return the line that would end the open fence; empty where none is open or any plain line ends it."""
        return "" if self._quotes or self._column else self._mark

    def takes(self, line: str) -> bool:
        """Tell whether a line, given without its end, is part of a fenced block; its fences are."""
        line = line.expandtabs(_CODE_INDENT)
        if self._mark and self._is_within(line):
            if self._ends(line):
                self._mark = ""
            return True
        self._open(line)
        return bool(self._mark)

    def _is_within(self, line: str) -> bool:
        if self._quotes:
            return _quotes(line) >= self._quotes
        return not line.strip() or _indent(line) >= self._column

    def _ends(self, line: str) -> bool:
        content = line.lstrip(" >") if self._quotes else line.strip()
        end = _ENDS.fullmatch(content.rstrip())
        if end is None or end[0][0] != self._mark[0] or len(end[0]) < len(self._mark):
            return False
        return bool(self._quotes) or _indent(line) - self._column < _CODE_INDENT

    def _open(self, line: str) -> None:
        """Go into the list items and quotes that a line begins with, and see whether a fence opens in there."""
        self._mark, self._quotes, self._column = "", 0, 0
        column = _indent(line)
        if column == len(line):
            return
        self._items = [item for item in self._items if item <= column]
        start = self._items[-1] if self._items else 0
        while column < len(line) and (self._quotes or column - start < _CODE_INDENT):
            if item := _ITEM.match(line, column):
                start = max(item.end(), column + 2)
                column = item.end()
                if not self._quotes:
                    self._items.append(start)
            elif line[column] == ">":
                self._quotes += 1
                column += 1
            else:
                found = _OPENS.match(line, column)
                self._mark = found[0] if found else ""
                self._column = start if found and not self._quotes else 0
                return
            column += _indent(line[column:])
        self._quotes = 0


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _quotes(line: str) -> int:
    found = _QUOTES.match(line)
    return found[0].count(">") if found else 0
