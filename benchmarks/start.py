"""From the spawn to the answer of initialize, against a bare pygls server; rounds interleaved."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.client import Client
from tests.support.lsp_process import server_command

ROUNDS = 15


def measure(env: Mapping[str, str]) -> dict[str, object]:
    bare = [sys.executable, str(Path(__file__).with_name("bare_server.py"))]
    seconds: dict[str, list[float]] = {"bare": [], "missy": []}
    for round_number in range(ROUNDS + 1):
        for name, command in (("bare", bare), ("missy", server_command())):
            client = Client(command, env)
            elapsed = client.initialize()
            client.close()
            if round_number:  # the first round warms the disk cache
                seconds[name].append(elapsed)
    ratios = [ours / theirs for ours, theirs in zip(seconds["missy"], seconds["bare"], strict=True)]
    return {
        "bare_ms": round(statistics.median(seconds["bare"]) * 1000, 1),
        "missy_ms": round(statistics.median(seconds["missy"]) * 1000, 1),
        "ratio": round(statistics.median(seconds["missy"]) / statistics.median(seconds["bare"]), 3),
        "ratio_of_pairs_median": round(statistics.median(ratios), 3),
        "target": "ratio <= 1.1",
    }
