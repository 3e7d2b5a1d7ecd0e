"""What answers cost by us and by the upstream, and by how much the cap of a day is passed with 16 in flight."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

from benchmarks.client import Client
from tests.support.billing import Biller
from tests.support.configuration import write_user_config
from tests.support.fake_api import FakeApi
from tests.support.lsp_process import server_command

SERVERS = 4
ROUNDS = 8
MORE_USD = 3.0
TIERS = ("fast", "primary", "premium", "primary")
QUESTION = {"prompt": "why?", "tools": "off", "wait": True}


def measure(env: Mapping[str, str]) -> dict[str, object]:
    """Run rounds, each with a cap a little above what is spent; in each, every server asks until it is refused."""
    home = Path(env["HOME"])
    biller = Biller(1)
    overshoots: list[float] = []
    errors: list[float] = []
    with FakeApi() as api:
        api.respond = biller.respond
        write_user_config(home, api.base_url)
        servers = [Client(server_command(), env) for _ in range(SERVERS)]
        for server in servers:
            server.initialize()
        for _ in range(ROUNDS):
            cap_usd = biller.usd + MORE_USD
            write_user_config(home, api.base_url, budget={"daily_usd": cap_usd})
            threads = [threading.Thread(target=_ask_until_refused, args=(server, errors)) for server in servers]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            overshoots.append(biller.usd - cap_usd)
        used = servers[0].wait(servers[0].command("missy.usage", {}))["result"]
        for server in servers:
            server.close()
    return {
        "answers": len(errors),
        "rounds": ROUNDS,
        "cost_error_of_an_answer_most_usd": round(max(errors), 12),
        "cost_error_of_the_ledger_usd": round(abs(used["total"]["costUsd"] - biller.usd), 9),
        "overshoot_most_usd": round(max(0.0, *overshoots), 6),
        "left_of_the_cap_most_usd": round(-min(overshoots), 4),
        "dearest_answer_usd": round(biller.dearest_usd, 4),
        "target": "cost errors 0, overshoot at most one answer",
    }


def _ask_until_refused(server: Client, errors: list[float]) -> None:
    running = {server.command("missy.ask", {**QUESTION, "tier": tier}): tier for tier in TIERS}
    while running:
        message = server.read()
        if message.get("id") not in running or "method" in message:
            continue
        tier = running.pop(message["id"])
        if "result" in message:
            answer = message["result"]
            errors.append(abs(answer["usage"]["costUsd"] - float(answer["text"])))
            running[server.command("missy.ask", {**QUESTION, "tier": tier})] = tier
        elif message["error"]["data"]["kind"] != "budget":
            raise RuntimeError(message["error"]["message"])
