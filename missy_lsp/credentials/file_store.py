"""The encrypted file vault, in the layout of the Missy assistant, so that both read one vault.

`vault.key` holds 32 random bytes; `vault.enc` a 12-byte nonce, then ChaCha20-Poly1305 over a JSON object of
names and values. Both are 0600 in a 0700 folder. Nothing is overwritten that was not understood.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from pathlib import Path

from missy_lsp.credentials.private_files import create_private, locked, read_private, write_private
from missy_lsp.errors import CredentialError
from missy_lsp.secret import Secret

KEY_BYTES = 32
NONCE_BYTES = 12
MAX_VAULT_BYTES = 4 * 1024 * 1024

# Values of other kinds are the assistant's own; they are kept as they are.
Entries = dict[str, object]


class FileStore:
    """Secrets by name in an encrypted file; safe for several threads and processes at once."""

    description = "the encrypted file vault"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key_file = folder / "vault.key"
        self._vault_file = folder / "vault.enc"

    def get(self, name: str) -> Secret | None:
        """Return a secret, None where there is none. Raises CredentialError where the vault is unusable."""
        value = self._read().get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise CredentialError(f"The entry {name} in {self._vault_file} is not a text, so it is no key.")
        return Secret(value)

    def set(self, name: str, secret: Secret) -> None:
        """Store a secret. Raises CredentialError; then nothing is lost."""
        self._change(lambda entries: {**entries, name: secret.reveal()})

    def delete(self, name: str) -> bool:
        """Remove a secret; tell whether it was there. Raises CredentialError."""
        if name not in self._read():
            return False
        self._change(lambda entries: {kept: value for kept, value in entries.items() if kept != name})
        return True

    def names(self) -> tuple[str, ...]:
        """Return the names of all secrets, sorted. Raises CredentialError."""
        return tuple(sorted(self._read()))

    def _change(self, change: Callable[[Entries], Entries]) -> None:
        with locked(self._folder):
            sealed = _seal(change(self._read()), self._key_for_writing())
            if len(sealed) > MAX_VAULT_BYTES:
                raise CredentialError(f"{self._vault_file} is full; nothing was stored. Delete what is not needed.")
            write_private(self._vault_file, sealed)

    def _read(self) -> Entries:
        # The vault before its key: a first writer creates them the other way round.
        sealed = read_private(self._vault_file, MAX_VAULT_BYTES)
        if sealed is None:
            return {}
        key = read_private(self._key_file, KEY_BYTES)
        if key is None:
            raise CredentialError(
                f"{self._vault_file} is there, but its key {self._key_file} is missing. Restore the key from a backup, "
                "or move the vault away and store the keys again."
            )
        entries = _opened(sealed, self._checked(key))
        if entries is None:
            raise CredentialError(
                f"{self._vault_file} can't be decrypted with {self._key_file}: one of them was damaged or replaced. "
                "Restore both from a backup, or move both away and store the keys again."
            )
        return entries

    def _key_for_writing(self) -> bytes:
        """Return the key, a new one where nothing was encrypted yet; call it locked and after `_read`."""
        key = read_private(self._key_file, KEY_BYTES)
        # `_read` lets no vault pass whose key is missing or empty, so nothing is encrypted yet.
        if key == b"":  # a crash while the key was created
            self._key_file.unlink(missing_ok=True)
            key = None
        if key is None:
            key = os.urandom(KEY_BYTES)
            create_private(self._key_file, key)
        return self._checked(key)

    def _checked(self, key: bytes) -> bytes:
        if len(key) != KEY_BYTES:
            raise CredentialError(
                f"{self._key_file} has {len(key)} bytes where {KEY_BYTES} are expected. Restore it from a backup, "
                "or move it and the vault away and store the keys again."
            )
        return key


def _seal(entries: Entries, key: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    nonce = os.urandom(NONCE_BYTES)
    # As ASCII: a lone surrogate would fail to encode, with the whole text in its exception.
    return nonce + ChaCha20Poly1305(key).encrypt(nonce, json.dumps(entries).encode("ascii"), None)


def _opened(sealed: bytes, key: bytes) -> Entries | None:
    """Decrypt a vault; None where that fails. No exception gets out: JSON's own would carry the plain text."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    with contextlib.suppress(InvalidTag, ValueError, RecursionError):
        entries = json.loads(ChaCha20Poly1305(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], None))
        if isinstance(entries, dict):
            return entries
    return None
