"""First delta and events per second through the server, against the SDK in this process; rounds interleaved."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Mapping
from typing import Any

from benchmarks.client import Client
from tests.support.lsp_process import server_command

ROUNDS = 7
FIRST_DELTAS_PER_ROUND = 12
DELTAS = 20_000
FEW = 20
CANCELS = 100


class Sdk:
    """The peer: `create(stream=True)` of the anthropic SDK, events counted and dropped."""

    def __init__(self, base_url: str) -> None:
        import anthropic

        self._client = anthropic.AsyncAnthropic(api_key="sk-ant-api03-FAKE", base_url=base_url, max_retries=0)
        self._loop = asyncio.new_event_loop()

    def ask(self, deltas: int) -> tuple[float, float]:
        return self._loop.run_until_complete(self._ask(deltas))

    async def _ask(self, deltas: int) -> tuple[float, float]:
        begin = time.perf_counter()
        first = 0.0
        messages: Any = [{"role": "user", "content": "hi"}]
        stream = await self._client.messages.create(
            model="claude-sonnet-4-6", max_tokens=deltas, messages=messages, stream=True
        )
        async for event in stream:
            if event.type == "content_block_delta" and not first:
                first = time.perf_counter() - begin
        return first, time.perf_counter() - begin


def ask(client: Client, deltas: int, model: str = "claude-sonnet-4-6") -> tuple[float, float]:
    """Return the seconds to the first text and to the answer."""
    begin = time.perf_counter()
    arguments = {"prompt": "hi", "model": model, "tools": "off", "partialResultToken": "t"}
    request_id = client.command("missy.ask", arguments)
    first = 0.0
    while True:
        message = client.read()
        if not first and message.get("method") == "$/progress" and message["params"]["value"]["kind"] == "text":
            first = time.perf_counter() - begin
        if message.get("id") == request_id and "method" not in message:
            if "error" in message:
                raise RuntimeError(message["error"])
            return first, time.perf_counter() - begin


def measure(base_url: str, few_env: Mapping[str, str], many_env: Mapping[str, str]) -> dict[str, object]:
    sdk = Sdk(base_url)
    few = Client(server_command(), few_env)
    many = Client(server_command(), many_env)
    for client in (few, many):
        client.initialize()
        client.wait_until_ready()
    sdk.ask(FEW)
    sdk_warm, _ = sdk.ask(FEW)
    first_ask, _ = ask(few, FEW)
    ask(many, DELTAS)
    overheads: list[float] = []
    ratios: list[float] = []
    for _ in range(ROUNDS):
        for _ in range(FIRST_DELTAS_PER_ROUND):
            raw, _ = sdk.ask(FEW)
            ours, _ = ask(few, FEW)
            overheads.append((ours - raw) * 1000)
        _, raw_seconds = sdk.ask(DELTAS)
        _, our_seconds = ask(many, DELTAS)
        ratios.append(raw_seconds / our_seconds)
    few.close()
    many.close()
    overheads.sort()
    return {
        "first_delta_overhead_median_ms": round(statistics.median(overheads), 2),
        "first_delta_overhead_p90_ms": round(overheads[int(len(overheads) * 0.9)], 2),
        "first_ask_overhead_ms": round((first_ask - sdk_warm) * 1000, 1),
        "events_ratio_median": round(statistics.median(ratios), 2),
        "events_ratio_range": [round(min(ratios), 2), round(max(ratios), 2)],
        "target": "median <= 1 ms, p90 <= 3 ms, first ask <= 60 ms, events ratio >= 0.9",
    }
