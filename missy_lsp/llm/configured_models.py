"""Which models a configuration names, for which tiers, and what their users should know of them."""

from __future__ import annotations

from datetime import date
from typing import Literal

from missy_lsp.config.values import Config
from missy_lsp.llm.catalogue import ModelFacts
from missy_lsp.llm.registry import OFFLINE

Concern = Literal["none", "soon", "gone"]


def configured_models(config: Config) -> dict[str, tuple[str, ...]]:
    """Return each model id of the enabled providers with its uses: `fast`, or `NAME fast` among several providers."""
    providers = {
        name: provider for name, provider in config.providers.items() if provider.enabled and provider.name != OFFLINE
    }
    uses: dict[str, tuple[str, ...]] = {}
    for name, provider in providers.items():
        tiers = {"fast": provider.fast_model, "primary": provider.model, "premium": provider.premium_model}
        for tier, model in tiers.items():
            if model:
                use = tier if len(providers) == 1 else f"{name} {tier}"
                uses[model] = (*uses.get(model, ()), use)
    return uses


def standing(facts: ModelFacts, today: date) -> tuple[Concern, str]:
    """Tell how long a model will still serve, in words; these are empty for a current one."""
    newer = f"; newer: {facts.successor}" if facts.successor else ""
    if facts.retires is not None and date.fromisoformat(facts.retires) < today:
        return "gone", f"retired since {facts.retires}, requests to it fail{newer}"
    if facts.retires is not None:
        return "soon", f"retires on {facts.retires}{newer}"
    if not facts.known and facts.status != "deprecated":
        return "none", "not in the catalogue; its price is counted as the highest known"
    if facts.status == "deprecated":
        return "soon", f"deprecated, will be retired{newer}"
    return "none", f"still served, legacy{newer}" if facts.status == "legacy" else ""
