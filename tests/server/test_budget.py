"""The caps of a budget over real servers that share one ledger, and what is told of the price."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from missy_lsp.llm.ledger import RESERVATION_S, Ledger
from tests.support.billing import Biller
from tests.support.configuration import write_user_config
from tests.support.fake_api import FakeApi, Hold, block_start, message_start, stream, text_delta
from tests.support.lsp_process import LspProcess, Message

SERVERS, EACH = 4, 4
CAP_USD = 1.0
QUESTION = {"prompt": "why?", "tier": "primary", "tools": "off", "wait": True}


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with FakeApi() as server:
        yield server


@pytest.fixture
def ledger_file(isolated_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(isolated_home / "state"))
    return isolated_home / "state" / "missy" / "ledger.sqlite"


def budget_of(home: Path, api: FakeApi, **budget: object) -> None:
    write_user_config(home, api.base_url, budget=budget, context={"max_tokens": 1000})


def outcomes(servers: list[LspProcess], ids: list[list[int]]) -> Iterator[Message]:
    for server, asked in zip(servers, ids, strict=True):
        yield from (server.response(request_id, 60) for request_id in asked)


def refused(message: Message) -> bool:
    return bool(message.get("error", {}).get("data", {}).get("kind") == "budget")


def wait_for_refusals(servers: list[LspProcess], count: int) -> None:
    end_s = time.monotonic() + 60
    while sum(refused(message) for server in servers for message in server.messages) < count:
        assert time.monotonic() < end_s, "too few were refused"
        for server in servers:
            server.command("missy.status")


def test_the_cap_of_a_day_holds_with_sixteen_requests_in_flight_from_four_editors(
    isolated_home: Path, api: FakeApi, ledger_file: Path
) -> None:
    budget_of(isolated_home, api, daily_usd=CAP_USD)
    all_are_in = threading.Event()
    biller = Biller(7, all_are_in)
    api.respond = biller.respond
    with ExitStack() as stack:
        servers = [stack.enter_context(LspProcess()) for _ in range(SERVERS)]
        for server in servers:
            server.initialize()
        most_usd = servers[0].command("missy.route", QUESTION)["result"]["estimate"]["maxUsd"]
        fitting = int(CAP_USD // most_usd)
        ids = [[server.start_command("missy.ask", QUESTION) for _ in range(EACH)] for server in servers]
        assert len(api.wait_for_requests(fitting, 60)) == fitting
        assert 0 < fitting < SERVERS * EACH
        # No answer makes room before every request has asked for its own.
        wait_for_refusals(servers, SERVERS * EACH - fitting)
        all_are_in.set()
        told = list(outcomes(servers, ids))
        assert [refused(message) for message in told].count(True) == SERVERS * EACH - fitting
        # The answers left some of the room that was kept for them: ask until none is left.
        for _ in range(20):
            for server in servers:
                server.command("missy.usage")  # waits until what this server was answered stands in the ledger
            ids = [[server.start_command("missy.ask", QUESTION) for _ in range(EACH)] for server in servers]
            told += outcomes(servers, ids)
            if all(map(refused, told[-SERVERS * EACH :])):
                break
        assert all(map(refused, told[-SERVERS * EACH :]))
        spent = servers[0].command("missy.usage")["result"]
    answers = [message["result"] for message in told if "result" in message]
    assert len(answers) + sum(map(refused, told)) == len(told)
    assert len(answers) == len(api.requests) > fitting
    # Told to the last digit, for each answer and in the ledger.
    assert [answer["usage"]["costUsd"] for answer in answers] == pytest.approx([float(a["text"]) for a in answers])
    assert spent["total"]["costUsd"] == pytest.approx(biller.usd)
    assert CAP_USD - most_usd < biller.usd <= CAP_USD + biller.dearest_usd


def test_the_room_of_a_server_that_was_killed_is_kept_as_long_as_its_stream_might_run(
    isolated_home: Path, api: FakeApi, ledger_file: Path
) -> None:
    with LspProcess() as server:
        server.initialize()
        budget_of(isolated_home, api, daily_usd=CAP_USD)
        most_usd = server.command("missy.route", QUESTION)["result"]["estimate"]["maxUsd"]
        budget_of(isolated_home, api, daily_usd=1.5 * most_usd)
        api.enqueue(stream(message_start(), block_start(), text_delta("half"), Hold(), end=False))
        server.start_command("missy.ask", QUESTION)
        api.wait_for_requests(1)
        server.process.kill()
        server.process.wait()
    api.respond = Biller(1).respond
    with LspProcess() as server:
        server.initialize()
        error = server.command("missy.ask", QUESTION)["error"]
        assert f"${most_usd:.4f} may go to requests that are running" in error["message"]
        with closing(sqlite3.connect(ledger_file)) as connection, connection:
            connection.execute("update reservation set at = at - ?", (RESERVATION_S + 1,))
        assert server.command("missy.ask", QUESTION)["result"]["complete"]
    assert Ledger(ledger_file).reserve("other", 0.0, CAP_USD) > 0


def test_a_stopped_answer_is_told_and_written_down_at_one_price(
    isolated_home: Path, api: FakeApi, ledger_file: Path
) -> None:
    write_user_config(isolated_home, api.base_url)
    usage = {"input_tokens": 100, "cache_read_input_tokens": 2000, "cache_creation_input_tokens": 300}
    parts = [message_start(usage={**usage, "output_tokens": 1}), block_start(), text_delta("word " * 400)]
    api.enqueue(stream(*parts, Hold(), end=False))
    with LspProcess() as server:
        server.initialize()
        request_id = server.start_command("missy.ask", {**QUESTION, "partialResultToken": "t"})
        server.until(lambda message: "word word" in str(message.get("params")))
        server.command("missy.stop")
        answer = server.response(request_id)["result"]
        spent = server.command("missy.usage")["result"]["total"]
    told: dict[str, Any] = answer["usage"]
    assert answer["stopReason"] == "cancelled"
    assert told == server.progress("t")[-1]["usage"]
    assert (told["inputTokens"], told["cacheReadTokens"], told["cacheCreationTokens"]) == (100, 2000, 300)
    assert 400 <= told["outputTokens"] <= 700  # the upstream sent 400 words and never told how many tokens they were
    assert told["costUsd"] == pytest.approx((100 * 3 + told["outputTokens"] * 15 + 2000 * 0.3 + 300 * 3.75) / 1e6)
    assert spent == {"requests": 1, **told}
