"""Tiers by path and action: which rule counts, and what the reasons say."""

from __future__ import annotations

import pytest

from missy_lsp.config.values import ProviderConfig, Routing
from missy_lsp.llm.router import RouteInput
from missy_lsp.llm.routing_rules import last_match, named_tier, tier_beside
from missy_lsp.llm.types import Tier, TierChoice

ROUTING = Routing(
    actions={"explain": "fast", "commit": "auto", "ask": "primary"},
    paths={"docs/**": "fast", "*.md": "primary", "src/keys/**": "premium", "src/keys/vendor/": "auto"},
)


@pytest.mark.parametrize(
    ("kind", "path", "own", "asked", "tier", "reason"),
    [
        ("explain", "src/keys/aes.py", "auto", "primary", "primary", "you asked for the primary tier"),
        ("explain", "src/keys/aes.py", "auto", "auto", None, ""),
        (
            "explain",
            "src/keys/aes.py",
            "auto",
            None,
            "premium",
            "routing.paths: src/keys/** takes the premium tier",
        ),
        ("ask", "docs/a/b.txt", "auto", None, "fast", "routing.paths: docs/** takes the fast tier"),
        ("ask", "docs/a.md", "auto", None, "primary", "routing.paths: *.md takes the primary tier"),
        ("explain", "src/keys/vendor/x.c", "auto", None, "fast", "routing.actions: explain takes the fast tier"),
        ("ask", "src/main.py", "auto", None, "primary", "routing.actions: ask takes the primary tier"),
        ("ask", "", "auto", None, "primary", "routing.actions: ask takes the primary tier"),
        ("explain", "", "premium", None, "fast", "routing.actions: explain takes the fast tier"),
        ("commit", "", "fast", None, None, ""),
        ("review", "", "premium", None, "premium", "the action review names the premium tier"),
        ("review", "", "auto", None, None, ""),
    ],
)
def test_the_users_word_comes_before_the_path_and_the_path_before_the_action(
    kind: str, path: str, own: str, asked: TierChoice | None, tier: str | None, reason: str
) -> None:
    named = named_tier(ROUTING, RouteInput("why?", kind=kind, path=path, action_tier=own), asked)
    assert named == (None if tier is None else (tier, reason))


@pytest.mark.parametrize(
    ("patterns", "path", "expected"),
    [
        (["docs/"], "docs/a/b.md", "docs/"),
        (["docs/"], "src/docs.md", None),
        (["/a.py"], "b/a.py", None),
        (["a.py"], "b/a.py", "a.py"),
        (["*", "b/*"], "b/a.py", "b/*"),
        (["b/*", "*"], "b/a.py", "*"),
        (["src/**/x"], "src/a/b/x", "src/**/x"),
        ([], "a", None),
    ],
)
def test_patterns_are_those_of_gitignore_and_the_last_one_counts(
    patterns: list[str], path: str, expected: str | None
) -> None:
    assert last_match(dict.fromkeys(patterns, "fast"), path) == expected


@pytest.mark.parametrize(
    ("models", "tier", "above", "below"),
    [
        ("f p m", "fast", "primary", None),
        ("f p m", "primary", "premium", "fast"),
        ("f p m", "premium", None, "primary"),
        ("- p m", "fast", "premium", None),
        ("- p m", "premium", None, "primary"),
        ("f p -", "primary", None, "fast"),
        ("f p -", "premium", None, "fast"),
        ("- p -", "primary", None, None),
    ],
)
def test_the_tier_beside_is_the_nearest_with_another_model(
    models: str, tier: Tier, above: str | None, below: str | None
) -> None:
    fast, primary, premium = (model.replace("-", "") for model in models.split())
    provider = ProviderConfig(model=primary, fast_model=fast, premium_model=premium)
    assert tier_beside(provider, tier, above=True) == above
    assert tier_beside(provider, tier, above=False) == below
