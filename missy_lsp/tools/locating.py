"""From the path that a model wrote to an open file below a workspace folder, or to a refusal.

Resolve, decide, then open the same object (security.md, R4): the path is resolved to one without links, the
decision is made on the given and on the resolved path, and the file is opened part by part from the folder
without following any link, so that a link put there in between is refused and not followed. Where the system
has no such open (Windows), what was opened is compared with what was decided on.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path, PurePath

import attrs

from missy_lsp.outbound.deny_list import denied
from missy_lsp.tools.decoding import decoded, is_binary
from missy_lsp.tools.outcome import ToolRefusedError, shown
from missy_lsp.tools.rules import IgnoreFileError, IgnoreRules, is_secret

_MAX_PATH_LENGTH = 4_096
_MAX_IGNORE_FILE_BYTES = 64 * 1024
_MAX_DIRECTORY_ENTRIES = 20_000
_SYSTEM_TREES = ("/proc", "/sys", "/dev")
HAS_DIRECTORY_OPEN = os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW") and hasattr(os, "O_DIRECTORY")
READ_FLAGS = (
    os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
)  # fmt: skip
_WINDOWS_DEVICE = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?", re.IGNORECASE)
_SHORT_NAME = re.compile(r"~[0-9]")


@attrs.frozen
class Location:
    """A place that may be read: `parts` lead from the real `folder` to it, without a link in between."""

    folder: Path
    parts: tuple[str, ...]
    rules: IgnoreRules

    @property
    def path(self) -> Path:
        return self.folder.joinpath(*self.parts)

    @property
    def name(self) -> str:
        """Return the path for a person and the model: relative to the folder, with `/`, on one line."""
        return shown("/".join(self.parts) or ".")

    def lies_below(self, other: Location) -> bool:
        return self.folder == other.folder and self.parts[: len(other.parts)] == other.parts

    def entry(self, name: str) -> Location:
        return attrs.evolve(self, parts=(*self.parts, name))


@attrs.frozen
class Entry:
    """An entry of a directory; links are never followed, so a link is neither file nor directory."""

    name: str
    is_directory: bool
    is_file: bool


def locations_of(text: str, folders: tuple[Path, ...], ignore: tuple[str, ...]) -> Iterator[Location]:
    """Yield where `text` may point, one location a workspace folder at most.

    Nothing is yielded for a path outside, for one that a rule keeps back, and for one that can't be
    written: the caller answers all of them, and a missing file, with `refusal`.
    """
    if _is_unusable(text):
        return
    for folder in folders:
        parts = _parts_below(text, folder)
        if parts is None or _is_unsafe(parts) or is_secret(parts):
            continue
        real_folder = Path(os.path.realpath(folder))
        real = _resolved(real_folder.joinpath(*parts))
        if real is None or not _is_below(real, real_folder) or _is_system(real):
            continue
        rules = ignore_rules(real_folder, ignore)
        location = Location(real_folder, real.relative_to(real_folder).parts, rules)
        if not any(
            is_secret(seen) or rules.hides(seen, is_directory=os.path.isdir(real)) for seen in (parts, location.parts)
        ):
            yield location


def ignore_rules(folder: Path, ignore: tuple[str, ...]) -> IgnoreRules:
    """Return what hides files below a real folder: its ignore files and the globs `ignore`."""
    return IgnoreRules(ignore, _IgnoreFileReader(folder))


def may_be_context(path: str | None, folders: tuple[Path, ...], ignore: tuple[str, ...]) -> bool:
    """Tell whether an open document may go out without its user having selected it: none that is denied or ignored.

    Looks at the disk. A document without a file has nothing that speaks against it.
    """
    if path is None:
        return True
    if any(PurePath(path).is_relative_to(folder) for folder in folders):
        return next(locations_of(path, folders, ignore), None) is not None
    return denied(PurePath(path)) is None


def refusal(text: str, folders: tuple[Path, ...] = ()) -> ToolRefusedError:
    """Return the one refusal for a path that is missing, outside, secret or ignored, so that none tells which.

    Where an ignore file in one of the `folders` closes the folder that the path names, it says so.
    """
    reason = f"No file or folder that may be read: {shown(text)}. list_files shows what there is."
    return ToolRefusedError(" ".join([reason, *ignore_faults(text, folders)]))


def ignore_faults(text: str, folders: tuple[Path, ...]) -> Iterator[str]:
    """Yield the sentences about ignore files that can't be read and so close the folder that a path names."""
    for folder in () if _is_unusable(text) else folders:
        parts = _parts_below(text, folder)
        if parts and not _is_unsafe(parts):
            rules = ignore_rules(Path(os.path.realpath(folder)), ())
            rules.hides(parts, is_directory=False)  # by the letters of the path alone: what exists is not told
            if rules.fault:
                yield rules.fault


def open_file(location: Location) -> int | None:
    """Open a regular file, return its descriptor; None where there is none (any more)."""
    try:
        descriptor = _open_below(location.folder, location.parts, directory=False)
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    return descriptor


def entries_of(location: Location) -> tuple[list[Entry], bool]:
    """Return the entries of a directory sorted by name, and whether there are more than are looked at."""
    try:
        if not HAS_DIRECTORY_OPEN:
            refuse_links(location.folder, location.parts)
            return _scan(location.path)
        descriptor = _open_below(location.folder, location.parts, directory=True)
    except (OSError, ValueError):
        return [], False
    try:
        return _scan(descriptor)
    except OSError:
        return [], False
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def open_parent(location: Location, *, make: bool) -> Iterator[int]:
    """Open the folder that holds a place, without following a link; with `make`, folders that are missing are made.

    Raises OSError. Only where the system opens relative to a folder (`HAS_DIRECTORY_OPEN`).
    """
    descriptor = os.open(location.folder, READ_FLAGS | os.O_DIRECTORY)
    try:
        for part in location.parts[:-1]:
            if make:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, dir_fd=descriptor)
            below = os.open(part, READ_FLAGS | os.O_DIRECTORY, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = below
        yield descriptor
    finally:
        os.close(descriptor)


def refuse_links(folder: Path, parts: tuple[str, ...]) -> Path:
    """Return a path below a folder. Raises OSError where a part of it is a link."""
    path = folder.joinpath(*parts)
    if os.path.normcase(os.path.realpath(path)) != os.path.normcase(path):
        raise OSError("a link was put into the path")
    return path


def is_windows_unsafe(part: str) -> bool:
    """Tell whether Windows takes this name of a file for something else: a device, a stream, a short name."""
    return (
        ":" in part
        or part != part.rstrip(". ")
        or _WINDOWS_DEVICE.fullmatch(part) is not None
        or _SHORT_NAME.search(part) is not None
    )


@attrs.frozen
class _IgnoreFileReader:
    """Read an ignore file of a folder as text, through a link where that stays below the folder.

    None where there is no such file. Raises IgnoreFileError where there is one that can't be read whole.
    """

    folder: Path

    def __call__(self, parts: tuple[str, ...]) -> str | None:
        descriptor = self._open(parts)
        if descriptor is None:
            return None
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise IgnoreFileError("is no regular file")
            data = os.read(descriptor, _MAX_IGNORE_FILE_BYTES + 1)
        except OSError as error:
            raise IgnoreFileError(f"can't be read ({error.strerror})") from None
        finally:
            os.close(descriptor)
        if len(data) > _MAX_IGNORE_FILE_BYTES:
            raise IgnoreFileError(f"is larger than {_MAX_IGNORE_FILE_BYTES // 1024} KiB")
        if is_binary(data):
            raise IgnoreFileError("is no text")
        return decoded(data)[0].replace("\ufffd", "?")  # whatever an unreadable character was, its rule holds

    def _open(self, parts: tuple[str, ...]) -> int | None:
        try:
            return _open_below(self.folder, parts, directory=False)
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return None
        except OSError as error:
            return self._open_otherwise(parts, error)

    def _open_otherwise(self, parts: tuple[str, ...], error: OSError) -> int | None:
        path = self.folder.joinpath(*parts)
        if not os.path.islink(path):
            if error.errno is None or not os.path.lexists(path):
                return None  # a link on the way (refuse_links): the way without links is decided on as well
            raise IgnoreFileError(f"can't be read ({error.strerror})")
        real = _resolved(path)
        if real is None or not _is_below(real, self.folder):
            raise IgnoreFileError("is a link that leads out of the workspace folder")
        try:
            return _open_below(self.folder, real.relative_to(self.folder).parts, directory=False)
        except (OSError, ValueError):
            raise IgnoreFileError("is a link to nothing that can be read") from None


def _resolved(path: Path) -> Path | None:
    try:
        return Path(os.path.realpath(path))
    except OSError:
        # The path was changed while its links were followed.
        return None


def _is_unusable(text: str) -> bool:
    if len(text) > _MAX_PATH_LENGTH or "\0" in text:
        return True
    try:
        os.fsencode(text)
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _parts_below(text: str, folder: Path) -> tuple[str, ...] | None:
    """Return the parts of a path relative to `folder` by its letters alone, None where it lies elsewhere."""
    path = PurePath(text)
    if not path.is_absolute():
        # A Windows path such as C:x or \x is neither absolute nor relative to our folder.
        return None if path.anchor else path.parts
    for base in (folder, Path(os.path.realpath(folder))):
        if _is_below(path, base):
            return path.parts[len(base.parts) :]
    return None


def _is_unsafe(parts: tuple[str, ...]) -> bool:
    return any(
        part == ".." or (os.sep == "/" and "\\" in part) or (os.name == "nt" and is_windows_unsafe(part))
        for part in parts
    )


def _is_below(path: PurePath, folder: PurePath) -> bool:
    normalized = [os.path.normcase(part) for part in path.parts]
    above = [os.path.normcase(part) for part in folder.parts]
    return normalized[: len(above)] == above


def _is_system(path: Path) -> bool:
    return os.name == "posix" and any(path == Path(tree) or Path(tree) in path.parents for tree in _SYSTEM_TREES)


def _open_below(folder: Path, parts: tuple[str, ...], *, directory: bool) -> int:
    if not HAS_DIRECTORY_OPEN:
        return _open_and_compare(folder, parts)
    flags = READ_FLAGS | os.O_DIRECTORY
    descriptor = os.open(folder, flags)
    for index, part in enumerate(parts):
        is_last = index == len(parts) - 1
        try:
            below = os.open(part, flags if directory or not is_last else READ_FLAGS, dir_fd=descriptor)
        finally:
            os.close(descriptor)
        descriptor = below
    return descriptor


def _open_and_compare(folder: Path, parts: tuple[str, ...]) -> int:
    path = refuse_links(folder, parts)
    descriptor = os.open(path, READ_FLAGS)
    try:
        refuse_links(folder, parts)
        if not os.path.samestat(os.fstat(descriptor), os.stat(path)):
            raise OSError("the file was exchanged while it was opened")
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _scan(directory: int | Path) -> tuple[list[Entry], bool]:
    entries: list[Entry] = []
    with os.scandir(directory) as found:
        for entry in found:
            if len(entries) == _MAX_DIRECTORY_ENTRIES:
                return sorted(entries, key=lambda one: one.name), True
            entries.append(
                Entry(
                    entry.name,
                    is_directory=entry.is_dir(follow_symlinks=False) and not _is_junction(entry),
                    is_file=entry.is_file(follow_symlinks=False),
                )
            )
    return sorted(entries, key=lambda one: one.name), False


def _is_junction(entry: os.DirEntry[str]) -> bool:
    """Tell whether a directory is a Windows junction, which leads elsewhere as a link does."""
    if os.name != "nt":
        return False
    attributes = getattr(entry.stat(follow_symlinks=False), "st_file_attributes", 0)
    return bool(attributes & getattr(stat, "FILE_ATTRIBUTE_REPARSE_POINT", 0))
