"""Find private keys in PEM form, whole blocks, also those that an excerpt cuts off at one end."""

from __future__ import annotations

import re
from collections.abc import Iterator

MAX_BLOCK_CHARS = 32_768
_MARK = "PRIVATE KEY"
_BEGIN = re.compile(r"-{4,5} ?BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)? ?-{4,5}")
_END = re.compile(r"-{4,6} ?END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)? ?-{4,5}")
_LONGEST_HEAD = 48
# What a block is written with: base64, line ends (also as escapes), indentation, the quotes and signs of a literal
# that is put together line by line or of a diff, and the `Name: value` lines of encrypted and PGP keys.
_BODY = re.compile(
    r"(?:(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset|Subject): [^\n\\]{0,120}+"
    r"|[A-Za-z0-9+/=]++|\\[nrt]|[\s\"'`,+\\#*|>]++|-(?![-\s]))*+"
)
_MATERIAL = re.compile(r"[A-Za-z0-9+/=]{24}")


def private_key_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each private key. A pair of marks without key material between them is none."""
    done = 0
    at = text.find(_MARK)
    while at >= 0:
        span = _block_at(text, at, done)
        if span is not None:
            yield span
            done = span[1]
        at = text.find(_MARK, max(at + 1, done))


def _block_at(text: str, mark: int, done: int) -> tuple[int, int] | None:
    """Return the block whose first or last line holds the mark at `mark`."""
    window = max(done, mark - _LONGEST_HEAD)
    begin = _last_around(_BEGIN, text, window, mark)
    if begin is not None:
        body = _BODY.match(text, begin.end(), begin.end() + MAX_BLOCK_CHARS)
        end = body.end() if body else begin.end()
        closing = _END.match(text, end)
        if _MATERIAL.search(text, begin.end(), end) is None:
            return None
        return (begin.start(), closing.end() if closing else _without_trailing_space(text, begin.end(), end))
    ending = _last_around(_END, text, window, mark)
    if ending is not None:
        start = _start_of_material(text, ending.start(), done)
        if _MATERIAL.search(text, start, ending.start()):
            return start, ending.end()
    return None


def _last_around(pattern: re.Pattern[str], text: str, start: int, mark: int) -> re.Match[str] | None:
    for match in pattern.finditer(text, start, mark + _LONGEST_HEAD):
        if match.start() < mark < match.end():
            return match
    return None


def _without_trailing_space(text: str, start: int, end: int) -> int:
    """Return where the material of a block without an end stops: what follows it may be other text."""
    last = start
    for run in _MATERIAL_RUN.finditer(text, start, end):
        last = run.end()
    return last


_MATERIAL_RUN = re.compile(r"[A-Za-z0-9+/=]{16,}+")
_MATERIAL_LINE = re.compile(r"-?[\s\"'`,+\\#*|>]*+[A-Za-z0-9+/=]{16,}+(?:[\s\"'`,+\\]|\\[nr])*+")


def _start_of_material(text: str, end: int, done: int) -> int:
    """Return where the lines of base64 begin that end at `end`: their first lines are not in the excerpt."""
    start = end
    floor = max(done, end - MAX_BLOCK_CHARS)
    first = True
    while start > floor:
        line_start = text.rfind("\n", floor, start - 1) + 1 or floor
        line = text[line_start:start]
        if not _MATERIAL_LINE.fullmatch(line) and not (first and (len(line) < 70 and _BODY.fullmatch(line))):
            break
        first = False
        start = line_start
    return start + len(text[start:end]) - len(text[start:end].lstrip())
