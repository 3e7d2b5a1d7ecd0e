"""Which files the model may read: never secrets, never what the user or the project ignores.

A rule looks at the parts of a path relative to the workspace folder. What never goes to a model is one list for
everything, `outbound/deny_list.py`; here are the ignore files and the user's own globs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from missy_lsp.config.globs import glob_spec
from missy_lsp.outbound.deny_list import denied_parts

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_FILES = (".gitignore", ".missyignore")


def is_secret(parts: tuple[str, ...]) -> bool:
    """Tell whether the path is one that commonly holds credentials (security.md, PATH-11)."""
    return denied_parts(parts) is not None


class IgnoreRules:
    """The ignore files of one workspace folder and the user's own globs, read where they are first needed.

    Each layer can only hide more: a `!pattern` in `.gitignore` brings nothing back that `.missyignore` or
    the user's `privacy.ignore` hides. `read_text` gives the text of a file by its parts, None without one.
    """

    def __init__(self, user_globs: tuple[str, ...], read_text: Callable[[tuple[str, ...]], str | None]) -> None:
        self._user_globs = user_globs
        self._read_text = read_text
        self._specs: dict[tuple[str, ...], GitIgnoreSpec | None] = {}

    def hides(self, parts: tuple[str, ...], *, is_directory: bool) -> bool:
        """Tell whether the path or a folder above it is ignored."""
        last = len(parts)
        return any(self.hides_entry(parts[:end], is_directory=is_directory or end < last) for end in range(1, last + 1))

    def hides_entry(self, parts: tuple[str, ...], *, is_directory: bool) -> bool:
        """Tell whether the path itself is ignored; the folders above it are known not to be."""
        if self._user_globs and _decision(self._user_spec(), parts, is_directory):
            return True
        return any(self._layer_hides(name, parts, is_directory) for name in IGNORE_FILES)

    def _layer_hides(self, name: str, parts: tuple[str, ...], is_directory: bool) -> bool:
        for depth in range(len(parts) - 1, -1, -1):
            decision = _decision(self._file_spec((*parts[:depth], name)), parts[depth:], is_directory)
            if decision is not None:
                return decision
        return False

    def _file_spec(self, file: tuple[str, ...]) -> GitIgnoreSpec | None:
        if file not in self._specs:
            text = self._read_text(file)
            self._specs[file] = None if text is None else glob_spec(text.splitlines())
        return self._specs[file]

    def _user_spec(self) -> GitIgnoreSpec | None:
        if () not in self._specs:
            self._specs[()] = glob_spec(list(self._user_globs))
        return self._specs[()]


def _decision(spec: GitIgnoreSpec | None, parts: tuple[str, ...], is_directory: bool) -> bool | None:
    if spec is None:
        return None
    path = "/".join(parts)
    return spec.check_file(path + "/" if is_directory else path).include
