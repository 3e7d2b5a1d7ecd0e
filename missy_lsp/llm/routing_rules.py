"""The tier that a configuration names for a path or an action, before the router decides by what is asked."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from missy_lsp.config.globs import glob_spec
from missy_lsp.llm.types import TIERS, Tier, TierChoice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pathspec import GitIgnoreSpec

    from missy_lsp.config.values import ProviderConfig, Routing
    from missy_lsp.llm.router import RouteInput


def named_tier(routing: Routing, request: RouteInput, asked: TierChoice | None) -> tuple[Tier, str] | None:
    """Return the tier that somebody has named, with the reason; None where the request itself decides.

    The user's word comes first, and `auto` is one: then no rule counts. Then the path, then the action, by the
    configuration before its own file. `auto` in a rule leaves it to the next one.
    """
    if asked is not None:
        return None if asked == "auto" else (asked, f"you asked for the {asked} tier")
    pattern = last_match(routing.paths, request.path) if request.path else None
    if pattern is not None and (tier := _tier(routing.paths[pattern])):
        return tier, f"routing.paths: {pattern} takes the {tier} tier"
    configured = routing.actions.get(request.kind)
    if configured is not None:
        tier = _tier(configured)
        return (tier, f"routing.actions: {request.kind} takes the {tier} tier") if tier else None
    tier = _tier(request.action_tier)
    return (tier, f"the action {request.kind} names the {tier} tier") if tier else None


def model_of(provider: ProviderConfig, tier: Tier) -> str:
    """Return the model that serves a tier, the primary one where none is configured."""
    return {"fast": provider.fast_model, "premium": provider.premium_model}.get(tier, "") or provider.model


def tier_beside(provider: ProviderConfig, tier: Tier, *, above: bool) -> Tier | None:
    """Return the nearest tier above or below that has another model, None where there is none."""
    place = TIERS.index(tier)
    others = TIERS[place + 1 :] if above else TIERS[:place][::-1]
    return next((other for other in others if model_of(provider, other) != model_of(provider, tier)), None)


def last_match(patterns: Mapping[str, str], path: str) -> str | None:
    """Return the last pattern that holds for a path, which is relative and has `/` between its parts."""
    return next((pattern for pattern in reversed(list(patterns)) if _matches(pattern, path)), None)


def _matches(pattern: str, path: str) -> bool:
    spec = _spec(pattern)
    return spec is not None and spec.match_file(path)


@lru_cache(maxsize=512)  # the same pattern compiles to the same; a configuration may have as many
def _spec(pattern: str) -> GitIgnoreSpec | None:
    return glob_spec([pattern])


def _tier(choice: str) -> Tier | None:
    return next((tier for tier in TIERS if tier == choice), None)
