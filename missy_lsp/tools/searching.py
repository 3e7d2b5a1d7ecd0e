"""search_text: where a text occurs in the files below a folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import attrs

from missy_lsp.characters import strip_invisible
from missy_lsp.outbound.redaction import placeholders
from missy_lsp.tools.locating import Location
from missy_lsp.tools.outcome import ToolOutcome
from missy_lsp.tools.reading import MAX_SECONDS, text_of
from missy_lsp.tools.veil import MARGIN, Veil
from missy_lsp.tools.walking import Walk

MAX_MATCHES = 200
_MAX_SEARCHED_BYTES = 1024 * 1024
_MAX_LINE = 300


@attrs.frozen
class Sought:
    """A text to find literally, in what the veil shows of a file: a secret is no match, so none can be guessed."""

    pattern: str
    is_case_sensitive: bool
    veil: Veil

    def is_in(self, text: str) -> bool:
        if self.is_case_sensitive:
            return self.pattern in text
        return self.pattern.casefold() in text.casefold()


def search_text(
    location: Location, sought: Sought, open_texts: Mapping[Path, str], new_files: Sequence[Location] = ()
) -> ToolOutcome:
    """Return the lines that contain a text, as `path:line: text`; open documents as they are open.

    `new_files` are only in a draft, with their text among `open_texts`.
    """
    walk = Walk(location, MAX_SECONDS)
    lines: list[str] = []
    files = 0
    left_out = ""
    for place, text, end in _texts(walk, location, open_texts, new_files):
        matches = _matches(text, end, sought)
        files += bool(matches)
        lines += [f"{place.name}:{number}: {line}" for number, line in matches]
        if end is not None:
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
) -> Iterator[tuple[Location, str, int | None]]:
    """Yield the texts to search, with the offset where the search ends if there is more: that of the place itself where
    it is a file, else of every file below it."""
    if (alone := _text(location, open_texts)) is not None:
        yield location, *alone
        return
    for found in walk:
        if found.is_readable and found.entry.is_file and (text := _text(found.location, open_texts)) is not None:
            yield found.location, *text
    for place in new_files:
        if place.lies_below(location):
            yield place, open_texts[place.path], None


def _text(location: Location, open_texts: Mapping[Path, str]) -> tuple[str, int | None] | None:
    if location.path in open_texts:
        return open_texts[location.path], None
    read = text_of(location, _MAX_SEARCHED_BYTES + MARGIN)
    if read is None:
        return None
    text, is_cut = read
    searched = text.encode("utf-8", "surrogatepass")[:_MAX_SEARCHED_BYTES].decode("utf-8", "ignore") if is_cut else ""
    return text, len(searched) if is_cut else None


def _matches(text: str, end: int | None, sought: Sought) -> list[tuple[int, str]]:
    if not sought.is_in(strip_invisible(text)[0]):
        return []  # then it is not in what is shown of it either
    covered = sought.veil.cover(text, end=end)
    names = {each.placeholder for each in covered.redacted.replacements}
    found = [
        (line.first, _shortened(line.text, sought.pattern))
        for line in covered.lines
        if sought.is_in(_without(names, line.text))
    ]
    if found:  # else nothing of it is told, not even by the numbers of later placeholders
        sought.veil.keep(covered.redacted)
    return found


def _without(names: set[str], line: str) -> str:
    """Return a line without its placeholders, whose names are no match: they would tell of the secret that has them."""
    for name in names.intersection(placeholders(line)) if names else ():
        line = line.replace(name, "\n")
    return line


def _shortened(line: str, wanted: str) -> str:
    if len(line) <= _MAX_LINE:
        return line
    start = max(0, line.casefold().find(wanted.casefold()) - _MAX_LINE // 2)
    return ("…" if start else "") + line[start : start + _MAX_LINE] + ("…" if start + _MAX_LINE < len(line) else "")
