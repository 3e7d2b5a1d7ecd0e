"""Hover, completion and fixes in configuration files, also half-typed ones; `|` marks the cursor."""

from __future__ import annotations

from pathlib import Path

import pytest

from missy_lsp.config.checking import check_layer
from missy_lsp.config.yaml_reading import read_yaml
from missy_lsp.document import split_lines
from missy_lsp.features.config_documents import completions_at, hover_at
from missy_lsp.features.config_fixes import fixes_for, literal_keys
from missy_lsp.features.config_outline import DocumentKind
from missy_lsp.llm.catalogue import Catalogue

CATALOGUE = Catalogue.load()
KEY = "sk-ant-api03-not-a-real-key"
DEPTH = ["thinking", "fast_effort", "primary_effort", "premium_effort"]


def cursor(marked: str) -> tuple[list[str], int, int]:
    before = marked[: marked.index("|")]
    return split_lines(marked.replace("|", "", 1)), before.count("\n"), len(before.rpartition("\n")[2])


def labels(marked: str, kind: DocumentKind = "user") -> list[str]:
    return [item.label for item in completions_at(*cursor(marked), kind, CATALOGUE)]


def completed(marked: str, label: str, kind: DocumentKind = "user") -> str:
    """Return the text that stands there when a completion is taken."""
    lines, line, column = cursor(marked)
    [item] = [item for item in completions_at(lines, line, column, kind, CATALOGUE) if item.label == label]
    lines[line] = lines[line][: item.start] + item.new_text + lines[line][item.end :]
    return "".join(lines)


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ("routing:\n  |", ["mode", "confirm_premium", *DEPTH, "actions", "paths"]),
        ("routing:\n  mode: fast\n  |", ["confirm_premium", *DEPTH, "actions", "paths"]),
        ("routing: {mode: auto, |", ["confirm_premium", *DEPTH, "actions", "paths"]),
        ("routing: {|", ["mode", "confirm_premium", *DEPTH, "actions", "paths"]),
        ("routing:\n  mode: |", ["auto", "fast", "primary", "premium"]),
        ("providers: [\nhover: {mode: |", ["off", "cached", "auto", "always"]),
        ("hover: 'unclosed\nedits:\n  review: p|", ["pending", "direct"]),
        ("privacy:\n  redact_secrets: |", ["true", "false"]),
        ("providers:\n  mine:\n    name: |", ["anthropic", "offline"]),
        ("providers:\n  mine:\n    api_key: |", ["vault://mine_api_key", "$ANTHROPIC_API_KEY"]),
        ("providers:\n  mine:\n    api_keys:\n    - |", ["vault://mine_api_key", "$ANTHROPIC_API_KEY"]),
        ("providers:\n  mine:\n    model: |", list(CATALOGUE.models)),
        ("providers: {mine: {}}\ndefault_provider: |", ["mine", "anthropic", "offline"]),
        ("routing:\n  mode: auto # |", []),
        ("routing:\n  actions:\n    explain: |", ["auto", "fast", "primary", "premium"]),
        ("routing: {paths: {'docs/**': |", ["auto", "fast", "primary", "premium"]),
        ("routing:\n  actions: |", []),
        ("routing:\n  paths:\n    |", []),
        ("providers: {mine: {}}\nfolders:\n  ~/a: |", ["mine", "anthropic", "offline"]),
        ("budget:\n  on_exceed: |", ["refuse", "cheaper"]),
        ("# |", []),
        ("plugins:\n  |", []),
    ],
)
def test_what_fits_the_place_is_offered(marked: str, expected: list[str]) -> None:
    assert labels(marked) == expected


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ("edits:\n  review: |", ["pending"]),
        ("tools: {mode: |", ["off", "read"]),
        ("privacy:\n  redact_secrets: |", ["true"]),
        ("providers:\n  mine:\n    |", ["model", "fast_model", "premium_model"]),
        ("providers:\n  mine:\n    api_key: |", []),
        ("network:\n  |", []),
    ],
)
def test_a_workspace_file_is_offered_only_what_it_may_set(marked: str, expected: list[str]) -> None:
    assert labels(marked, "workspace") == expected


def test_the_actions_that_come_with_missy_are_offered_where_a_tier_is_given_to_them() -> None:
    offered = labels("routing:\n  actions:\n    ask: fast\n    |")
    assert {"explain", "fix", "review"} <= set(offered)
    assert "ask" not in offered
    assert completed("routing:\n  actions:\n    exp|", "explain") == "routing:\n  actions:\n    explain: "
    assert completed("routing:\n  act|", "actions") == "routing:\n  actions:"


def test_a_workspace_file_is_not_offered_sections_that_are_the_users_own() -> None:
    assert {"network", "limits"} & set(labels("|")) == {"network", "limits"}
    assert not {"network", "limits", "default_provider"} & set(labels("|", "workspace"))


@pytest.mark.parametrize(
    ("marked", "label", "expected"),
    [
        ("rout|", "routing", "routing:"),
        ("hover:\n  mo|: off\n", "mode", "hover:\n  mode: off\n"),
        ("hover:\n  max|\n", "max_per_hour", "hover:\n  max_per_hour: \n"),
        ("hover: {mode: ca|}", "cached", "hover: {mode: cached}"),
        ("hover: {mode: a|uto}", "off", "hover: {mode: off}"),
    ],
)
def test_a_completion_takes_the_place_of_the_word(marked: str, label: str, expected: str) -> None:
    assert completed(marked, label) == expected


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ("---\n|\n---\nDo it.\n", "title result kind when languages tier effort"),
        ("---\ntitle: x\ntier: |", "auto fast primary premium"),
        ("---\nresult: |\n---\n", "answer replace|insert above|new file"),
        ("---\ntitle: x\n---\ntier: |", ""),
    ],
)
def test_the_front_matter_of_an_action_is_completed(marked: str, expected: str) -> None:
    assert " ".join(labels(marked, "action")) == expected.replace("|", " ")


@pytest.mark.parametrize(
    ("marked", "place", "words"),
    [
        ("hover:\n  mo|de: auto\n", (1, 2, 6), ["`hover.mode`", "One of", "`cached`", 'Default: `"auto"`']),
        ("hover: {mode: au|to}\n", (0, 8, 12), ["`hover.mode`"]),
        ("bud|get:\n", (0, 0, 6), ["Caps on what may be spent", "`daily_usd`"]),
        (f"providers:\n  a:\n    api_key: {KEY}|", (2, 4, 11), ["`vault://NAME`", "may set it: no"]),
        ("limits:\n  concurrent: [|", (1, 2, 12), ["At least: 1", "whole number"]),
        ("routing:\n  paths:\n    docs/**: f|", (2, 4, 11), ["`routing.paths`", "the last one", "Default: `{}`"]),
    ],
)
def test_a_key_is_explained_where_it_stands(marked: str, place: tuple[int, int, int], words: list[str]) -> None:
    found = hover_at(*cursor(marked), "user")
    assert found is not None
    assert (found.line, found.start, found.end) == place
    assert all(word in found.markdown for word in words)
    assert KEY not in found.markdown


@pytest.mark.parametrize("marked", ["plug|ins:\n", "# ho|ver: x\n", "|\n", "  |", "providers:\n  mi|ne:\n"])
def test_nothing_is_said_of_what_is_not_ours(marked: str) -> None:
    assert hover_at(*cursor(marked), "user") is None


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("hoover: {mode: off}\n", "did-you-mean", "hover: {mode: off}\n"),
        ("hover:\n  mode: cache\n", "did-you-mean", "hover:\n  mode: cached\n"),
        ("network:\n  use_env_proxy: true\nhover: {}\n", "remove", "hover: {}\n"),
        ("providers:\n  a:\n    model: x\n    base_url: http://x\n", "remove", "providers:\n  a:\n    model: x\n    "),
        ("providers: {a: {timeout: 3, model: x}}\n", "remove", "providers: {a: {model: x}}\n"),
        ("providers: {a: {model: x, timeout: 3}}\n", "remove", "providers: {a: {model: x}}\n"),
        ("privacy:\n  ignore:\n  - a\n  - '!b'\n  - c\n", "remove", "privacy:\n  ignore:\n  - a\n  - c\n"),
    ],
)
def test_a_fix_ends_its_problem(text: str, name: str, expected: str) -> None:
    lines = split_lines(text)
    _, problems = check_layer(read_yaml(text.encode()), "workspace", Path("config.yaml"))
    [fix] = [fix for problem in problems for fix in fixes_for(problem, lines) if fix.name == name]
    start = sum(map(len, lines[: fix.place.line])) + fix.place.column
    end = sum(map(len, lines[: fix.place.end_line])) + fix.place.end_column
    after = text[:start] + fix.new_text + text[end:]
    assert after.rstrip() == expected.rstrip()
    assert check_layer(read_yaml(after.encode()), "workspace", Path("config.yaml"))[1] == ()


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        (f"providers: {{anthropic: {{api_key: {KEY}}}}}", ["anthropic_api_key"]),
        (f"providers:\n  a:\n    api_keys: ['{KEY}', vault://x, {KEY}2]", ["a_api_key_1", "a_api_key_3"]),
        ("providers: {a: {api_key: vault://a}, b: {api_key: $B}, c: {api_key: }}", []),
        (f"providers: {{'{KEY}': {{api_key: {KEY}}}}}", []),
        (f"providers: [{KEY}", []),
    ],
)
def test_keys_in_the_file_are_found_without_being_told(text: str, entries: list[str]) -> None:
    found = literal_keys(text)
    assert [key.entry for key in found] == entries
    assert KEY not in repr(found)
