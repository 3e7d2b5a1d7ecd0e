"""The leanest language client: blocking, one thread, so that its own cost hardly shows."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO, cast

from missy_lsp.server.framing import MessageReader

Message = dict[str, Any]


class Client:
    def __init__(self, command: Sequence[str], env: Mapping[str, str]) -> None:
        self.started_s = time.perf_counter()
        self.process = subprocess.Popen(
            list(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=dict(env)
        )
        self._id = 0
        self._reader = MessageReader(cast(BinaryIO, self.process.stdout))

    def send(self, message: Message) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.process.stdin.flush()

    def notify(self, method: str, params: object) -> None:
        self.send({"method": method, "params": params})

    def request(self, method: str, params: object) -> int:
        self._id += 1
        self.send({"id": self._id, "method": method, "params": params})
        return self._id

    def command(self, name: str, arguments: object) -> int:
        return self.request("workspace/executeCommand", {"command": name, "arguments": [arguments]})

    def read(self) -> Message:
        body = self._reader.read()
        if not isinstance(body, bytes):
            raise EOFError("the server ended")
        message: Message = json.loads(body)
        if "id" in message and "method" in message:
            self.send({"id": message["id"], "result": None})
        return message

    def wait(self, request_id: int) -> Message:
        while True:
            message = self.read()
            if message.get("id") == request_id and "method" not in message:
                return message

    def initialize(self, name: str | None = None) -> float:
        """Return the seconds from the spawn to the answer of initialize; `name` is what the client calls itself."""
        capabilities = {"textDocument": {"hover": {"contentFormat": ["markdown"]}}}
        params: Message = {"processId": os.getpid(), "rootUri": None, "capabilities": capabilities}
        if name is not None:
            params["clientInfo"] = {"name": name}
        self.wait(self.request("initialize", params))
        seconds = time.perf_counter() - self.started_s
        self.notify("initialized", {})
        return seconds

    def wait_until_ready(self) -> None:
        """Wait for the end of what the server does after `initialized`."""
        while not self.wait(self.command("missy.status", {}))["result"]["server"]["ready"]:
            time.sleep(0.05)

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
