"""`missy usage`: what stands in the ledger, added up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.commands import Missy
from tests.support.configuration import write_user_config
from tests.support.fake_api import FakeApi, answer


def test_an_answer_is_counted_with_its_price(missy: Missy, api: FakeApi) -> None:
    assert missy("usage").out.startswith("nothing was spent since ")
    api.enqueue(answer("ok"))
    told = json.loads(missy("ask", "why?", "--json").out)
    used = json.loads(missy("usage", "--json").out)
    [entry] = used["entries"]
    assert (entry["key"], entry["requests"]) == (told["model"], 1)
    assert entry["costUsd"] == told["usage"]["costUsd"] == used["total"]["costUsd"]
    assert entry["inputTokens"] == told["usage"]["inputTokens"]
    table = missy("usage", "--by", "tier", "--since", "1h").out
    assert table.splitlines()[0].split() == ["tier", "requests", "in", "cached", "out", "USD"]
    assert table.splitlines()[-1].split() == ["total", "1", f"{entry['costUsd']:.4f}"]


def test_the_cap_of_a_day_is_held_from_command_to_command(missy: Missy, api: FakeApi, isolated_home: Path) -> None:
    most_usd = json.loads(missy("route", "why?", "--json").out)["estimate"]["maxUsd"]
    write_user_config(isolated_home, api.base_url, budget={"daily_usd": most_usd + 0.00001})
    api.respond = lambda request: answer("ok")
    assert missy("ask", "why?").code == 0
    run = missy("ask", "why?")
    assert run.code == 1
    assert "budget.daily_usd" in run.err
    assert len(api.requests) == 1


@pytest.mark.parametrize("since", ["yesterday", "2026-13-01", "5y", "-1d", ""])
def test_a_time_that_is_none_is_refused(missy: Missy, since: str) -> None:
    run = missy("usage", f"--since={since}")
    assert run.code == 2
    assert "is no time" in run.err


def test_the_offline_provider_costs_nothing(missy: Missy) -> None:
    assert missy("ask", "why?", "--offline").code == 0
    assert missy("usage").out.startswith("nothing was spent")
