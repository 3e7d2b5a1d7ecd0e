"""Which workspace folders the user trusts: by real path and by the bytes of the files that need it."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import attrs

from missy_lsp.config.files import write_atomically
from missy_lsp.config.locations import WORKSPACE_FOLDER, is_same_place
from missy_lsp.errors import TrustError

TrustState = Literal["trusted", "untrusted", "changed", "refused", "not_needed"]
MAY_EDIT: frozenset[TrustState] = frozenset(["trusted", "not_needed"])  # in these a model may draft edits

COVERED = (".missy/config.yaml", "AGENTS.md", "CLAUDE.md")
COVERED_ACTIONS = ".missy/actions"
MAX_ACTIONS = 200
MAX_FILE_BYTES = 1024 * 1024
_VERSION = 1
_LOCK_TIMEOUT_S = 10


@attrs.frozen
class TrustEntry:
    """A stored decision: the folder's real path, the hash it was made for, and which way it went."""

    folder: str
    digest: str
    trusted: bool


class TrustStore:
    """The decisions in `~/.missy/trust.json`; a file that can't be read trusts nothing."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def state(self, folder: Path, read: Mapping[Path, bytes] | None = None) -> TrustState:
        """Return what holds for a folder now; never raises, and fails closed.

        `read` has the content of covered files that the caller goes on to use: the decision is on those bytes.
        """
        digest = self.digest(folder, read)
        if digest is None:
            return "not_needed"
        try:
            entry = self._read().get(_real(folder))
        except TrustError:
            return "untrusted"
        if entry is None:
            return "untrusted"
        if entry.digest != digest:
            return "changed"
        return "trusted" if entry.trusted else "refused"

    def trust(self, folder: Path) -> tuple[Path, ...]:
        """Trust a folder as it is now and return the files that this covers. Raises TrustError."""
        self._decide(folder, trusted=True)
        return covered_files(folder, self._path.parent)

    def digest(self, folder: Path, read: Mapping[Path, bytes] | None = None) -> str | None:
        """Return the hash that a decision about a folder is made for now; None where there is nothing to decide."""
        return _digest_of(folder, self._path.parent, read)

    def refuse(self, folder: Path) -> None:
        """Remember a no, until a covered file changes. Raises TrustError."""
        self._decide(folder, trusted=False)

    def revoke(self, folder: Path) -> bool:
        """Forget the decision about a folder; tell whether there was one. Raises TrustError."""
        with self._locked():
            entries = self._read()
            known = entries.pop(_real(folder), None) is not None
            if known:
                self._write(entries)
        return known

    def entries(self) -> tuple[TrustEntry, ...]:
        """Return every stored decision. Raises TrustError where the file is broken."""
        return tuple(self._read().values())

    def _decide(self, folder: Path, *, trusted: bool) -> None:
        entry = TrustEntry(_real(folder), self.digest(folder) or "", trusted)
        with self._locked():
            self._write({**self._read(), entry.folder: entry})

    def _read(self) -> dict[str, TrustEntry]:
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise TrustError(
                f"{self._path} can't be read: {error.strerror}. No folder is trusted until it can."
            ) from None
        try:
            document = json.loads(data)
            if document["version"] != _VERSION:
                raise TrustError(
                    f"{self._path} was written by another version of Missy, so no folder is trusted. Update "
                    "missy-lsp, or move the file away and trust the folders again."
                )
            return {folder: _entry(folder, stored) for folder, stored in document["folders"].items()}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise TrustError(
                f"{self._path} is damaged, so no folder is trusted. Move it away, then trust the folders again."
            ) from None

    def _write(self, entries: Mapping[str, TrustEntry]) -> None:
        folders = {entry.folder: {"sha256": entry.digest, "trusted": entry.trusted} for entry in entries.values()}
        data = json.dumps({"version": _VERSION, "folders": folders}, indent=1).encode()
        try:
            write_atomically(self._path, data)
        except OSError as error:
            raise TrustError(f"{self._path} can't be written: {error.strerror}. The decision is not stored.") from None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        import filelock  # only writing needs it

        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = filelock.FileLock(self._path.with_suffix(".lock"), timeout=_LOCK_TIMEOUT_S)
            with lock:
                yield
        except filelock.Timeout:
            raise TrustError(f"{self._path} is held by another process. Try again.") from None
        except OSError as error:
            raise TrustError(f"{self._path.parent} can't be written: {error.strerror}.") from None
        except NotImplementedError:  # a file system without locks
            raise TrustError(f"The file system of {self._path.parent} has no file locks; nothing is stored.") from None


def covered_files(folder: Path, own: Path | None = None) -> tuple[Path, ...]:
    """Return the files of a folder that only count when it is trusted, in a fixed order.

    `own` is the user's `~/.missy`, whose files are nobody else's: a workspace may be the home folder.
    """
    is_own = own is not None and is_same_place(folder / WORKSPACE_FOLDER, own)
    names = [name for name in COVERED if not (is_own and name.startswith(WORKSPACE_FOLDER))]
    files = [folder / name for name in names if os.path.lexists(folder / name)]
    if is_own:
        return tuple(files)
    actions = folder / COVERED_ACTIONS
    try:
        found = sorted(actions.glob("*.md"))[:MAX_ACTIONS] if actions.is_dir() else []
    except OSError:
        found = []
    return (*files, *found)


def _digest_of(folder: Path, own: Path, read: Mapping[Path, bytes] | None) -> str | None:
    """Hash names and bytes of the covered files; None where there is none.

    A file that is no regular one of bounded size inside of the folder counts by its name and kind alone:
    nothing else reads it either.
    """
    files = covered_files(folder, own)
    if not files:
        return None
    whole = hashlib.sha256()
    for file in files:
        name = file.relative_to(folder).as_posix().encode("utf-8", "surrogateescape")
        whole.update(b"%d:%s" % (len(name), name))
        content = (read or {}).get(file)
        whole.update(_content_digest(file, folder) if content is None else hashlib.sha256(content).digest())
    return whole.hexdigest()


def _content_digest(file: Path, folder: Path) -> bytes:
    if not Path(os.path.realpath(file)).is_relative_to(_real(folder)):
        return b"outside"
    try:
        descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError):
        return b"unreadable"
    try:
        # A folder can be opened too, so the kind is looked at before anything is read.
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_FILE_BYTES:
            return b"unusable %d" % found.st_size
        with os.fdopen(descriptor, "rb", closefd=False) as content:
            return hashlib.sha256(content.read(MAX_FILE_BYTES + 1)).digest()
    except OSError:
        return b"unreadable"
    finally:
        os.close(descriptor)


def _real(folder: Path) -> str:
    return os.path.normcase(os.path.realpath(folder))


def _entry(folder: str, stored: Any) -> TrustEntry:
    digest, trusted = stored["sha256"], stored["trusted"]
    if not isinstance(digest, str) or not isinstance(trusted, bool):
        raise TypeError("a stored decision has a wrong shape")
    return TrustEntry(folder, digest, trusted)
