"""The encrypted file vault, in the layout of the Missy assistant, so that both read one vault.

`vault.key` holds 32 random bytes; `vault.enc` a 12-byte nonce and ChaCha20-Poly1305 over a JSON object of
names and values. Both are 0600 in a 0700 folder. Nothing is overwritten that was not understood.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from missy_lsp.config.trust import write_atomically
from missy_lsp.errors import CredentialError
from missy_lsp.secret import Secret

KEY_BYTES = 32
NONCE_BYTES = 12
MAX_VAULT_BYTES = 4 * 1024 * 1024
LOCK_TIMEOUT_S = 20


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
        return None if value is None else Secret(value)

    def set(self, name: str, secret: Secret) -> None:
        """Store a secret. Raises CredentialError; then nothing has changed."""
        self._change(lambda entries: {**entries, name: secret.reveal()})

    def delete(self, name: str) -> bool:
        """Remove a secret; tell whether it was there."""
        if name not in self._read():
            return False
        self._change(lambda entries: {kept: value for kept, value in entries.items() if kept != name})
        return True

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self._read()))

    def _change(self, change: Callable[[Mapping[str, str]], Mapping[str, str]]) -> None:
        with self._locked():
            entries = self._read()
            key = self._key(create=not entries)
            from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

            nonce = os.urandom(NONCE_BYTES)
            data = json.dumps(dict(change(entries)), ensure_ascii=False).encode()
            try:
                write_atomically(self._vault_file, nonce + ChaCha20Poly1305(key).encrypt(nonce, data, None))
            except OSError as error:
                raise CredentialError(
                    f"The vault could not be written: {error.strerror}. Nothing was changed."
                ) from None

    def _read(self) -> dict[str, str]:
        blob = _read_private(self._vault_file, MAX_VAULT_BYTES)
        if blob is None:
            return {}
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

        key = self._key(create=False)
        try:
            data = json.loads(ChaCha20Poly1305(key).decrypt(blob[:NONCE_BYTES], blob[NONCE_BYTES:], None))
        except (InvalidTag, ValueError):
            raise CredentialError(
                f"{self._vault_file} can't be decrypted with {self._key_file}: one of them was damaged or replaced. "
                "Restore both from a backup, or move both away and store the keys again."
            ) from None
        if not isinstance(data, dict) or not all(isinstance(value, str) for value in data.values()):
            raise CredentialError(f"{self._vault_file} holds something else than names and secrets. Move it away.")
        return data

    def _key(self, *, create: bool) -> bytes:
        key = _read_private(self._key_file, KEY_BYTES)
        if key is None and create and not os.path.lexists(self._vault_file):
            key = self._new_key()
        if key is None:
            raise CredentialError(
                f"{self._vault_file} is there, but its key {self._key_file} is missing. Restore the key from a backup, "
                "or move the vault away and store the keys again."
            )
        if len(key) != KEY_BYTES:
            raise CredentialError(f"{self._key_file} has {len(key)} bytes where {KEY_BYTES} are expected. Restore it.")
        return key

    def _new_key(self) -> bytes:
        key = os.urandom(KEY_BYTES)
        try:
            descriptor = os.open(
                self._key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600
            )
            with os.fdopen(descriptor, "wb") as file:
                file.write(key)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise CredentialError(f"{self._key_file} could not be written: {error.strerror}.") from None
        return key

    @contextmanager
    def _locked(self) -> Iterator[None]:
        import filelock

        try:
            self._folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise CredentialError(f"{self._folder} can't be created: {error.strerror}.") from None
        _check_folder(self._folder)
        lock = filelock.FileLock(self._folder / "vault.lock", timeout=LOCK_TIMEOUT_S, mode=0o600)
        try:
            lock.acquire()
        except filelock.Timeout:
            raise CredentialError("Another process holds the vault. Try again when it has ended.") from None
        except OSError as error:
            raise CredentialError(f"The vault in {self._folder} can't be locked: {error.strerror}.") from None
        try:
            yield
        finally:
            lock.release()


def _read_private(path: Path, most: int) -> bytes | None:
    """Read a private file of the user's own; None where there is none.

    Raises CredentialError for a link, for another owner, for permissions of others, for anything but a
    regular file and for more than `most` bytes.
    """
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise CredentialError(f"{path} can't be looked at: {error.strerror}.") from None
    if not stat.S_ISREG(found.st_mode):
        raise CredentialError(f"{path} is not a regular file (a link?), so it is not used. Move it away.")
    if os.name == "posix":
        _check_folder(path.parent)
        _check_owner_and_mode(path, found, "chmod 600")
        if found.st_nlink > 1:
            raise CredentialError(f"{path} has a second name (a hard link), so it is not used. Remove the other one.")
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, "rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise CredentialError(f"{path} can't be read: {error.strerror}.") from None
    if len(data) > most:
        raise CredentialError(f"{path} is larger than {most} bytes, so it is no file of the vault. Move it away.")
    return data


def _check_folder(folder: Path) -> None:
    if os.name == "posix":
        found = os.lstat(folder)
        if not stat.S_ISDIR(found.st_mode):
            raise CredentialError(f"{folder} is not a folder (a link?), so the vault in it is not used.")
        _check_owner_and_mode(folder, found, "chmod 700")


def _check_owner_and_mode(path: Path, found: os.stat_result, mend: str) -> None:
    if found.st_uid != os.getuid():
        raise CredentialError(f"{path} belongs to another user, so it is not used.")
    if found.st_mode & 0o077:
        raise CredentialError(f"{path} may be read or written by others. Run: {mend} {path}")
