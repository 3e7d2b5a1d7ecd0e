"""Write what the user has accepted into files below a workspace folder, and nothing through a link.

As with reading (locating.py): the folder of the file is opened part by part without following any link, and what is
compared, made and replaced is named relative to that open folder. Where the system can't (Windows), the path is
looked at before and after.

What a change was made for may be an editor's text, without the byte order mark and with other line ends than the
file has. It is compared without those, and written with them.
"""

from __future__ import annotations

import contextlib
import os
import stat
import uuid

from missy_lsp.config.files import write_atomically
from missy_lsp.errors import MissyError
from missy_lsp.features.text_forms import BYTE_ORDER_MARK, adapted, is_same_text
from missy_lsp.tools.locating import HAS_DIRECTORY_OPEN, READ_FLAGS, Location, open_file, open_parent, refuse_links

_NEW_FILE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_CHANGED = "changed since the model read it"


class InTheWayError(MissyError):
    """A change can't be written into its file; `is_change`: since that holds or is something else than it did."""

    def __init__(self, location: Location, why: str, *, is_change: bool = False) -> None:
        super().__init__(f"{location.name} {why}")
        self.is_change = is_change


def check_writable(location: Location, before: str | None) -> None:
    """Look whether a change can be written as things are now. `before` is what it was made for, None: a new file.

    Raises InTheWayError with what is in the way.
    """
    if before is None:
        _check_free(location)
        return
    descriptor = open_file(location)
    if descriptor is None:
        raise InTheWayError(location, _CHANGED, is_change=True)
    try:
        _new_data(location, descriptor, before, before)
    except (OSError, ValueError) as error:
        raise InTheWayError(location, f"can't be read: {getattr(error, 'strerror', None) or error}") from None
    finally:
        os.close(descriptor)


def write_file(location: Location, before: str | None, after: str) -> str | None:
    """Write `after` where `before` stands, None: where nothing is. Return what was in the way, None for nothing."""
    name = location.name
    try:
        if not HAS_DIRECTORY_OPEN:
            _write_by_path(location, before, after)
            return None
        with open_parent(location, make=before is None) as folder:
            if before is None:
                _create(folder, location.parts[-1], after.encode("utf-8"))
            else:
                _replace(location, folder, before, after)
    except InTheWayError as in_the_way:
        return in_the_way.message
    except FileExistsError:
        return f"{name} exists already"
    except (OSError, ValueError) as error:
        return f"{name} can't be written: {getattr(error, 'strerror', None) or error}"
    return None


def _check_free(location: Location) -> None:
    """Raise InTheWayError where a new file has no place: of the folders above it, those that are missing are made."""
    path = location.folder
    for part in location.parts[:-1]:
        path /= part
        try:
            is_folder = stat.S_ISDIR(os.lstat(path).st_mode)
        except FileNotFoundError:
            return
        except OSError as error:
            raise InTheWayError(location, f"can't be made: {error.strerror}") from None
        if not is_folder:
            raise InTheWayError(location, f"can't be made: {path.name} is no folder", is_change=True)
    if os.path.lexists(location.path):
        raise InTheWayError(location, "exists already", is_change=True)


def _create(folder: int, name: str, data: bytes) -> None:
    descriptor = os.open(name, _NEW_FILE_FLAGS, 0o666, dir_fd=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
    except OSError:
        with contextlib.suppress(OSError):  # half a file is none
            os.unlink(name, dir_fd=folder)
        raise


def _replace(location: Location, folder: int, before: str, after: str) -> None:
    """Replace a file in one step if it still holds `before`; its mode stays."""
    name = location.parts[-1]
    descriptor = os.open(name, READ_FLAGS, dir_fd=folder)
    try:
        mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
        data = _new_data(location, descriptor, before, after)
    finally:
        os.close(descriptor)
    temporary = f".{uuid.uuid4().hex}.tmp"
    descriptor = os.open(temporary, _NEW_FILE_FLAGS, 0o600, dir_fd=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        raise


def _write_by_path(location: Location, before: str | None, after: str) -> None:
    parent = location.path.parent
    if before is None:
        parent.mkdir(parents=True, exist_ok=True)
        refuse_links(location.folder, location.parts[:-1])
        with location.path.open("xb") as file:
            file.write(after.encode("utf-8"))
        return
    refuse_links(location.folder, location.parts)
    descriptor = open_file(location)
    if descriptor is None:
        raise InTheWayError(location, _CHANGED, is_change=True)
    try:
        data = _new_data(location, descriptor, before, after)
    finally:
        os.close(descriptor)
    write_atomically(location.path, data)


def _new_data(location: Location, descriptor: int, before: str, after: str) -> bytes:
    """Return what an open file is to hold, in the form that it has now.

    Raises InTheWayError where it holds something else than `before`, or is not to be replaced.
    """
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        raise InTheWayError(location, _CHANGED, is_change=True)
    expected = before.encode("utf-8", "surrogatepass")
    # With a mark, and each line end of one character as two, it is no longer than this.
    data = _read(descriptor, 2 * len(expected) + len(BYTE_ORDER_MARK.encode()))
    if data is None:
        raise InTheWayError(location, _CHANGED, is_change=True)
    if data != expected:
        after = _in_form_of(location, data, before, after)
    if not found.st_mode & 0o222:  # replacing it asks for no right but that to its folder
        raise InTheWayError(location, "is read-only. Make it writable to change it")
    if found.st_nlink > 1:  # a new file would leave the other names with the old text
        raise InTheWayError(
            location, "has a hard link, which would keep the old text. Open it in the editor to change it"
        )
    return after.encode("utf-8")


def _in_form_of(location: Location, data: bytes, before: str, after: str) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        why = "is not UTF-8 text. Open it in the editor to change it"
        raise InTheWayError(location, why) from None
    adapted_before, adapted_after = adapted(before, after, text)
    if adapted_before == text:
        return adapted_after
    if is_same_text(before, text):
        raise InTheWayError(location, "has line ends of several kinds. Open it in the editor to change it")
    raise InTheWayError(location, _CHANGED, is_change=True)


def _read(descriptor: int, most: int) -> bytes | None:
    """Return all that an open file holds, None where that is more than `most` bytes; no more than that is read."""
    if os.fstat(descriptor).st_size > most:
        return None
    read = bytearray()
    while len(read) <= most and (piece := os.read(descriptor, most + 1 - len(read))):
        read += piece
    return bytes(read) if len(read) <= most else None
