"""The one way to a model: provider, tier, keys, budget, a place among the running streams, turns, usage."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Awaitable, Callable, Mapping

import attrs

from missy_lsp.config.values import Config
from missy_lsp.credentials.pool import KeyPool
from missy_lsp.credentials.vault import Vault
from missy_lsp.errors import ModelError, UsageError
from missy_lsp.llm.catalogue import Catalogue
from missy_lsp.llm.estimating import prompt_tokens
from missy_lsp.llm.keys import ProviderKeys
from missy_lsp.llm.limits import Places
from missy_lsp.llm.providers.offline import OFFLINE_MODEL
from missy_lsp.llm.registry import OFFLINE, ProviderEntry, ProviderRegistry
from missy_lsp.llm.router import ModelRouter, RouteDecision, RouteInput, RoutingKnowledge
from missy_lsp.llm.turns import Toolbox, Turns, Upstream
from missy_lsp.llm.types import AnswerEvent, Completion, Prompt, Started, TextDelta, TierChoice, Usage

DEFAULT_OUTPUT_TOKENS = 8192
_GOOD_STOPS = frozenset({"end_turn", "stop_sequence"})


@attrs.frozen
class Call:
    """One request of a user's. `max_output_tokens` is the feature's wish; not `interactive`: nothing is waited for."""

    prompt: Prompt
    config: Config
    route: RouteInput
    provider: str | None = None
    model: str | None = None
    tier: TierChoice | None = None
    toolbox: Toolbox | None = None
    max_output_tokens: int | None = None
    interactive: bool = True


@attrs.frozen
class RouteEstimate:
    """Where a call would go, and what it may cost at most, in USD."""

    decision: RouteDecision
    provider: str
    input_tokens: int
    max_usd: float


class ModelClient:
    """Run calls; keeps providers, keys and places from call to call.

    Times come from `clock` (monotonic, seconds), waiting goes through `sleep`, jitter through `chance`.
    """

    def __init__(
        self,
        registry: ProviderRegistry,
        open_vault: Callable[[], Vault],
        *,
        environ: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: random.Random | None = None,
    ) -> None:
        self._registry = registry
        self._keys = ProviderKeys(os.environ if environ is None else environ, open_vault, clock)
        self._places = Places()
        self._catalogue = Catalogue.load()
        self._knowledge: RoutingKnowledge | None = None
        self._clock = clock
        self._sleep = sleep
        self._chance = chance or random.Random()  # noqa: S311 - jitter

    async def run(self, call: Call, on_event: Callable[[AnswerEvent], None]) -> Completion:
        """Run a call to its end; every piece is passed to `on_event` as it comes, `Started` first.

        Raises UsageError for a provider that is not configured, else ModelError.
        """
        begin_s = self._clock()
        entry = self._entry(call)
        decision = self._decide(call, entry)
        max_tokens = self._max_tokens(call, entry, decision.model)
        self._check_budget(call, decision.model, max_tokens)
        pool = await self._pool(entry)
        watch = _Watch(on_event, self._clock, begin_s)
        watch(Started(entry.id, decision.model, decision.tier, decision.reasons))
        async with self._places.take(call.config.limits.concurrent):
            assert entry.provider is not None, "_entry lets only built providers pass"
            upstream = Upstream(
                entry.provider,
                pool,
                resolve_again=lambda: self._keys.resolve_again(entry.id, entry.config),
                clock=self._clock,
                sleep=self._sleep,
                chance=self._chance,
                interactive=call.interactive,
            )
            turns = Turns(upstream, call.prompt, call.toolbox, watch)
            end = await turns.run(decision.model, max_tokens, float(entry.config.timeout))
        return Completion(
            text=turns.text,
            provider=entry.id,
            model=end.model or decision.model,
            tier=decision.tier,
            route_reasons=decision.reasons,
            stop_reason=end.stop_reason,
            complete=end.stop_reason in _GOOD_STOPS,
            usage=turns.usage,
            cost_usd=sum(self.cost_usd(decision.model, usage) for usage in turns.usages),
            first_token_ms=watch.first_token_ms,
            total_ms=(self._clock() - begin_s) * 1000,
            request_id=end.request_id,
        )

    def estimate(self, call: Call) -> RouteEstimate:
        """Tell where a call would go and what it may cost at most; nothing is sent. Raises as `run` does."""
        entry = self._entry(call)
        decision = self._decide(call, entry)
        tokens = prompt_tokens(call.prompt)
        most = Usage(tokens, self._max_tokens(call, entry, decision.model))
        return RouteEstimate(decision, entry.id, tokens, self.cost_usd(decision.model, most))

    def cost_usd(self, model: str, usage: Usage) -> float:
        """Return the price of one request; the offline provider costs nothing."""
        return 0.0 if model == OFFLINE_MODEL else self._catalogue.cost_usd(model, usage)

    async def describe(self, config: Config, default: str | None = None) -> list[dict[str, object]]:
        """Describe every provider as `missy.listProviders` answers it (contract 3.1)."""
        default = default or self._registry.default_id(config)
        return [await self._description(entry, entry.id == default) for entry in self._registry.entries(config)]

    def key_states(self) -> dict[str, object]:
        """Describe the health of the keys that were used, by provider; by fingerprint, never by text."""
        return self._keys.states()

    async def warm_up(self, config: Config, default: str | None = None) -> None:
        """Let the default provider pay the costs of its first request now."""
        default = default or self._registry.default_id(config)
        if self._knowledge is None:
            self._knowledge = await asyncio.to_thread(RoutingKnowledge.load)
        for entry in self._registry.entries(config):
            if entry.id == default and entry.provider is not None and entry.reason is None:
                await entry.provider.warm_up()

    async def aclose(self) -> None:
        await self._registry.aclose()

    def _entry(self, call: Call) -> ProviderEntry:
        wanted = call.provider or self._registry.default_id(call.config)
        entries = {entry.id: entry for entry in self._registry.entries(call.config)}
        entry = entries.get(wanted)
        if entry is None:
            raise UsageError(f'There is no provider "{wanted[:60]}" in the configuration; it has {", ".join(entries)}.')
        if entry.provider is None or entry.reason is not None:
            message = f'The provider "{wanted}" is not available: {entry.reason}. Choose another one, or mend this one.'
            raise ModelError("provider_unavailable", message)
        return entry

    def _decide(self, call: Call, entry: ProviderEntry) -> RouteDecision:
        routing = call.config.routing
        if call.tier not in (None, "auto"):
            routing = attrs.evolve(routing, mode=str(call.tier))
        if self._knowledge is None:
            self._knowledge = RoutingKnowledge.load()
        decision = ModelRouter(entry.config, routing, self._knowledge).decide(call.route)
        if call.tier not in (None, "auto"):
            decision = attrs.evolve(decision, reasons=(f"you asked for the {call.tier} tier",))
        if entry.config.name == OFFLINE:
            return attrs.evolve(decision, model=OFFLINE_MODEL)
        if call.model:
            reasons = (f"you asked for the model {call.model}", *decision.reasons)
            return attrs.evolve(decision, model=call.model, reasons=reasons)
        return decision

    def _max_tokens(self, call: Call, entry: ProviderEntry, model: str) -> int:
        wanted = call.max_output_tokens or DEFAULT_OUTPUT_TOKENS
        cap = entry.config.max_output_tokens
        return min(wanted, self._catalogue.facts(model).max_output_tokens, cap if cap is not None else wanted)

    def _check_budget(self, call: Call, model: str, max_tokens: int) -> None:
        cap = call.config.budget.request_usd
        if cap is None:
            return
        most = self.cost_usd(model, Usage(prompt_tokens(call.prompt), max_tokens))
        if most > cap:
            raise ModelError(
                "budget",
                f"This request may cost up to ${most:.4f}, more than budget.request_usd (${cap:.4f}). Ask with less "
                "code, choose a cheaper tier, or raise the cap in your configuration.",
            )

    async def _pool(self, entry: ProviderEntry) -> KeyPool | None:
        assert entry.provider is not None
        return await self._keys.pool(entry.id, entry.config) if entry.provider.needs_key else None

    async def _description(self, entry: ProviderEntry, is_default: bool) -> dict[str, object]:
        config = entry.config
        reason = entry.reason
        count, source = 0, None
        if entry.provider is not None and entry.provider.needs_key:
            resolution = await self._keys.resolution(entry.id, config)
            count, source = len(resolution.keys), resolution.keys[0].source if resolution.keys else None
            reason = reason or resolution.reason
        described: dict[str, object] = {
            "name": entry.id,
            "available": reason is None,
            "model": OFFLINE_MODEL if config.name == OFFLINE else config.model,
            "fastModel": config.fast_model,
            "premiumModel": config.premium_model,
            "default": is_default,
            "baseUrl": config.base_url,
            "keys": {"count": count, "source": source},
        }
        return described if reason is None else {**described, "reason": reason}


class _Watch:
    """Pass events on and note when the first text came."""

    def __init__(self, on_event: Callable[[AnswerEvent], None], clock: Callable[[], float], begin_s: float) -> None:
        self._on_event = on_event
        self._clock = clock
        self._begin_s = begin_s
        self.first_token_ms: float | None = None

    def __call__(self, event: AnswerEvent) -> None:
        if self.first_token_ms is None and isinstance(event, TextDelta):
            self.first_token_ms = (self._clock() - self._begin_s) * 1000
        self._on_event(event)
