"""Narrow only: no workspace file lets anything happen that would not without it (security.md, R2, G5, CFG-26)."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pathspec import GitIgnoreSpec

from missy_lsp.config.loading import load
from missy_lsp.config.locations import Locations
from missy_lsp.config.values import SECTIONS, Config, ProviderConfig

EXAMPLES = 100_000 if os.environ.get("MISSY_SOAK") else 1_000
FILES = ("a.key", "b.sql", "gen/x.py", "src/main.py", "docs/a.md", "keep.key")

PATTERNS = st.sampled_from(
    ["*.key", "*.sql", "gen/", "!*.key", "!gen/", "!keep.key", " !*.key", "\\!x", "*", "src", "!*"]
)
AMOUNT = st.none() | st.sampled_from([0, 0.5, 1, 5, 100])
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "str": st.sampled_from(["m", "claude-opus-4-6", "offline", "anthropic"]),
    "int": st.sampled_from([0, 1, 5, 60, 100, 12000, 10**6]),
    "bool": st.booleans(),
    "str | None": st.sampled_from([None, "https://evil.example", "http://127.0.0.1:1", "x.pem"]),
    "int | None": st.sampled_from([None, 1, 1000, 10**6]),
    "float | None": AMOUNT,
    "tuple[str, ...]": st.lists(PATTERNS, max_size=3),
    "KeyReference | None": st.sampled_from([None, "sk-ant-api03-FAKE", "vault://other", "$OTHER"]),
    "tuple[KeyReference, ...]": st.lists(st.sampled_from(["sk-ant-api03-FAKE", "vault://x", "$X"]), max_size=2),
}


def section(cls: type[Any]) -> st.SearchStrategy[dict[str, Any]]:
    fields = {
        field.name: st.sampled_from(field.metadata["choices"]) if field.metadata["choices"] else VALUES[str(field.type)]
        for field in attrs.fields(cls)
    }
    return st.fixed_dictionaries({}, optional=fields)


FILE = st.fixed_dictionaries(
    {},
    optional={
        "default_provider": st.sampled_from(["anthropic", "other", "evil"]),
        "providers": st.dictionaries(
            st.sampled_from(["anthropic", "other", "evil"]), section(ProviderConfig), max_size=3
        ),
        **{name: section(cls) for name, cls in SECTIONS.items()},
    },
)


@pytest.fixture(scope="module")
def homes() -> Iterator[tuple[Locations, Path]]:
    with tempfile.TemporaryDirectory() as name:
        home, folder = Path(name) / "home", Path(name) / "project"
        (home / ".missy").mkdir(parents=True)
        (folder / ".missy").mkdir(parents=True)
        yield Locations.from_environment({"HOME": str(home), "USERPROFILE": str(home)}), folder


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(user=FILE, workspace=FILE)
def test_a_workspace_file_only_ever_narrows(
    homes: tuple[Locations, Path], user: dict[str, Any], workspace: dict[str, Any]
) -> None:
    locations, folder = homes
    # JSON is YAML.
    locations.user_file.write_text(json.dumps(user))
    locations.user_file.chmod(0o600)
    alone = load(locations).config
    assume(alone is not None)
    assert alone is not None
    (folder / ".missy" / "config.yaml").write_text(json.dumps(workspace))
    both = load(locations, folder, None, trusted=True).config
    assert both is not None
    assert list(widened(alone, both)) == []
    assert load(locations, folder, None, trusted=False).config == alone


@settings(max_examples=EXAMPLES // 4, deadline=None, suppress_health_check=list(HealthCheck))
@given(user=FILE, workspace=FILE, editor=FILE)
def test_editor_settings_never_set_keys_or_endpoints_and_only_lower_tools_review_budgets_and_privacy(
    homes: tuple[Locations, Path], user: dict[str, Any], workspace: dict[str, Any], editor: dict[str, Any]
) -> None:
    locations, folder = homes
    locations.user_file.write_text(json.dumps(user))
    locations.user_file.chmod(0o600)
    (folder / ".missy" / "config.yaml").write_text(json.dumps(workspace))
    without = load(locations, folder, None, trusted=True).config
    assume(without is not None)
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
    assert list(widened(without, compared)) == []


def widened(alone: Config, both: Config) -> Iterator[str]:
    """Say what `both` allows and `alone` does not; written without the code under test."""
    if (alone.network, alone.limits, alone.default_provider) != (both.network, both.limits, both.default_provider):
        yield "what is the user's alone"
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
