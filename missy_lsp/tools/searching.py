"""search_text: where a text occurs in the files below a folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from missy_lsp.document import split_lines
from missy_lsp.tools.locating import Location
from missy_lsp.tools.outcome import ToolOutcome
from missy_lsp.tools.reading import MAX_SECONDS, text_of
from missy_lsp.tools.walking import Walk

MAX_MATCHES = 200
_MAX_SEARCHED_BYTES = 1024 * 1024
_MAX_LINE = 300


def search_text(
    location: Location,
    pattern: str,
    case_sensitive: bool,
    open_texts: Mapping[Path, str],
    new_files: Sequence[Location] = (),
) -> ToolOutcome:
    """Return the lines that contain `pattern` literally, as `path:line: text`; open documents as they are open.

    `new_files` are only in a draft, with their text among `open_texts`.
    """
    wanted = pattern if case_sensitive else pattern.casefold()
    walk = Walk(location, MAX_SECONDS)
    lines: list[str] = []
    files = 0
    left_out = ""
    for place, text, is_cut in _texts(walk, location, open_texts, new_files):
        matches = list(_matches(text, wanted, case_sensitive))
        files += bool(matches)
        lines += [f"{place.name}:{number}: {line}" for number, line in matches]
        if is_cut:
            left_out = f"only the first {_MAX_SEARCHED_BYTES // 1024} KiB of {place.name} were searched"
        if len(lines) > MAX_MATCHES:
            left_out = f"only the first {MAX_MATCHES} lines are shown; search for something rarer or in one path"
            break
    left_out = left_out or walk.left_out
    notes = [f"[truncated: {left_out}]"] if left_out else []
    body = lines[:MAX_MATCHES] or ["No line contains it."]
    count = f"{min(len(lines), MAX_MATCHES)} lines in {files} files"
    return ToolOutcome("\n".join([*body, *notes]), False, f"searched {location.name}: {count}")


def _texts(
    walk: Walk, location: Location, open_texts: Mapping[Path, str], new_files: Sequence[Location]
) -> Iterator[tuple[Location, str, bool]]:
    """Yield the texts to search: that of the place itself where it is a file, else of every file below it."""
    if (alone := _text(location, open_texts)) is not None:
        yield location, *alone
        return
    for found in walk:
        if found.is_readable and found.entry.is_file and (text := _text(found.location, open_texts)) is not None:
            yield found.location, *text
    for place in new_files:
        if place.lies_below(location):
            yield place, open_texts[place.path], False


def _text(location: Location, open_texts: Mapping[Path, str]) -> tuple[str, bool] | None:
    if location.path in open_texts:
        return open_texts[location.path], False
    return text_of(location, _MAX_SEARCHED_BYTES)


def _matches(text: str, wanted: str, case_sensitive: bool) -> Iterator[tuple[int, str]]:
    if wanted not in (text if case_sensitive else text.casefold()):
        return
    for number, line in enumerate(split_lines(text), 1):
        if wanted in (line if case_sensitive else line.casefold()):
            yield number, _shortened(line.rstrip("\r\n"), wanted)


def _shortened(line: str, wanted: str) -> str:
    if len(line) <= _MAX_LINE:
        return line
    start = max(0, line.casefold().find(wanted.casefold()) - _MAX_LINE // 2)
    return ("…" if start else "") + line[start : start + _MAX_LINE] + ("…" if start + _MAX_LINE < len(line) else "")
