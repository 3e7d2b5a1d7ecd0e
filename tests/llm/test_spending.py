"""What is spent and what may be: the ledger, the caps, several processes and many requests at once."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import attrs
import pytest

from missy_lsp.config.values import Budget
from missy_lsp.errors import ModelError
from missy_lsp.llm.catalogue import Catalogue
from missy_lsp.llm.ledger import GROUPS, RESERVATION_S, Ledger, Spending
from missy_lsp.llm.types import TextDelta, TurnEnd, Usage, UsageSoFar
from tests.llm.test_client_tools import Tools, wants_tools
from tests.support.scripted_provider import Bench, ScriptedProvider, call, config, fails, says

NOON = time.mktime((2026, 11, 23, 12, 0, 0, 0, 0, -1))
DAY_S = 24 * 3600


def spending(usd: float = 1.0, at: float = NOON, **more: str) -> Spending:
    told = {"provider": "anthropic", "model": "claude-sonnet-4-6", "tier": "primary", "action": "ask", "folder": ""}
    return Spending(at=at, usage=Usage(100, 10, 5, 1), cost_usd=usd, **{**told, **more})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "ledger.sqlite"


# --- the ledger -----------------------------------------------------------------------------------


def test_sums_are_exact_by_every_group(path: Path) -> None:
    ledger = Ledger(path, lambda: NOON)
    assert ledger.sums("model") == ()
    for entry in (spending(1), spending(2, tier="fast"), spending(4, NOON - DAY_S, model="claude-haiku-4-5")):
        assert ledger.record(entry) is None
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    for by in GROUPS:
        assert sum(entry.cost_usd for entry in ledger.sums(by)) == 7
        assert sum(entry.requests for entry in ledger.sums(by)) == 3
    assert [(entry.key, entry.cost_usd) for entry in ledger.sums("model")] == [
        ("claude-haiku-4-5", 4.0),
        ("claude-sonnet-4-6", 3.0),
    ]
    assert [entry.key for entry in ledger.sums("day")] == ["2026-11-22", "2026-11-23"]
    assert ledger.sums("tier", NOON - 1)[0].usage == Usage(100, 10, 5, 1)
    assert ledger.today_usd() == 3


def test_one_model_is_one_sum_however_it_was_spelled(path: Path) -> None:
    ledger = Ledger(path, lambda: NOON)
    spelled = ["claude-haiku-4-5-20251001", "claude-haiku-4-5", "us.anthropic.claude-haiku-4-5-20251001-v1:0"]
    for model in (*spelled, "claude-opus-5", "Our/Own-Model", "our/own-model"):
        ledger.record(spending(1, model=model))
    assert [(entry.key, entry.requests, entry.cost_usd) for entry in ledger.sums("model")] == [
        ("claude-haiku-4-5", 3, 3.0),
        ("Our/Own-Model", 1, 1.0),
        ("claude-opus-5", 1, 1.0),
        ("our/own-model", 1, 1.0),
    ]
    assert ledger.sums("model")[0].usage == Usage(300, 30, 15, 3)


def test_a_reservation_counts_until_it_is_given_back_or_its_process_must_be_dead(path: Path) -> None:
    now = [NOON]
    ledger = Ledger(path, lambda: now[0])
    ledger.record(spending(1))
    assert ledger.reserve("a", 2, cap_usd=5) == 1
    with pytest.raises(ModelError, match=r"\$1\.0000 are spent today and \$2\.0000 may go .*\$2\.5000.*\$5\.0000"):
        ledger.reserve("b", 2.5, cap_usd=5)
    assert ledger.record(spending(0.5), "a") is None
    assert ledger.reserve("b", 2.5, cap_usd=5) == 1.5
    now[0] += RESERVATION_S + 1
    assert ledger.reserve("c", 3, cap_usd=5) == 1.5


def test_a_new_day_begins_at_midnight(path: Path) -> None:
    now = [NOON]
    ledger = Ledger(path, lambda: now[0])
    ledger.record(spending(5))
    now[0] += DAY_S
    assert ledger.reserve("a", 5, cap_usd=5) == 0


@pytest.mark.parametrize("content", [b"not a database at all, but some bytes" * 100, None], ids=["damaged", "folder"])
def test_a_ledger_that_can_not_be_used_holds_no_cap_and_stops_nothing_else(path: Path, content: bytes | None) -> None:
    path.parent.mkdir()
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    ledger = Ledger(path)
    with pytest.raises(ModelError, match="can't be used") as raised:
        ledger.reserve("a", 1, 5)
    assert raised.value.kind == "budget"
    assert "can't be written" in str(ledger.record(spending()))
    with pytest.raises(ModelError, match="can't be read"):
        ledger.sums("model")


@pytest.fixture
def holder(path: Path) -> Iterator[sqlite3.Connection]:
    """Another program with the ledger open, which has one entry."""
    Ledger(path).record(spending(0.5))
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def test_a_ledger_is_read_while_another_program_is_about_to_write(path: Path, holder: sqlite3.Connection) -> None:
    holder.execute("begin immediate")
    assert Ledger(path, check_waits_s=0).sums("model")[0].cost_usd == 0.5


def test_a_ledger_that_another_program_holds_is_said_to_be_in_use(path: Path, holder: sqlite3.Connection) -> None:
    holder.execute("begin exclusive")
    ledger = Ledger(path, check_waits_s=0)
    for use in (lambda: ledger.sums("model"), lambda: ledger.reserve("a", 1, 5)):
        with pytest.raises(ModelError, match=r"Another program is using it.* Try again in a moment") as raised:
            use()
        assert raised.value.retryable
        assert "ove it away" not in str(raised.value)
        assert "move the file" not in str(raised.value)


def test_a_ledger_of_a_newer_version_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute("pragma user_version = 99")
    connection.close()
    assert "newer version" in str(Ledger(path).record(spending()))


def test_processes_that_write_at_once_lose_nothing(path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from missy_lsp.llm.ledger import Ledger; "
        "from tests.llm.test_spending import spending; ledger = Ledger(Path(sys.argv[1])); "
        "sys.exit(any(ledger.record(spending(0.5)) for _ in range(25)))"
    )
    root = Path(__file__).parents[2]
    processes = [subprocess.Popen([sys.executable, "-c", program, str(path)], cwd=root) for _ in range(3)]
    assert [process.wait(30) for process in processes] == [0, 0, 0]
    [total] = Ledger(path).sums("provider")
    assert (total.requests, total.cost_usd) == (75, 37.5)


# --- a client with a ledger -----------------------------------------------------------------------

CAP = config(budget=Budget(daily_usd=1.0))


async def test_what_an_answer_cost_stands_in_the_ledger_to_the_cent(tmp_path: Path, path: Path) -> None:
    bench = Bench(tmp_path, ScriptedProvider(says("ok", usage=Usage(1000, 100, 50, 20))), ledger=Ledger(path))
    completion = await bench.run(call(folder="project"))
    await bench.client.written_down()
    [entry] = Ledger(path).sums("folder")
    assert (entry.key, entry.usage, entry.cost_usd) == ("project", completion.usage, completion.cost_usd)


async def test_what_a_stopped_answer_cost_is_counted_too(tmp_path: Path, path: Path) -> None:
    script = [UsageSoFar(Usage(1000, 1)), TextDelta("half"), asyncio.Event()]
    bench = Bench(tmp_path, ScriptedProvider(script), ledger=Ledger(path))
    task = asyncio.ensure_future(bench.run(call()))
    while not bench.text:
        await asyncio.sleep(0.001)
    task.cancel()
    await asyncio.wait([task])
    await bench.client.written_down()
    [entry] = Ledger(path).sums("action")
    assert entry.usage == Usage(1000, 1)


async def test_what_a_stopped_answer_is_said_to_cost_is_what_stands_in_the_ledger(tmp_path: Path, path: Path) -> None:
    # Two prompts of 60,000 tokens: neither has the price of a prompt above 100,000.
    long = Usage(60_000, 100)
    turns = (
        wants_tools("a", model="claude-haiku-5-5", usage=long),
        [UsageSoFar(long), TextDelta("half"), asyncio.Event()],
    )
    bench = Bench(tmp_path, ScriptedProvider(*turns), ledger=Ledger(path))
    given = config()
    haiku = attrs.evolve(given.providers["anthropic"], model="claude-haiku-5-5")
    asked = call(attrs.evolve(given, providers={"anthropic": haiku}), toolbox=Tools())
    task = asyncio.ensure_future(bench.run(asked))
    while not bench.text:
        await asyncio.sleep(0.001)
    task.cancel()
    await asyncio.wait([task])
    await bench.client.written_down()
    last = [event for event in bench.events if isinstance(event, UsageSoFar)][-1]
    [entry] = Ledger(path).sums("action")
    assert (last.usage, last.cost_usd) == (entry.usage, pytest.approx(entry.cost_usd))
    assert entry.cost_usd == pytest.approx(2 * (60_000 * 0.1 + 100 * 0.5) / 1e6)


@pytest.mark.parametrize(
    ("answering", "priced_as"),
    [
        ("claude-haiku-4-5", "claude-haiku-4-5"),
        ("anthropic/claude-haiku-4.5", "claude-haiku-4-5"),
        ("", "claude-sonnet-4-6"),
        ("somebody-elses", "claude-sonnet-4-6"),
        ("offline", "claude-sonnet-4-6"),
    ],
)
async def test_the_price_is_that_of_the_model_that_answered_else_of_the_one_that_was_asked(
    answering: str, priced_as: str, tmp_path: Path
) -> None:
    usage = Usage(1000, 1000)
    bench = Bench(tmp_path, ScriptedProvider([TextDelta("x"), TurnEnd("end_turn", usage, answering, ())]))
    assert (await bench.run(call())).cost_usd == pytest.approx(Catalogue.load().cost_usd(priced_as, usage))


@pytest.mark.parametrize("reported", ["offline", "somebody-elses", "claude-sonnet-4-6"])
async def test_no_name_that_a_gateway_reports_lets_an_answer_escape_the_caps(
    tmp_path: Path, path: Path, reported: str
) -> None:
    end = TurnEnd("end_turn", Usage(100, 8000), reported, (), "req_1")  # 0.12 USD
    bench = Bench(tmp_path, ScriptedProvider([TextDelta("x"), end], [TextDelta("x"), end]), ledger=Ledger(path))
    capped = config(budget=Budget(daily_usd=0.2))
    completion = await bench.run(call(capped))
    await bench.client.written_down()
    assert completion.cost_usd == pytest.approx(0.1203)
    assert Ledger(path).today_usd() == pytest.approx(0.1203)
    with pytest.raises(ModelError, match=r"\$0\.1203 are spent today"):
        await bench.run(call(capped))


async def test_a_model_that_is_configured_as_offline_is_not_free_at_another_provider(tmp_path: Path) -> None:
    given = config(budget=Budget(request_usd=0.1))
    named = attrs.evolve(given.providers["anthropic"], model="offline")
    bench = Bench(tmp_path, ScriptedProvider())
    with pytest.raises(ModelError, match=r"more than budget\.request_usd"):
        await bench.run(call(attrs.evolve(given, providers={"anthropic": named})))


async def test_a_request_that_never_got_through_costs_nothing_and_gives_its_room_back(
    tmp_path: Path, path: Path
) -> None:
    ledger = Ledger(path)
    bench = Bench(tmp_path, ScriptedProvider(fails("authentication", retryable=False)), ledger=ledger)
    with pytest.raises(ModelError):
        await bench.run(call(CAP))
    await bench.client.written_down()
    assert ledger.sums("action") == ()
    assert ledger.reserve("other", 1.0, 1.0) == 0


async def test_a_day_that_is_spent_is_refused_with_all_figures(tmp_path: Path, path: Path) -> None:
    ledger = Ledger(path)
    ledger.record(spending(0.95, time.time()))
    bench = Bench(tmp_path, ScriptedProvider(says("ok")), ledger=ledger)
    with pytest.raises(ModelError, match=r"\$0\.9500.*\$0\.12.*\$1\.0000") as raised:
        await bench.run(call(CAP))
    assert raised.value.kind == "budget"
    assert bench.provider.requests == []


async def test_the_cap_of_a_day_holds_with_sixteen_in_flight(tmp_path: Path, path: Path) -> None:
    ledger = Ledger(path)
    used = Usage(10, 8000)  # near the most that an answer may cost: 0.12 USD
    bench = Bench(tmp_path, ScriptedProvider(respond=lambda *_: says("ok", usage=used)), ledger=ledger)
    for _ in range(3):
        await asyncio.gather(*(bench.run(call(CAP)) for _ in range(16)), return_exceptions=True)
        await bench.client.written_down()
    spent = sum(entry.cost_usd for entry in ledger.sums("provider"))
    assert 0.8 < spent <= 1.0
