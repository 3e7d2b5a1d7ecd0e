"""Which files the model may read: never secrets, never what the user or the project ignores.

A rule looks at the parts of a path relative to the workspace folder. What never goes to a model is one list for
everything, `outbound/deny_list.py`; here are the ignore files and the user's own globs. An ignore file that is there
and can't be read whole hides everything in its folder: what it would hide nobody knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from missy_lsp.config.globs import MAX_PATTERN_LENGTH, MAX_PATTERNS, glob_spec
from missy_lsp.outbound.deny_list import denied_parts
from missy_lsp.tools.outcome import shown

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_FILES = (".gitignore", ".missyignore")


def is_secret(parts: tuple[str, ...]) -> bool:
    """Tell whether the path is one that commonly holds credentials (security.md, PATH-11)."""
    return denied_parts(parts) is not None


class IgnoreFileError(Exception):
    """An ignore file is there and can't be read whole; the text says why, to follow the file's name."""


class IgnoreRules:
    """The ignore files of one workspace folder and the user's own globs, read where they are first needed.

    Each layer can only hide more: a `!pattern` in `.gitignore` brings nothing back that `.missyignore` or
    the user's `privacy.ignore` hides. `read_text` gives the text of a file by its parts, None without one; it raises
    IgnoreFileError. `fault` says afterwards which ignore file hid everything beside it, empty where none did.
    """

    def __init__(self, user_globs: tuple[str, ...], read_text: Callable[[tuple[str, ...]], str | None]) -> None:
        self._read_text = read_text
        self._user_spec = glob_spec(list(user_globs))
        self._specs: dict[tuple[str, ...], tuple[GitIgnoreSpec, ...] | None] = {}
        self.fault = ""

    def hides(self, parts: tuple[str, ...], *, is_directory: bool) -> bool:
        """Tell whether the path or a folder above it is ignored."""
        last = len(parts)
        return any(self.hides_entry(parts[:end], is_directory=is_directory or end < last) for end in range(1, last + 1))

    def hides_entry(self, parts: tuple[str, ...], *, is_directory: bool) -> bool:
        """Tell whether the path itself is ignored; the folders above it are known not to be."""
        if self._user_spec is not None and _decision(self._user_spec, parts, is_directory):
            return True
        return any(self._layer_hides(name, parts, is_directory) for name in IGNORE_FILES)

    def _layer_hides(self, name: str, parts: tuple[str, ...], is_directory: bool) -> bool:
        for depth in range(len(parts) - 1, -1, -1):
            specs = self._file_specs((*parts[:depth], name))
            if specs is None:
                return True
            for spec in reversed(specs):  # of all rules the last one that matches decides
                decision = _decision(spec, parts[depth:], is_directory)
                if decision is not None:
                    return decision
        return False

    def _file_specs(self, file: tuple[str, ...]) -> tuple[GitIgnoreSpec, ...] | None:
        """Return the rules of an ignore file in groups of a bounded size; None for one that can't be read whole."""
        if file not in self._specs:
            try:
                self._specs[file] = tuple(_specs_of(self._read_text(file) or ""))
            except IgnoreFileError as error:
                self._specs[file] = None
                self.fault = self.fault or (
                    f"{shown('/'.join(file))} {error}, so nothing of its folder is shown. The user can mend that file."
                )
        return self._specs[file]


def _specs_of(text: str) -> Iterator[GitIgnoreSpec]:
    patterns = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if any(len(pattern) > MAX_PATTERN_LENGTH for pattern in patterns):
        raise IgnoreFileError(f"has a rule of more than {MAX_PATTERN_LENGTH} characters")
    for start in range(0, len(patterns), MAX_PATTERNS):
        spec = glob_spec(patterns[start : start + MAX_PATTERNS])
        if spec is not None:
            yield spec


def _decision(spec: GitIgnoreSpec, parts: tuple[str, ...], is_directory: bool) -> bool | None:
    path = "/".join(parts)
    return spec.check_file(path + "/" if is_directory else path).include
