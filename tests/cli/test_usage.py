"""`missy usage`: what stands in the ledger, added up."""

from __future__ import annotations

import argparse
import io
import json
import os
import time
from pathlib import Path

import pytest

from missy_lsp.cli import usage
from missy_lsp.cli.output import Output
from missy_lsp.cli.setting import Setting
from missy_lsp.config.locations import Locations
from missy_lsp.llm.ledger import Spending
from missy_lsp.llm.types import Usage
from tests.cli.test_output import Terminal
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


def test_nothing_spent_is_told_as_zeros(missy: Missy) -> None:
    used = json.loads(missy("usage", "--json", "--by", "day").out)
    assert (used["by"], used["entries"], used["total"]["requests"], used["total"]["costUsd"]) == ("day", [], 0, 0)


@pytest.mark.parametrize(
    ("columns", "bars"),
    [("200", ["█" * 30, "█" * 15, "█"]), ("66", ["█" * 10, "█" * 5, "█"]), ("50", ["", "", ""]), (None, ["", "", ""])],
    ids=["wide", "narrow", "no room", "no terminal"],
)
@pytest.mark.parametrize("colours", [{}, {"NO_COLOR": "1"}], ids=["", "NO_COLOR"])
def test_the_chart_fits_the_terminal(
    isolated_home: Path, monkeypatch: pytest.MonkeyPatch, columns: str | None, bars: list[str], colours: dict[str, str]
) -> None:
    monkeypatch.setenv("COLUMNS", columns or "200")
    out = io.StringIO() if columns is None else Terminal()
    setting = Setting(Locations.from_environment(os.environ), None, Output(out, io.StringIO(), colours))
    for model, usd in (("claude-sonnet-4-6", 2.0), ("claude-opus-4-6", 1.0), ("claude-haiku-4-5", 0.001)):
        spending = Spending(time.time(), "anthropic", model, "primary", "ask", "", Usage(1000, 10, 5, 1), usd)
        setting.ledger().record(spending)
    usage.run(setting, argparse.Namespace(since="1d", by="model", json=False))
    _, *rows, total = out.getvalue().splitlines()
    assert [row.rpartition("  ")[2] if "█" in row else "" for row in rows] == bars
    assert total.split() == ["total", "3", "3.0010"]
    assert "\x1b" not in out.getvalue()
    if columns not in (None, "50"):
        assert max(map(len, rows)) <= int(columns or 0)
