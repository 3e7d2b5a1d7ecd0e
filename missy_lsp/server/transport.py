"""Bytes in and out: framed messages over standard input and output or one loopback connection.

Reading happens in a thread of its own, so that nothing that a handler does can make the server deaf.
Writing never blocks the event loop: what the client has no room for waits in a bounded queue that a
second thread empties.
"""

from __future__ import annotations

import os
import select
import socket
import sys
import threading
from collections import deque
from collections.abc import Callable
from typing import BinaryIO, Protocol, cast

MAX_MESSAGE_BYTES = 32 * 1024 * 1024
MAX_HEADER_BYTES = 8 * 1024
MAX_QUEUED_BYTES = 64 * 1024 * 1024
# A pipe that is reported as writable takes at least this much without blocking (POSIX, PIPE_BUF).
_UNBLOCKED_WRITE_BYTES = 4096


class FramingError(Exception):
    """The client's bytes are not framed messages; nothing after them can be understood."""


class Channel(Protocol):
    """Two ends of a byte stream that block."""

    def reader(self) -> BinaryIO: ...

    def fileno(self) -> int: ...

    def write(self, data: bytes | memoryview) -> int: ...

    def close(self) -> None: ...


class StdioChannel:
    """Standard input and output, moved away so that a stray `print` can't reach the protocol."""

    def __init__(self) -> None:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.setmode(0, os.O_BINARY)
            msvcrt.setmode(1, os.O_BINARY)
        self._in = os.dup(0)
        self._out = os.dup(1)
        with open(os.devnull, "rb") as nothing:
            os.dup2(nothing.fileno(), 0)
        try:
            os.dup2(2, 1)
        except OSError:  # started without a standard error
            with open(os.devnull, "wb") as nowhere:
                os.dup2(nowhere.fileno(), 1)
        sys.stdout = sys.stderr

    def reader(self) -> BinaryIO:
        return os.fdopen(self._in, "rb", 1 << 16)

    def fileno(self) -> int:
        return self._out

    def write(self, data: bytes | memoryview) -> int:
        return os.write(self._out, data)

    def close(self) -> None:
        os.close(self._out)


class SocketChannel:
    """One accepted loopback connection."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection = connection

    def reader(self) -> BinaryIO:
        return cast(BinaryIO, self._connection.makefile("rb", buffering=1 << 16))

    def fileno(self) -> int:
        return self._connection.fileno()

    def write(self, data: bytes | memoryview) -> int:
        return self._connection.send(data)

    def close(self) -> None:
        self._connection.close()


def read_message(stream: BinaryIO) -> bytes | None:
    """Return the body of the next message, None at the end of the stream.

    Headers are read tolerantly: any case, any spaces, with or without a carriage return, unknown ones
    skipped (LSP 3.17, Header Part). Raises FramingError where no length can be had.
    """
    length: int | None = None
    seen = 0
    while True:
        line = stream.readline(MAX_HEADER_BYTES)
        if not line:
            if seen:
                raise FramingError("the input ended inside a header")
            return None
        seen += len(line)
        if seen > MAX_HEADER_BYTES:
            raise FramingError(f"no message within {MAX_HEADER_BYTES} bytes of header")
        name, colon, value = line.strip().lstrip(b"\xef\xbb\xbf").partition(b":")
        if name.strip().lower() == b"content-length":
            length = _length(value.strip(), length)
        elif not name and not colon:
            if length is not None:
                break
            seen = 0 if seen <= 2 else seen  # blank lines between messages are harmless
    body = stream.read(length)
    if len(body) < length:
        raise FramingError("the input ended inside a message")
    return body


def _length(value: bytes, earlier: int | None) -> int:
    if not value.isdigit() or len(value) > 12:
        raise FramingError("the Content-Length is not a number")
    length = int(value)
    if length > MAX_MESSAGE_BYTES:
        raise FramingError(f"a message of {length} bytes is larger than the {MAX_MESSAGE_BYTES} that are read")
    if earlier is not None and earlier != length:
        raise FramingError("two Content-Length headers disagree")
    return length


def start_reader(channel: Channel, on_body: Callable[[bytes], object], on_end: Callable[[str | None], None]) -> None:
    """Read messages in a daemon thread until the stream ends; `on_end` gets the reason, None for a clean end."""

    def read() -> None:
        reason: str | None = None
        try:
            stream = channel.reader()
            while (body := read_message(stream)) is not None:
                on_body(body)
        except (FramingError, OSError, ValueError) as error:
            reason = str(error)
        on_end(reason)

    threading.Thread(target=read, name="missy-reader", daemon=True).start()


class Writer:
    """Send framed messages without ever blocking the caller.

    A small message goes out at once when the pipe has room; the rest waits for a daemon thread. With
    more than `MAX_QUEUED_BYTES` waiting, messages marked as droppable (progress) are dropped.
    """

    def __init__(self, channel: Channel, on_broken: Callable[[], object]) -> None:
        self._channel = channel
        self._on_broken = on_broken
        self._queue: deque[bytes] = deque()
        self._queued_bytes = 0
        self._wakeup = threading.Condition()
        self._busy = False
        self._closed = False
        self.dropped = 0
        self._poll = select.poll() if hasattr(select, "poll") else None
        if self._poll is not None:
            self._poll.register(channel.fileno(), select.POLLOUT)
        self._thread = threading.Thread(target=self._empty, name="missy-writer", daemon=True)
        self._thread.start()

    def send(self, body: bytes, *, droppable: bool = False) -> None:
        """Frame `body` (UTF-8 JSON) and send it, now or as soon as the client reads."""
        data = b"Content-Length: %d\r\n\r\n" % len(body) + body
        with self._wakeup:
            if self._closed:
                return
            if not self._queue and not self._busy and self._sent_at_once(data):
                return
            if droppable and self._queued_bytes > MAX_QUEUED_BYTES:
                self.dropped += 1
                return
            self._queue.append(data)
            self._queued_bytes += len(data)
            self._wakeup.notify_all()

    def drain(self, timeout_s: float) -> bool:
        """Wait until everything is written; False where that takes longer than `timeout_s`."""
        with self._wakeup:
            return self._wakeup.wait_for(lambda: self._closed or (not self._queue and not self._busy), timeout_s)

    def _sent_at_once(self, data: bytes) -> bool:
        if self._poll is None or len(data) > _UNBLOCKED_WRITE_BYTES:
            return False
        events = self._poll.poll(0)
        if not events or not events[0][1] & select.POLLOUT:
            return False
        try:
            written = self._channel.write(data)
        except OSError:
            self._break()
            return True
        if written == len(data):
            return True
        self._queue.append(data[written:])
        self._queued_bytes += len(data) - written
        self._wakeup.notify_all()
        return True

    def _empty(self) -> None:
        while True:
            with self._wakeup:
                self._busy = False
                self._wakeup.notify_all()
                self._wakeup.wait_for(lambda: self._queue or self._closed)
                if self._closed:
                    return
                data = self._queue.popleft()
                self._queued_bytes -= len(data)
                self._busy = True
            try:
                view = memoryview(data)
                while view:
                    view = view[self._channel.write(view) :]
            except OSError:
                with self._wakeup:
                    self._break()

    def _break(self) -> None:
        self._closed = True
        self._queue.clear()
        self._wakeup.notify_all()
        self._on_broken()


def accept_one(host: str, port: int, announce: Callable[[int], None]) -> SocketChannel:
    """Listen on a loopback address and return the first connection of the same user; then listen no more.

    `announce` is told the port (useful with port 0). Raises OSError where the address can't be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1)
        announce(listener.getsockname()[1])
        while True:
            connection, peer = listener.accept()
            if is_same_user(connection.getsockname(), peer) is not False:
                return SocketChannel(connection)
            connection.close()


def is_same_user(local: tuple[object, ...], peer: tuple[object, ...]) -> bool | None:
    """Tell whether the other end of a loopback connection belongs to this user; None where nobody can tell.

    Linux lists the owner of every TCP socket in /proc/net/tcp and tcp6, addresses as hexadecimal with
    the port behind a colon (man 5 proc).
    """
    if not hasattr(os, "getuid"):
        return None
    wanted = (f":{int(str(peer[1])):04X}", f":{int(str(local[1])):04X}")
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(table, encoding="ascii") as rows:
                fields = [row.split() for row in rows][1:]
        except OSError:
            continue
        for row in fields:
            if row[1].endswith(wanted[0]) and row[2].endswith(wanted[1]):
                return int(row[7]) == os.getuid()
    return None
