"""Write what the user has accepted into files below a workspace folder, and nothing through a link.

As with reading (locating.py): the folder of the file is opened part by part without following any link, and what is
compared, made and replaced is named relative to that open folder. Where the system can't (Windows), the path is
looked at before and after.
"""

from __future__ import annotations

import contextlib
import os
import stat
import uuid

from missy_lsp.config.files import write_atomically
from missy_lsp.tools.locating import HAS_DIRECTORY_OPEN, READ_FLAGS, Location, open_file, open_parent, refuse_links

_NEW_FILE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


def stands(location: Location, text: str | None) -> bool:
    """Tell whether a file holds exactly this text; None: whether nothing is there."""
    if text is None:
        return not os.path.lexists(location.path)
    descriptor = open_file(location)
    if descriptor is None:
        return False
    with os.fdopen(descriptor, "rb") as file:
        try:
            return _has(file.fileno(), text.encode("utf-8", "surrogatepass"))
        except OSError:
            return False


def write_file(location: Location, before: str | None, after: str) -> str | None:
    """Write `after` where `before` stands, None: where nothing is. Return what was in the way, None for nothing."""
    name = location.name
    data = after.encode("utf-8")
    try:
        if not HAS_DIRECTORY_OPEN:
            return _write_by_path(location, before, data)
        with open_parent(location, make=before is None) as folder:
            if before is None:
                _create(folder, location.parts[-1], data)
            elif not _replace(folder, location.parts[-1], before.encode("utf-8", "surrogatepass"), data):
                return f"{name} has changed since the change was made for it"
    except FileExistsError:
        return f"{name} exists already"
    except (OSError, ValueError) as error:
        return f"{name} can't be written: {getattr(error, 'strerror', None) or error}"
    return None


def _create(folder: int, name: str, data: bytes) -> None:
    descriptor = os.open(name, _NEW_FILE_FLAGS, 0o666, dir_fd=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
    except OSError:
        with contextlib.suppress(OSError):  # half a file is none
            os.unlink(name, dir_fd=folder)
        raise


def _replace(folder: int, name: str, before: bytes, data: bytes) -> bool:
    """Replace a file in one step if it still holds `before`; its mode stays."""
    descriptor = os.open(name, READ_FLAGS, dir_fd=folder)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or not _has(descriptor, before):
            return False
    finally:
        os.close(descriptor)
    temporary = f".{uuid.uuid4().hex}.tmp"
    descriptor = os.open(temporary, _NEW_FILE_FLAGS, 0o600, dir_fd=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            os.fchmod(file.fileno(), stat.S_IMODE(found.st_mode))
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        raise
    return True


def _write_by_path(location: Location, before: str | None, data: bytes) -> str | None:
    parent = location.path.parent
    if before is None:
        parent.mkdir(parents=True, exist_ok=True)
        refuse_links(location.folder, location.parts[:-1])
        with location.path.open("xb") as file:
            file.write(data)
        return None
    refuse_links(location.folder, location.parts)
    if not stands(location, before):
        return f"{location.name} has changed since the change was made for it"
    write_atomically(location.path, data)
    return None


def _has(descriptor: int, data: bytes) -> bool:
    """Tell whether an open file holds exactly this, without reading more than that."""
    if os.fstat(descriptor).st_size != len(data):
        return False
    read = bytearray()
    while len(read) <= len(data) and (piece := os.read(descriptor, len(data) + 1 - len(read))):
        read += piece
    return bytes(read) == data
