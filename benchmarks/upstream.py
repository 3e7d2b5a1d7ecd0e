"""A Messages API on loopback that streams as fast as it can: the floor of every streaming figure.

`python benchmarks/upstream.py` prints its port. `max_tokens` of the request is the number of deltas; a
model named `slow` sends one delta every 5 ms. `GET /closed` tells when the last connection was found
closed while it was streamed to (seconds, CLOCK_MONOTONIC), `GET /requests` how many came for each model.
"""

from __future__ import annotations

import json
import select
import socket
import threading
import time
from collections import Counter

TEXT = "hello world "
DELTAS_PER_SEND = 20


def event(kind: str, **fields: object) -> bytes:
    data = json.dumps({"type": kind, **fields}, separators=(",", ":"))
    return f"event: {kind}\ndata: {data}\n\n".encode()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


HEAD = event(
    "message_start",
    message={
        "id": "msg_bench",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-6",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 10, "output_tokens": 1},
    },
) + event("content_block_start", index=0, content_block={"type": "text", "text": ""})
DELTA = chunk(event("content_block_delta", index=0, delta={"type": "text_delta", "text": TEXT}))
TAIL = (
    event("content_block_stop", index=0)
    + event("message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage={"output_tokens": 1})
    + event("message_stop")
)
RESPONSE = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    b"transfer-encoding: chunked\r\nrequest-id: req_bench\r\n\r\n"
)


class Upstream:
    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._closed_at: list[float] = []
        self._requests: Counter[str] = Counter()

    def serve_forever(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection:
                while self._answer(connection):
                    pass
        except OSError:
            pass  # the client has gone

    def _answer(self, connection: socket.socket) -> bool:
        request = b""
        while b"\r\n\r\n" not in request:
            if not (data := connection.recv(65536)):
                return False
            request += data
        head, body = request.split(b"\r\n\r\n", 1)
        if head.startswith(b"GET "):
            listing = json.dumps(self._closed_at if head.startswith(b"GET /closed") else self._requests).encode()
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(listing), listing))
            return True
        length = next(
            (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        while len(body) < length:
            body += connection.recv(65536)
        asked = json.loads(body)
        deltas = int(asked["max_tokens"])
        self._requests[asked["model"]] += 1
        connection.sendall(RESPONSE + chunk(HEAD))
        if asked["model"] == "slow":
            return self._drip(connection, deltas)
        for _ in range(deltas // DELTAS_PER_SEND):
            connection.sendall(DELTA * DELTAS_PER_SEND)
        connection.sendall(DELTA * (deltas % DELTAS_PER_SEND) + chunk(TAIL) + b"0\r\n\r\n")
        return True

    def _drip(self, connection: socket.socket, deltas: int) -> bool:
        for _ in range(deltas):
            readable, _, _ = select.select([connection], [], [], 0.005)
            if readable:
                self._closed_at.append(time.monotonic())
                return False
            connection.sendall(DELTA)
        connection.sendall(chunk(TAIL) + b"0\r\n\r\n")
        return True


if __name__ == "__main__":
    upstream = Upstream()
    print(upstream.port, flush=True)
    upstream.serve_forever()
