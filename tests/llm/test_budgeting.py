"""A request that may pass a cap: refused, or served by a cheaper tier; room that is taken and given back."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import attrs
import pytest

from missy_lsp.config.values import Budget, Config, KeyReference, ProviderConfig, Routing
from missy_lsp.errors import BudgetError, ModelError
from missy_lsp.llm.ledger import Ledger, Spending
from missy_lsp.llm.types import Usage
from missy_lsp.secret import Secret
from tests.llm.test_client_tools import Tools, wants_tools
from tests.support.scripted_provider import KEYS, Bench, ScriptedProvider, call, says

# 8192 tokens of answer cost up to 0.041 USD on the fast tier, 0.123 on the primary one, 0.205 on the premium one.
TIERS = ProviderConfig(
    api_key=KeyReference("literal", "", Secret(KEYS[0])),
    fast_model="claude-haiku-4-5",
    premium_model="claude-opus-4-6",
)


def tiered(budget: Budget, mode: str = "premium", **provider: str) -> Config:
    return Config(providers={"anthropic": attrs.evolve(TIERS, **provider)}, routing=Routing(mode=mode), budget=budget)


def cheaper(**caps: float) -> Budget:
    return Budget(on_exceed="cheaper", **caps)


@pytest.mark.parametrize(
    ("cap", "tier", "model"),
    [(1, "premium", "claude-opus-4-6"), (0.15, "primary", "claude-sonnet-4-6"), (0.05, "fast", "claude-haiku-4-5")],
)
async def test_a_cheaper_tier_serves_as_far_down_as_it_has_to(
    tmp_path: Path, cap: float, tier: str, model: str
) -> None:
    bench = Bench(tmp_path, ScriptedProvider(says("ok")))
    given = call(tiered(cheaper(request_usd=cap)))
    most_usd = bench.client.estimate(call(tiered(Budget()))).max_usd
    expected = bench.client.estimate(given)
    completion = await bench.run(given)
    assert expected.decision.reasons == completion.route_reasons
    assert (expected.decision.model, expected.max_usd <= cap) == (model, True)
    assert (completion.tier, bench.provider.requests[0].model) == (tier, model)
    if tier != "premium":
        assert completion.route_reasons == (
            "budget.on_exceed: in place of the premium tier (claude-opus-4-6), since this request may cost up to "
            f"${most_usd:.4f}, more than budget.request_usd (${cap:.4f})",
            "routing.mode is premium",
        )


async def test_the_cap_of_a_day_lowers_the_tier_too_and_the_reasons_have_its_figures(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.record(Spending(time.time(), "anthropic", "m", "primary", "ask", "", Usage(1, 1), 0.9))
    bench = Bench(tmp_path, ScriptedProvider(says("ok")), ledger=ledger)
    completion = await bench.run(call(tiered(cheaper(daily_usd=1.0), "primary")))
    assert completion.tier == "fast"
    assert "since $0.9000 are spent today, and this request may cost up to $0.1229" in completion.route_reasons[0]
    await bench.client.written_down()
    assert ledger.reserve("all of the rest", 0.0998, 1.0) == pytest.approx(0.9 + completion.cost_usd)


@pytest.mark.parametrize(
    ("config", "more"),
    [
        (tiered(Budget(request_usd=0.05)), {}),
        (tiered(cheaper(request_usd=0.05)), {"tier": "premium"}),
        (tiered(cheaper(request_usd=0.05)), {"model": "claude-opus-4-6"}),
        (tiered(cheaper(request_usd=0.01)), {}),
        (tiered(cheaper(request_usd=0.05), fast_model=""), {}),
        (tiered(cheaper(request_usd=0.05), fast_model="claude-opus-4-6"), {}),
        (tiered(cheaper(request_usd=0.05)), {"least_output_tokens": 63_000, "max_output_tokens": 100_000}),
    ],
    ids=["as configured", "tier named", "model named", "none fits", "no fast model", "as dear", "too short an answer"],
)
async def test_a_request_is_refused_where_no_tier_may_stand_in(
    tmp_path: Path, config: Config, more: dict[str, object]
) -> None:
    bench = Bench(tmp_path, ScriptedProvider())
    assert bench.client.estimate(call(config, **more)).decision.model == "claude-opus-4-6"
    with pytest.raises(BudgetError, match=r"^This request may cost up to \$.*more than budget\.request_usd") as raised:
        await bench.run(call(config, **more))
    assert (raised.value.kind, bench.provider.requests) == ("budget", [])


async def test_an_action_that_names_its_tier_in_its_file_may_be_lowered(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ScriptedProvider(says("ok")))
    given = call(tiered(cheaper(request_usd=0.05), "auto"))
    given = attrs.evolve(given, route=attrs.evolve(given.route, kind="review", action_tier="premium"))
    completion = await bench.run(given)
    assert completion.tier == "fast"
    assert completion.route_reasons[1] == "the action review names the premium tier"


# --- room below the cap of a day --------------------------------------------------------------------


async def test_a_later_turn_counts_what_others_have_taken_meanwhile(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    used = Usage(10, 4000)  # 0.06 USD

    class Busy(Tools):
        async def call(self, name: str, arguments: object) -> object:  # type: ignore[override]
            ledger.reserve("another editor's", 0.2, 1.0)
            return await super().call(name, arguments)  # type: ignore[arg-type]

    bench = Bench(tmp_path, ScriptedProvider(wants_tools("a", usage=used), says("ok")), ledger=ledger)
    with pytest.raises(BudgetError, match=r"\$0\.2000 may go to requests that are running, and this .* \$0\.18"):
        await bench.run(call(tiered(Budget(daily_usd=0.3), "primary"), toolbox=Busy()))  # type: ignore[arg-type]
    assert len(bench.provider.requests) == 1
    await bench.client.written_down()
    assert ledger.today_usd() == pytest.approx(0.06003)


async def test_a_request_that_is_cancelled_while_it_takes_its_room_gives_it_back(tmp_path: Path) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def clock() -> float:
        inside.set()
        go_on.wait(10)
        return time.time()

    path = tmp_path / "ledger.sqlite"
    bench = Bench(tmp_path, ScriptedProvider(), ledger=Ledger(path, clock))
    task = asyncio.ensure_future(bench.run(call(tiered(Budget(daily_usd=1.0), "primary"))))
    await asyncio.to_thread(inside.wait, 10)
    task.cancel()
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.wait([task])
    assert task.cancelled()
    assert Ledger(path).reserve("all of it", 1.0, 1.0) == 0


async def test_the_room_of_an_answer_is_given_back_before_the_next_request_asks_for_its_own(tmp_path: Path) -> None:
    disk_is_ready = threading.Event()

    class OnASlowDisk(Ledger):
        def record(self, spending: Spending | None, reservation: str | None = None) -> str | None:
            disk_is_ready.wait(10)
            return super().record(spending, reservation)

    ledger = OnASlowDisk(tmp_path / "ledger.sqlite")
    bench = Bench(tmp_path, ScriptedProvider(says("one"), says("two")), ledger=ledger)
    config = tiered(Budget(daily_usd=0.15), "primary")  # room for one answer at its most, for many at what they cost
    await bench.run(call(config))
    following = asyncio.ensure_future(bench.run(call(config)))
    await asyncio.wait([following], timeout=0.2)  # time enough to be refused
    disk_is_ready.set()
    assert (await following).text == "two"


async def test_a_ledger_that_can_not_be_read_lowers_no_tier(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").mkdir()
    bench = Bench(tmp_path, ScriptedProvider(), ledger=Ledger(tmp_path / "ledger.sqlite"))
    with pytest.raises(ModelError, match="can't be used"):
        await bench.run(call(tiered(cheaper(daily_usd=1.0))))
    assert bench.provider.requests == []
