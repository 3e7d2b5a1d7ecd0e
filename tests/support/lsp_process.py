"""The real server in a process of its own, driven by raw messages, for what a polite client would never send."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.support import artefacts
from tests.support.prepared import PreparedProcess

Message = dict[str, Any]


def server_command() -> list[str]:
    """Return the console script that was installed beside this interpreter."""
    name = "missy-lsp.exe" if os.name == "nt" else "missy-lsp"
    return [str(Path(sys.executable).with_name(name))]


class LspProcess:
    """A server with its standard streams; every message of its is kept in the order of arrival.

    `installed`: start the console script as an editor does, where it matters how a server comes to run.
    """

    def __init__(
        self,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        first_id: int = 1,
        installed: bool = os.name == "nt",
    ) -> None:
        environment = {**os.environ, **(env or {})}
        self.process: subprocess.Popen[bytes] | PreparedProcess
        if installed:
            self.process = subprocess.Popen(
                [*server_command(), *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
                cwd=cwd,
            )
        else:
            self.process = PreparedProcess(list(arguments), environment, cwd)
        self.messages: list[Message] = []
        self._arrived: queue.Queue[Message | None] = queue.Queue()
        self._next_id = first_id - 1
        self.stderr: list[bytes] = []
        self._answers: dict[str, Callable[[Any], Any]] = {}
        self._answered: dict[str, threading.Event] = defaultdict(threading.Event)
        self._threads = [threading.Thread(target=target, daemon=True) for target in (self._read, self._read_stderr)]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> LspProcess:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for thread in self._threads:
            thread.join(5)
        artefacts.record("messages", self.messages, *self.stderr)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            try:
                if stream is not None:
                    stream.close()
            except OSError:
                pass  # what was still to be flushed has nobody to read it

    def answer(self, method: str, with_result: Callable[[Any], Any]) -> None:
        """Answer the server's requests for `method` by a function of their parameters."""
        self._answers[method] = with_result

    def wait_until_answered(self, method: str) -> None:
        """Wait until a request of the server's was answered, and the server has had time to take the answer."""
        assert self._answered[method].wait(20), f"the server did not ask for {method}"
        for _ in range(3):  # each round trip lets the server's tasks go on
            self.command("missy.status")

    def write(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def send(self, message: object) -> None:
        body = json.dumps(message).encode()
        self.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    def notify(self, method: str, params: object = None) -> None:
        self.send({"jsonrpc": "2.0", "method": method, "params": params if params is not None else {}})

    def start_request(self, method: str, params: object = None) -> int:
        self._next_id += 1
        message: Message = {"jsonrpc": "2.0", "id": self._next_id, "method": method}
        if params is not None:
            message["params"] = params
        self.send(message)
        return self._next_id

    def request(self, method: str, params: object = None, timeout_s: float = 20) -> Message:
        """Send a request and return its whole response."""
        return self.response(self.start_request(method, params), timeout_s)

    def response(self, request_id: object, timeout_s: float = 20) -> Message:
        return self.until(lambda message: "method" not in message and message.get("id") == request_id, timeout_s)

    def command(self, name: str, arguments: object = None, timeout_s: float = 20) -> Message:
        return self.request("workspace/executeCommand", _command(name, arguments), timeout_s)

    def start_command(self, name: str, arguments: object = None) -> int:
        return self.start_request("workspace/executeCommand", _command(name, arguments))

    def until(self, wanted: Callable[[Message], bool], timeout_s: float = 20) -> Message:
        """Return the first message, old or new, that is wanted."""
        deadline = time.monotonic() + timeout_s
        checked = 0
        while True:
            while checked < len(self.messages):
                if wanted(self.messages[checked]):
                    return self.messages[checked]
                checked += 1
            try:
                arrived = self._arrived.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"not within {timeout_s} s; so far: {self.messages[-10:]}") from None
            if arrived is None:
                raise AssertionError(f"the server ended: {b''.join(self.stderr)!r}")

    def notifications(self, method: str) -> list[Any]:
        return [
            message["params"] for message in self.messages if message.get("method") == method and "id" not in message
        ]

    def progress(self, token: str | int) -> list[Any]:
        return [params["value"] for params in self.notifications("$/progress") if params["token"] == token]

    def initialize(
        self, folder: Path | None = None, capabilities: object = None, options: object = None, **more: object
    ) -> Message:
        params = {
            "processId": os.getpid(),
            "rootUri": folder.as_uri() if folder else None,
            "workspaceFolders": [{"uri": folder.as_uri(), "name": folder.name}] if folder else None,
            "capabilities": capabilities if capabilities is not None else {"window": {"workDoneProgress": True}},
            "initializationOptions": options,
            **more,
        }
        response = self.request("initialize", params)
        self.notify("initialized")
        return response

    def open(self, uri: str, text: str, language_id: str = "python", version: int = 1) -> None:
        item = {"uri": uri, "languageId": language_id, "version": version, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": item})

    def close(self) -> int:
        """Shut down as the protocol asks and return the exit code."""
        self.request("shutdown")
        self.notify("exit")
        return self.process.wait(10)

    def wait_for_end(self) -> None:
        """Wait until both streams of the server have been read to their end."""
        for thread in self._threads:
            thread.join(10)

    def _read(self) -> None:
        stream = self.process.stdout
        assert stream is not None
        while True:
            length = 0
            while (line := stream.readline()).strip():
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            if not line:
                self._arrived.put(None)
                return
            message = json.loads(stream.read(length))
            self.messages.append(message)
            self._arrived.put(message)
            if "id" in message and "method" in message:
                self._answer(message)

    def _answer(self, message: Message) -> None:
        method = message["method"]
        answer = self._answers.get(method)
        result = answer(message.get("params")) if answer else _default_answer(method, message.get("params"))
        if result is not NO_ANSWER:
            self.send({"jsonrpc": "2.0", "id": message["id"], "result": result})
            self._answered[method].set()

    def _read_stderr(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.stderr.append(line)


NO_ANSWER = object()


def _command(name: str, arguments: object) -> dict[str, object]:
    return {"command": name, "arguments": [] if arguments is None else [arguments]}


def _default_answer(method: str, params: Any) -> Any:
    if method == "workspace/configuration":
        return [None for _ in params["items"]]
    return None
