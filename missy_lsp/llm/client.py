"""The one way to a model: provider, tier, keys, budget, a place among the running streams, turns, usage."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import attrs

from missy_lsp.config.values import Config
from missy_lsp.credentials.origins import KeyOrigins
from missy_lsp.credentials.pool import KeyPool
from missy_lsp.credentials.vault import Vault
from missy_lsp.errors import ModelError
from missy_lsp.llm.breaker import Breaker
from missy_lsp.llm.budgeting import TierChain
from missy_lsp.llm.catalogue import ModelFacts
from missy_lsp.llm.destinations import AskAboutOrigin, Destinations
from missy_lsp.llm.effort import THINKS, Depth, depth_of
from missy_lsp.llm.estimating import prompt_tokens
from missy_lsp.llm.keys import ProviderKeys
from missy_lsp.llm.ledger import Ledger
from missy_lsp.llm.limits import Places
from missy_lsp.llm.providers.base import Previewing, Provider
from missy_lsp.llm.providers.offline import OFFLINE_MODEL
from missy_lsp.llm.registry import OFFLINE, ProviderEntry, ProviderRegistry
from missy_lsp.llm.router import ModelRouter, RouteDecision, RouteInput, RoutingKnowledge
from missy_lsp.llm.routing_rules import named_tier
from missy_lsp.llm.spending import Account, Books, Prices, Purpose, most_usd
from missy_lsp.llm.told_models import ToldCatalogues
from missy_lsp.llm.turns import GOOD_STOPS, AskForRepair, Toolbox, Turns
from missy_lsp.llm.types import (
    AnswerEvent,
    Completion,
    ModelRequest,
    Prompt,
    Started,
    Tier,
    TierChoice,
    Usage,
)
from missy_lsp.llm.upstream import Upstream
from missy_lsp.llm.watching import Watch
from missy_lsp.secret import Secret

DEFAULT_OUTPUT_TOKENS = 8192


@attrs.frozen
class Call:
    """One request of a user's.

    `max_output_tokens` is the feature's wish, `least_output_tokens` what the answer can't do without; `effort` and
    `is_quick` are as in `depth_of`; `folder` is the
    workspace folder's path, for the ledger; `notes` tell the user what was not sent; `confirm` asks before a premium
    request where the configuration wants that, `ask_about_origin` before a key goes to another address; `repair` may
    ask for one more turn where the answer can't be used; not `interactive`: nothing is waited for.
    """

    prompt: Prompt
    config: Config
    route: RouteInput
    provider: str | None = None
    model: str | None = None
    tier: TierChoice | None = None
    toolbox: Toolbox | None = None
    repair: AskForRepair | None = None
    max_output_tokens: int | None = None
    least_output_tokens: int = 0
    effort: str | None = None
    is_quick: bool = False
    folder: str = ""
    notes: tuple[str, ...] = ()
    confirm: Callable[[RouteEstimate], Awaitable[bool]] | None = None
    ask_about_origin: AskAboutOrigin | None = None
    interactive: bool = True

    @property
    def is_named(self) -> bool:
        """Tell whether the user has named the tier or the model."""
        return self.tier not in (None, "auto") or self.model is not None


@attrs.frozen
class RouteEstimate:
    """Where a call would go, what it may cost at most, in USD, and the request of its first turn."""

    decision: RouteDecision
    provider: str
    input_tokens: int
    max_usd: float
    request: ModelRequest


class ModelClient:
    """Run calls; keeps providers, keys and places from call to call.

    Times come from `clock` (monotonic, seconds), waiting goes through `sleep`, jitter through `chance`.
    `on_key` is told every key that is found; without `origins`, keys go wherever the configuration says. What is
    spent goes to `ledger`, which `budget.daily_usd` needs to hold. `knowledge` is read when it is first needed where
    none is given; `catalogues` say what is known of models at an address.
    """

    def __init__(
        self,
        registry: ProviderRegistry,
        open_vault: Callable[[], Vault],
        *,
        environ: Mapping[str, str] | None = None,
        ledger: Ledger | None = None,
        origins: KeyOrigins | None = None,
        on_key: Callable[[Secret], object] | None = None,
        knowledge: RoutingKnowledge | None = None,
        catalogues: ToldCatalogues | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: random.Random | None = None,
    ) -> None:
        self._registry = registry
        self._keys = ProviderKeys(os.environ if environ is None else environ, open_vault, clock, on_key)
        self._destinations = None if origins is None else Destinations(origins)
        self._places = Places()
        self._breakers: dict[tuple[str, str | None], Breaker] = {}
        self._ledger = ledger
        self._books = Books()
        self._catalogues = catalogues or ToldCatalogues()
        self._knowledge = knowledge
        self._clock = clock
        self._sleep = sleep
        self._chance = chance or random.Random()  # noqa: S311 - jitter

    async def run(self, call: Call, on_event: Callable[[AnswerEvent], None]) -> Completion:
        """Run a call to its end; every piece is passed to `on_event` as it comes, `Started` first.

        Raises UsageError for a provider that is not configured, else ModelError.
        """
        begin_s = self._clock()
        entry = self._entry(call)
        decision, account = await self._opened(call, entry)
        request, decision = self._request(call, entry, decision)
        watch = Watch(on_event, self._clock, begin_s, account.cost_usd)
        try:
            async with self._registry.in_use(entry, call.config) as provider:
                upstream = await self._upstream(call, entry, provider)
                watch(Started(entry.id, decision.model, decision.tier, decision.reasons))
                turns = Turns(upstream, call.toolbox, watch, account.afford, call.repair)
                watch.ends = turns.ends
                end = await turns.run(request, can_structure=self._can_structure(entry, decision.model))
        finally:
            self._books.write_down(account, watch.ends, watch.running)
        return Completion(
            text=turns.text,
            provider=entry.id,
            model=end.model or decision.model,
            tier=decision.tier,
            route_reasons=decision.reasons,
            stop_reason=end.stop_reason,
            complete=end.stop_reason in GOOD_STOPS,
            usage=turns.usage,
            cost_usd=account.cost_usd(turns.ends),
            first_token_ms=watch.first_token_ms,
            total_ms=(self._clock() - begin_s) * 1000,
            request_id=end.request_id,
            last_text=turns.last_text,
            structured=turns.structured,
        )

    def decide(self, call: Call) -> RouteDecision:
        """Tell where a call would go, whatever it may cost; nothing is sent. Raises as `run` does."""
        return self._decide(call, self._entry(call))

    def estimate(self, call: Call) -> RouteEstimate:
        """Tell where a call would go and what its first turn may cost at most; nothing is sent. Raises as `run` does.

        Turns that follow tool calls come on top; each is checked against the budget before it is sent.
        """
        entry = self._entry(call)
        return self._estimated(call, entry, self._tiers(call, entry, self._decide(call, entry)).expected())

    def preview(self, call: Call) -> dict[str, object]:
        """Return the request that the first turn of a call would send; nothing is sent. Raises as `run` does."""
        estimate = self.estimate(call)
        decision, request, provider = (
            estimate.decision,
            estimate.request,
            self._entry(call).provider,
        )
        return {
            "provider": estimate.provider,
            "model": decision.model,
            "tier": decision.tier,
            "routeReasons": list(decision.reasons),
            "estimate": {"inputTokens": estimate.input_tokens, "maxUsd": estimate.max_usd},
            "request": provider.preview(request) if isinstance(provider, Previewing) else _shown(request),
        }

    async def describe(self, config: Config, default: str | None = None) -> list[dict[str, object]]:
        """Describe every provider as `missy.listProviders` answers it (contract 3.1)."""
        default = default or self._registry.default_id(config)
        return [await self._description(entry, entry.id == default) for entry in self._registry.entries(config)]

    def key_states(self) -> dict[str, object]:
        """Describe the health of the keys that were used, by provider; by fingerprint, never by text."""
        return self._keys.states()

    def outages(self) -> tuple[str, ...]:
        """Return the ids of the providers that fail so often that nothing is tried again."""
        return tuple(sorted({provider_id for (provider_id, _), breaker in self._breakers.items() if breaker.is_open}))

    async def warm_up(self, config: Config, default: str | None = None) -> None:
        """Let the default provider pay the costs of its first request now."""
        default = default or self._registry.default_id(config)
        if self._knowledge is None:
            self._knowledge = await asyncio.to_thread(RoutingKnowledge.load)
        for entry in self._registry.entries(config):
            if entry.id == default and entry.provider is not None and entry.reason is None:
                await entry.provider.warm_up()

    async def written_down(self) -> None:
        """Wait until everything that was spent stands in the ledger."""
        await self._books.written_down()

    async def disconnect(self) -> None:
        """Close the connections to the providers."""
        await self._registry.aclose()

    async def aclose(self) -> None:
        """Let go of everything that is held."""
        await self.disconnect()
        await self.written_down()

    def _entry(self, call: Call) -> ProviderEntry:
        return self._registry.chosen(call.config, call.provider)

    def _decide(self, call: Call, entry: ProviderEntry) -> RouteDecision:
        routing = call.config.routing
        named = named_tier(routing, call.route, call.tier)
        if named is not None:
            routing = attrs.evolve(routing, mode=named[0])
        if self._knowledge is None:
            self._knowledge = RoutingKnowledge.load()
        decision = ModelRouter(entry.config, routing, self._knowledge).decide(call.route)
        if named is not None:
            decision = attrs.evolve(decision, reasons=(named[1], *decision.reasons[1:]))
        if entry.config.name == OFFLINE:
            return attrs.evolve(decision, model=OFFLINE_MODEL)
        if call.model:
            reasons = (f"you asked for the model {call.model}", *decision.reasons)
            return attrs.evolve(decision, model=call.model, reasons=reasons)
        return decision

    async def _opened(self, call: Call, entry: ProviderEntry) -> tuple[RouteDecision, Account]:
        """Open the account of the tier that serves: what the budget leaves, and the user wants to be premium.

        Without a yes the primary tier serves; what was asked about is what is sent. Raises as `TierChain.open` does.
        """
        decision = self._decide(call, entry)
        needs_yes = call.config.routing.confirm_premium and not call.is_named
        if needs_yes and decision.tier == "premium" and call.confirm is None:
            decision = self._unconfirmed(call, entry, decision, "nobody was there to confirm it")
        if call.config.budget.daily_usd is not None:
            await self._books.written_down()  # what was just answered gives its room back first
        decision, account = await self._tiers(call, entry, decision).open()
        if decision.tier != "premium" or not needs_yes or call.confirm is None:
            return decision, account
        is_wanted = False
        try:
            is_wanted = await call.confirm(self._estimated(call, entry, decision))
        finally:
            if not is_wanted:
                self._books.write_down(account, [], Usage())
        if is_wanted:
            return decision, account
        await self._books.written_down()
        return await self._tiers(call, entry, self._unconfirmed(call, entry, decision, "declined")).open()

    def _unconfirmed(self, call: Call, entry: ProviderEntry, premium: RouteDecision, why: str) -> RouteDecision:
        primary = self._decide(attrs.evolve(call, tier="primary"), entry)
        reasons = (f"the premium tier would have served this: {why}", *premium.reasons)
        return attrs.evolve(primary, reasons=reasons)

    def _estimated(self, call: Call, entry: ProviderEntry, decision: RouteDecision) -> RouteEstimate:
        request, decision = self._request(call, entry, decision)
        most = most_usd(self._prices(entry, decision.model), call.prompt, request.max_output_tokens)
        return RouteEstimate(decision, entry.id, prompt_tokens(call.prompt), most, request)

    def _account(self, call: Call, entry: ProviderEntry, decision: RouteDecision) -> Account:
        facts = self._facts(entry, decision.model)
        max_tokens = self._max_tokens(call, entry, decision, facts, self._depth(call, decision, facts).room_tokens)
        purpose = Purpose(entry.id, decision.model, decision.tier, call.route.kind, call.folder)
        ledger = None if entry.config.name == OFFLINE else self._ledger
        return Account(ledger, call.config.budget, self._prices(entry, decision.model), purpose, max_tokens)

    def _prices(self, entry: ProviderEntry, model: str) -> Prices:
        return Prices(self._catalogues.installed, model, free=entry.config.name == OFFLINE)

    def _tiers(self, call: Call, entry: ProviderEntry, decision: RouteDecision) -> TierChain:
        """Return the tiers that may serve a call: only one where it is to be refused, or the user has named it."""

        def lowered(tier: Tier) -> RouteDecision:
            return self._decide(attrs.evolve(call, tier=tier), entry)

        may_fall = call.config.budget.on_exceed == "cheaper" and not call.is_named
        account_of = partial(self._account, call, entry)
        return TierChain(decision, call.prompt, account_of, lowered if may_fall else None)

    def _request(self, call: Call, entry: ProviderEntry, decision: RouteDecision) -> tuple[ModelRequest, RouteDecision]:
        """Return the request of the first turn, and the decision that says where it makes the model think."""
        facts, prompt = self._facts(entry, decision.model), call.prompt
        depth = self._depth(call, decision, facts)
        max_tokens = self._max_tokens(call, entry, decision, facts, depth.room_tokens)
        timeout_s = float(entry.config.timeout)
        request = ModelRequest(decision.model, prompt, max_tokens, timeout_s, depth.effort, depth.thinking, facts=facts)
        if depth.is_asked:
            decision = attrs.evolve(decision, reasons=(*decision.reasons, THINKS))
        return request, decision

    def _depth(self, call: Call, decision: RouteDecision, facts: ModelFacts) -> Depth:
        return depth_of(call.config.routing, facts, decision.tier, effort=call.effort, is_quick=call.is_quick)

    def _facts(self, entry: ProviderEntry, model: str) -> ModelFacts:
        return self._catalogues.of(entry.config).facts(model)

    def _max_tokens(
        self, call: Call, entry: ProviderEntry, decision: RouteDecision, facts: ModelFacts, room_tokens: int
    ) -> int:
        """Return the cap on the answer and what is thought before it.

        Raises ModelError (`context_too_long`) where it can't hold the least.
        """
        wanted = (call.max_output_tokens or DEFAULT_OUTPUT_TOKENS) + room_tokens
        cap = entry.config.max_output_tokens
        most = min(facts.max_output_tokens, cap if cap is not None else wanted)
        if call.least_output_tokens > most:
            raise ModelError(
                "context_too_long",
                f"The code to rewrite has about {call.least_output_tokens} tokens, and {decision.model} may write "
                f"{most} at most{' (max_output_tokens)' if cap == most else ''}. Nothing was sent. Select less code.",
            )
        return min(wanted, most)

    def _can_structure(self, entry: ProviderEntry, model: str) -> bool:
        """Tell whether a model answers by a schema; a gateway's own may not, whatever it is called."""
        return entry.config.base_url is None and self._facts(entry, model).structured_outputs

    async def _upstream(self, call: Call, entry: ProviderEntry, provider: Provider) -> Upstream:
        """Return the provider with its keys. Raises ModelError (`no_key`, `setup_token`) where it has none."""
        pool = None
        if provider.needs_key:
            pool = await self._keys.pool(entry.id, entry.config, interactive=call.interactive)
            await self._check_destination(call, entry, pool)
        return Upstream(
            provider,
            pool,
            resolve_again=lambda: self._resolve_again(call, entry, pool),
            place=lambda: self._places.take(call.config.limits.concurrent),
            breaker=self._breakers.setdefault((entry.id, entry.config.base_url), Breaker(self._clock)),
            sleep=self._sleep,
            chance=self._chance,
            interactive=call.interactive,
        )

    async def _resolve_again(self, call: Call, entry: ProviderEntry, pool: KeyPool | None) -> None:
        await self._keys.resolve_again(entry.id, entry.config)
        if pool is not None:
            await self._check_destination(call, entry, pool)

    async def _check_destination(self, call: Call, entry: ProviderEntry, pool: KeyPool) -> None:
        if self._destinations is not None:
            await self._destinations.check(entry.id, entry.config, pool.keys, call.ask_about_origin)

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


def _shown(request: ModelRequest) -> dict[str, object]:
    return attrs.asdict(request, filter=lambda field, _: field.name != "facts")
