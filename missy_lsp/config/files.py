"""Read a configuration file without being held up or fooled by what lies at its path; write private ones."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from missy_lsp.config.yaml_reading import MAX_BYTES

# By how many seconds another clock, such as that of a file server, may be ahead of ours.
CLOCKS_DIFFER_S = 600.0
_TRIES = 5
NOT_REGULAR = "this is not a regular file (a folder, a pipe or a device); put a text file in its place"


class FileFault(Exception):
    """The file is there but can't be used; has a sentence."""


def read_config_file(path: Path, within: Path | None = None) -> bytes | None:
    """Return the bytes of a regular file, at most one more than is allowed; None where there is none.

    `within` is the folder that the real file must lie in (a workspace); without it the file is the
    user's own, and must not be writable by others. Raises FileFault with what to do.
    """
    for _ in range(_TRIES):
        try:
            # Without O_NONBLOCK, opening a FIFO would wait for somebody to write to it.
            descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError) as error:
            # Windows refuses to open a folder as it refuses a file that is not to be read.
            raise FileFault(NOT_REGULAR if os.path.isdir(path) else _unreadable(error)) from None
        try:
            before = os.fstat(descriptor)
            _check(path, before, within)
            data = _read(descriptor)
            after = os.fstat(descriptor)
        except OSError as error:
            raise FileFault(_unreadable(error)) from None
        finally:
            os.close(descriptor)
        if (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size):
            return data
    raise FileFault("the file is being written to; it is read again when it rests")


def write_atomically(path: Path, data: bytes) -> None:
    """Replace a private file in one step: readers see the old content or the new, also after a crash."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # created with 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)  # only there where something failed
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def keep_newest(entries: Iterable[Path], most: int, *, most_bytes: int | None = None, since: float = 0.0) -> None:
    """Remove all but the newest files, or folders with what they hold, of a cache.

    Files are kept while they have no more than `most_bytes` together and were written after `since` (Unix seconds).
    What seems to be from the future counts as the oldest: after a clock that was ahead it would outlast all else.
    """
    latest = time.time() + CLOCKS_DIFFER_S
    by_age = sorted(((*_age_and_size(entry, latest), entry) for entry in entries), reverse=True)
    total = 0
    for number, (changed_at, size, entry) in enumerate(by_age):
        total += size
        if number < most and changed_at >= since and (most_bytes is None or total <= most_bytes):
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                entry.unlink()


def _age_and_size(entry: Path, latest: float) -> tuple[float, int]:
    """Return when a file was written, 0 where that can't be, and its size in bytes."""
    try:
        found = entry.lstat()
    except OSError:  # another server was faster
        return 0.0, 0
    return found.st_mtime if found.st_mtime <= latest else 0.0, found.st_size


def _read(descriptor: int) -> bytes:
    chunks: list[bytes] = []
    left = MAX_BYTES + 1
    while left > 0 and (chunk := os.read(descriptor, left)):
        chunks.append(chunk)
        left -= len(chunk)
    return b"".join(chunks)


def _check(path: Path, found: os.stat_result, within: Path | None) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise FileFault(NOT_REGULAR)
    if within is not None:
        # Decided on the resolved path, and only for the very file that was opened (security.md, R4).
        real = Path(os.path.realpath(path))
        if not real.is_relative_to(os.path.realpath(within)) or not os.path.samestat(found, os.stat(real)):
            raise FileFault("this is a link to a place outside of the folder, which is not followed")
    elif os.name == "posix":
        if found.st_uid not in (os.getuid(), 0):
            raise FileFault("the file belongs to another user; put a copy of your own in its place")
        if found.st_mode & stat.S_IWOTH:
            raise FileFault(f"everybody on this machine may write to the file; run: chmod go-w {path}")


def _unreadable(error: Exception) -> str:
    return f"the file can't be read: {getattr(error, 'strerror', None) or 'its name is unusable'}"
