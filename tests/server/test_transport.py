"""Framing and the queue of bytes: what is read tolerantly, what ends the reading, and a writer that never blocks."""

from __future__ import annotations

import contextlib
import io
import json
import os
import threading

import pytest

from missy_lsp.server import framing
from missy_lsp.server.framing import MAX_MESSAGE_BYTES, MAX_SKIPPED_BYTES, FramingError, MessageReader, TooLarge
from missy_lsp.server.outlet import Descriptor, Outlet
from missy_lsp.server.transport import FULL_QUEUE_BYTES, MAX_QUEUED_BYTES, Writer


class Bytewise(io.BytesIO):
    """A stream that gives one byte at a time."""

    def read1(self, size: int | None = -1, /) -> bytes:
        return super().read1(1)


def read_all(data: bytes, kind: type[io.BytesIO] = io.BytesIO) -> list[bytes | TooLarge]:
    reader = MessageReader(kind(data))
    found = []
    while (message := reader.read()) is not None:
        found.append(message)
    return found


@pytest.mark.parametrize("kind", [io.BytesIO, Bytewise])
@pytest.mark.parametrize(
    "header",
    [
        b"Content-Length: 2\r\n\r\n",
        b"content-length: 2\r\n\r\n",
        b"Content-Length:2\r\n\r\n",
        b" CONTENT-LENGTH :  2  \n\n",
        b"Content-Type: application/vscode-jsonrpc; charset=latin-9\r\nContent-Length: 2\r\n\r\n",
        b"X-Odd: \xff\x00: yes\r\nContent-Length: 2\r\n\r\n",
        b"\r\n\r\nContent-Length: 2\r\n\r\n",
        b"\xef\xbb\xbfContent-Length: 2\r\n\r\n",
        b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n",
        b"Content-Length: 002\r\n\r\n",
    ],
)
def test_a_header_is_read_tolerantly(header: bytes, kind: type[io.BytesIO]) -> None:
    assert read_all(header + b"{}" + header + b"[]", kind) == [b"{}", b"[]"]


def test_an_empty_message_is_one() -> None:
    assert read_all(b"Content-Length: 0\r\n\r\nContent-Length: 1\r\n\r\n5") == [b"", b"5"]


NO_HEADER = "no header"


@pytest.mark.parametrize("kind", [io.BytesIO, Bytewise])
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"Content-Length: -1\r\n\r\n{}", "not a number"),
        (b"Content-Length: many\r\n\r\n{}", "not a number"),
        (b"Content-Length:\r\n\r\n{}", "not a number"),
        (b"Content-Length: \xc2\xb2\r\n\r\n{}", "not a number"),
        (b"Content-Length: %d\r\n\r\n" % (MAX_SKIPPED_BYTES + 1), "larger than"),
        (b"Content-Length: 99999999999999999\r\n\r\n", "larger than"),
        (b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", "not a number"),
        (b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", "disagree"),
        (b"Content-Length: 5\r\n\r\n{}", "ended inside a message"),
        (b"Content-Len", "ended inside a header"),
        (b"Content-Length: 2\r\n", "ended inside a header"),
        (b"Content-Type: x\r\n\r\n{}", "without a Content-Length"),
        (b"nt-Length: 44\r\n\r\n{}", "without a Content-Length"),
        (b'{"jsonrpc": "2.0"}', NO_HEADER),
        (b"}", NO_HEADER),
        (b"ull}}", NO_HEADER),
        (b"GET / HTTP/1.1\r\nHost: x\r\n", NO_HEADER),
        (b": 5\r\n\r\n", NO_HEADER),
        (b"X-Y: " + b"z" * 9000, "no message within"),
        (b"X-Y: z\r\n" * 1200, "no message within"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_can_not_be_framed_ends_with_its_reason(data: bytes, reason: str, kind: type[io.BytesIO]) -> None:
    with pytest.raises(FramingError, match=reason):
        read_all(data, kind)


@pytest.mark.parametrize("rest", [b'"x"}}', b"}\n", b"ull}}", b"{", b" [", b"Content Length"])
def test_a_wrong_begin_is_seen_before_its_line_ends(rest: bytes) -> None:
    reading, writing = os.pipe()
    os.write(writing, rest)
    with os.fdopen(reading, "rb") as stream, pytest.raises(FramingError, match=NO_HEADER):
        MessageReader(stream).read()
    os.close(writing)


def test_a_message_that_is_too_large_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framing, "MAX_MESSAGE_BYTES", 100)
    small, large = b"x" * 100, b"y" * 101
    data = b"".join(b"Content-Length: %d\r\n\r\n%s" % (len(body), body) for body in (small, large, small))
    assert read_all(data) == [small, TooLarge(101), small]
    assert MAX_MESSAGE_BYTES == 32 * 1024**2


@pytest.mark.parametrize(
    ("length", "body", "too_long"),
    [
        (20, {"id": 1}, True),
        (MAX_MESSAGE_BYTES + 1, {"id": 1}, True),
        (20, {"id": [1, 2, 3, 4, 5, 6, 7, 8]}, False),
    ],
    ids=["complete", "complete, though it claims to be huge", "half"],
)
def test_a_length_that_is_too_large_is_found_out_when_nothing_more_comes(
    length: int, body: object, too_long: bool
) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as stream:
        reader = MessageReader(stream)
        thread = threading.Thread(target=until_error, args=(reader,), daemon=True)
        thread.start()
        os.write(writing, b"Content-Length: %d\r\n\r\n%s" % (length, json.dumps(body).encode()[: length - 1]))
        seen = [reader.waits_behind_a_whole_message() for _ in range(50) if not threading.Event().wait(0.002)]
        assert seen[-1] is too_long
        os.close(writing)
        thread.join(5)


def until_error(reader: MessageReader) -> None:
    with contextlib.suppress(FramingError):
        reader.read()


# --- writing -----------------------------------------------------------------------------------------


class Pipe(Descriptor):
    """A pipe whose other end is read when somebody says so."""

    def __init__(self) -> None:
        self.out, self._in = os.pipe()
        super().__init__(self._in)

    def reader(self) -> io.BufferedReader:
        raise NotImplementedError


def drained(pipe: Pipe, writer: Writer | Outlet) -> bytes:
    """Read everything that was written."""
    received = bytearray()
    reader = threading.Thread(target=lambda: _read_into(pipe.out, received), daemon=True)
    reader.start()
    assert writer.drain(10)
    os.close(pipe.fileno())
    reader.join(10)
    os.close(pipe.out)
    return bytes(received)


def test_a_client_that_does_not_read_blocks_nobody_and_loses_no_response() -> None:
    pipe = Pipe()
    writer = Writer(pipe, on_broken=lambda: None)
    bodies = [b"%d:" % number + b"x" * 3000 for number in range(200)]
    for body in bodies:
        writer.send(body)
    assert not writer.drain(0.05)
    assert writer.fault() is None
    assert read_all(drained(pipe, writer)) == bodies


def test_a_full_queue_drops_progress_and_keeps_responses() -> None:
    pipe = Pipe()
    writer = Writer(pipe, on_broken=lambda: None)
    piece = b"x" * (1024 * 1024)
    for _ in range(2 * FULL_QUEUE_BYTES // len(piece)):
        writer.send(b"progress" + piece, droppable=True)
    assert writer.dropped >= 8
    writer.send(b"the response")
    dropped = writer.dropped
    messages = read_all(drained(pipe, writer))
    assert messages[-1] == b"the response"
    assert len(messages) == 2 * FULL_QUEUE_BYTES // len(piece) - dropped + 1


def test_a_queue_that_no_longer_fits_is_a_fault() -> None:
    pipe = Pipe()
    writer = Writer(pipe, on_broken=lambda: None)
    piece = b"x" * (8 * 1024 * 1024)
    for _ in range(MAX_QUEUED_BYTES // len(piece) - 1):
        writer.send(piece)
    assert writer.fault() is None
    writer.send(piece)
    writer.send(piece)
    assert "does not read" in (writer.fault() or "")
    os.close(pipe.out)


def test_a_queue_that_stays_full_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = Pipe()
    writer = Writer(pipe, on_broken=lambda: None)
    writer.send(b"x" * (FULL_QUEUE_BYTES + 200_000))
    assert writer.fault() is None
    monkeypatch.setattr("missy_lsp.server.transport.FULL_AT_MOST_S", 0.0)
    assert "has not read" in (writer.fault() or "")
    drained(pipe, writer)
    assert writer.fault() is None


def test_a_pipe_that_somebody_made_unblocking_loses_nothing() -> None:
    pipe = Pipe()
    os.set_blocking(pipe.fileno(), False)
    outlet = Outlet(pipe, 10**6, lambda: None, "test")
    data = os.urandom(300_000)
    for start in range(0, len(data), 3000):
        outlet.put(data[start : start + 3000])
    assert drained(pipe, outlet) == data


def test_a_closed_pipe_is_told_once() -> None:
    pipe = Pipe()
    broken: list[bool] = []
    told = threading.Event()
    writer = Writer(pipe, on_broken=lambda: (broken.append(True), told.set()))
    os.close(pipe.out)
    writer.send(b"{}")
    assert told.wait(5)
    writer.send(b"{}")
    assert broken == [True]
    os.close(pipe.fileno())


def _read_into(descriptor: int, received: bytearray) -> None:
    while data := os.read(descriptor, 65536):
        received += data
