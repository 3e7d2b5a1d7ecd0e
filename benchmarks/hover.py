"""From a hover to its answer where it is cached, idle and beside 16 streams; what rapid hovers send upstream."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Mapping, Sequence

from benchmarks.client import Client
from tests.support.lsp_process import server_command

REQUESTS = 1000
WARM_UP = 100
STREAMS = 16
RAPID = 100
FAST_MODEL = "claude-haiku-4-5"
URI = "file:///project/{}.py"
FUNCTION = "def add_{0}(a, b):\n    return a + b\n\n\n"
SHORT_LINES, LONG_LINES = 1_000, 10_000


def measure(base_url: str, env: Mapping[str, str]) -> dict[str, object]:
    client = Client(server_command(), env)
    client.initialize("Neovim")
    client.wait_until_ready()
    for lines in (SHORT_LINES, LONG_LINES):
        text = "".join(FUNCTION.format(number) for number in range(lines // 4))
        item = {"uri": URI.format(lines), "languageId": "python", "version": 1, "text": text}
        client.notify("textDocument/didOpen", {"textDocument": item})
        _times(client, lines, 1)  # generated
    rapid = _rapid(client, base_url, cancels=False), _rapid(client, base_url, cancels=True)
    for lines in (SHORT_LINES, LONG_LINES):
        _times(client, lines, WARM_UP)
    idle = {lines: _times(client, lines, REQUESTS) for lines in (SHORT_LINES, LONG_LINES)}
    for _ in range(STREAMS):
        arguments = {"prompt": "hi", "model": "slow", "tools": "off", "partialResultToken": "t"}
        client.command("missy.ask", arguments)
    _until_running(client)
    busy = _times(client, SHORT_LINES, REQUESTS)
    client.close()
    return {
        "requests": REQUESTS,
        "cached_p50_ms": _at(idle[SHORT_LINES], 0.5),
        "cached_p99_ms": _at(idle[SHORT_LINES], 0.99),
        "cached_p99_of_10000_lines_ms": _at(idle[LONG_LINES], 0.99),
        f"cached_p50_beside_{STREAMS}_streams_ms": _at(busy, 0.5),
        f"cached_p99_beside_{STREAMS}_streams_ms": _at(busy, 0.99),
        "busy_over_idle_p50": round(_at(busy, 0.5) / _at(idle[SHORT_LINES], 0.5), 2),
        f"upstream_requests_of_{RAPID}_rapid_hovers": rapid[0],
        f"upstream_requests_of_{RAPID}_each_given_up_for_the_next": rapid[1],
        "target": "cached p99 <= 10 ms when idle, also in long files; 1 upstream request",
    }


def _times(client: Client, lines: int, count: int) -> list[float]:
    """Hover over the name of the first function, of whose explanation only the first is generated."""
    times_ms = []
    for _ in range(count):
        begin_s = time.perf_counter()
        found = client.wait(_hover(client, lines, 0, 6))
        times_ms.append((time.perf_counter() - begin_s) * 1000)
        assert found["result"], found
    return sorted(times_ms)


def _rapid(client: Client, base_url: str, *, cancels: bool) -> int:
    """Hover often over one symbol that nobody has asked about, and count the requests that come of it."""
    before = asked_upstream(base_url)
    ids = []
    for _ in range(RAPID):
        if cancels and ids:
            client.notify("$/cancelRequest", {"id": ids[-1]})
        ids.append(_hover(client, SHORT_LINES, 4 if cancels else 8, 6))
    assert client.wait(ids[-1])["result"]
    return asked_upstream(base_url) - before


def _hover(client: Client, lines: int, line: int, character: int) -> int:
    document = {"uri": URI.format(lines)}
    return client.request(
        "textDocument/hover", {"textDocument": document, "position": {"line": line, "character": character}}
    )


def asked_upstream(base_url: str) -> int:
    """Return how many requests the fast tier has had."""
    with urllib.request.urlopen(f"{base_url}/requests") as response:
        return int(json.load(response).get(FAST_MODEL, 0))


def _until_running(client: Client) -> None:
    while client.wait(client.command("missy.status", {}))["result"]["server"]["running"] < STREAMS:
        time.sleep(0.05)
    time.sleep(1.0)  # until every stream has sent its first text


def _at(times_ms: Sequence[float], part: float) -> float:
    return round(times_ms[min(len(times_ms) - 1, int(len(times_ms) * part))], 2)
