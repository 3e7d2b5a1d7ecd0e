"""The names, never the values, of what Missy put into a keyring: keyrings can't list what they hold."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from missy_lsp.credentials.private_files import locked, read_private, write_private
from missy_lsp.errors import CredentialError

_MAX_BYTES = 1024 * 1024


class NameIndex:
    """A set of names in `index.json`, a sorted JSON list; safe for several threads and processes at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "index.json"

    def names(self) -> frozenset[str]:
        """Return the names. Raises CredentialError where the file can't be trusted or understood."""
        data = read_private(self._file, _MAX_BYTES)
        if data is None:
            return frozenset()
        names: object = None
        with contextlib.suppress(ValueError, RecursionError):
            names = json.loads(data)
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise CredentialError(f"{self._file} is not a list of names. Move it away; the keyring keeps its secrets.")
        return frozenset(names)

    def add(self, name: str) -> bool:
        """Add a name; tell whether it is new. Raises CredentialError."""
        if name in self.names():
            return False
        with locked(self._folder):
            self._write(self.names() | {name})
        return True

    def discard(self, name: str) -> bool:
        """Remove a name; tell whether it was there. Raises CredentialError."""
        if name not in self.names():
            return False
        with locked(self._folder):
            self._write(self.names() - {name})
        return True

    def _write(self, names: frozenset[str]) -> None:
        write_private(self._file, json.dumps(sorted(names)).encode("ascii"))
