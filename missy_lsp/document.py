"""The text of a document and places in it: line-indexed, split only where the protocol splits.

Offsets are Python string indices (code points). A `Position` is a line and a character within it, both
0-based; its character counts the units of a `PositionEncoding` (LSP 3.17, PositionEncodingKind).
"""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from operator import itemgetter
from typing import Literal

import attrs

PositionEncoding = Literal["utf-8", "utf-16", "utf-32"]

_LINE_ENDS = frozenset("\r\n")
_MARK_EVERY_LINES = 512


@attrs.frozen
class Span:
    """A half-open stretch of text: `start` and `end` are offsets in code points, start <= end."""

    start: int
    end: int

    @property
    def is_empty(self) -> bool:
        return self.start == self.end


@attrs.frozen
class Change:
    """An edit of a text: at the offset `start` of the text before it, `removed` stood and `new_text` took its place."""

    start: int
    removed: str
    new_text: str

    @property
    def end(self) -> int:
        """Return the offset, in the text before the change, of the end of what it removed."""
        return self.start + len(self.removed)

    @property
    def growth(self) -> int:
        """Return how much longer the text became."""
        return len(self.new_text) - len(self.removed)


@attrs.frozen(order=True)
class Position:
    line: int
    character: int


@attrs.frozen
class Snapshot:
    """What a request sees of a document, taken before its first await and never changed.

    `path` is the file's path where the URI is a `file:` one; `span` is the selection, None where the
    request named none; `version` is the client's number. `base` is an earlier text of the same document that a
    request carries with the difference to `text`, None where it carries `text` itself.
    """

    uri: str
    version: int | None
    language_id: str
    text: str
    span: Span | None = None
    path: str | None = None
    base: str | None = None

    @property
    def selected(self) -> str:
        """Return the selected text, empty without a selection."""
        return "" if self.span is None else self.text[self.span.start : self.span.end]


class TextBuffer:
    """The text of one open document, changed in place by the client's edits.

    Lines are kept with their ends; the last one has none and may be empty, so that every position that
    the protocol allows has a line. They are split when they are first needed. A change costs in proportion to the
    lines it touches, not to the document; `text` is joined when it is asked for and kept until the next change.
    """

    def __init__(self, text: str, encoding: PositionEncoding) -> None:
        self.encoding: PositionEncoding = encoding
        self._text: str | None = text
        self._lines: list[str] | None = None
        self._starts = _LineStarts()

    @property
    def text(self) -> str:
        if self._text is None:
            self._text = "".join(self._split())
        return self._text

    @property
    def lines(self) -> Sequence[str]:
        """Return the lines with their ends, for reading."""
        return self._split()

    @property
    def line_count(self) -> int:
        """Return the number of lines; a text that ends in a line end has an empty one after it."""
        return len(self.lines)

    def has_line(self, line: int) -> bool:
        return 0 <= line < self.line_count

    def replace_all(self, text: str) -> None:
        """Take `text` as the whole new content."""
        self._text = text
        self._lines = None
        self._starts = _LineStarts()

    def replace(self, start: Position, end: Position, new_text: str) -> Change:
        """Replace what lies from `start` to `end` and return what was really changed.

        Positions outside the text are moved to its nearest end. Where the halves of a surrogate pair come to stand
        together they become the one character that they are for the client.
        """
        lines = self._split()
        line, column = self._locate(start)
        last, last_column = (line, column) if end <= start else self._locate(end)
        before, after = lines[line][:column], lines[last][last_column:]
        if _is_pair(before, new_text or after) or _is_pair(new_text or before, after):
            before, new_text, after = _mend(before, new_text, after)
        column, last_column = len(before), len(lines[last]) - len(after)
        change = Change(
            start=self._starts.start_of(lines, line) + column,
            removed=lines[line][column:last_column]
            if line == last
            else _between(lines, line, column, last, last_column),
            new_text=new_text,
        )
        replacement = before + new_text + after
        if line > 0 and replacement.startswith("\n") and lines[line - 1].endswith("\r"):
            # A line feed that arrives behind a carriage return makes one line end of the two.
            line -= 1
            replacement = lines[line] + replacement
        pieces = split_lines(replacement)
        if pieces[-1] == "" and last + 1 < len(lines):
            pieces.pop()
        lines[line : last + 1] = pieces
        self._starts.shift(line, last, len(pieces) - (last + 1 - line), change.growth)
        self._text = None
        return change

    def offset_at(self, position: Position) -> int:
        """Return the offset of `position`; a position outside the text is moved to its nearest end."""
        line, column = self._locate(position)
        return self._starts.start_of(self._split(), line) + column

    def position_at(self, offset: int) -> Position:
        """Return the position of `offset`, which is moved into the text where it lies outside."""
        lines = self._split()
        number, start = self._starts.line_at(lines, max(0, offset))
        return Position(number, units_before(lines[number], max(0, offset) - start, self.encoding))

    def _split(self) -> list[str]:
        if self._lines is None:
            self._lines = split_lines(self._text or "")
        return self._lines

    def _locate(self, position: Position) -> tuple[int, int]:
        lines = self._split()
        if position.line >= len(lines):
            return len(lines) - 1, len(lines[-1])
        if position.line < 0:
            return 0, 0
        return position.line, column_at(lines[position.line], position.character, self.encoding)


class _LineStarts:
    """Where lines start: remembered for one line in a few hundred, counted from there for the others.

    The lines themselves are the buffer's. Marks are made when they are first passed, so that opening a document costs
    nothing, and are moved along by changes above them.
    """

    def __init__(self) -> None:
        self._lines = [0]
        self._offsets = [0]

    def start_of(self, lines: list[str], line: int) -> int:
        """Return the offset at which `line` starts."""
        mark = bisect_right(self._lines, line) - 1
        while line - self._lines[mark] > _MARK_EVERY_LINES:
            self._add_behind(lines, mark)
            mark += 1
        return self._offsets[mark] + sum(map(len, lines[self._lines[mark] : line]))

    def line_at(self, lines: list[str], offset: int) -> tuple[int, int]:
        """Return the line that `offset` is in and the offset at which it starts; the last line behind the end."""
        mark = bisect_right(self._offsets, offset) - 1
        while self._lines_behind(lines, mark) > _MARK_EVERY_LINES:
            self._add_behind(lines, mark)
            if self._offsets[mark + 1] > offset:
                break
            mark += 1
        first = self._lines[mark]
        starts = list(accumulate(map(len, lines[first : first + _MARK_EVERY_LINES]), initial=self._offsets[mark]))
        within = min(bisect_right(starts, offset) - 1, len(lines) - 1 - first)
        return first + within, starts[within]

    def shift(self, first: int, last: int, more_lines: int, growth: int) -> None:
        """Follow a change of the lines `first` to `last`, by which the document got longer."""
        kept = bisect_right(self._lines, first)
        moved = bisect_right(self._lines, last)
        self._lines[kept:] = [line + more_lines for line in self._lines[moved:]]
        self._offsets[kept:] = [offset + growth for offset in self._offsets[moved:]]

    def _lines_behind(self, lines: list[str], mark: int) -> int:
        following = self._lines[mark + 1] if mark + 1 < len(self._lines) else len(lines)
        return following - self._lines[mark]

    def _add_behind(self, lines: list[str], mark: int) -> None:
        first = self._lines[mark]
        size = sum(map(len, lines[first : first + _MARK_EVERY_LINES]))
        self._lines.insert(mark + 1, first + _MARK_EVERY_LINES)
        self._offsets.insert(mark + 1, self._offsets[mark] + size)


def split_lines(text: str) -> list[str]:
    """Split at line feed, carriage return or both, ends kept; a last line without an end always follows.

    `str.splitlines` is the quickest, but also splits at form feeds and other characters, which the protocol does not
    (LSP 3.17, TextDocument: EOL); `StringIO` knows the same three line ends as the protocol.
    """
    lines = text.splitlines(keepends=True)
    if not _LINE_ENDS.issuperset(map(itemgetter(-1), lines[:-1])):
        lines = list(io.StringIO(text, newline=""))
    if not lines or lines[-1][-1] in _LINE_ENDS:
        lines.append("")
    return lines


def column_at(line: str, character: int, encoding: PositionEncoding) -> int:
    """Return the index in `line` of the unit `character`: before the line's end, before a split character."""
    if character <= 0:
        return 0
    content = line.rstrip("\r\n") if line.endswith(("\n", "\r")) else line
    if encoding == "utf-32" or line.isascii():
        return min(character, len(content))
    content = content[:character]  # each is a unit or more
    if encoding == "utf-16":
        units = content.encode("utf-16-le", "surrogatepass")
        if len(units) == 2 * len(content) or 2 * character >= len(units):
            return min(character, len(content))
        in_pair = 0xD8 <= units[2 * character - 1] <= 0xDB and 0xDC <= units[2 * character + 1] <= 0xDF
        end = 2 * (character - 1) if in_pair else 2 * character
        return len(units[:end].decode("utf-16-le", "surrogatepass"))
    encoded = content.encode("utf-8", "surrogatepass")
    end = min(character, len(encoded))
    while end < len(encoded) and encoded[end] & 0xC0 == 0x80:
        end -= 1
    return len(encoded[:end].decode("utf-8", "surrogatepass"))


def units_before(line: str, column: int, encoding: PositionEncoding) -> int:
    """Return how many units of `encoding` lie before the index `column` of `line`, its end not counted."""
    content = line.rstrip("\r\n") if line.endswith(("\n", "\r")) else line
    before = content[:column]
    if encoding == "utf-32" or before.isascii():
        return len(before)
    if encoding == "utf-16":
        return len(before.encode("utf-16-le", "surrogatepass")) // 2
    return len(before.encode("utf-8", "surrogatepass"))


def _between(lines: list[str], line: int, column: int, last: int, last_column: int) -> str:
    return "".join([lines[line][column:], *lines[line + 1 : last], lines[last][:last_column]])


def _is_pair(before: str, after: str) -> bool:
    return "\ud800" <= before[-1:] <= "\udbff" and "\udc00" <= after[:1] <= "\udfff"


def _mend(before: str, new_text: str, after: str) -> tuple[str, str, str]:
    """Take halves of surrogate pairs that meet at the ends of `new_text` into it, as whole characters."""
    low = after[:1] if _is_pair(new_text or before, after) else ""
    high = before[-1:] if _is_pair(before, new_text or after) else ""
    whole = (high + new_text + low).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return before[: len(before) - len(high)], whole, after[len(low) :]
