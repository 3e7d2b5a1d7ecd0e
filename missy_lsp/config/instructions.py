"""What the user and a trusted project want of every answer: standing instructions from files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import attrs

from missy_lsp.config.locations import Locations
from missy_lsp.config.problems import Problem
from missy_lsp.config.text_files import (
    HIDDEN,
    LINE_END,
    decoded,
    hidden_at,
    not_text,
    place_at,
    problem_at,
    read_users_files,
    read_workspace_files,
)
from missy_lsp.config.trust import COVERED, COVERED_ACTIONS, covered_files

InstructionSource = Literal["user", "workspace"]

MAX_BYTES = 32 * 1024
_USERS_NAME = "instructions.md"
_WORKSPACE_NAMES = ("AGENTS.md", "CLAUDE.md")
_IMPORT = "@AGENTS.md"  # all that a CLAUDE.md holds where the project keeps one text for every tool


@attrs.frozen
class Instruction:
    """One text; `label` names it without saying where on the machine it lies."""

    label: str
    text: str
    source: InstructionSource
    path: Path


@attrs.frozen
class Instructions:
    """The texts in a fixed order, the same for the same files, and what was wrong with them.

    `workspace_is_untrusted` tells that the workspace has such files and that they need trust first.
    """

    texts: tuple[Instruction, ...]
    problems: tuple[Problem, ...] = ()
    workspace_is_untrusted: bool = False


def load_instructions(locations: Locations, folder: Path | None, trusted: bool | None = None) -> Instructions:
    """Read `~/.missy/instructions.md`, then `AGENTS.md` and `CLAUDE.md` of a folder that is trusted.

    `trusted` overrides the trust store. Of two files that say the same, the first counts.
    """
    users_file = locations.config_dir / _USERS_NAME
    users = read_users_files([users_file])
    texts, problems = _texts(users.contents, {users_file: f"~/.missy/{_USERS_NAME}"}, "user")
    problems = [*users.problems, *problems]
    if folder is None:
        return Instructions(tuple(texts), tuple(problems))
    labels = {folder / name: name for name in _WORKSPACE_NAMES}
    found = read_workspace_files(locations, folder, list(labels), trusted)
    theirs, their_problems = _texts(found.contents, labels, "workspace")
    theirs = [text for text in theirs if text.text != _IMPORT]
    if len(theirs) > 1 and theirs[0].text == theirs[1].text:
        del theirs[1]
    return Instructions((*texts, *theirs), (*problems, *found.problems, *their_problems), found.are_untrusted)


def instruction_files(locations: Locations, folder: Path | None) -> list[Path]:
    """Return what decides on the instructions in a folder, to take a fingerprint of: while it stays, so do they."""
    files = [locations.config_dir / _USERS_NAME]
    if folder is not None:
        # Trust is in all that it covers.
        trusted = (*(folder / name for name in COVERED), folder / COVERED_ACTIONS, *covered_files(folder))
        files += [locations.trust_file, *dict.fromkeys(trusted)]
    return files


def _texts(
    contents: Mapping[Path, bytes], labels: Mapping[Path, str], source: InstructionSource
) -> tuple[list[Instruction], list[Problem]]:
    texts: list[Instruction] = []
    problems: list[Problem] = []
    for path, data in contents.items():
        try:
            whole = decoded(data)
        except UnicodeDecodeError as error:
            problems.append(not_text(path, data, error))
            continue
        text, found = _usable(whole, path)
        problems += found
        if text:
            texts.append(Instruction(labels[path], text, source, path))
    return texts, problems


def _usable(whole: str, path: Path) -> tuple[str, list[Problem]]:
    """Return a text as it is sent: without hidden characters, with plain line ends, within its limit."""
    problems = []
    if (hidden := hidden_at(whole)) is not None:
        name, place = hidden
        message = f"the character {name} can't be seen, but a model reads it; it and its like are left out"
        problems.append(problem_at(path, place, "hidden", message, "warning"))
    text = LINE_END.sub("\n", HIDDEN.sub("", whole)).strip()
    kept = _cut(text)
    if kept != text:
        message = f"only the first {MAX_BYTES // 1024} KiB are used, up to here; shorten the file"
        before = whole[: len(whole) - len(whole.lstrip())] + kept
        problems.append(problem_at(path, place_at(before), "too-long", message, "warning"))
    return kept, problems


def _cut(text: str) -> str:
    """Return as many whole lines as fit; of a first line that does not, its beginning."""
    data = text.encode()
    if len(data) <= MAX_BYTES:
        return text
    kept = data[:MAX_BYTES].decode(errors="ignore")
    end = len(kept) if data[len(kept.encode()) :].startswith(b"\n") else kept.rfind("\n")
    return (kept[:end] if end > 0 else kept).rstrip()
