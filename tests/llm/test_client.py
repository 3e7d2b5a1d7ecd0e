"""The one way to a model: provider, tier, budget, the order of events, the answer; with a scripted provider."""

from __future__ import annotations

import asyncio
from pathlib import Path

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from missy_lsp.config.values import Budget, Config, KeyReference, ProviderConfig, Routing
from missy_lsp.errors import ErrorKind, ModelError, UsageError
from missy_lsp.llm.client import Call, RouteEstimate
from missy_lsp.llm.ledger import Ledger
from missy_lsp.llm.types import (
    Message,
    OpaqueBlock,
    Prompt,
    Retrying,
    Started,
    TextBlock,
    TextDelta,
    ThinkingDelta,
    ToolUseBlock,
    TurnEnd,
    Usage,
)
from missy_lsp.secret import Secret
from missy_lsp.tools.outcome import ToolOutcome
from tests.support.scripted_provider import (
    KEYS,
    PROMPT,
    Bench,
    Script,
    ScriptedProvider,
    call,
    config,
    fails,
    says,
)

KEY = KeyReference("literal", "", Secret(KEYS[0]))
TIERS = ProviderConfig(api_key=KEY, fast_model="claude-haiku-4-5", premium_model="claude-opus-4-6")


async def test_started_comes_first_and_the_answer_is_the_text_that_was_shown(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ScriptedProvider(says("It ", "is.")))
    completion = await bench.run(call())
    assert isinstance(bench.events[0], Started)
    assert completion.text == bench.text == "It is."
    assert (completion.complete, completion.stop_reason, completion.request_id) == (True, "end_turn", "req_1")
    assert completion.usage == Usage(10, 5)
    assert completion.cost_usd == pytest.approx((10 * 3 + 5 * 15) / 1e6)


@pytest.mark.parametrize(
    ("stop_reason", "complete"),
    [("end_turn", True), ("stop_sequence", True), ("max_tokens", False), ("model_context_window_exceeded", False),
     ("pause_turn", False), ("tool_use", False), ("something_new", False)],
)  # fmt: skip
async def test_complete_says_whether_the_answer_is_whole(stop_reason: str, complete: bool, tmp_path: Path) -> None:
    bench = Bench(tmp_path, ScriptedProvider(says("x", stop_reason=stop_reason)))
    completion = await bench.run(call())
    assert (completion.stop_reason, completion.complete) == (stop_reason, complete)


async def test_times_are_measured_from_the_call(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ScriptedProvider(fails("rate_limited", 2), says("a", "b")))
    completion = await bench.run(call())
    assert completion.first_token_ms == pytest.approx(bench.slept[0] * 1000)
    assert completion.total_ms == completion.first_token_ms


async def test_a_provider_without_keys_is_not_asked_for_one(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ScriptedProvider(fails("connection"), says("ok"), needs_key=False))
    assert (await bench.run(call(Config()))).text == "ok"
    assert bench.provider.keys == ["", ""]


# --- tier and model ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "routing", "tier", "model", "reason"),
    [
        ({"tier": "fast"}, "auto", "fast", "claude-haiku-4-5", "you asked for the fast tier"),
        ({"tier": "premium"}, "fast", "premium", "claude-opus-4-6", "you asked for the premium tier"),
        ({}, "premium", "premium", "claude-opus-4-6", "routing.mode is premium"),
        ({"tier": "auto"}, "fast", "fast", "claude-haiku-4-5", "routing.mode is fast"),
        ({"tier": "fast", "model": "mine"}, "auto", "fast", "mine", "you asked for the model mine"),
    ],
)
async def test_what_the_user_names_wins_and_the_reasons_say_so(
    more: dict[str, str], routing: str, tier: str, model: str, reason: str, tmp_path: Path
) -> None:
    bench = Bench(tmp_path, ScriptedProvider(says("ok")))
    completion = await bench.run(call(Config(providers={"anthropic": TIERS}, routing=Routing(mode=routing)), **more))
    assert (completion.tier, bench.provider.requests[0].model) == (tier, model)
    assert completion.route_reasons[0] == reason
    assert bench.events[0] == Started("anthropic", model, completion.tier, completion.route_reasons)


async def test_a_tier_without_a_model_is_served_by_the_primary_one_and_told(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ScriptedProvider(says("ok")))
    completion = await bench.run(call(tier="premium"))
    assert (completion.tier, bench.provider.requests[0].model) == ("premium", "claude-sonnet-4-6")
    assert "no premium_model is configured" in " ".join(completion.route_reasons)


@pytest.mark.parametrize(
    ("wish", "cap", "model", "most"),
    [(None, None, "claude-sonnet-4-6", 8192), (100, None, "claude-sonnet-4-6", 100),
     (100, 50, "claude-sonnet-4-6", 50), (100, 500, "claude-sonnet-4-6", 100),
     (10**9, None, "claude-haiku-4-5", 64000)],
)  # fmt: skip
async def test_the_output_is_the_features_wish_below_every_cap(
    wish: int | None, cap: int | None, model: str, most: int, tmp_path: Path
) -> None:
    bench = Bench(tmp_path, ScriptedProvider(says("ok")))
    provider = ProviderConfig(api_key=KEY, max_output_tokens=cap)
    await bench.run(call(Config(providers={"anthropic": provider}), max_output_tokens=wish, model=model))
    assert bench.provider.requests[0].max_output_tokens == most


# --- what can't be asked ------------------------------------------------------------------------------

REFUSED: dict[str, tuple[Call, type[Exception], str, str]] = {
    "unknown": (call(provider="nope"), UsageError, "", 'no provider "nope".*it has anthropic'),
    "default unknown": (call(Config(default_provider="nope")), ModelError, "provider_unavailable",
                        "default_provider.*missy providers switch"),
    "disabled": (call(Config(providers={"anthropic": ProviderConfig(enabled=False)})), ModelError,
                 "provider_unavailable", "disabled"),
    "implementation": (call(Config(providers={"anthropic": ProviderConfig(name="nope")})), ModelError,
                       "provider_unavailable", "no implementation"),
    "no key": (call(Config()), ModelError, "no_key", "missy vault set anthropic_api_key"),
    "setup token": (call(config("sk-ant-oat01-FAKE")), ModelError, "setup_token", "setup token"),
    "key with a newline": (call(config("sk-ant-api03-FAKE\nx")), ModelError, "no_key", "can't be used"),
}  # fmt: skip


@pytest.mark.parametrize(("given", "error", "kind", "words"), REFUSED.values(), ids=REFUSED)
async def test_what_can_not_be_asked_is_refused_with_what_to_do(
    given: Call, error: type[Exception], kind: str, words: str, tmp_path: Path
) -> None:
    bench = Bench(tmp_path, ScriptedProvider())
    with pytest.raises(error, match=words) as raised:
        await bench.run(given)
    assert getattr(raised.value, "kind", "") == kind
    assert (bench.provider.requests, bench.events) == ([], [])


async def test_a_default_that_can_not_serve_is_never_replaced_by_another_provider(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ScriptedProvider())
    providers = {"work": ProviderConfig(enabled=False), "anthropic": ProviderConfig(api_key=KEY)}
    with pytest.raises(ModelError, match='"work" is not available: disabled'):
        await bench.run(call(Config(default_provider="work", providers=providers)))
    assert bench.provider.requests == []


PREMIUM = Routing(mode="premium", confirm_premium=True)


@pytest.mark.parametrize(
    ("answer", "asked", "tier", "reason"),
    [
        (True, True, "premium", "routing.mode is premium"),
        (False, True, "primary", "the premium tier would have served this: declined"),
        (None, False, "primary", "the premium tier would have served this: nobody was there to confirm it"),
    ],
    ids=["yes", "no", "nobody"],
)
async def test_a_premium_request_waits_for_a_yes(
    answer: bool | None, asked: bool, tier: str, reason: str, tmp_path: Path
) -> None:
    questions: list[RouteEstimate] = []

    async def confirm(estimate: RouteEstimate) -> bool:
        questions.append(estimate)
        return bool(answer)

    bench = Bench(tmp_path, ScriptedProvider(says("ok")))
    given = call(config(routing=PREMIUM), confirm=None if answer is None else confirm)
    completion = await bench.run(given)
    assert (completion.tier, completion.route_reasons[0]) == (tier, reason)
    assert [question.decision.tier for question in questions] == (["premium"] if asked else [])


async def test_a_premium_request_that_the_budget_lowers_is_not_asked_about(tmp_path: Path) -> None:
    async def confirm(estimate: RouteEstimate) -> bool:
        raise AssertionError(f"asked about {estimate.decision.model}, which is not what is sent")

    given = config(routing=PREMIUM, budget=Budget(request_usd=0.15, on_exceed="cheaper"))
    tiers = attrs.evolve(given.providers["anthropic"], premium_model="claude-opus-4-6")
    bench = Bench(tmp_path, ScriptedProvider(says("ok")))
    completion = await bench.run(call(attrs.evolve(given, providers={"anthropic": tiers}), confirm=confirm))
    assert (completion.tier, bench.provider.requests[0].model) == ("primary", "claude-sonnet-4-6")
    assert completion.route_reasons[0].startswith("budget.on_exceed: in place of the premium tier (claude-opus-4-6)")


@pytest.mark.parametrize("is_wanted", [True, False])
async def test_what_is_asked_about_has_its_room_and_gives_it_back_after_a_no(tmp_path: Path, is_wanted: bool) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    reserved: list[float] = []

    async def confirm(estimate: RouteEstimate) -> bool:
        reserved.append(ledger.reserve("other", 0, 9.0))
        assert reserved[0] == pytest.approx(estimate.max_usd)
        return is_wanted

    given = config(routing=PREMIUM, budget=Budget(daily_usd=5.0))
    bench = Bench(tmp_path, ScriptedProvider(says("ok")), ledger=ledger)
    completion = await bench.run(call(given, confirm=confirm))
    assert completion.tier == ("premium" if is_wanted else "primary")
    await bench.client.written_down()
    assert ledger.reserve("other", 0, 9.0) == pytest.approx(completion.cost_usd)


async def test_a_request_that_is_cancelled_while_it_is_asked_about_gives_its_room_back(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    asked = asyncio.Event()

    async def confirm(_: RouteEstimate) -> bool:
        asked.set()
        await asyncio.Event().wait()
        return True

    bench = Bench(tmp_path, ScriptedProvider(), ledger=ledger)
    given = call(config(routing=PREMIUM, budget=Budget(daily_usd=5.0)), confirm=confirm)
    task = asyncio.ensure_future(bench.run(given))
    await asked.wait()
    task.cancel()
    await asyncio.wait([task])
    await bench.client.written_down()
    assert ledger.reserve("other", 0, 9.0) == 0


async def test_a_premium_request_that_was_named_is_not_asked_about(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ScriptedProvider(says("ok")))
    assert (await bench.run(call(config(routing=PREMIUM), tier="premium"))).tier == "premium"


# --- what it may cost ---------------------------------------------------------------------------------


async def test_a_request_over_the_cap_is_refused_with_both_figures(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ScriptedProvider())
    with pytest.raises(ModelError, match=r"\$0\.12.*\$0\.0100") as raised:
        await bench.run(call(config(budget=Budget(request_usd=0.01))))
    assert raised.value.kind == "budget"
    assert bench.provider.requests == []


async def test_an_estimate_costs_what_the_request_may_cost_and_calls_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ScriptedProvider())
    estimate = bench.client.estimate(call(max_output_tokens=1000))
    assert (estimate.provider, estimate.decision.model) == ("anthropic", "claude-sonnet-4-6")
    assert estimate.max_usd == pytest.approx((estimate.input_tokens * 3 + 1000 * 15) / 1e6)
    assert bench.provider.requests == []


def test_an_estimate_expects_what_is_to_be_cached_to_be_written(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ScriptedProvider())
    cached = Prompt((TextBlock("system", cache=True),), PROMPT.messages)
    estimate = bench.client.estimate(call(prompt=cached, max_output_tokens=1))
    assert estimate.max_usd == pytest.approx((estimate.input_tokens * 3.75 + 15) / 1e6)


@pytest.mark.parametrize("text", ["def f(x):\n    return x\n" * 50, "Größe 日本語 " * 50, "🎉" * 100])
def test_a_prompt_is_never_guessed_shorter_than_a_third_of_its_bytes(text: str, tmp_path: Path) -> None:
    prompt = Prompt((), (Message("user", (TextBlock(text),)),))
    estimate = Bench(tmp_path, ScriptedProvider()).client.estimate(call(prompt=prompt))
    assert estimate.input_tokens >= len(text.encode()) / 3


# --- descriptions ---------------------------------------------------------------------------------------


async def test_providers_are_described_with_keys_by_number_and_source(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ScriptedProvider())
    providers = {
        "anthropic": ProviderConfig(api_keys=tuple(KeyReference.parse(key) for key in KEYS)),
        "off": ProviderConfig(enabled=False, model="m", base_url="https://x"),
        "bare": ProviderConfig(),
    }
    described = await bench.client.describe(Config(providers=providers))
    shared = {"fastModel": "", "premiumModel": ""}
    sonnet = "claude-sonnet-4-6"
    assert described == [
        {"name": "anthropic", "available": True, "model": sonnet, "default": True, "baseUrl": None,
         "keys": {"count": 3, "source": "api_keys[0]"}, **shared},
        {"name": "off", "available": False, "model": "m", "default": False, "baseUrl": "https://x",
         "keys": {"count": 0, "source": None}, "reason": "disabled", **shared},
        {"name": "bare", "available": False, "model": sonnet, "default": False, "baseUrl": None,
         "keys": {"count": 0, "source": None}, **shared,
         "reason": "no API key; set ANTHROPIC_API_KEY or run: missy vault set bare_api_key"},
    ]  # fmt: skip
    assert not any(key in str(described) + str(bench.client.key_states()) for key in KEYS)


# --- whatever upstream does -------------------------------------------------------------------------------


class Tools:
    def specs(self) -> tuple[()]:
        return ()

    async def call(self, name: str, arguments: object) -> ToolOutcome:
        await asyncio.sleep(0)
        return ToolOutcome("content", False, name)


_KINDS: tuple[ErrorKind, ...] = ("overloaded", "rate_limited", "authentication", "connection", "truncated", "refused")
_pieces = st.lists(
    st.builds(TextDelta, st.text(max_size=3)) | st.builds(ThinkingDelta, st.text(max_size=2)), max_size=4
)
_ends = st.sampled_from(["end_turn", "tool_use", "max_tokens", "odd"]).map(
    lambda reason: TurnEnd(reason, Usage(1, 1), "m", (OpaqueBlock({"type": "x"}), ToolUseBlock("id", "tool", {})))
)
_errors = st.builds(
    lambda kind, after: ModelError(kind, "x", retryable=True, retry_after_s=after),
    st.sampled_from(_KINDS),
    st.sampled_from([None, 0, 3, 90]),
)
_scripts = st.lists(st.tuples(_pieces, _ends | _errors).map(lambda parts: [*parts[0], parts[1]]), max_size=40)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(scripts=_scripts, keys=st.integers(1, 3), interactive=st.booleans())
def test_the_shown_text_is_the_kept_text_whatever_upstream_does(
    scripts: list[Script], keys: int, interactive: bool, tmp_path: Path
) -> None:
    bench = Bench(tmp_path, ScriptedProvider(*scripts, *[says("last")] * 8))
    try:
        kept = asyncio.run(bench.run(call(config(*KEYS[:keys]), toolbox=Tools(), interactive=interactive))).text
    except ModelError as error:
        kept = error.partial_text
    assert bench.text == kept
    assert [isinstance(event, Started) for event in bench.events] == [True, *[False] * (len(bench.events) - 1)]
    assert bench.waits == bench.slept
    assert bool(bench.slept) <= interactive
    assert all(event.attempt >= 1 for event in bench.events if isinstance(event, Retrying))
    by_prompt = [len(request.prompt.messages) for request in bench.provider.requests]
    assert all(by_prompt.count(length) <= 3 + keys - 1 for length in by_prompt)
