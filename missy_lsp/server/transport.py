"""Messages in and out, over standard input and output or one loopback connection.

Reading happens in a thread of its own, so that nothing that a handler does can make the server deaf.
Writing never blocks the event loop: what the client has no room for waits in a bounded queue.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from typing import BinaryIO, Protocol, cast

from missy_lsp.server.framing import FramingError, MessageReader, TooLarge
from missy_lsp.server.outlet import Outlet, Sink

# Above this, progress is dropped; a client that takes nothing while so much waits has hung.
FULL_QUEUE_BYTES = 8 * 1024 * 1024
MAX_QUEUED_BYTES = 64 * 1024 * 1024
FULL_AT_MOST_S = 60.0


class Channel(Sink, Protocol):
    """Two ends of a byte stream that block."""

    def reader(self) -> BinaryIO: ...


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


def start_reader(
    channel: Channel,
    on_message: Callable[[bytes | TooLarge], object],
    on_end: Callable[[str | None], None],
) -> MessageReader:
    """Read messages in a daemon thread until the stream ends; `on_end` gets the reason, None for a clean end."""
    reader = MessageReader(channel.reader())

    def read() -> None:
        reason: str | None = None
        try:
            while (message := reader.read()) is not None:
                on_message(message)
        except (FramingError, OSError, ValueError) as error:
            reason = f"the client's messages can't be read any more: {error}"
        on_end(reason)

    threading.Thread(target=read, name="missy-reader", daemon=True).start()
    return reader


class Writer:
    """Send framed messages without ever blocking the caller."""

    def __init__(self, channel: Channel, on_broken: Callable[[], object]) -> None:
        self._outlet = Outlet(channel, FULL_QUEUE_BYTES, on_broken, "missy-writer")

    @property
    def dropped(self) -> int:
        return self._outlet.dropped

    def send(self, body: bytes, *, droppable: bool = False) -> None:
        """Frame `body` (UTF-8 JSON) and send it, now or as soon as the client reads; progress may be dropped."""
        self._outlet.put(b"Content-Length: %d\r\n\r\n" % len(body) + body, droppable=droppable)

    def drain(self, timeout_s: float) -> bool:
        """Wait until everything is written; False where that takes longer than `timeout_s`."""
        return self._outlet.drain(timeout_s)

    def fault(self) -> str | None:
        """Say so when the client has not read for too long; None while it reads, or little waits for it."""
        if self._outlet.queued_bytes > MAX_QUEUED_BYTES:
            return f"the client does not read: more than {MAX_QUEUED_BYTES // 1024**2} MiB wait for it"
        if self._outlet.full_for_s() > FULL_AT_MOST_S:
            return f"the client has not read for {FULL_AT_MOST_S:.0f} s"
        return None


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
