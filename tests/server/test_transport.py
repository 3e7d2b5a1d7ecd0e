"""Framing: what is read tolerantly, what ends the reading, and a writer that never blocks its caller."""

from __future__ import annotations

import io
import os
import threading

import pytest

from missy_lsp.server.transport import MAX_MESSAGE_BYTES, FramingError, Writer, read_message


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Length: 2\r\n\r\n",
        b"content-length: 2\r\n\r\n",
        b"Content-Length:2\r\n\r\n",
        b"CONTENT-LENGTH:  2  \n\n",
        b"Content-Type: application/vscode-jsonrpc; charset=latin-9\r\nContent-Length: 2\r\n\r\n",
        b"\r\n\r\nContent-Length: 2\r\n\r\n",
        b"\xef\xbb\xbfContent-Length: 2\r\n\r\n",
        b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n",
    ],
)
def test_a_header_is_read_tolerantly(header: bytes) -> None:
    stream = io.BytesIO(header + b"{}" + header + b"[]")
    assert [read_message(stream), read_message(stream), read_message(stream)] == [b"{}", b"[]", None]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"Content-Length: -1\r\n\r\n{}", "not a number"),
        (b"Content-Length: many\r\n\r\n{}", "not a number"),
        (b"Content-Length: %d\r\n\r\n" % (MAX_MESSAGE_BYTES + 1), "larger than"),
        (b"Content-Length: 99999999999999999\r\n\r\n", "not a number"),
        (b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", "disagree"),
        (b"Content-Length: 5\r\n\r\n{}", "ended inside a message"),
        (b"Content-Len", "ended inside a header"),
        (b'{"jsonrpc": "2.0"}' * 1000, "no message within"),
        (b"garbage\r\n" * 5000, "no message within"),
    ],
)
def test_what_can_not_be_framed_ends_with_its_reason(data: bytes, reason: str) -> None:
    with pytest.raises(FramingError, match=reason):
        read_message(io.BytesIO(data))


class PipeChannel:
    def __init__(self) -> None:
        self.out, self._in = os.pipe()

    def reader(self) -> io.BufferedReader:
        raise NotImplementedError

    def fileno(self) -> int:
        return self._in

    def write(self, data: bytes | memoryview) -> int:
        return os.write(self._in, data)

    def close(self) -> None:
        os.close(self._in)


def test_a_client_that_does_not_read_blocks_nobody_and_loses_no_response() -> None:
    channel = PipeChannel()
    writer = Writer(channel, on_broken=lambda: None)
    bodies = [b"%d:" % number + b"x" * 3000 for number in range(200)]
    for body in bodies:
        writer.send(body)
    assert not writer.drain(0.05)
    received = bytearray()
    reader = threading.Thread(target=lambda: _read_all(channel.out, received))
    reader.start()
    assert writer.drain(10)
    channel.close()
    reader.join(10)
    os.close(channel.out)
    stream = io.BytesIO(bytes(received))
    assert [read_message(stream) for _ in bodies] == bodies


def test_a_closed_pipe_is_told_once() -> None:
    channel = PipeChannel()
    broken = threading.Event()
    writer = Writer(channel, on_broken=broken.set)
    os.close(channel.out)
    writer.send(b"{}")
    assert broken.wait(5)
    writer.send(b"{}")
    channel.close()


def _read_all(descriptor: int, into: bytearray) -> None:
    while data := os.read(descriptor, 65536):
        into += data
