"""Read a configuration file without being held up or fooled by what lies at its path."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from missy_lsp.config.yaml_reading import MAX_BYTES

_TRIES = 5


class FileFault(Exception):
    """The file is there but can't be used; has a sentence."""


def read_config_file(path: Path, within: Path | None = None) -> bytes | None:
    """Return the bytes of a regular file, at most one more than is allowed; None where there is none.

    `within` is the folder that the real file must lie in (a workspace); without it the file is the
    user's own, and must not be writable by others. Raises FileFault with what to do.
    """
    if within is not None and not _inside(path, within):
        raise FileFault("this is a link to a place outside of the folder, which is not followed")
    for _ in range(_TRIES):
        try:
            # Without O_NONBLOCK, opening a FIFO would wait for somebody to write to it.
            descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError) as error:
            raise FileFault(
                f"the file can't be read: {getattr(error, 'strerror', None) or 'its name is unusable'}"
            ) from None
        with os.fdopen(descriptor, "rb") as file:
            before = os.fstat(descriptor)
            _check(before, within)
            try:
                data = file.read(MAX_BYTES + 1)
            except OSError as error:
                raise FileFault(f"the file can't be read: {error.strerror}") from None
            after = os.fstat(descriptor)
        if (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size):
            return data
    raise FileFault("the file is being written to; it is read again when it rests")


def _inside(path: Path, folder: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def _check(found: os.stat_result, within: Path | None) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise FileFault("this is not a regular file")
    if within is None and os.name == "posix":
        if found.st_uid not in (os.getuid(), 0):
            raise FileFault("the file belongs to another user; a configuration has to be your own")
        if found.st_mode & stat.S_IWOTH:
            raise FileFault("everybody may write to the file; run: chmod go-w on it")
