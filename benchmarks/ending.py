"""How a server ends: at the end of its input while it streams, after its client was killed; what a storm leaves.

Linux only: processes are looked up below /proc.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks.client import Client
from tests.support.lsp_process import server_command

ENDS = 30
STREAMS = 16
KILLS = 100
AT_ONCE = 4
STORM = 1_000
CLIENT = """
import json, os, subprocess, sys
held, server = sys.argv[1] == "held", sys.argv[2:]
process = subprocess.Popen(server, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize",
                   "params": {"processId": os.getpid(), "rootUri": None, "capabilities": {}}}).encode()
process.stdin.write(b"Content-Length: %d\\r\\n\\r\\n%s" % (len(body), body))
process.stdin.flush()
process.stdout.readline()
# Somebody who inherited the client's end of the pipe and outlives it: the server sees no end of its input.
holder = subprocess.Popen(["sleep", "30"], pass_fds=[process.stdin.fileno()]) if held else None
print(process.pid, holder.pid if holder else 0, flush=True)
input()
"""


def measure(env: Mapping[str, str]) -> dict[str, object]:
    eof_s = sorted(_end_of_input(env) for _ in range(ENDS))
    killed_s: list[float] = []
    while len(killed_s) < KILLS:
        killed_s += _killed_clients(env, held=len(killed_s) >= KILLS // 2)
    before_mib, after_mib = _storm(env)
    orphans = sum(seconds == float("inf") for seconds in killed_s)
    return {
        "ends_of_input_with_16_streams": ENDS,
        "exit_after_end_of_input_median_s": round(eof_s[ENDS // 2], 3),
        "exit_after_end_of_input_p99_s": round(eof_s[-1], 3),
        "killed_clients": KILLS,
        "exit_after_kill_max_s": round(max(killed_s[: KILLS // 2]), 3),
        "exit_after_kill_input_held_max_s": round(max(killed_s[KILLS // 2 :]), 3),
        "orphans": orphans,
        "storm_requests": STORM,
        "rss_before_storm_mib": before_mib,
        "rss_after_storm_mib": after_mib,
        "target": "end of input p99 < 1 s, killed client < 5 s, no orphan, growth < 20 MiB",
    }


def _end_of_input(env: Mapping[str, str]) -> float:
    """Return the seconds from the end of the input, with streams running, to the end of the process."""
    client = Client(server_command(), env)
    client.initialize()
    client.wait_until_ready()
    for number in range(STREAMS):
        client.command("missy.ask", {"prompt": "hi", "model": "slow", "tools": "off", "partialResultToken": number})
    running: set[object] = set()
    while len(running) < STREAMS:
        message = client.read()
        if message.get("method") == "$/progress" and message["params"]["value"].get("kind") == "text":
            running.add(message["params"]["token"])
    assert client.process.stdin is not None
    begin_s = time.perf_counter()
    client.process.stdin.close()
    client.process.wait(20)
    return time.perf_counter() - begin_s


def _killed_clients(env: Mapping[str, str], *, held: bool) -> list[float]:
    """Kill some clients at once; return for each the seconds until its server had ended, `inf` for never."""
    command = [sys.executable, "-c", CLIENT, "held" if held else "alone", *server_command()]
    clients = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(env))
        for _ in range(AT_ONCE)
    ]
    servers, holders = [], []
    for client in clients:
        assert client.stdout is not None
        server, holder = map(int, client.stdout.readline().split())
        servers.append(server)
        holders.append(holder)
    begin_s = time.perf_counter()
    for client in clients:
        client.kill()
        client.wait()
    seconds = [_gone_after(server, begin_s) for server in servers]
    for holder in filter(None, holders):
        os.kill(holder, signal.SIGKILL)
    return seconds


def _gone_after(process_id: int, begin_s: float) -> float:
    while time.perf_counter() - begin_s < 20:
        try:
            state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            state = "X"
        if state in "XZ":  # gone, or waiting for an init that collects nobody
            return time.perf_counter() - begin_s
        time.sleep(0.01)
    os.kill(process_id, signal.SIGKILL)
    return float("inf")


def _storm(env: Mapping[str, str]) -> tuple[float, float]:
    """Return the resident MiB of a server that has answered once, and after many requests that were cancelled."""
    client = Client(server_command(), env)
    client.initialize()
    client.wait_until_ready()
    _requests(client, 50)
    before = _resident_mib(client.process.pid)
    _requests(client, STORM)
    after = _resident_mib(client.process.pid)
    client.close()
    return before, after


def _requests(client: Client, count: int) -> None:
    waiting: set[object] = set()
    for number in range(count):
        request_id = client.command("missy.ask", {"prompt": f"hi {number}", "model": "slow", "wait": True})
        waiting.add(request_id)
        client.notify("$/cancelRequest", {"id": request_id})
        while len(waiting) > STREAMS:
            waiting.discard(client.read().get("id"))
    while waiting:
        waiting.discard(client.read().get("id"))


def _resident_mib(process_id: int) -> float:
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{process_id}/status").read_text().splitlines())
    return round(int(fields["VmRSS"].split()[0]) / 1024, 1)
