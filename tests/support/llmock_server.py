"""llmock, a Messages API that somebody else wrote, as a process of its own on a free loopback port."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

_START_TIMEOUT_S = 20.0
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class LlmockServer:
    """Start `llmock serve`, script it, read what it saw.

    `scenario({"type": "fail", "status": 429, "retry_after": 1, "times": 2}, {"type": "stream_fault",
    "kind": "truncate", "after_chunks": 4})`; types: fail, delay, slow_first_token, stream_fault, reply, tool_fault.
    """

    def __init__(self, *options: str) -> None:
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/anthropic"

    def scenario(self, *behaviours: dict[str, object]) -> None:
        self._call("POST", "scenario", {"behaviors": list(behaviours)})

    def reset(self) -> None:
        self._call("POST", "reset", {})

    def requests(self) -> list[dict[str, Any]]:
        """Return the journal: one object a request, with `body`, `status` and times."""
        requests: list[dict[str, Any]] = self._call("GET", "requests")["requests"]
        return requests

    def verdict(self) -> dict[str, Any]:
        """Return llmock's judgement of how the client coped."""
        return self._call("GET", "verdict")

    def __enter__(self) -> LlmockServer:
        command = Path(sys.executable).with_name("llmock")
        for _ in range(3):
            self.port = _free_port()
            self._process = subprocess.Popen(
                [str(command), "serve", "-p", str(self.port), "--log-level", "warning", *self._options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            if self._answers():
                return self
            self._stop()
        raise RuntimeError("llmock did not start")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _answers(self) -> bool:
        assert self._process is not None
        deadline = time.monotonic() + _START_TIMEOUT_S
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                self.requests()
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.05)
            else:
                return True
        return False

    def _stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/_llmock/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"content-type": "application/json"},
        )
        with _OPENER.open(request, timeout=10) as response:
            value: dict[str, Any] = json.load(response)
            return value


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
