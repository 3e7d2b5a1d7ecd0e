"""read_file: lines of one text file, from the editor's buffer where it is open there."""

from __future__ import annotations

import codecs
import json
import os
import time

import attrs

from missy_lsp.tools.decoding import UTF_16_MARKS, decoded, is_binary
from missy_lsp.tools.locating import Location, open_file
from missy_lsp.tools.outcome import ToolOutcome, ToolRefusedError
from missy_lsp.tools.veil import MARGIN, Line, Veil

MAX_READ_BYTES = 256 * 1024
MAX_EDITED_BYTES = 1024 * 1024
MAX_SECONDS = 2.0
# Up to here a text is looked through for secrets as a whole.
_MAX_WHOLE_BYTES = 1024 * 1024
_MAX_SCANNED_BYTES = 64 * 1024 * 1024
_MAX_NOTEBOOK_BYTES = 8 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024
_SNIFFED_BYTES = 8 * 1024
_MAX_LINE = 2_000
_CONTINUATION_BYTES = bytes(range(0x80, 0xC0))
# What a line number, its tab and the line end may take.
_NUMBER_BYTES = 9


@attrs.frozen
class Passage:
    """Consecutive lines of a file.

    `line_count` is None where the end of the file was not looked at; `is_cut` says that the limit of one read
    ended the passage; `is_lossy` that some bytes were no valid text and were replaced.
    """

    lines: list[Line]
    line_count: int | None
    is_cut: bool = False
    is_lossy: bool = False


@attrs.frozen
class Wanted:
    """The lines that a read is to give, 1-based; up to the end where `end` is None; secrets under the veil."""

    start: int
    end: int | None
    veil: Veil


def read_file(
    location: Location, open_text: str | None, wanted: Wanted, *, is_draft: bool = False
) -> ToolOutcome | None:
    """Return the lines asked for, numbered; None where there is no such file.

    `open_text` stands for what is on the disk: an editor's text, or a draft with the model's own edits. A line with a
    placeholder for a secret of several lines stands for all of them.
    """
    passage = _passage(location, open_text, wanted)
    if passage is None:
        return None
    name = location.name
    if not passage.lines:
        if wanted.start == 1:
            return ToolOutcome(f"{name} is empty.", False, f"read {name} (empty)")
        has = "" if passage.line_count is None else f": {name} has {passage.line_count} lines"
        raise ToolRefusedError(f"There is no line {wanted.start}{has}.")
    first, last = passage.lines[0].first, passage.lines[-1].last
    head = f"{name} lines {first}-{last}"
    if passage.line_count is not None:
        head += f" of {passage.line_count}"
    if open_text is not None:
        head += " (with your edits)" if is_draft else " (as open in the editor)"
    notes = ["[some bytes are not valid text and were replaced by \ufffd]"] if passage.is_lossy else []
    body = [_numbered(line) for line in passage.lines]
    if passage.is_cut:
        notes.append(f"[truncated: one read gives {MAX_READ_BYTES // 1024} KiB; read on with start_line={last + 1}]")
    return ToolOutcome("\n".join([head, *body, *notes]), False, f"read {name} lines {first}-{last}")


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


def _passage(location: Location, open_text: str | None, wanted: Wanted) -> Passage | None:
    if open_text is not None:
        return _of_text(open_text, False, wanted)
    descriptor = open_file(location)
    if descriptor is None:
        return None
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        try:
            head = _read_up_to(file.fileno(), _MAX_WHOLE_BYTES + 1)
            if is_binary(head[:_SNIFFED_BYTES]):
                raise ToolRefusedError(f"{location.name} is a binary file; only text is read.")
            if location.name.lower().endswith(".ipynb"):
                whole = head + _read_up_to(file.fileno(), _MAX_NOTEBOOK_BYTES)
                return _of_notebook(location, whole, wanted)
            if len(head) <= _MAX_WHOLE_BYTES:
                return _of_text(*decoded(head), wanted)
            if head[:2] in UTF_16_MARKS:
                raise ToolRefusedError(f"{location.name} is UTF-16 text of more than {_MAX_WHOLE_BYTES // 1024} KiB.")
            return _of_stream(file.fileno(), head, wanted)
        except OSError:
            return None


def _read_up_to(descriptor: int, max_bytes: int) -> bytes:
    chunks: list[bytes] = []
    while max_bytes > 0 and (chunk := os.read(descriptor, min(max_bytes, _CHUNK_BYTES))):
        chunks.append(chunk)
        max_bytes -= len(chunk)
    return b"".join(chunks)


def _of_text(text: str, is_lossy: bool, wanted: Wanted) -> Passage:
    covered = wanted.veil.cover(text)
    wanted.veil.keep(covered.redacted)
    lines = covered.between(wanted.start, wanted.end)
    kept = _within_one_read(lines)
    return Passage(kept, covered.lines[-1].last if covered.lines else 0, len(kept) < len(lines), is_lossy)


def _of_stream(descriptor: int, head: bytes, wanted: Wanted) -> Passage:
    """Scan a large file to the first line wanted and keep what one read may give; lines end at LF here.

    Secrets are sought in what is kept and in some of the text before and behind it.
    """
    start = _offset_of_line(descriptor, head, wanted.start)
    if isinstance(start, Passage):
        return start
    margin = min(start, MARGIN)
    os.lseek(descriptor, start - margin, os.SEEK_SET)
    data = _read_up_to(descriptor, margin + MAX_READ_BYTES + MARGIN)
    before, data = data[:margin], data[margin:] if start else data.removeprefix(codecs.BOM_UTF8)
    is_whole = len(data) < MAX_READ_BYTES + MARGIN - len(codecs.BOM_UTF8)
    above = _utf_8(before.lstrip(_CONTINUATION_BYTES))[0]  # the margin may begin within a character
    text, is_lossy = _utf_8(data)
    end = None if is_whole else len(above) + len(_utf_8(data[:MAX_READ_BYTES])[0])
    covered = wanted.veil.cover(above + text, len(above), end, wanted.start)
    wanted.veil.keep(covered.redacted)
    lines = covered.lines if is_whole or len(covered.lines) == 1 else covered.lines[:-1]
    asked = [line for line in lines if wanted.end is None or line.first <= wanted.end]
    kept = _within_one_read(asked)
    is_cut = len(kept) < len(asked) or (not is_whole and len(asked) == len(lines))
    line_count = (lines[-1].last if lines else wanted.start - 1) if is_whole else None
    return Passage(kept, line_count, is_cut, is_lossy)


def _utf_8(data: bytes) -> tuple[str, bool]:
    """Decode a stretch from within a file, where what looks like the mark of another encoding is none."""
    return decoded(codecs.BOM_UTF8 + data)


def _offset_of_line(descriptor: int, head: bytes, line: int) -> int | Passage:
    """Return where a line begins in a file whose first bytes were read; an empty passage where it has fewer lines."""
    deadline = time.monotonic() + MAX_SECONDS
    to_skip, base, data = line - 1, 0, head
    while (newlines := data.count(b"\n")) < to_skip:
        to_skip -= newlines
        base += len(data)
        is_unfinished = not data.endswith(b"\n")
        data = os.read(descriptor, _CHUNK_BYTES)
        if not data:
            return Passage([], line - 1 - to_skip + is_unfinished)
        if base + len(data) > _MAX_SCANNED_BYTES or time.monotonic() > deadline:
            raise ToolRefusedError(f"Line {line} lies too far in this file to be read.")
    position = 0
    for _ in range(to_skip):
        position = data.index(b"\n", position) + 1
    return base + position


def _of_notebook(location: Location, data: bytes, wanted: Wanted) -> Passage:
    """Return the sources of a notebook's cells; outputs are left out, they may hold images and hidden text."""
    try:
        notebook = json.loads(data)
        cells = [(cell["cell_type"], "".join(cell["source"])) for cell in notebook["cells"]]
        text = "\n\n".join(f"# %% [{kind}]\n{source}" for kind, source in cells)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ToolRefusedError(f"{location.name} is no notebook that can be read.") from None
    return _of_text(text, False, wanted)


def _within_one_read(lines: list[Line]) -> list[Line]:
    size = 0
    for index, line in enumerate(lines):
        size += len(line.text.encode("utf-8", "replace")) + _NUMBER_BYTES
        if size > MAX_READ_BYTES and index:
            return lines[:index]
    return lines


def _numbered(line: Line) -> str:
    text = line.text
    if len(text) > _MAX_LINE:
        text = f"{text[:_MAX_LINE]}… [{len(text) - _MAX_LINE} more characters in this line]"
    return f"{line.first}\t{text}"
