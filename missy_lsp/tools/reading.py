"""read_file: lines of one text file, from the editor's buffer where it is open there."""

from __future__ import annotations

import json
import os
import time

import attrs

from missy_lsp.document import split_lines
from missy_lsp.tools.decoding import UTF_16_MARKS, decoded, is_binary
from missy_lsp.tools.locating import Location, open_file
from missy_lsp.tools.outcome import ToolOutcome, ToolRefusedError

MAX_READ_BYTES = 256 * 1024
MAX_EDITED_BYTES = 1024 * 1024
MAX_SECONDS = 2.0
_MAX_SCANNED_BYTES = 64 * 1024 * 1024
_MAX_NOTEBOOK_BYTES = 8 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024
_SNIFFED_BYTES = 8 * 1024
_MAX_LINE = 2_000
# What a line number and its tab may take.
_NUMBER_BYTES = 8


@attrs.frozen
class Passage:
    """Consecutive lines of a file, the first of them number `start` (1-based).

    `line_count` is None where the end of the file was not looked at; `is_cut` says that the limit of one read
    ended the passage; `is_lossy` that some bytes were no valid text and were replaced.
    """

    lines: list[str]
    start: int
    line_count: int | None
    is_cut: bool = False
    is_lossy: bool = False


def read_file(
    location: Location, open_text: str | None, start_line: int, end_line: int | None, *, is_draft: bool = False
) -> ToolOutcome | None:
    """Return the lines asked for, numbered; None where there is no such file.

    `open_text` stands for what is on the disk: an editor's text, or a draft with the model's own edits.
    """
    passage = _passage(location, open_text, start_line, end_line)
    if passage is None:
        return None
    name = location.name
    if not passage.lines:
        if start_line == 1:
            return ToolOutcome(f"{name} is empty.", False, f"read {name} (empty)")
        has = "" if passage.line_count is None else f": {name} has {passage.line_count} lines"
        raise ToolRefusedError(f"There is no line {start_line}{has}.")
    last = passage.start + len(passage.lines) - 1
    head = f"{name} lines {passage.start}-{last}"
    if passage.line_count is not None:
        head += f" of {passage.line_count}"
    if open_text is not None:
        head += " (with your edits)" if is_draft else " (as open in the editor)"
    notes = ["[some bytes are not valid text and were replaced by \ufffd]"] if passage.is_lossy else []
    body = [_numbered(number, line) for number, line in enumerate(passage.lines, passage.start)]
    if passage.is_cut:
        notes.append(f"[truncated: one read gives {MAX_READ_BYTES // 1024} KiB; read on with start_line={last + 1}]")
    return ToolOutcome("\n".join([head, *body, *notes]), False, f"read {name} lines {passage.start}-{last}")


def text_of(location: Location, max_bytes: int) -> tuple[str, bool] | None:
    """Return the first bytes of a text file as text and whether there are more; None for a missing or binary one."""
    descriptor = open_file(location)
    if descriptor is None:
        return None
    with os.fdopen(descriptor, "rb") as file:
        try:
            data = file.read(max_bytes + 1)
        except OSError:
            return None
    if is_binary(data[:_SNIFFED_BYTES]):
        return None
    return decoded(data[:max_bytes])[0], len(data) > max_bytes


def editable_text(location: Location) -> str | None:
    """Return all of a file's text as it stands on the disk, None where there is no such file.

    Raises ToolRefusedError for one that an edit could harm: too large, binary, not UTF-8, a notebook.
    """
    descriptor = open_file(location)
    if descriptor is None:
        return None
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        try:
            data = _read_up_to(file.fileno(), MAX_EDITED_BYTES + 1)
        except OSError:
            return None
    refuse_uneditable(location, len(data))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise ToolRefusedError(f"{location.name} is no UTF-8 text; it can't be edited.")
    return text


def refuse_uneditable(location: Location, size: int) -> None:
    """Raise ToolRefusedError for a file that is not edited, whatever it holds."""
    if size > MAX_EDITED_BYTES:
        raise ToolRefusedError(f"{location.name} has more than {MAX_EDITED_BYTES // 1024} KiB; it can't be edited.")
    if location.name.lower().endswith(".ipynb"):
        raise ToolRefusedError(
            f"{location.name} is a notebook, which is not read as it is written; it can't be edited."
        )


def _passage(location: Location, open_text: str | None, start_line: int, end_line: int | None) -> Passage | None:
    if open_text is not None:
        return _of_text(open_text, False, start_line, end_line)
    descriptor = open_file(location)
    if descriptor is None:
        return None
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        try:
            head = _read_up_to(file.fileno(), MAX_READ_BYTES + 1)
            if is_binary(head[:_SNIFFED_BYTES]):
                raise ToolRefusedError(f"{location.name} is a binary file; only text is read.")
            if location.name.lower().endswith(".ipynb"):
                whole = head + _read_up_to(file.fileno(), _MAX_NOTEBOOK_BYTES)
                return _of_notebook(location, whole, start_line, end_line)
            if len(head) <= MAX_READ_BYTES:
                return _of_text(*decoded(head), start_line, end_line)
            if head[:2] in UTF_16_MARKS:
                raise ToolRefusedError(f"{location.name} is UTF-16 text of more than {MAX_READ_BYTES // 1024} KiB.")
            return _of_stream(file.fileno(), head, start_line, end_line)
        except OSError:
            return None


def _read_up_to(descriptor: int, max_bytes: int) -> bytes:
    chunks: list[bytes] = []
    while max_bytes > 0 and (chunk := os.read(descriptor, min(max_bytes, _CHUNK_BYTES))):
        chunks.append(chunk)
        max_bytes -= len(chunk)
    return b"".join(chunks)


def _of_text(text: str, is_lossy: bool, start_line: int, end_line: int | None) -> Passage:
    lines = _lines(text)
    wanted = lines[start_line - 1 : end_line]
    kept = _within_one_read(wanted)
    return Passage(kept, start_line, len(lines), len(kept) < len(wanted), is_lossy)


def _of_stream(descriptor: int, head: bytes, start_line: int, end_line: int | None) -> Passage:
    """Scan a large file to the first line wanted and keep what one read may give; lines end at LF here."""
    deadline = time.monotonic() + MAX_SECONDS
    to_skip, scanned, data = start_line - 1, len(head), head
    while (newlines := data.count(b"\n")) < to_skip:
        to_skip -= newlines
        is_unfinished = not data.endswith(b"\n")
        data = os.read(descriptor, _CHUNK_BYTES)
        scanned += len(data)
        if not data:
            return Passage([], start_line, start_line - 1 - to_skip + is_unfinished)
        if scanned > _MAX_SCANNED_BYTES or time.monotonic() > deadline:
            raise ToolRefusedError(f"Line {start_line} lies too far in this file to be read.")
    position = 0
    for _ in range(to_skip):
        position = data.index(b"\n", position) + 1
    data = data[position:]
    data += _read_up_to(descriptor, MAX_READ_BYTES + 1 - len(data))
    is_whole = len(data) <= MAX_READ_BYTES
    text, is_lossy = decoded(data[:MAX_READ_BYTES])
    lines = _lines(text)
    if not is_whole and len(lines) > 1:
        lines.pop()
    wanted = lines if end_line is None else lines[: end_line - start_line + 1]
    kept = _within_one_read(wanted)
    is_cut = len(kept) < len(wanted) or (not is_whole and len(wanted) == len(lines))
    return Passage(kept, start_line, start_line - 1 + len(lines) if is_whole else None, is_cut, is_lossy)


def _of_notebook(location: Location, data: bytes, start_line: int, end_line: int | None) -> Passage:
    """Return the sources of a notebook's cells; outputs are left out, they may hold images and hidden text."""
    try:
        notebook = json.loads(data)
        cells = [(cell["cell_type"], "".join(cell["source"])) for cell in notebook["cells"]]
        text = "\n\n".join(f"# %% [{kind}]\n{source}" for kind, source in cells)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ToolRefusedError(f"{location.name} is no notebook that can be read.") from None
    return _of_text(text, False, start_line, end_line)


def _lines(text: str) -> list[str]:
    lines = split_lines(text)
    if lines[-1] == "":
        lines.pop()
    return lines


def _within_one_read(lines: list[str]) -> list[str]:
    size = 0
    for index, line in enumerate(lines):
        size += len(line.encode("utf-8", "replace")) + _NUMBER_BYTES
        if size > MAX_READ_BYTES and index:
            return lines[:index]
    return lines


def _numbered(number: int, line: str) -> str:
    line = line.rstrip("\r\n")
    if len(line) > _MAX_LINE:
        line = f"{line[:_MAX_LINE]}… [{len(line) - _MAX_LINE} more characters in this line]"
    return f"{number}\t{line}"
