"""What an editor sends as its settings: taken where it may, ignored with one warning where not (CFG-20, CFG-22)."""

from __future__ import annotations

from typing import Any

import pytest

from missy_lsp.config.values import Config, Hover, ProviderConfig
from tests.support.config_place import Place

FAKE_KEY = "sk-ant-api03-FAKE-0000-not-a-key"


def test_the_editor_has_the_last_word_on_what_it_may_set(place: Place) -> None:
    place.user("hover: {mode: off}\nprivacy: {ignore: [a]}\nedits: {review: direct}\nbudget: {daily_usd: 5}")
    settings = {
        "hover": {"mode": "always", "maxPerHour": 9},
        "providers": {"anthropic": {"fastModel": "f", "premium_model": "p"}},
        "tools": {"mode": "off"},
        "edits": {"review": "pending"},
        "budget": {"dailyUsd": 2},
        "privacy": {"ignore": ["b"]},
        "trace": {"server": "verbose"},
        "server": {"path": "x", "args": []},
    }
    loaded = place.load(settings)
    assert loaded.problems == ()
    config = loaded.config
    assert config is not None
    assert config.hover == Hover("always", 9)
    assert config.providers["anthropic"] == ProviderConfig(fast_model="f", premium_model="p")
    assert (config.tools.mode, config.edits.review, config.budget.daily_usd) == ("off", "pending", 2)
    assert config.privacy.ignore == ("a", "b")


@pytest.mark.parametrize(
    "settings",
    [
        {"baseUrl": "http://x"},
        {"apiKey": FAKE_KEY},
        {"autoApply": True},
        {"logLevel": "debug"},
        {"network": {"useEnvProxy": True}},
        {"providers": {"anthropic": {"baseUrl": "http://x"}}},
        {"providers": {"anthropic": {"api_key": FAKE_KEY}}},
        {"providers": {"anthropic": {"apiKeys": [FAKE_KEY]}}},
        {"tools": {"mode": "edit"}},
        {"edits": {"review": "direct"}},
        {"completion": {"mode": "auto"}},
        {"completion": {"maxPerHour": 1000}},
        {"privacy": {"redactSecrets": False}},
        {"privacy": {"ignore": ["!x"]}},
        {"hover": "off"},
        {"providers": {"anthropic": {"model": "\ud800"}}},
    ],
    ids=lambda settings: repr(settings)[:50],
)
def test_editor_settings_never_set_what_is_the_users_and_warn_once(place: Place, settings: object) -> None:
    loaded = place.load(settings)
    assert loaded.config == Config()
    (problem,) = loaded.problems
    assert (problem.path, problem.severity, "FAKE" in str(problem)) == (None, "warning", False)


def nested(depth: int) -> dict[str, Any]:
    inner: dict[str, Any] = {}
    for _ in range(depth):
        inner = {"a": inner}
    return inner


@pytest.mark.parametrize(
    "settings",
    [["a"], "x", 5, True, {"a": ["x"] * 100_000}, {"x" * 5_000_000: 1}, nested(1000), object()],
    ids=["list", "text", "number", "truth", "wide", "5 MB", "deep", "no JSON"],
)
def test_editor_settings_of_a_wrong_shape_are_ignored_with_one_warning(place: Place, settings: object) -> None:
    loaded = place.load(settings)
    assert loaded.config == Config()
    assert [problem.severity for problem in loaded.problems] == ["warning"]
    assert len(str(loaded.problems[0])) < 300


@pytest.mark.parametrize("settings", [None, {}, {"hover": None}])
def test_no_editor_settings_are_no_problem(place: Place, settings: object) -> None:
    assert (place.load(settings).config, place.load(settings).problems) == (Config(), ())
