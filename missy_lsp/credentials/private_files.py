"""Files that only their owner may read: checked before they are believed, locked while they are changed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from missy_lsp.config.files import write_atomically
from missy_lsp.errors import CredentialError

LOCK_NAME = "vault.lock"
LOCK_TIMEOUT_S = 20
_LOCK_POLL_S = 0.01
_OTHERS_MAY_WRITE = 0o022
_OTHERS_MAY_ANYTHING = 0o077
# Without O_BINARY, Windows would translate line ends in what is no text.
_OPEN_SAFELY = (
    getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


def read_private(path: Path, most: int) -> bytes | None:
    """Read a file of the user's own; None where there is none.

    Raises CredentialError for a link, another owner, permissions for others, anything but a regular
    file, and more than `most` bytes.
    """
    try:
        _check_regular(path, os.lstat(path))
        _check_folder(path.parent)
        descriptor = os.open(path, os.O_RDONLY | _OPEN_SAFELY)
        with os.fdopen(descriptor, "rb") as file:
            # What was opened is what counts: the name may have been given to another file in between.
            _check_private(path, os.fstat(descriptor))
            data = file.read(most + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise CredentialError(f"{path} can't be read: {error.strerror}.") from None
    if len(data) > most:
        raise CredentialError(f"{path} is larger than {most} bytes, so it is not what it should be. Move it away.")
    return data


def write_private(path: Path, data: bytes) -> None:
    """Replace a private file in one step; call it with the folder locked. Raises CredentialError."""
    try:
        write_atomically(path, data)
    except OSError as error:
        raise CredentialError(f"{path} can't be written: {error.strerror}. What it held is still there.") from None


def create_private(path: Path, data: bytes) -> None:
    """Write a private file that does not exist yet; none is left where it fails. Raises CredentialError."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _OPEN_SAFELY, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(descriptor)
        except OSError:
            path.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise CredentialError(f"{path} can't be written: {error.strerror}. Nothing was stored.") from None


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a private folder against other threads and processes; it is created where it is missing.

    The lock is the system's own, so that a process that dies gives it back. Raises CredentialError.
    """
    import filelock

    _make_folder(folder)
    lock = filelock.FileLock(folder / LOCK_NAME, mode=0o600)
    try:
        lock.acquire(timeout=LOCK_TIMEOUT_S, poll_interval=_LOCK_POLL_S)
    except filelock.Timeout:
        raise CredentialError(f"Another process holds the vault in {folder}. Try again when it has ended.") from None
    except OSError as error:
        raise CredentialError(f"The vault in {folder} can't be locked: {error.strerror}.") from None
    except NotImplementedError:
        raise _no_locks(folder) from None
    try:
        # On a file system without locks, filelock turns to marker files, which a crash leaves behind for good.
        if isinstance(lock, filelock.SoftFileLock):
            raise _no_locks(folder)
        _remove_leftovers(folder)
        yield
    finally:
        lock.release()


def _make_folder(folder: Path) -> None:
    try:
        # The home itself is never created: where it does not exist, there is nobody's vault to keep.
        folder.parent.mkdir(mode=0o700, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        _check_folder(folder)
        if os.name == "posix" and os.lstat(folder).st_mode & _OTHERS_MAY_ANYTHING:
            folder.chmod(0o700)
    except FileExistsError:
        raise CredentialError(f"{folder} can't be created: something that is no folder is in its place.") from None
    except OSError as error:
        raise CredentialError(f"{folder} can't be created or used: {error.strerror}.") from None


def _remove_leftovers(folder: Path) -> None:
    """Remove what a crash between writing and renaming left; nobody else writes while the lock is held."""
    for path in folder.iterdir():
        if path.name.startswith((".vault.enc.", ".index.json.", ".origins.json.")):
            path.unlink(missing_ok=True)


def _no_locks(folder: Path) -> CredentialError:
    return CredentialError(
        f"The file system of {folder} has no file locks, so nothing can be stored there safely. "
        "Give the key in an environment variable instead."
    )


def _check_folder(folder: Path) -> None:
    found = os.lstat(folder)
    if not stat.S_ISDIR(found.st_mode):
        raise CredentialError(f"{folder} is not a folder (a link?), so the vault in it is not used.")
    if os.name == "posix":
        _check_owner(folder, found)
        if found.st_mode & _OTHERS_MAY_WRITE:
            raise CredentialError(f"{folder} may be written by others, so it is not used. Run: chmod 700 {folder}")


def _check_private(path: Path, found: os.stat_result) -> None:
    _check_regular(path, found)
    if os.name != "posix":
        return
    _check_owner(path, found)
    if found.st_mode & _OTHERS_MAY_ANYTHING:
        raise CredentialError(f"{path} may be read or written by others, so it is not used. Run: chmod 600 {path}")
    if found.st_nlink > 1:
        raise CredentialError(f"{path} has a second name (a hard link), so it is not used. Remove the other one.")


def _check_owner(path: Path, found: os.stat_result) -> None:
    if os.name == "posix" and found.st_uid != os.geteuid():
        raise CredentialError(f"{path} belongs to another user, so it is not used.")


def _check_regular(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise CredentialError(f"{path} is not a regular file (a link?), so it is not used. Move it away.")
