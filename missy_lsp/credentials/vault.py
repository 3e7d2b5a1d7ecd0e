"""The vault: the operating system's keyring where a real one serves, else the encrypted file."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import attrs

from missy_lsp.config.locations import Locations
from missy_lsp.config.trust import write_atomically
from missy_lsp.credentials.file_store import FileStore
from missy_lsp.credentials.keyring_store import KeyringStore, find_keyring
from missy_lsp.errors import CredentialError, UsageError
from missy_lsp.secret import Secret

MAX_SECRET_CHARACTERS = 8192
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_INDEX = "index.json"

FindKeyring = Callable[[], tuple[KeyringStore | None, str]]


@attrs.frozen
class VaultEntry:
    """A stored secret: its name, and the stores that hold it, the one that counts first."""

    name: str
    where: tuple[str, ...]


class Vault:
    """Secrets by name. Reading looks into the keyring, then the file; writing goes to the keyring where one serves."""

    def __init__(self, folder: Path, find: FindKeyring = find_keyring) -> None:
        self._folder = folder
        self._file = FileStore(folder)
        self._find = find
        self._found: tuple[KeyringStore | None, str] | None = None

    @property
    def description(self) -> str:
        """Say in one line where secrets go, and why not into the keyring."""
        keyring, reason = self._keyring()
        if keyring is not None:
            return keyring.description
        return f"{self._file.description} in {self._folder} ({reason})"

    def get(self, name: str) -> Secret | None:
        """Return a secret, None where no store has it. Raises CredentialError."""
        return self.find(name)[0]

    def find(self, name: str) -> tuple[Secret | None, str]:
        """Return a secret and the store that it came from."""
        check_name(name)
        keyring, _ = self._keyring()
        if keyring is not None and (secret := keyring.get(name)) is not None:
            return secret, "keyring"
        secret = self._file.get(name)
        return secret, "" if secret is None else "file vault"

    def set(self, name: str, value: str) -> str:
        """Store a secret and return where it went. Raises UsageError for a bad name or value, CredentialError."""
        check_name(name)
        secret = Secret(checked_value(name, value))
        keyring, _ = self._keyring()
        if keyring is None:
            self._file.set(name, secret)
            return self.description
        keyring.set(name, secret)
        self._remember(self._remembered() | {name})
        return keyring.description

    def delete(self, name: str) -> bool:
        """Remove a secret from every store; tell whether it was in one."""
        check_name(name)
        keyring, _ = self._keyring()
        gone = keyring.delete(name) if keyring is not None else False
        if name in self._remembered():
            self._remember(self._remembered() - {name})
        return self._file.delete(name) or gone

    def entries(self) -> tuple[VaultEntry, ...]:
        """Return every known name; those in the keyring are the ones that Missy stored there."""
        keyring, _ = self._keyring()
        where: dict[str, list[str]] = {}
        if keyring is not None:
            for name in self._remembered():
                if keyring.get(name) is not None:
                    where.setdefault(name, []).append(keyring.description)
        for name in self._file.names():
            where.setdefault(name, []).append(self._file.description)
        return tuple(VaultEntry(name, tuple(stores)) for name, stores in sorted(where.items()))

    def _keyring(self) -> tuple[KeyringStore | None, str]:
        if self._found is None:
            self._found = self._find()
        return self._found

    def _remembered(self) -> frozenset[str]:
        # Keyrings can't list what they hold; the names (never values) are kept beside the vault.
        try:
            names = json.loads((self._folder / _INDEX).read_bytes())
        except (OSError, ValueError):
            return frozenset()
        return frozenset(name for name in names if isinstance(name, str)) if isinstance(names, list) else frozenset()

    def _remember(self, names: frozenset[str]) -> None:
        try:
            write_atomically(self._folder / _INDEX, json.dumps(sorted(names)).encode())
        except OSError as error:
            raise CredentialError(f"The list of names in {self._folder} can't be written: {error.strerror}.") from None


def open_vault(locations: Locations) -> Vault:
    """Open the user's vault; nothing is read before it is asked for."""
    return Vault(locations.secrets_dir)


def check_name(name: str) -> None:
    """Raise UsageError for a name that no entry can have."""
    if not _NAME.fullmatch(name):
        raise UsageError("A vault entry's name is made of letters, digits, `_`, `-` and `.`, at most 128 of them.")


def checked_value(name: str, value: str) -> str:
    """Return a secret without the space around it; raise UsageError for what can't be one."""
    value = value.strip()
    fault = key_fault(value)
    if fault is not None:
        raise UsageError(f"The value for {name} is not stored: {fault}.")
    return value


def key_fault(value: str) -> str | None:
    """Say why a text can't be a key, None where it can; the text itself is never repeated."""
    if not value:
        return "it is empty"
    if len(value) > MAX_SECRET_CHARACTERS:
        return f"it is longer than {MAX_SECRET_CHARACTERS} characters"
    if value[0] in "\"'" and value[-1] == value[0]:
        return "it stands in quotation marks; leave them away"
    if "\n" in value or "\r" in value:
        return "it has a line break in it"
    if any(not "!" <= character <= "~" for character in value):
        return "it has a space, a control character or a letter outside of ASCII in it"
    if value.startswith("sk-ant-oat"):
        return "it is a setup token (sk-ant-oat…); the Messages API needs a key that starts with sk-ant-api"
    return None
