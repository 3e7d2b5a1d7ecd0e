"""Narrow only: no workspace file lets anything happen that would not without it (security.md, R2, G5, CFG-26)."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import attrs
import pytest
from pathspec import GitIgnoreSpec

from missy_lsp.config.loading import load
from missy_lsp.config.locations import Locations
from missy_lsp.config.values import SECTIONS, Config, ProviderConfig

EXAMPLES = 100_000 if os.environ.get("MISSY_SOAK") else 1_000
FILES = ("a.key", "b.sql", "gen/x.py", "src/main.py", "docs/a.md", "keep.key")

PATTERNS = ["*.key", "*.sql", "gen/", "!*.key", "!gen/", "!keep.key", " !*.key", "\\!x", "*", "src", "!*"]
KEYS = ["sk-ant-api03-FAKE", "vault://x", "vault://other", "$OTHER"]
PROVIDERS = ["anthropic", "other", "evil"]
VALUES: dict[str, list[Any]] = {
    "str": ["m", "claude-opus-4-6", "offline", "anthropic"],
    "int": [0, 1, 5, 60, 100, 12000, 10**6],
    "bool": [True, False],
    "str | None": [None, "https://evil.example", "http://127.0.0.1:1", "x.pem"],
    "int | None": [None, 1, 1000, 10**6],
    "float | None": [None, 0, 0.5, 1, 5, 100],
    "KeyReference | None": [None, *KEYS],
}
LISTS = {"tuple[str, ...]": PATTERNS, "tuple[KeyReference, ...]": KEYS}
MAPS = {"Mapping[str, str]": (["explain", "ask", "~/a", "src/**"], ["fast"])}


def some(random: Random, choices: Sequence[str]) -> list[str]:
    return random.choices(choices, k=random.randrange(4))


def value(random: Random, field: attrs.Attribute[Any]) -> Any:
    kind = str(field.type)
    if field.metadata["choices"] and not field.metadata["keys"]:
        return random.choice(field.metadata["choices"])
    if kind in LISTS:
        return some(random, LISTS[kind])
    if kind in MAPS:
        keys, values = MAPS[kind]
        return {key: random.choice(values) for key in some(random, keys)}
    return random.choice(VALUES[kind])


def section(random: Random, cls: type[Any]) -> dict[str, Any]:
    """Return values for some of the fields, more often for few of them."""
    share = random.random()
    return {field.name: value(random, field) for field in attrs.fields(cls) if random.random() < share}


def a_file(random: Random) -> dict[str, Any]:
    """Return what a configuration file may hold."""
    document: dict[str, Any] = {name: section(random, cls) for name, cls in SECTIONS.items() if random.random() < 0.5}
    if random.random() < 0.5:
        document["default_provider"] = random.choice(PROVIDERS)
    if random.random() < 0.5:
        document["folders"] = {key: random.choice(PROVIDERS) for key in some(random, ["~", "/", "~/project"])}
    if random.random() < 0.5:
        document["providers"] = {name: section(random, ProviderConfig) for name in some(random, PROVIDERS)}
    return document


@pytest.fixture(scope="module")
def homes() -> Iterator[tuple[Locations, Path]]:
    with tempfile.TemporaryDirectory() as name:
        home, folder = Path(name) / "home", Path(name) / "project"
        (home / ".missy").mkdir(parents=True)
        (folder / ".missy").mkdir(parents=True)
        yield Locations.from_environment({"HOME": str(home), "USERPROFILE": str(home)}), folder


def written(locations: Locations, folder: Path, random: Random) -> str:
    """Write both files anew, and return them for the message of a failure; the user's is one that can be read."""
    while True:
        # JSON is YAML.
        user, workspace = json.dumps(a_file(random)), json.dumps(a_file(random))
        locations.user_file.write_text(user)
        locations.user_file.chmod(0o600)
        if load(locations).config is not None:
            (folder / ".missy" / "config.yaml").write_text(workspace)
            return f"user: {user}\nworkspace: {workspace}"


def test_a_workspace_file_only_ever_narrows(homes: tuple[Locations, Path]) -> None:
    locations, folder = homes
    random = Random(1)
    for _ in range(EXAMPLES):
        files = written(locations, folder, random)
        alone = load(locations).config
        both = load(locations, folder, None, trusted=True).config
        assert alone is not None
        assert both is not None
        assert list(widened(alone, both)) == [], files
        assert load(locations, folder, None, trusted=False).config == alone, files


def test_editor_settings_never_set_keys_or_endpoints_and_only_lower_tools_review_budgets_and_privacy(
    homes: tuple[Locations, Path],
) -> None:
    locations, folder = homes
    random = Random(2)
    for _ in range(EXAMPLES // 4):
        files = written(locations, folder, random)
        editor = a_file(random)
        without = load(locations, folder, None, trusted=True).config
        assert without is not None
        both = load(locations, folder, editor, trusted=True).config
        assert both is not None
        # What the editor may set as it likes is taken out of the comparison.
        theirs = {"default_provider": without.default_provider, "limits": without.limits, "hover": without.hover}
        providers = {
            name: attrs.evolve(both.providers[name], timeout=own.timeout, max_output_tokens=own.max_output_tokens)
            for name, own in without.providers.items()
        }
        assert both.providers.keys() == without.providers.keys()
        compared = attrs.evolve(both, **theirs, providers=providers, context=without.context, routing=without.routing)
        assert list(widened(without, compared)) == [], f"{files}\neditor: {editor}"


def widened(alone: Config, both: Config) -> Iterator[str]:
    """Say what `both` allows and `alone` does not; written without the code under test."""
    for field in ("network", "limits", "default_provider", "folders"):
        if getattr(alone, field) != getattr(both, field):
            yield f"{field}, which is the user's alone"
    if alone.providers.keys() != both.providers.keys():
        yield "providers"
    for name, provider in alone.providers.items():
        described = both.providers[name]
        models = {"model": "", "fast_model": "", "premium_model": ""}
        if attrs.evolve(provider, **models) != attrs.evolve(described, **models):
            yield f"providers.{name}"
    for part, order in (
        ("tools.mode", ("off", "read", "edit")),
        ("edits.review", ("pending", "direct")),
        ("hover.mode", ("off", "cached", "auto", "always")),
        ("budget.on_exceed", ("refuse", "cheaper")),
        ("routing.thinking", ("off", "premium")),
    ):
        section_name, field = part.split(".")
        before, after = (getattr(getattr(config, section_name), field) for config in (alone, both))
        if order.index(after) > order.index(before):
            yield part
    if both.hover.max_per_hour > alone.hover.max_per_hour or both.context.max_tokens > alone.context.max_tokens:
        yield "cost"
    if alone.routing.confirm_premium > both.routing.confirm_premium:
        yield "confirm_premium"
    if alone.privacy.redact_secrets > both.privacy.redact_secrets:
        yield "redact_secrets"
    for cap in ("daily_usd", "request_usd"):
        before, after = getattr(alone.budget, cap), getattr(both.budget, cap)
        if before is not None and (after is None or after > before):
            yield cap
    before_spec, after_spec = (GitIgnoreSpec.from_lines(config.privacy.ignore) for config in (alone, both))
    if not set(before_spec.match_files(FILES)) <= set(after_spec.match_files(FILES)):
        yield "privacy.ignore"
