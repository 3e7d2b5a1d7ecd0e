"""From a codeAction request to its answer, idle and with a stream running, and what the stream makes of it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from benchmarks.client import Client
from tests.support.lsp_process import server_command

REQUESTS = 500
URI = "file:///project/a.py"
TEXT = "def add(a, b):\n    return a + b\n\n\n" * 250  # 1,000 lines
DIAGNOSTICS = [
    {
        "range": {"start": {"line": line, "character": 0}, "end": {"line": line, "character": 5}},
        "message": f"a report on line {line}",
        "severity": 2,
        "source": "checker",
    }
    for line in range(10)
]


def measure(env: Mapping[str, str]) -> dict[str, object]:
    client = Client(server_command(), env)
    client.initialize()
    item = {"uri": URI, "languageId": "python", "version": 1, "text": TEXT}
    client.notify("textDocument/didOpen", {"textDocument": item})
    _times(client, 50)
    idle_ms = _times(client, REQUESTS)
    arguments = {"prompt": "hi", "model": "slow", "tools": "off", "partialResultToken": "t"}
    client.command("missy.ask", arguments)
    _until_text(client)
    busy_ms = _times(client, REQUESTS)
    client.close()
    return {
        "requests": REQUESTS,
        "idle_median_ms": _at(idle_ms, 0.5),
        "busy_median_ms": _at(busy_ms, 0.5),
        "busy_p99_ms": _at(busy_ms, 0.99),
        "busy_over_idle": round(_at(busy_ms, 0.5) / _at(idle_ms, 0.5), 2),
        "target": "busy median <= 2 ms",
    }


def _times(client: Client, count: int) -> list[float]:
    times_ms = []
    for number in range(count):
        line = number % 900
        place = {"start": {"line": line, "character": 0}, "end": {"line": line, "character": 4}}
        params = {
            "textDocument": {"uri": URI},
            "range": place,
            "context": {"diagnostics": DIAGNOSTICS if number % 5 == 0 else [], "triggerKind": 1},
        }
        begin_s = time.perf_counter()
        request_id = client.request("textDocument/codeAction", params)
        while (message := client.read()).get("id") != request_id or "method" in message:
            pass
        times_ms.append((time.perf_counter() - begin_s) * 1000)
        assert message["result"], message
    return sorted(times_ms)


def _until_text(client: Client) -> None:
    while True:
        message: dict[str, Any] = client.read()
        if message.get("method") == "$/progress" and message["params"]["value"]["kind"] == "text":
            return


def _at(times_ms: list[float], part: float) -> float:
    return round(times_ms[min(len(times_ms) - 1, int(len(times_ms) * part))], 2)
