"""Cut the client's bytes into messages, tolerantly in the headers and strictly in what comes between them."""

from __future__ import annotations

import json
import re
from typing import BinaryIO

import attrs

# A message up to this size is read. A larger one is passed over, so that a huge document does not end the server.
MAX_MESSAGE_BYTES = 32 * 1024 * 1024
# Nobody sends this much; the length is wrong, and there is no telling where the next message begins.
MAX_SKIPPED_BYTES = 512 * 1024 * 1024
MAX_HEADER_BYTES = 8 * 1024
_CHUNK_BYTES = 64 * 1024
_KEPT_OF_SKIPPED_BYTES = 1024 * 1024

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]"  # RFC 9110 §5.6.2
_HEADER = re.compile(rb"(" + _TOKEN + rb"+)[ \t]*:(.*)", re.DOTALL)
# What may still become a header or a blank line: decided byte by byte, since the rest may never come.
_HEADER_BEGIN = re.compile(rb"(?:\xef(?:\xbb(?:\xbf)?)?)?[ \t]*(?:\r|" + _TOKEN + rb"*[ \t]*(?:\r|:.*)?)?", re.DOTALL)


class FramingError(Exception):
    """The client's bytes are not framed messages; nothing after them can be understood."""


@attrs.frozen
class TooLarge:
    """A message that was passed over."""

    length_bytes: int


class MessageReader:
    """Read one message after the other; blocks, and is used by one thread."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._buffer = bytearray()
        self._body = bytearray()
        self._arrived_bytes = 0
        self._looked_at: tuple[int, int] = (0, 0)
        self._count = 0

    def read(self) -> bytes | TooLarge | None:
        """Return the body of the next message, None at the end of the stream.

        Headers are read in any case, with any spaces, with or without a carriage return; unknown ones are skipped
        (LSP 3.17, Header Part). Raises FramingError for anything else, and where no length can be had.
        """
        length = self._read_header()
        if length is None:
            return None
        try:
            return self._read_body(length)
        finally:
            self._body = bytearray()
            self._arrived_bytes = 0
            self._count += 1

    def waits_behind_a_whole_message(self) -> bool:
        """Tell whether a whole message has arrived, and nothing since the last call, though its length says more.

        Called now and then by another thread: the length was too large, and the client waits for an answer.
        """
        now = (self._count, self._arrived_bytes)
        stalled = now == self._looked_at and 0 < now[1] <= len(self._body)
        self._looked_at = now
        if not stalled:
            return False
        body = bytes(self._body).strip()
        if not (body.startswith(b"{") and body.endswith(b"}")):
            return False
        try:
            json.loads(body)
        except (ValueError, RecursionError):
            return False
        return True

    def _read_header(self) -> int | None:
        length: int | None = None
        seen_bytes = 0
        while True:
            line = self._read_line(MAX_HEADER_BYTES - seen_bytes)
            if line is None:
                if seen_bytes:
                    raise FramingError("the input ended inside a header")
                return None
            text = line.strip().removeprefix(b"\xef\xbb\xbf").lstrip()
            if not text:
                if length is not None:
                    return length
                if seen_bytes:
                    raise FramingError("a header without a Content-Length")
                continue  # blank lines between messages are harmless
            seen_bytes += len(line)
            header = _HEADER.fullmatch(text)
            if header is None:
                raise FramingError("there is something between two messages that is no header")
            if header[1].lower() == b"content-length":
                length = _length(header[2].strip(), length)

    def _read_line(self, most_bytes: int) -> bytes | None:
        """Return a line with its end; refuse one that can't become a header as soon as that shows."""
        while (end := self._buffer.find(b"\n")) < 0:
            self._check_begin(most_bytes)
            if not (chunk := self._stream.read1(_CHUNK_BYTES)):  # type: ignore[attr-defined]
                if self._buffer.strip():
                    raise FramingError("the input ended inside a header")
                return None
            self._buffer += chunk
        if end >= most_bytes:
            raise FramingError(f"no message within {MAX_HEADER_BYTES} bytes of header")
        line = bytes(self._buffer[: end + 1])
        del self._buffer[: end + 1]
        return line

    def _check_begin(self, most_bytes: int) -> None:
        if _HEADER_BEGIN.fullmatch(self._buffer) is None:
            raise FramingError("there is something between two messages that is no header")
        if len(self._buffer) > most_bytes:
            raise FramingError(f"no message within {MAX_HEADER_BYTES} bytes of header")

    def _read_body(self, length: int) -> bytes | TooLarge:
        kept = length if length <= MAX_MESSAGE_BYTES else _KEPT_OF_SKIPPED_BYTES
        chunk = bytes(self._buffer[:length])
        del self._buffer[:length]
        while True:
            self._body += chunk[: max(0, kept - len(self._body))]
            self._arrived_bytes += len(chunk)
            if self._arrived_bytes == length:
                break
            chunk = self._stream.read1(min(_CHUNK_BYTES, length - self._arrived_bytes))  # type: ignore[attr-defined]
            if not chunk:
                raise FramingError("the input ended inside a message")
        return bytes(self._body) if length <= MAX_MESSAGE_BYTES else TooLarge(length)


def _length(value: bytes, earlier: int | None) -> int:
    if not value.isdigit() or len(value) > 20:
        raise FramingError("the Content-Length is not a number")
    length = int(value)
    if length > MAX_SKIPPED_BYTES:
        raise FramingError(f"a message of {length} bytes is larger than the {MAX_SKIPPED_BYTES} that are taken")
    if earlier is not None and earlier != length:
        raise FramingError("two Content-Length headers disagree")
    return length
