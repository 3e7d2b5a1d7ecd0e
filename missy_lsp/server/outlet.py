"""Write bytes without ever blocking the caller, however slowly they are taken at the other end."""

from __future__ import annotations

import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

# A pipe that is reported as writable takes at least this much without blocking (POSIX, PIPE_BUF).
_UNBLOCKED_WRITE_BYTES = getattr(select, "PIPE_BUF", 512)


class Sink(Protocol):
    """Something to write to, which may block."""

    def fileno(self) -> int: ...

    def write(self, data: bytes | memoryview) -> int: ...


class Descriptor:
    """A file descriptor as a sink."""

    def __init__(self, number: int) -> None:
        self._number = number

    def fileno(self) -> int:
        return self._number

    def write(self, data: bytes | memoryview) -> int:
        return os.write(self._number, data)


class Outlet:
    """A queue of bytes in front of a sink.

    A small piece goes out at once when the sink has room; the rest waits for a daemon thread. With more than
    `full_bytes` waiting, pieces marked as droppable are dropped.
    """

    def __init__(self, sink: Sink, full_bytes: int, on_broken: Callable[[], object], name: str) -> None:
        self._sink = sink
        self._full_bytes = full_bytes
        self._on_broken = on_broken
        self._queue: deque[bytes] = deque()
        self._queued_bytes = 0
        self._taken_s = 0.0
        self._changed = threading.Condition()
        self._busy = False
        self._closed = False
        self.dropped = 0
        self._poll = select.poll() if hasattr(select, "poll") else None
        if self._poll is not None:
            self._poll.register(sink.fileno(), select.POLLOUT)
        threading.Thread(target=self._empty, name=name, daemon=True).start()

    @property
    def queued_bytes(self) -> int:
        return self._queued_bytes

    def full_for_s(self) -> float:
        """Return for how many seconds nothing was taken though the queue is full; 0 where it is not."""
        with self._changed:
            return time.monotonic() - self._taken_s if self._queued_bytes > self._full_bytes else 0.0

    def put(self, data: bytes, *, droppable: bool = False) -> None:
        """Write `data`, now or as soon as there is room."""
        with self._changed:
            if self._closed:
                return
            if not self._queue and not self._busy:
                self._taken_s = time.monotonic()
                if self._written_at_once(data):
                    return
            elif droppable and self._queued_bytes + len(data) > self._full_bytes:
                self.dropped += 1
                return
            self._wait_with(data)

    def drain(self, timeout_s: float) -> bool:
        """Wait until everything is written; False where that takes longer than `timeout_s`."""
        with self._changed:
            return self._changed.wait_for(lambda: self._closed or (not self._queue and not self._busy), timeout_s)

    def _wait_with(self, data: bytes) -> None:
        self._queue.append(data)
        self._queued_bytes += len(data)
        self._changed.notify_all()

    def _written_at_once(self, data: bytes) -> bool:
        if self._poll is None or len(data) > _UNBLOCKED_WRITE_BYTES:
            return False
        events = self._poll.poll(0)
        if not events or not events[0][1] & select.POLLOUT:
            return False
        try:
            written = self._sink.write(data)
        except BlockingIOError:
            return False
        except OSError:
            self._break()
            return True
        if written < len(data):
            self._wait_with(data[written:])
        return True

    def _empty(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._queue or self._closed)
                if self._closed:
                    return
                data = self._queue.popleft()
                self._busy = True
            try:
                self._write_all(data)
            except OSError:
                with self._changed:
                    self._break()

    def _write_all(self, data: bytes) -> None:
        """Write `data`, blocking; what is taken no longer counts as waiting."""
        view = memoryview(data)
        while view:
            try:
                written = self._sink.write(view)
            except BlockingIOError:  # somebody who shares the pipe has made it so
                select.select([], [self._sink.fileno()], [])
                continue
            view = view[written:]
            with self._changed:
                self._queued_bytes -= written
                self._taken_s = time.monotonic()

    def _break(self) -> None:
        self._closed = True
        self._queue.clear()
        self._queued_bytes = 0
        self._changed.notify_all()
        self._on_broken()
