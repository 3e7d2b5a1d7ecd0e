"""Read texts that go into prompts: the user's own files, and a workspace's where the user trusts the folder."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import attrs

from missy_lsp.config.files import FileFault, read_config_file
from missy_lsp.config.locations import Locations
from missy_lsp.config.nodes import Place
from missy_lsp.config.problems import Problem, Severity
from missy_lsp.config.trust import TrustStore, covered_files
from missy_lsp.config.yaml_reading import MAX_BYTES

LINE_END = re.compile(r"\r\n?|\n")
# What nobody sees and a model reads: controls, marks of direction, zero widths, tag characters and selectors
# of variants beyond those of emoji. Joiners (U+200C, U+200D) are left to the scripts and emoji that need them.
HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f\u200b\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]"
)


@attrs.frozen
class FoundFiles:
    """What files hold, in the order they were asked for; `are_untrusted`: there are some that need trust first."""

    contents: Mapping[Path, bytes] = attrs.field(factory=dict)
    problems: tuple[Problem, ...] = ()
    are_untrusted: bool = False


def read_users_files(paths: Iterable[Path]) -> FoundFiles:
    """Read the user's own files; one that can't be used is a problem."""
    return _read(paths, None)


def read_workspace_files(
    locations: Locations, folder: Path, paths: Sequence[Path], trusted: bool | None = None
) -> FoundFiles:
    """Read files of a folder that only count when it is trusted; `trusted` overrides the trust store."""
    if trusted is False:
        return FoundFiles(are_untrusted=any(map(os.path.lexists, paths)))
    found = _read(paths, folder)
    if trusted or not (found.contents or found.problems):
        return found
    # Trust is decided on the very bytes that are read here, not on what the files hold a moment later.
    state = TrustStore(locations.trust_file).state(folder, found.contents)
    if state != "trusted":
        return FoundFiles(are_untrusted=state != "not_needed")
    # A file that was gone when the hash was made is in no hash.
    covered = frozenset(covered_files(folder))
    return attrs.evolve(found, contents={path: data for path, data in found.contents.items() if path in covered})


def listed(folder: Path) -> tuple[list[Path], list[Problem]]:
    """Return the Markdown files of a folder by name; none, and no problem, where there is no folder."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return [], []
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its name is unusable"
        return [], [problem_at(folder, Place(), "unreadable", f"the folder can't be read: {reason}")]
    # Editors put files of their own beside those that are open, with a dot in front.
    return sorted(folder / name for name in names if os.path.normcase(name).endswith(".md") and name[0] != "."), []


def decoded(data: bytes) -> str:
    """Return the text of a file in UTF-8, without its byte order mark. Raises UnicodeDecodeError."""
    return data.decode("utf-8-sig")


def not_text(path: Path, data: bytes, error: UnicodeDecodeError) -> Problem:
    """Say where a file stops being UTF-8."""
    start = error.start + len(data) - len(error.object)  # the codec has left the byte order mark out
    place = place_at(data[:start].decode("utf-8-sig"))
    return problem_at(path, place, "unreadable", "the file is not UTF-8; save it in that encoding")


def hidden_at(text: str) -> tuple[str, Place] | None:
    """Return name and place of the first character that nobody sees, None where there is none."""
    found = HIDDEN.search(text)
    return None if found is None else (f"U+{ord(found.group()):04X}", place_at(text[: found.start()]))


def place_at(before: str) -> Place:
    """Return the place of the character that follows a text."""
    *lines, last = LINE_END.split(before)
    return Place(len(lines), len(last), len(lines), len(last) + 1)


def problem_at(path: Path, place: Place, code: str, message: str, severity: Severity = "error") -> Problem:
    return Problem(path, place.line, place.column, place.end_line, place.end_column, severity, code, message)


def _read(paths: Iterable[Path], within: Path | None) -> FoundFiles:
    contents: dict[Path, bytes] = {}
    problems: list[Problem] = []
    for path in paths:
        try:
            data = read_config_file(path, within)
        except FileFault as fault:
            problems.append(problem_at(path, Place(), "unreadable", str(fault)))
            continue
        if data is not None and len(data) > MAX_BYTES:
            message = f"the file is larger than {MAX_BYTES // 1024} KiB; it is not used"
            problems.append(problem_at(path, Place(), "unreadable", message))
        elif data is not None:
            contents[path] = data
    return FoundFiles(contents, tuple(problems))
