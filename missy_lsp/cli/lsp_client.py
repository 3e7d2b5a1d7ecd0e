"""A language client of a hundred lines: as much of an editor as a demonstration needs."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Callable, Sequence
from typing import Any

from missy_lsp.errors import MissyError

Message = dict[str, Any]


class LspClient:
    """A server as a subprocess; requests are answered in the order in which they are read.

    `patience_s` is how long a server may take to end.
    """

    def __init__(self, command: Sequence[str], patience_s: float = 5) -> None:
        try:
            self._process = subprocess.Popen(list(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        except OSError as error:
            raise MissyError(f"The server {command[0]} can't be started: {error.strerror}.") from None
        self._id = 0
        self._patience_s = patience_s

    def initialize(self) -> Message:
        """Introduce a client that can show progress."""
        capabilities = {"window": {"workDoneProgress": True}, "general": {"positionEncodings": ["utf-8", "utf-16"]}}
        params = {"processId": os.getpid(), "rootUri": None, "capabilities": capabilities}
        result = self.request("initialize", params, lambda _: None)
        self.notify("initialized", {})
        return result

    def notify(self, method: str, params: object) -> None:
        self._send({"method": method, "params": params})

    def request(self, method: str, params: object, on_notification: Callable[[Message], None]) -> Message:
        """Send a request and return its result; notifications meanwhile go to `on_notification`.

        Raises MissyError with the server's own sentence, and where it has ended or can't be understood.
        """
        self._id += 1
        self._send({"id": self._id, "method": method, "params": params})
        while True:
            message = self._read()
            if "method" in message and "id" in message:
                self._send({"id": message["id"], "result": None})
            elif "method" in message:
                on_notification(message)
            elif message.get("id") == self._id:
                if "error" in message:
                    raise MissyError(str(message["error"].get("message")))
                result: Message = message.get("result") or {}
                return result

    def close(self) -> None:
        """Shut the server down as the protocol asks; one that does not listen is ended."""
        with contextlib.suppress(MissyError):
            self._send({"id": self._id + 1, "method": "shutdown", "params": None})
            self.notify("exit", None)
        try:
            self._process.communicate(timeout=self._patience_s)  # reads on, so that a full pipe holds nothing up
        except (OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.communicate()

    def _send(self, message: Message) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
            self._process.stdin.flush()
        except OSError:
            raise self._ended() from None

    def _read(self) -> Message:
        stream = self._process.stdout
        assert stream is not None
        length = 0
        while (line := stream.readline()).strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length" and value.strip().isdigit():
                length = int(value)
        if not line:
            raise self._ended()
        body = stream.read(length)
        if len(body) < length:
            raise self._ended()
        try:
            message = json.loads(body)
        except ValueError:
            message = None
        if not isinstance(message, dict):
            raise MissyError("The server has sent what is no message of the protocol; what it said stands above.")
        return message

    def _ended(self) -> MissyError:
        try:
            end = f"has ended (exit code {self._process.wait(self._patience_s)})"
        except subprocess.TimeoutExpired:
            end = "has closed its output"
        return MissyError(f"The server {end}; what it said stands above.")
