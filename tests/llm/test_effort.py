"""How hard a model works: by tier, by action, and only in words that the model accepts."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import attrs
import pytest

from missy_lsp.config.values import EFFORTS, KeyReference, ProviderConfig, Routing
from missy_lsp.features.quick_calls import quick_call
from missy_lsp.llm.catalogue import Catalogue
from missy_lsp.llm.effort import THINKS, Depth, depth_of
from missy_lsp.llm.providers.anthropic_request import request_body
from missy_lsp.llm.types import TIERS, ModelRequest, Thinking, Tier
from missy_lsp.secret import Secret
from tests.support.request_oracle import assert_valid_request
from tests.support.scripted_provider import KEYS, PROMPT, Bench, ScriptedProvider, call, config, says

CATALOGUE = Catalogue.load()
MODELS = [*CATALOGUE.models, "claude-brand-new-9"]
ADAPTIVE = Thinking("adaptive", 16_384)


def depth(model: str, tier: Tier = "primary", effort: str | None = None, quick: bool = False, **routing: str) -> Depth:
    return depth_of(Routing(**routing), CATALOGUE.facts(model), tier, effort=effort, is_quick=quick)


@pytest.mark.parametrize(
    ("model", "tier", "routing", "expected"),
    [
        # The premium tier thinks where its model can; the primary tier as its model does by itself.
        ("claude-opus-4-6", "premium", {}, Depth(None, ADAPTIVE, 16_384, True)),
        ("claude-sonnet-4-6", "premium", {}, Depth(None, ADAPTIVE, 16_384, True)),
        ("claude-sonnet-4-6", "primary", {}, Depth(None, None, 0, False)),
        ("claude-haiku-4-5", "premium", {}, Depth(None, Thinking("enabled", 16_384), 16_384, True)),
        ("claude-opus-5-5", "premium", {}, Depth(None, None, 8192, True)),
        ("claude-opus-5-5", "primary", {}, Depth(None, None, 8192, False)),
        ("claude-brand-new-9", "premium", {}, Depth(None, None, 2048, False)),
        ("claude-opus-5", "fast", {"thinking": "off"}, Depth(None, Thinking("disabled"), 0, False)),
        ("claude-opus-4-8", "fast", {"thinking": "off"}, Depth(None, None, 0, False)),
        # Effort by tier; what a model does not know is lowered or left out.
        ("claude-opus-4-6", "premium", {"premium_effort": "xhigh"}, Depth("high", ADAPTIVE, 16_384, True)),
        ("claude-sonnet-4-6", "primary", {"premium_effort": "max"}, Depth(None, None, 0, False)),
        ("claude-sonnet-4-6", "primary", {"primary_effort": "low"}, Depth("low", None, 0, False)),
        ("claude-haiku-4-5", "fast", {"fast_effort": "low"}, Depth(None, None, 0, False)),
        # Off: said where the model would think by itself, and only to one that can be told.
        ("claude-opus-4-6", "premium", {"thinking": "off"}, Depth(None, None, 0, False)),
        ("claude-haiku-5-5", "fast", {"thinking": "off"}, Depth(None, Thinking("disabled"), 0, False)),
        ("claude-sonnet-5-5", "primary", {"thinking": "off"}, Depth(None, Thinking("between_tools"), 0, False)),
        ("claude-opus-5-5", "premium", {"thinking": "off"}, Depth(None, None, 8192, False)),
        ("claude-haiku-5-5", "fast", {"thinking": "off", "fast_effort": "max"},
         Depth("high", Thinking("disabled"), 0, False)),
    ],
)  # fmt: skip
def test_a_tier_works_as_hard_as_it_is_told_and_its_model_can(
    model: str, tier: Tier, routing: dict[str, str], expected: Depth
) -> None:
    assert depth(model, tier, **routing) == expected


def test_an_action_has_its_own_word_on_effort() -> None:
    assert depth("claude-sonnet-4-6", effort="low", primary_effort="max").effort == "low"
    assert depth("claude-sonnet-4-6", effort="auto", primary_effort="max").effort == "max"


def test_where_the_user_waits_at_the_cursor_nothing_is_thought_if_the_model_can_do_without() -> None:
    assert depth("claude-haiku-5-5", "fast", "low", quick=True) == Depth("low", Thinking("disabled"), 0, False)
    assert depth("claude-haiku-4-5", "fast", "low", quick=True) == Depth(None, None, 0, False)
    assert depth("claude-opus-4-6", "premium", quick=True) == Depth(None, None, 0, False)


def test_a_model_that_nobody_knows_has_room_to_think_by_itself_before_a_short_answer() -> None:
    assert depth("claude-brand-new-9", "fast", "low", quick=True) == Depth(None, None, 2048, False)
    assert depth("offline", "fast", "low", quick=True).room_tokens == 0


@pytest.mark.parametrize("kind", ["hover", "completion"])
async def test_what_is_made_unasked_works_and_thinks_as_little_as_possible(
    kind: Literal["hover", "completion"], tmp_path: Path
) -> None:
    bench = Bench(tmp_path, provider := ScriptedProvider(says("Well.")))
    fast = attrs.evolve(config(*KEYS[:1]).providers["anthropic"], fast_model="claude-haiku-5-5")
    given = attrs.evolve(config(), providers={"anthropic": fast})
    await bench.run(quick_call(kind, PROMPT, given, 300, provider=None, folder=""))
    assert (provider.requests[0].effort, provider.requests[0].thinking) == ("low", Thinking("disabled"))


@pytest.mark.parametrize("model", MODELS)
def test_the_api_would_accept_every_effort_with_every_thinking_on_every_tier(model: str) -> None:
    facts = CATALOGUE.facts(model)
    for tier in TIERS:
        for effort in ("auto", *EFFORTS):
            for thinking in ("off", "premium"):
                for quick in (False, True):
                    for tokens in (1, 2000, 10**6):
                        found = depth(model, tier, effort, quick, thinking=thinking)
                        request = ModelRequest(model, PROMPT, tokens, 30.0, found.effort, found.thinking)
                        body = request_body(request, facts)
                        assert_valid_request(body)
                        budget = (body.get("thinking") or {}).get("budget_tokens")  # type: ignore[attr-defined]
                        assert budget is None or 1024 <= budget < body["max_tokens"]


async def test_a_premium_request_thinks_says_so_and_its_price_has_room_for_it(tmp_path: Path) -> None:
    key = KeyReference("literal", "", Secret(KEYS[0]))
    tiers = ProviderConfig(api_key=key, premium_model="claude-opus-4-6")
    bench = Bench(tmp_path, provider := ScriptedProvider(says("Well."), says("Well.")))
    thinking = call(attrs.evolve(config(), providers={"anthropic": tiers}), tier="premium")
    off = attrs.evolve(thinking, config=attrs.evolve(thinking.config, routing=Routing(thinking="off")))
    answers = [await bench.run(thinking), await bench.run(off)]
    assert [request.thinking for request in provider.requests] == [ADAPTIVE, None]
    assert [THINKS in answer.route_reasons for answer in answers] == [True, False]
    more = provider.requests[0].max_output_tokens - provider.requests[1].max_output_tokens
    assert more == ADAPTIVE.budget_tokens
    most, least = bench.client.estimate(thinking), bench.client.estimate(off)
    assert most.max_usd - least.max_usd == pytest.approx(more * 25 / 1e6)
    assert THINKS in most.decision.reasons
