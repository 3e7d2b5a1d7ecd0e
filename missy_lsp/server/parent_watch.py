"""Tell when the process that the server works for is gone, though nobody closed its standard input."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable

import attrs

IsGone = Callable[[], bool]

_LARGEST_PROCESS_ID = 2**31 - 1


@attrs.frozen
class ParentWatch:
    """The client by its `processId`, and the process that started the server."""

    _client: IsGone | None
    _parent: IsGone | None

    def fault(self) -> str | None:
        """Say who is gone; None while everybody is there."""
        if self._client is not None and self._client():
            return "the editor's process is gone"
        if self._parent is not None and self._parent():
            return "the process that started the server is gone"
        return None


def watch_process(process_id: int) -> IsGone | None:
    """Return a function that tells whether a process is gone; None for one that can't be seen from here.

    A client in another container names a number that means nothing here: that is no reason to end.
    """
    if not 0 < process_id <= _LARGEST_PROCESS_ID:
        return None
    if sys.platform == "win32":
        return _watch_by_handle(process_id)
    opened = _watch_by_descriptor(process_id)
    return opened or watch_by_signal(process_id)


def watch_parent() -> IsGone | None:
    """Return a function that tells whether the process that started this one is gone."""
    parent = os.getppid()
    if sys.platform == "win32":  # the number stays as it was
        return _watch_by_handle(parent)
    return lambda: os.getppid() != parent


def watch_by_signal(process_id: int) -> IsGone | None:
    """Watch by signal 0: the way where there is nothing better (macOS, old kernels)."""

    def is_gone() -> bool:
        try:
            os.kill(process_id, 0)
        except ProcessLookupError:
            return True
        except PermissionError:  # another user's, and so alive
            return False
        return _is_zombie(process_id)

    return None if is_gone() and not _is_zombie(process_id) else is_gone


def _watch_by_descriptor(process_id: int) -> IsGone | None:
    """Watch by a descriptor, which a later process with the same number can't deceive (Linux 5.3)."""
    if not hasattr(os, "pidfd_open"):
        return None
    try:
        descriptor = os.pidfd_open(process_id)
    except OSError:
        return None
    ended = select.poll()
    ended.register(descriptor, select.POLLIN)
    return lambda: bool(ended.poll(0))


def _is_zombie(process_id: int) -> bool:
    """Tell whether a process has ended and only waits to be asked for its exit code (Linux: man 5 proc)."""
    try:
        with open(f"/proc/{process_id}/stat", "rb") as stat:
            return stat.read().rpartition(b")")[2].split()[0] in (b"Z", b"X")
    except (OSError, IndexError):
        return False


def _watch_by_handle(process_id: int) -> IsGone | None:
    if sys.platform != "win32":
        return None
    import ctypes
    from ctypes import wintypes

    synchronize, object_signaled = 0x00100000, 0  # winnt.h, WAIT_OBJECT_0
    kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    kernel.OpenProcess.restype = wintypes.HANDLE
    kernel.OpenProcess.argtypes = (wintypes.DWORD, wintypes.BOOL, wintypes.DWORD)
    kernel.WaitForSingleObject.argtypes = (wintypes.HANDLE, wintypes.DWORD)
    handle = kernel.OpenProcess(synchronize, False, process_id)
    if not handle:  # there is no such process, or it is not ours to watch
        return None
    return lambda: bool(kernel.WaitForSingleObject(handle, 0) == object_signaled)
