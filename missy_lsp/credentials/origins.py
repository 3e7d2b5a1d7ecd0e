"""Where each key may go: the addresses that it was sent to, or that its user allowed (security.md, R3, KEY-16)."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import secrets
from pathlib import Path
from typing import Any

import attrs

from missy_lsp.credentials.private_files import locked, read_private, write_private
from missy_lsp.errors import CredentialError
from missy_lsp.secret import Secret

_VERSION = 1
_MAX_BYTES = 1024 * 1024
_SALT_BYTES = 16


@attrs.frozen
class _Stored:
    """What the file holds: addresses by the keyed hash of a key, which says nothing about it to who has the file."""

    salt: bytes
    origins: dict[str, tuple[str, ...]]

    def name_of(self, key: Secret) -> str:
        return hmac.new(self.salt, key.reveal().encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


class KeyOrigins:
    """The addresses in `origins.json` beside the vault; safe for several threads and processes at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "origins.json"

    def of(self, key: Secret) -> tuple[str, ...]:
        """Return where a key may go, the last used address last; nothing for a key that never went anywhere.

        Raises CredentialError where the file can't be trusted or understood.
        """
        stored = self._read()
        return () if stored is None else stored.origins.get(stored.name_of(key), ())

    def allow(self, key: Secret, origin: str) -> None:
        """Let a key go to an address from now on. Raises CredentialError where that can't be kept."""
        with locked(self._folder):
            stored = self._read() or _Stored(secrets.token_bytes(_SALT_BYTES), {})
            name = stored.name_of(key)
            others = [known for known in stored.origins.get(name, ()) if known != origin]
            origins = {**stored.origins, name: (*others, origin)}
            document = {"version": _VERSION, "salt": stored.salt.hex(), "origins": origins}
            write_private(self._file, json.dumps(document, indent=1).encode("ascii"))

    def _read(self) -> _Stored | None:
        data = read_private(self._file, _MAX_BYTES)
        if data is None:
            return None
        with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError, RecursionError):
            document = json.loads(data)
            if document["version"] == _VERSION:
                origins = {str(name): _texts(found) for name, found in document["origins"].items()}
                return _Stored(bytes.fromhex(document["salt"]), origins)
        raise CredentialError(
            f"{self._file}, which says where your keys may go, is damaged or of another version, so no key is sent. "
            "Move it away; then each key's next address is taken as its first."
        )


def _texts(found: Any) -> tuple[str, ...]:
    if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
        raise TypeError("a stored address has a wrong shape")
    return tuple(found)
