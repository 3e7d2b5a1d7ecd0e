"""list_files: the names below a folder."""

from __future__ import annotations

from collections.abc import Sequence

from missy_lsp.config.globs import glob_spec
from missy_lsp.tools.locating import Location
from missy_lsp.tools.outcome import ToolOutcome
from missy_lsp.tools.reading import MAX_SECONDS
from missy_lsp.tools.walking import Found, Walk

MAX_ENTRIES = 2_000


def list_files(location: Location, pattern: str | None, new_files: Sequence[Location] = ()) -> ToolOutcome:
    """Return the names below a folder, one a line, a folder's with `/`; `pattern` is a gitignore pattern.

    `new_files` are only in a draft.
    """
    spec = glob_spec([pattern]) if pattern else None
    walk = Walk(location, MAX_SECONDS)
    names: list[str] = []
    left_out = ""
    for found in walk:
        path = "/".join(found.location.parts[len(location.parts) :])
        if pattern and not (spec and found.entry.is_file and spec.match_file(path)):
            continue
        if len(names) == MAX_ENTRIES:
            left_out = f"only the first {MAX_ENTRIES} are listed; name a path or a pattern"
            break
        names.append(_line(found))
    for place in new_files:
        path = "/".join(place.parts[len(location.parts) :])
        if place.lies_below(location) and (not pattern or (spec and spec.match_file(path))):
            names.append(f"{place.name} (new, in your draft)")
    left_out = left_out or walk.left_out
    notes = [f"[truncated: {left_out}]"] if left_out else []
    lines = names or ["(nothing)"]
    return ToolOutcome("\n".join([*lines, *notes]), False, f"listed {location.name}: {len(names)} entries")


def _line(found: Found) -> str:
    name = found.location.name + ("/" if found.entry.is_directory else "")
    if not found.entry.is_directory and not found.entry.is_file:
        return f"{name} (link or special file, not followed)"
    return name if found.is_readable else f"{name} (not readable)"
