"""The standard streams: the protocol's two moved out of reach, and an error stream that never blocks."""

from __future__ import annotations

import io
import os
import stat
import sys
from typing import BinaryIO

from missy_lsp.server.outlet import Descriptor, Outlet

_FULL_BYTES = 256 * 1024


class StdioChannel:
    """Standard input and output, moved away so that neither a stray `print`, nor native code, nor a child process
    can touch the protocol."""

    def __init__(self) -> None:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.setmode(0, os.O_BINARY)
            msvcrt.setmode(1, os.O_BINARY)
        # Not inherited by children (PEP 446).
        self._in = os.dup(0)
        self._out = os.dup(1)
        if os.name == "posix":
            os.set_blocking(self._in, True)
        with open(os.devnull, "rb") as nothing:
            os.dup2(nothing.fileno(), 0)
        os.dup2(2, 1)
        sys.stdout = sys.stderr

    def reader(self) -> BinaryIO:
        return os.fdopen(self._in, "rb", 1 << 16)

    def fileno(self) -> int:
        return self._out

    def write(self, data: bytes | memoryview) -> int:
        return os.write(self._out, data)


class ErrorStream(io.TextIOBase):
    """Standard error for everybody in this process: what nobody reads is dropped at last, and waits for nobody."""

    def __init__(self) -> None:
        self._encoding = getattr(sys.stderr, "encoding", None) or "utf-8"
        self._outlet = Outlet(Descriptor(os.dup(2)), _FULL_BYTES, lambda: None, "missy-stderr")

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding

    @property
    def errors(self) -> str:  # type: ignore[override]
        return "backslashreplace"

    def write(self, text: str) -> int:
        self._outlet.put(text.encode(self._encoding, "backslashreplace"), droppable=True)
        return len(text)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return 2

    def isatty(self) -> bool:
        return os.isatty(2)

    def drain(self, timeout_s: float) -> bool:
        """Wait until everything is written; `flush` does not, since libraries call it at any time."""
        return self._outlet.drain(timeout_s)


def replace_missing_streams() -> list[str]:
    """Open nothing at all in the place of each standard stream that the server was started without; name them.

    Otherwise a file or a connection that is opened later would take its number, and get what is printed.
    """
    missing = [(number, name) for number, name in enumerate(("input", "output", "error")) if not _is_open(number)]
    for number, _ in missing:
        nothing = os.open(os.devnull, os.O_RDWR)
        if nothing != number:
            os.dup2(nothing, number)
            os.close(nothing)
    return [name for _, name in missing if name != "error"]


def unblock_standard_error() -> ErrorStream:
    """Put a stream in the place of `sys.stderr` that never blocks, and do what can be done for native code."""
    errors = ErrorStream()
    sys.stderr = errors
    _reopen_without_blocking()
    return errors


def _reopen_without_blocking() -> None:
    """Open the pipe behind descriptor 2 anew as one that drops what it has no room for (Linux).

    Only in this process: to set the flag on the pipe as we got it would change it for whoever shares it.
    """
    if sys.platform != "linux":
        return
    try:
        if not stat.S_ISFIFO(os.fstat(2).st_mode):
            return
        descriptor = os.open("/proc/self/fd/2", os.O_WRONLY | os.O_NONBLOCK)
    except OSError:  # nobody reads it, or it was another user's
        return
    os.dup2(descriptor, 2)
    os.close(descriptor)


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
