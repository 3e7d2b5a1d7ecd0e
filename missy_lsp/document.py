"""The text of a document and places in it: line-indexed, split only where the protocol splits.

Offsets are Python string indices (code points). A `Position` is a line and a character within it, both
0-based; its character counts the units of a `PositionEncoding` (LSP 3.17, PositionEncodingKind).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import attrs

PositionEncoding = Literal["utf-8", "utf-16", "utf-32"]


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
    """An edit of a text: what stood from `start` to `end`, offsets in the text before it, became `new_text`."""

    start: int
    end: int
    new_text: str


@attrs.frozen(order=True)
class Position:
    line: int
    character: int


@attrs.frozen
class Snapshot:
    """What a request sees of a document, taken before its first await and never changed.

    `path` is the file's path where the URI is a `file:` one; `span` is the selection, None where the
    request named none; `version` is the client's number.
    """

    uri: str
    version: int | None
    language_id: str
    text: str
    span: Span | None = None
    path: str | None = None

    @property
    def selected(self) -> str:
        """Return the selected text, empty without a selection."""
        return "" if self.span is None else self.text[self.span.start : self.span.end]


class TextBuffer:
    """The text of one open document, changed in place by the client's edits.

    Lines are kept with their ends; the last one has none and may be empty, so that every position that
    the protocol allows has a line. A change costs in proportion to the lines it touches, not to the
    document; `text` is joined when it is asked for and kept until the next change. Offsets are counted from a
    remembered line start near the last change.
    """

    def __init__(self, text: str, encoding: PositionEncoding) -> None:
        self.encoding: PositionEncoding = encoding
        self._lines = split_lines(text)
        self._text: str | None = text
        self._mark = (0, 0)  # a line and the offset of its start

    @property
    def text(self) -> str:
        if self._text is None:
            self._text = "".join(self._lines)
        return self._text

    @property
    def lines(self) -> Sequence[str]:
        """Return the lines with their ends, for reading."""
        return self._lines

    @property
    def line_count(self) -> int:
        """Return the number of lines; a text that ends in a line end has an empty one after it."""
        return len(self._lines)

    def replace_all(self, text: str) -> None:
        """Take `text` as the whole new content."""
        self._lines = split_lines(text)
        self._text = text
        self._mark = (0, 0)

    def change_of(self, start: Position, end: Position, new_text: str) -> Change:
        """Return what `replace` with the same arguments is going to do, in offsets."""
        after = self.offset_at(max(start, end))
        return Change(self.offset_at(start), after, new_text)

    def replace(self, start: Position, end: Position, new_text: str) -> None:
        """Replace what lies from `start` to `end`; positions outside the text are moved to its nearest end."""
        lines = self._lines
        start_line, start_column = self._locate(start)
        end_line, end_column = self._locate(max(start, end))
        prefix = lines[start_line][:start_column]
        if not prefix and start_line > 0 and lines[start_line - 1].endswith("\r"):
            # A line feed that arrives behind a carriage return makes one line end of the two.
            start_line -= 1
            prefix = lines[start_line]
        replacement = prefix + new_text + lines[end_line][end_column:]
        if replacement.endswith("\r") and end_line + 1 < len(lines) and lines[end_line + 1].startswith("\n"):
            end_line += 1
            replacement += lines[end_line]
        pieces = split_lines(replacement)
        if pieces[-1] == "" and end_line + 1 < len(lines):
            pieces.pop()
        lines[start_line : end_line + 1] = pieces
        self._text = None
        if self._mark[0] > start_line:
            self._mark = (0, 0)

    def has_line(self, line: int) -> bool:
        return 0 <= line < len(self._lines)

    def offset_at(self, position: Position) -> int:
        """Return the offset of `position`; a position outside the text is moved to its nearest end."""
        line, column = self._locate(position)
        return self._start_of(line) + column

    def position_at(self, offset: int) -> Position:
        """Return the position of `offset`, which is moved into the text where it lies outside."""
        offset = max(0, offset)
        number, start = self._mark
        while number > 0 and start > offset:
            number -= 1
            start -= len(self._lines[number])
        last = len(self._lines) - 1
        while number < last and offset >= start + len(self._lines[number]):
            start += len(self._lines[number])
            number += 1
        self._mark = (number, start)
        line = self._lines[number]
        return Position(number, units_before(line, min(offset - start, len(line)), self.encoding))

    def _start_of(self, line: int) -> int:
        """Return the offset of a line's start, counted from the mark, which moves there."""
        number, start = self._mark
        if line >= number:
            start += sum(map(len, self._lines[number:line]))
        elif line < number // 2:
            start = sum(map(len, self._lines[:line]))
        else:
            start -= sum(map(len, self._lines[line:number]))
        self._mark = (line, start)
        return start

    def _locate(self, position: Position) -> tuple[int, int]:
        if position.line >= len(self._lines):
            return len(self._lines) - 1, len(self._lines[-1])
        if position.line < 0:
            return 0, 0
        return position.line, column_at(self._lines[position.line], position.character, self.encoding)


def split_lines(text: str) -> list[str]:
    """Split at line feed, carriage return or both, ends kept; a last line without an end always follows.

    `str.splitlines` also splits at form feeds and other characters, which the protocol does not (LSP 3.17,
    TextDocument: EOL); what it has parted there is joined again.
    """
    pieces = text.splitlines(keepends=True)
    lines: list[str] = pieces
    if any(piece[-1] not in "\r\n" for piece in pieces[:-1]):
        lines = []
        parted: list[str] = []
        for piece in pieces:
            parted.append(piece)
            if piece[-1] in "\r\n":
                lines.append("".join(parted))
                parted = []
        if parted:
            lines.append("".join(parted))
    if not lines or lines[-1][-1] in "\r\n":
        lines.append("")
    return lines


def column_at(line: str, character: int, encoding: PositionEncoding) -> int:
    """Return the index in `line` of the unit `character`: before the line's end, before a split character."""
    content = line.rstrip("\r\n") if line.endswith(("\n", "\r")) else line
    if character <= 0:
        return 0
    if encoding == "utf-32" or line.isascii():
        return min(character, len(content))
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
