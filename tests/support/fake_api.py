"""A Messages API on a raw loopback socket, for what llmock can't do: every byte is scripted.

    with FakeApi() as api:
        api.enqueue(answer("Hello"))                       # one reply per request, in order
        api.respond = lambda request: answer("Again")      # or: whatever the request deserves
        api.requests[0].json["model"]; api.requests[0].headers["authorization"]
One thread a connection, so it also serves servers and benchmarks in other processes. A reply is a list of
steps; `Hold` keeps the connection open and `request.closed_at` (time.monotonic) says when the client let go.
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType

import attrs

from tests.support import artefacts

# --- steps of a reply -----------------------------------------------------------------------------


@attrs.frozen
class Send:
    """Send these bytes as they are, in pieces of `piece` bytes where that is given."""

    data: bytes
    piece: int = 0


@attrs.frozen
class Wait:
    """Wait this long; a client that closes meanwhile ends the reply."""

    seconds: float


@attrs.frozen
class WaitFor:
    """Wait until the test sets the event, or the client closes."""

    event: threading.Event


@attrs.frozen
class Hold:
    """Say nothing more, until the client closes."""


@attrs.frozen
class Close:
    """End the connection in the orderly way."""


@attrs.frozen
class Reset:
    """Break the connection: the client sees ECONNRESET."""


Step = Send | Wait | WaitFor | Hold | Close | Reset
Reply = Sequence[Step]


@attrs.define(eq=False)
class Request:
    """One recorded request; header names are in lower case; `closed` is set when its connection ended."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    received_at: float
    connection: int
    closed_at: float | None = None
    closed: threading.Event = attrs.Factory(threading.Event)

    @property
    def json(self) -> dict[str, object]:
        value = json.loads(self.body)
        assert isinstance(value, dict)
        return value


# --- events ---------------------------------------------------------------------------------------


def event(name: str, **data: object) -> bytes:
    """Return one server-sent event of the Messages API."""
    body = json.dumps({"type": name, **data}, ensure_ascii=False, separators=(",", ":"))
    return f"event: {name}\ndata: {body}\n\n".encode()


def message_start(model: str = "claude-sonnet-4-6", usage: object = None) -> bytes:
    usage = {"input_tokens": 10, "output_tokens": 1} if usage is None else usage
    message = {"id": "msg_01", "type": "message", "role": "assistant", "model": model, "content": []}
    return event("message_start", message={**message, "stop_reason": None, "stop_sequence": None, "usage": usage})


def block_start(index: int = 0, **block: object) -> bytes:
    return event("content_block_start", index=index, content_block=block or {"type": "text", "text": ""})


def delta(index: int = 0, **piece: object) -> bytes:
    return event("content_block_delta", index=index, delta=piece)


def text_delta(text: str, index: int = 0) -> bytes:
    return delta(index, type="text_delta", text=text)


def block_stop(index: int = 0) -> bytes:
    return event("content_block_stop", index=index)


def message_delta(stop_reason: str | None = "end_turn", usage: object = None, **details: object) -> bytes:
    usage = {"output_tokens": 12} if usage is None else usage
    return event("message_delta", delta={"stop_reason": stop_reason, "stop_sequence": None, **details}, usage=usage)


def message_stop() -> bytes:
    return event("message_stop")


def ping() -> bytes:
    return event("ping")


def text_events(*texts: str, stop_reason: str = "end_turn", model: str = "claude-sonnet-4-6") -> list[bytes]:
    """Return the events of a whole message of one text block, one delta per text."""
    pieces = [text_delta(text) for text in texts]
    return [
        message_start(model),
        block_start(),
        *pieces,
        block_stop(),
        message_delta(stop_reason, {"output_tokens": max(1, len(pieces))}),
        message_stop(),
    ]


# --- replies --------------------------------------------------------------------------------------

_REASONS = {
    200: "OK",
    301: "Moved",
    302: "Found",
    307: "Temporary Redirect",
    400: "Bad Request",
    429: "Too Many Requests",
}


def head(status: int = 200, headers: Mapping[str, str] | None = None) -> Send:
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return Send("\r\n".join([*lines, "", ""]).encode("latin-1"))


def chunk(data: bytes) -> bytes:
    """Frame bytes as one chunk of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def stream(
    *parts: bytes | Step, end: bool = True, headers: Mapping[str, str] | None = None, status: int = 200
) -> list[Step]:
    """Return an event stream: bytes go out as HTTP chunks, other steps as they are; `end` closes the body."""
    start = {"content-type": "text/event-stream; charset=utf-8", "request-id": "req_fake"}
    steps: list[Step] = [head(status, {**start, **(headers or {}), "transfer-encoding": "chunked"})]
    steps += [Send(chunk(part)) if isinstance(part, bytes) else part for part in parts]
    return [*steps, Send(b"0\r\n\r\n")] if end else steps


def answer(*texts: str, stop_reason: str = "end_turn", model: str = "claude-sonnet-4-6") -> list[Step]:
    """Return a whole, good answer."""
    return stream(*text_events(*texts, stop_reason=stop_reason, model=model))


def many_deltas(count: int, text: str = "hello world ", per_send: int = 20) -> list[Step]:
    """Return an answer of `count` deltas as fast as the socket takes them; each is an HTTP chunk."""
    group = chunk(text_delta(text)) * per_send
    sends: list[Step] = [Send(group)] * (count // per_send) + [Send(chunk(text_delta(text)) * (count % per_send))]
    usage = {"output_tokens": count}
    end = [block_stop(), message_delta("end_turn", usage), message_stop()]
    return stream(message_start(), block_start(), *sends, *end)


def document(
    body: bytes | object,
    status: int = 200,
    content_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> list[Step]:
    """Return an answer that is no stream: an error, a login page, a JSON document."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    start = {
        "content-type": content_type,
        "content-length": str(len(data)),
        "request-id": "req_fake",
        **(headers or {}),
    }
    return [head(status, start), Send(data)]


def api_error(status: int, error_type: str, message: str, headers: Mapping[str, str] | None = None) -> list[Step]:
    return document({"type": "error", "error": {"type": error_type, "message": message}}, status, headers=headers)


# --- the server -----------------------------------------------------------------------------------


class FakeApi:
    """The server; `requests` grows in order of arrival, `connections` counts accepted sockets."""

    def __init__(self, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self.respond: Callable[[Request], Reply] | None = None
        self._queue: list[Reply] = []
        self._lock = threading.Condition()
        self._tls = tls
        self._listener = socket.create_server((host, 0), backlog=128)
        self._address = self._listener.getsockname()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._stopping = False

    @property
    def port(self) -> int:
        return int(self._address[1])

    @property
    def base_url(self) -> str:
        return f"{'https' if self._tls else 'http'}://{self._address[0]}:{self.port}"

    def enqueue(self, *replies: Reply) -> None:
        """Add replies; when none is left and `respond` is not set, a request gets a 500."""
        with self._lock:
            self._queue.extend(replies)

    def forget(self) -> None:
        """Begin anew, for the next test on the same server."""
        with self._lock:
            self.requests.clear()
            self._queue.clear()
            self.respond = None

    def wait_for_requests(self, count: int, timeout_s: float = 5.0) -> list[Request]:
        """Block until so many requests came; from a coroutine call it with asyncio.to_thread."""
        with self._lock:
            if not self._lock.wait_for(lambda: len(self.requests) >= count, timeout_s):
                raise TimeoutError(f"{len(self.requests)} of {count} requests after {timeout_s} s")
            return list(self.requests)

    def __enter__(self) -> FakeApi:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping = True
        with self._lock:
            sockets = [self._listener, *self._open]
        for one in sockets:
            _shut(one)
        for thread in list(self._threads):
            thread.join(5)

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, name="fake-api", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopping:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self.connections += 1
                self._open.add(connection)
                number = self.connections
            self._start(self._serve, connection, number)

    def _serve(self, connection: socket.socket, number: int) -> None:
        request: Request | None = None
        plain = connection
        try:
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
                with self._lock:
                    self._open = (self._open - {plain}) | {connection}
            pending = b""
            while not self._stopping:
                read = _read_request(connection, pending, number)
                if read is None:
                    break
                request, pending = read
                if not self._play(connection, self._record(request)):
                    break
        except OSError:
            pass
        finally:
            if request is not None and not request.closed.is_set():
                request.closed_at = time.monotonic()
                request.closed.set()
            with self._lock:
                self._open -= {plain, connection}
            connection.close()

    def _record(self, request: Request) -> Reply:
        with self._lock:
            self.requests.append(request)
            artefacts.record("requests", request.body)
            self._lock.notify_all()
            if self._queue:
                return self._queue.pop(0)
        if self.respond is not None:
            return self.respond(request)
        return api_error(500, "api_error", "the script has no reply left")

    def _play(self, connection: socket.socket, reply: Reply) -> bool:
        """Run the steps; return whether the connection can serve another request."""
        for step in reply:
            match step:
                case Send(data=data, piece=piece):
                    for start in range(0, len(data), piece or len(data) or 1):
                        connection.sendall(data[start : start + piece] if piece else data)
                case Wait(seconds=seconds):
                    if _client_closed(connection, seconds):
                        return False
                case WaitFor(event=awaited):
                    while not awaited.is_set():
                        if self._stopping or _client_closed(connection, 0.01):
                            return False
                case Hold():
                    while not self._stopping:
                        if _client_closed(connection, 1.0):
                            return False
                case Close():
                    return False
                case Reset():
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return False
        return True


def _client_closed(connection: socket.socket, timeout_s: float) -> bool:
    """Wait for the client's end of the connection; anything that it says meanwhile is dropped."""
    readable, _, _ = select.select([connection], [], [], timeout_s)
    return bool(readable) and not connection.recv(65536)


def _read_request(connection: socket.socket, pending: bytes, number: int) -> tuple[Request, bytes] | None:
    data = pending
    while b"\r\n\r\n" not in data:
        received = connection.recv(65536)
        if not received:
            return None
        data += received
        if data[:1] == b"\x16":  # A TLS handshake: what any plain HTTP server says to it.
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n")
            return None
    top, _, data = data.partition(b"\r\n\r\n")
    first, *lines = top.decode("latin-1").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    length = int(headers.get("content-length", "0"))
    parts = [data]
    size = len(data)
    while size < length:
        received = connection.recv(65536)
        if not received:
            return None
        parts.append(received)
        size += len(received)
    data = b"".join(parts)
    method, path, _ = first.split(" ", 2)
    return Request(method, path, headers, data[:length], time.monotonic(), number), data[length:]


def _shut(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()


def split(data: bytes, size: int) -> Iterable[bytes]:
    """Cut bytes into pieces of `size`, wherever that falls."""
    return (data[start : start + size] for start in range(0, len(data), size))
