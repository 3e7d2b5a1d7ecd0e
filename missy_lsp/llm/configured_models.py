"""Which models a configuration names, for which tiers, and what their users should know of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Literal

import attrs

from missy_lsp.config.values import Config, ProviderConfig
from missy_lsp.llm.catalogue import ModelFacts
from missy_lsp.llm.registry import OFFLINE

Concern = Literal["none", "soon", "gone"]


@attrs.frozen
class ConfiguredModel:
    """A model id of one provider with its uses: `fast`, or `NAME fast` among several providers."""

    id: str
    provider: ProviderConfig
    uses: tuple[str, ...]


def configured_models(config: Config) -> Iterator[ConfiguredModel]:
    """Return each model id of each enabled provider, in their order; what an address told counts for its own alone."""
    providers = {
        name: provider for name, provider in config.providers.items() if provider.enabled and provider.name != OFFLINE
    }
    for name, provider in providers.items():
        tiers = {"fast": provider.fast_model, "primary": provider.model, "premium": provider.premium_model}
        uses: dict[str, tuple[str, ...]] = {}
        for tier, model in tiers.items():
            if model:
                use = tier if len(providers) == 1 else f"{name} {tier}"
                uses[model] = (*uses.get(model, ()), use)
        yield from (ConfiguredModel(model, provider, used) for model, used in uses.items())


def standing(facts: ModelFacts, today: date) -> tuple[Concern, str]:
    """Tell how long a model will still serve, in words; these are empty for a current one."""
    newer = f"; newer: {facts.successor}" if facts.successor else ""
    is_past = facts.retires is not None and date.fromisoformat(facts.retires) < today
    if is_past or facts.status == "retired":
        since = f" since {facts.retires}" if is_past else ""
        return "gone", f"retired{since}, requests to it fail{newer}"
    if facts.retires is not None:
        return "soon", f"retires on {facts.retires}{newer}"
    if not facts.known and facts.status != "deprecated":
        return "none", "not in the catalogue; its price is counted as the highest known"
    if facts.status == "deprecated":
        return "soon", f"deprecated, will be retired{newer}"
    return "none", f"still served, legacy{newer}" if facts.status == "legacy" else ""
