"""From `$/cancelRequest` to the upstream socket found closed, and what the client still gets."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Mapping
from typing import Any

from benchmarks.client import Client
from tests.support.lsp_process import server_command

CANCELS = 100


def measure(base_url: str, env: Mapping[str, str]) -> dict[str, object]:
    client = Client(server_command(), env)
    client.initialize()
    closed_ms: list[float] = []
    wrong_replies = late_texts = 0
    for number in range(CANCELS):
        request_id, cancelled_s = _cancel_one(client)
        replies, late = _until_reply_and_status(client, request_id)
        wrong_replies += replies != 1
        late_texts += late
        closed_s = _closed(base_url, number)
        closed_ms.append((closed_s - cancelled_s) * 1000)
    client.close()
    closed_ms.sort()
    return {
        "cancels": CANCELS,
        "closed_median_ms": round(closed_ms[CANCELS // 2], 2),
        "closed_p99_ms": round(closed_ms[int(CANCELS * 0.99) - 1], 2),
        "closed_max_ms": round(closed_ms[-1], 2),
        "requests_without_exactly_one_reply": wrong_replies,
        "texts_after_the_reply": late_texts,
        "target": "p99 <= 50 ms, one reply each, no text after it",
    }


def _cancel_one(client: Client) -> tuple[int, float]:
    arguments = {"prompt": "hi", "model": "slow", "tools": "off", "partialResultToken": "t"}
    request_id = client.command("missy.ask", arguments)
    texts = 0
    while texts < 3:
        message = client.read()
        texts += message.get("method") == "$/progress" and message["params"]["value"]["kind"] == "text"
    client.notify("$/cancelRequest", {"id": request_id})
    return request_id, time.monotonic()


def _until_reply_and_status(client: Client, request_id: int) -> tuple[int, int]:
    """Read until a later request is answered: what was still to come of the cancelled one has come."""
    status_id = 0
    replies = late = 0
    while True:
        message: dict[str, Any] = client.read()
        if message.get("id") == request_id and "method" not in message:
            replies += message.get("error", {}).get("code") == -32800
            time.sleep(0.05)
            status_id = client.command("missy.status", {})
        elif replies and message.get("method") == "$/progress":
            late += message["params"]["value"]["kind"] == "text"
        elif status_id and message.get("id") == status_id:
            return replies, late


def _closed(base_url: str, number: int) -> float:
    deadline_s = time.monotonic() + 5
    while time.monotonic() < deadline_s:
        with urllib.request.urlopen(f"{base_url}/closed") as response:
            closed: list[float] = json.load(response)
        if len(closed) > number:
            return closed[number]
        time.sleep(0.005)
    raise RuntimeError("the upstream connection was not closed within 5 s")
