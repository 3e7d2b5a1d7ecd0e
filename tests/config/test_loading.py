"""Defaults, user, workspace, editor: what each may say, who wins, and what is told about the rest."""

from __future__ import annotations

from typing import Any

import pytest

from missy_lsp.config.loading import load
from missy_lsp.config.locations import Locations
from missy_lsp.config.values import Config, Hover, KeyReference, ProviderConfig
from missy_lsp.secret import Secret
from tests.support.config_place import Place

FAKE_KEY = "sk-ant-api03-FAKE-0000-not-a-key"
EVERYTHING = f"""
config_version: 2
default_provider: work
providers:
  work:
    name: anthropic
    model: claude-opus-4-6
    api_key: {FAKE_KEY}
    api_keys: [vault://second, $THIRD]
    timeout: 60
    fast_model: claude-haiku-4-5
    premium_model: some-model-that-nobody-knows
    enabled: false
    base_url: https://gateway.example/
    max_output_tokens: 900
routing: {{mode: fast, confirm_premium: true}}
hover: {{mode: off, max_per_hour: 5}}
edits: {{review: direct}}
tools: {{mode: edit}}
context: {{max_tokens: 100}}
privacy: {{ignore: ["*.sql"], redact_secrets: false}}
budget: {{daily_usd: 5, request_usd: 0.25}}
limits: {{concurrent: 2}}
network: {{use_env_proxy: true, ca_bundle: ca.pem}}
"""


def config_of(place: Place, **arguments: Any) -> Config:
    loaded = place.load(**arguments)
    assert loaded.config is not None, loaded.problems
    return loaded.config


def codes(place: Place, **arguments: Any) -> list[tuple[str, int, str]]:
    return [(found.severity, found.line + 1, found.code) for found in place.load(**arguments).problems]


def test_without_any_file_the_defaults_are_those_of_the_contract(place: Place) -> None:
    assert config_of(place) == Config()
    assert Config().providers == {"anthropic": ProviderConfig()}


def test_a_file_that_says_everything_is_taken_to_the_letter(place: Place) -> None:
    place.user(EVERYTHING)
    loaded = place.load()
    assert loaded.problems == ()
    assert loaded.config is not None
    assert loaded.config.providers["work"] == ProviderConfig(
        name="anthropic",
        model="claude-opus-4-6",
        api_key=KeyReference("literal", "", Secret(FAKE_KEY)),
        api_keys=(KeyReference("vault", "second"), KeyReference("env", "THIRD")),
        timeout=60,
        fast_model="claude-haiku-4-5",
        premium_model="some-model-that-nobody-knows",
        enabled=False,
        base_url="https://gateway.example",
        max_output_tokens=900,
    )
    assert loaded.config.hover == Hover("off", 5)
    assert "FAKE" not in repr(loaded)


@pytest.mark.parametrize("text", ["", "# nothing", "hover:\n", "providers:\n", "providers: {anthropic: }"], ids=repr)
def test_what_is_left_empty_keeps_its_defaults(place: Place, text: str) -> None:
    place.user(text)
    assert (config_of(place), place.load().problems) == (Config(), ())


@pytest.mark.parametrize("amount", [".inf", "-.inf", ".nan", "1e999"])
def test_an_amount_without_an_end_is_refused_with_the_way_to_have_no_cap(place: Place, amount: str) -> None:
    place.user(f"budget: {{daily_usd: {amount}}}")
    (problem,) = place.load().problems
    assert problem.message == (
        "budget.daily_usd: a finite number is expected; for no cap at all write null, or leave the line away"
    )


def test_an_empty_key_is_no_key(place: Place) -> None:
    place.user("providers: {anthropic: {api_key: ''}}")
    assert config_of(place).providers["anthropic"].api_key is None


@pytest.mark.parametrize(
    "text",
    [
        f"context: {{max_tokens: {value}}}"
        for value in (
            "012",
            "1e3",
            ".inf",
            ".nan",
            "-1",
            "9" * 5000,
            "9" * 30,
            "190:20:30",
            "2001-01-01",
            "true",
            "'5'",
        )
    ]
    + [
        "budget: {daily_usd: .nan}",
        "budget: {daily_usd: -0.5}",
        "budget: {daily_usd: true}",
        "budget: {daily_usd: 01.5}",
        "privacy: {redact_secrets: yes}",
        "privacy: {redact_secrets: 1}",
        "privacy: {ignore: '*.sql'}",
        "privacy: {ignore: [1]}",
        f"privacy: {{ignore: [{', '.join(['x'] * 10_000)}]}}",
        "hover: {mode: often}",
        "hover: off",
        "hover: [off]",
        "providers: [anthropic]",
        "providers: {anthropic: {model: 4.6}}",
        "providers: {anthropic: {model: ''}}",
        'providers: {anthropic: {model: "a\\e[2Jb"}}',
        "providers: {anthropic: {timeout: 0}}",
        "providers: {anthropic: {api_key: 12}}",
        "providers: {anthropic: {api_key: $}}",
        "providers: {anthropic: {api_key: 'vault://'}}",
        "providers: {anthropic: {api_keys: ['']}}",
        "providers: {anthropic: {base_url: http://evil.example}}",
        "providers: {'a b': {}}",
        "default_provider: ''",
        "config_version: 3",
        "config_version: two",
        "- a\n- b",
        "just text",
        "a: ]",
    ],
    ids=lambda text: text[:60],
)
def test_a_users_file_with_a_fault_is_not_used_and_the_place_is_told(place: Place, text: str) -> None:
    place.user(text)
    loaded = place.load()
    assert loaded.config is None
    assert [problem.severity for problem in loaded.problems] == ["error"]
    assert str(loaded.problems[0]).startswith(f"{place.user_file}:1:")


def test_a_problem_points_at_the_value(place: Place) -> None:
    place.user("hover:\n  # 🦊\n  mode:   often\n")
    (problem,) = place.load().problems
    assert (problem.line, problem.column, problem.end_line, problem.end_column) == (2, 10, 2, 15)
    assert str(problem) == f"{place.user_file}:3:11: hover.mode: one of off, cached, auto, always is expected"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("hovr: {}", "hovr is not a setting that anybody knows; did you mean `hover`?"),
        ("hover: {mod: off}", "hover.mod is not a setting that anybody knows; did you mean `mode`?"),
        ("providers: {anthropic: {timeot: 3}}", "did you mean `timeout`?"),
        ("quite_different: 1", "quite_different is not a setting that anybody knows; it is not used"),
        ("default_provider: antropic", "default_provider: antropic is not under `providers`"),
        (f"providers: {{anthropic: {{{FAKE_KEY}}}}}", "looks like a key"),
        ('"a\\e[2Jb": 1', "a?[2Jb is not"),
    ],
    ids=lambda text: text[:40],
)
def test_what_nobody_knows_is_a_warning_with_the_nearest_name(place: Place, text: str, says: str) -> None:
    place.user(text)
    loaded = place.load()
    (problem,) = loaded.problems
    assert (problem.severity, says in str(problem), "FAKE" in str(problem)) == ("warning", True, False)
    assert loaded.config is not None


def test_what_the_assistant_keeps_in_the_same_file_is_silent(place: Place) -> None:
    place.user(
        "network: {default_deny: true, allowed_domains: [x], allowed_hosts: [], allowed_cidrs: [],\n"
        "  presets: [anthropic]}\n"
        "filesystem: {allowed_read_paths: [~/x]}\nshell: {enabled: false}\nplugins: {enabled: false}\n"
        "scheduling: {max_jobs: 0}\nvault: {enabled: true}\ntools: {profile: coding, deny: ['browser_*'], mode: off}\n"
        "workspace_path: ~/w\naudit_log_path: ~/a\nvision: {enabled: true}\ndiscord: {}\n"
    )
    loaded = place.load()
    assert loaded.problems == ()
    assert loaded.config is not None
    assert loaded.config.tools.mode == "off"


def test_a_named_file_that_is_missing_is_an_error_and_the_usual_one_is_not(place: Place) -> None:
    assert place.load().problems == ()
    missing = place.folder / "missing.yaml"
    named = Locations.from_environment({"HOME": str(place.locations.home)}, missing)
    loaded = load(named)
    assert (loaded.config, [str(problem) for problem in loaded.problems]) == (
        None,
        [f"{missing}:1:1: there is no such file"],
    )


def test_a_trusted_workspace_may_narrow_and_describe(place: Place) -> None:
    place.user("tools: {mode: edit}\nprivacy: {ignore: ['*.sql']}\nbudget: {daily_usd: 5}\n")
    place.workspace(
        "providers: {anthropic: {model: m, fast_model: f, premium_model: p}}\nrouting: {mode: premium}\n"
        "hover: {mode: cached, max_per_hour: 1}\ncontext: {max_tokens: 500}\ntools: {mode: off}\n"
        "privacy: {ignore: [gen/]}\nbudget: {daily_usd: 1, request_usd: 0.1}\n"
    )
    place.trust.trust(place.folder)
    loaded = place.load()
    assert loaded.problems == ()
    config = loaded.config
    assert config is not None
    assert config.providers == {"anthropic": ProviderConfig(model="m", fast_model="f", premium_model="p")}
    assert (config.tools.mode, config.hover.mode, config.context.max_tokens) == ("off", "cached", 500)
    assert config.privacy.ignore == ("*.sql", "gen/")
    assert (config.budget.daily_usd, config.budget.request_usd) == (1, 0.1)


def test_nothing_of_a_workspace_applies_before_it_is_trusted_and_after_it_changed(place: Place) -> None:
    place.workspace("tools: {mode: off}")
    seen = [config_of(place).tools.mode]
    place.trust.trust(place.folder)
    seen.append(config_of(place).tools.mode)
    place.workspace("tools: {mode: off} ")
    seen.append(config_of(place).tools.mode)
    assert seen == ["read", "off", "read"]
    assert place.load().sources[-1].state == "untrusted"


def test_the_last_good_workspace_settings_serve_only_while_the_folder_is_trusted(place: Place) -> None:
    place.workspace("tools: {mode: off}")
    good = place.load(trusted=True).layers[1]
    place.workspace("tools: [")
    modes = []
    for trusted in (True, False, None):
        config = load(place.locations, place.folder, None, trusted, good).config
        assert config is not None
        modes.append(config.tools.mode)
    assert modes == ["off", "read", "read"]


@pytest.mark.parametrize("trusted", [True, False], ids=["trusted", "untrusted"])
@pytest.mark.parametrize(
    "text",
    [
        "base_url: http://x",
        "BASE_URL: http://x",
        "'base-url': http://x",
        "providers: {anthropic: {base_url: http://x}}",
        "providers: {anthropic: {'BASE_URL': http://x}}",
        "providers: {anthropic: {baseUrl: http://x}}",
        "providers: {anthropic: {options: {base_url: http://x}}}",
        "somewhere: [{deep: {api_key: x}}]",
        f"providers: {{anthropic: {{api_key: {FAKE_KEY}}}}}",
        "providers: {anthropic: {api_key: $OTHER}}",
        "providers: {anthropic: {api_keys: [vault://other]}}",
        "providers: {anthropic: {name: offline}}",
        "providers: {anthropic: {enabled: false}}",
        "default_provider: other",
        "network: {use_env_proxy: true}",
        "network: {ca_bundle: ca.pem}",
        "network: {allowed_hosts: [x]}",
        "proxy: http://x",
        "logging: {file: x}",
        "limits: {concurrent: 1000}",
    ],
)
def test_a_workspace_never_sets_what_is_the_users_and_is_told_so(place: Place, text: str, trusted: bool) -> None:
    place.user(EVERYTHING.replace("direct", "pending"))
    place.workspace(text)
    assert config_of(place, trusted=trusted) == config_of(place, trusted=False)
    errors = [found for found in codes(place, trusted=trusted) if found[0] == "error"]
    assert errors == [("error", 1, "not-allowed")]
    assert "FAKE" not in str(place.load(trusted=trusted).problems)


@pytest.mark.parametrize(
    "text",
    [
        "edits: {review: direct}",
        "tools: {mode: edit}",
        "hover: {mode: always}",
        "hover: {max_per_hour: 61}",
        "context: {max_tokens: 12001}",
        "privacy: {redact_secrets: false}",
        "budget: {daily_usd: 6}",
        "budget: {daily_usd: null}",
        "providers: {nobody: {model: m}}",
    ],
)
def test_a_trusted_workspace_never_widens(place: Place, text: str) -> None:
    place.user("budget: {daily_usd: 5}")
    place.workspace(text)
    assert config_of(place, trusted=True) == config_of(place, trusted=False)
    assert [severity for severity, _, _ in codes(place, trusted=True)] == ["error"]


def test_direct_is_refused_in_a_workspace_also_where_the_user_has_it(place: Place) -> None:
    place.user("edits: {review: direct}")
    place.workspace("edits: {review: direct}")
    assert codes(place, trusted=True) == [("error", 1, "not-allowed")]


@pytest.mark.parametrize("pattern", ["'!*.key'", "' !*.key'"])
def test_a_workspace_brings_no_ignored_file_back(place: Place, pattern: str) -> None:
    place.user("privacy: {ignore: ['*.key']}")
    place.workspace(f"privacy: {{ignore: [{pattern}, gen/]}}")
    assert config_of(place, trusted=True).privacy.ignore == ("*.key", "gen/")
    assert codes(place, trusted=True) == [("error", 1, "not-allowed")]


def test_the_rest_of_a_workspace_file_applies_beside_what_is_refused(place: Place) -> None:
    place.workspace("network: {ca_bundle: x}\ntools: {mode: off}\nunknown: 1\n")
    assert config_of(place, trusted=True).tools.mode == "off"
    assert codes(place, trusted=True) == [("error", 1, "not-allowed"), ("warning", 3, "unknown-key")]


@pytest.mark.parametrize("text", ["tools: [", "tools: {mode: 1}", "config_version: 3"])
def test_a_bad_workspace_file_counts_as_absent_with_its_place(place: Place, text: str) -> None:
    place.workspace(text + "\nrouting: {mode: fast}")
    loaded = place.load(trusted=True)
    assert loaded.config == Config()
    assert [(problem.path, problem.severity) for problem in loaded.problems] == [(place.workspace_file, "error")]
    assert loaded.workspace_is_bad


def test_a_workspace_folder_in_the_place_of_a_file_is_a_problem_not_a_crash(place: Place) -> None:
    place.workspace_file.mkdir()
    for trusted in (None, True):
        assert codes(place, trusted=trusted) == [("error", 1, "unreadable")]


def test_a_workspace_file_that_is_the_users_file_is_only_the_users(place: Place) -> None:
    place.user("edits: {review: direct}")
    loaded = load(place.locations, place.locations.home)
    assert loaded.problems == ()
    assert loaded.config is not None
    assert loaded.config.edits.review == "direct"
    assert [source.state for source in loaded.sources] == ["used", "same_as_user"]
