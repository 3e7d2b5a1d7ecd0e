"""Split a byte stream into server-sent events (WHATWG HTML, section 9.2, "Parsing an event stream").

Strict where a sloppy reading would invent text: UTF-8 only, and an event that its blank line does not
close is not an event. Bounded: a line, or an event of many lines, may not grow past a limit.
"""

from __future__ import annotations

from typing import NamedTuple

MAX_EVENT_BYTES = 1024 * 1024

_BYTE_ORDER_MARK = "\ufeff"


class SseError(ValueError):
    """The bytes are not an event stream that we accept; the text says why."""


class SseEvent(NamedTuple):
    """One event: `name` is empty where the stream gave none, `data` has its lines joined by line feeds."""

    name: str
    data: str


class SseDecoder:
    """Decode chunks of any size, split anywhere, also inside a character or a line end."""

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max = max_event_bytes
        self._tail = bytearray()
        self._after_carriage_return = False
        self._at_start = True
        self._name = ""
        self._data: list[str] = []
        self._data_size = 0

    def feed(self, chunk: bytes) -> list[SseEvent]:
        """Return the events that `chunk` completes. Raises `SseError`; the decoder is useless afterwards."""
        chunk = self._with_line_feeds(chunk)
        end = chunk.rfind(b"\n")
        if end < 0:
            self._tail += chunk
            self._check(len(self._tail))
            return []
        complete = bytes(self._tail) + chunk[:end] if self._tail else chunk[:end]
        self._tail = bytearray(chunk[end + 1 :])
        self._check(len(self._tail))
        try:
            text = complete.decode("utf-8")
        except UnicodeDecodeError as error:
            raise SseError("the stream is not UTF-8") from error
        if self._at_start:
            self._at_start = False
            text = text.removeprefix(_BYTE_ORDER_MARK)
        return self._take_lines(text.split("\n"), may_be_long=len(complete) > self._max)

    def _with_line_feeds(self, chunk: bytes) -> bytes:
        """Turn CR and CRLF into LF, also where CR and LF arrive in different chunks."""
        if self._after_carriage_return and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._after_carriage_return = False
        if b"\r" not in chunk:
            return chunk
        self._after_carriage_return = chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _take_lines(self, lines: list[str], *, may_be_long: bool) -> list[SseEvent]:
        events: list[SseEvent] = []
        for line in lines:
            if may_be_long:
                self._check(len(line))
            if not line:
                if self._data:
                    data = self._data[0] if len(self._data) == 1 else "\n".join(self._data)
                    events.append(SseEvent(self._name, data))
                    self._data = []
                    self._data_size = 0
                self._name = ""
                continue
            field, _, value = line.partition(":")
            if value.startswith(" "):
                value = value[1:]
            if field == "data":
                self._data.append(value)
                self._data_size += len(value) + 1
                self._check(self._data_size)
            elif field == "event":
                self._name = value
        return events

    def _check(self, size: int) -> None:
        if size > self._max:
            raise SseError(f"a single event is larger than {self._max} bytes")
