"""Where the keys of a half-typed configuration file stand, told by indentation: the strict reader refuses such files.

Block mappings, lists and flow collections that end in their line are understood. A flow collection over several lines
is not: nothing is said inside of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal

import attrs

DocumentKind = Literal["user", "workspace", "action"]
Path = tuple[str, ...]

MAX_LINE_CHARACTERS = 2000
_DASHES = re.compile(r"^\s*(- +|-$)*")
_MARK = "---"


@attrs.frozen
class KeySpot:
    """A key with its place in its line (columns in code points) and the keys that it stands below."""

    path: Path
    line: int
    start: int
    end: int

    @property
    def name(self) -> str:
        return self.path[-1]


@attrs.frozen
class CursorSpot:
    """What is being written at a cursor: a key of the mapping `path`, or the value of `path` where `is_value`.

    `start` is the column of the word's beginning.
    """

    path: Path
    is_value: bool
    start: int


@attrs.define
class _Scan:
    """One line up to a column: its keys with the flow mappings they stand in, and what its end is in."""

    keys: list[tuple[Path, int, int]] = attrs.Factory(list)
    stack: list[str] = attrs.Factory(list)
    closers: list[str] = attrs.Factory(list)
    key: str | None = None
    begin: int = 0
    in_comment: bool = False
    is_closed: bool = False


def keys_of_line(lines: Sequence[str], line: int) -> Iterator[KeySpot]:
    """Yield the keys that a line holds, from the left."""
    text = _text(lines, line)
    for inner, start, end in _scan(text).keys:
        yield KeySpot((*_parents(lines, line, _indent(text)), *inner), line, start, end)


def all_keys(lines: Sequence[str]) -> Iterator[KeySpot]:
    """Yield every key of a document."""
    for line in range(len(lines)):
        yield from keys_of_line(lines, line)


def cursor_at(lines: Sequence[str], line: int, column: int) -> CursorSpot | None:
    """Return what is being written at a place, None in a comment or behind a closed value."""
    prefix = _text(lines, line)[:column]
    found = _scan(prefix)
    if found.in_comment or found.is_closed:
        return None
    rest = prefix[found.begin :]
    start = found.begin + len(rest) - len(rest.lstrip(" \"'"))
    indent = _indent(prefix) if prefix.strip() else column
    path = (*_parents(lines, line, indent), *found.stack)
    if found.key is not None:
        return CursorSpot((*path, found.key), True, start)
    is_item = bool(found.closers and found.closers[-1] == "]") or _has_dash(prefix)
    return CursorSpot(path, is_item, start)


def front_matter(lines: Sequence[str]) -> range:
    """Return the lines between the two marks of an action file; to its end where the second one is not there yet."""
    if not lines or lines[0].rstrip() != _MARK:
        return range(0)
    last = next((number for number in range(1, len(lines)) if lines[number].rstrip() == _MARK), len(lines))
    return range(1, last)


def last_line_of_entry(lines: Sequence[str], line: int) -> int:
    """Return the last line of the block entry whose key or dash stands in `line`."""
    indent, last = _indent(_text(lines, line)), line
    for number in range(line + 1, len(lines)):
        text = _text(lines, number)
        if not text.strip():
            continue
        is_list_of_it = _has_dash(text) and _indent(text) == indent and not _has_dash(_text(lines, line))
        if _indent(text) <= indent and not is_list_of_it:
            break
        last = number
    return last


def _scan(text: str) -> _Scan:
    found = _Scan()
    found.begin = len(text) - len(_DASHES.sub("", text, count=1))
    quote = ""
    for index, character in enumerate(text):
        if index < found.begin and not found.keys:
            continue
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'" and not text[found.begin : index].strip():
            quote = character
        elif character == "#" and (index == 0 or text[index - 1].isspace()):
            found.in_comment = True
            break
        elif character == ":" and found.key is None and (index + 1 == len(text) or text[index + 1].isspace()):
            _take_key(found, text, index)
        elif character in "{}[],":
            _take_flow(found, text, character, index)
    if text.lstrip().startswith("#"):
        found.in_comment = True
    return found


def _take_key(found: _Scan, text: str, index: int) -> None:
    written = text[found.begin : index]
    start = found.begin + len(written) - len(written.lstrip())
    name = written.strip().strip("\"'")
    if not name:
        return
    found.keys.append(((*found.stack, name), start, start + len(written.strip())))
    found.key, found.begin = name, index + 1


def _take_flow(found: _Scan, text: str, character: str, index: int) -> None:
    is_at_start = not text[found.begin : index].strip()
    if character in "{[" and is_at_start:
        found.closers.append("}" if character == "{" else "]")
        found.stack.append(found.key or "")
        found.key, found.begin = None, index + 1
    elif found.closers and character == found.closers[-1]:
        found.closers.pop()
        found.key, found.begin = found.stack.pop(), index + 1
        found.is_closed = True
    elif found.closers and character == ",":
        found.key, found.begin, found.is_closed = None, index + 1, False


def _parents(lines: Sequence[str], line: int, indent: int) -> Path:
    """Return the keys above a line that it stands below, the outermost first."""
    path: list[str] = []
    # A list may stand as far to the left as its key does.
    limit = indent + 1 if line < len(lines) and _has_dash(_text(lines, line)) else indent
    for number in range(line - 1, -1, -1):
        if limit <= 0:
            break
        text = _text(lines, number)
        if not text.strip() or text.lstrip().startswith("#") or _indent(text) >= limit:
            continue
        keys = _scan(text).keys
        if keys and not _has_dash(text):
            path.append(keys[0][0][-1])
            limit = _indent(text)
    return tuple(reversed(path))


def _text(lines: Sequence[str], line: int) -> str:
    return lines[line].rstrip("\r\n")[:MAX_LINE_CHARACTERS] if 0 <= line < len(lines) else ""


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip(" "))


def _has_dash(text: str) -> bool:
    return text.lstrip(" ").startswith("- ") or text.strip() == "-"
