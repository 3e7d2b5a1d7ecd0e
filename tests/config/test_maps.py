"""Settings that are maps: tiers by action and path, providers by folder."""

from __future__ import annotations

import pytest

from missy_lsp.config.json_schema import json_schema
from missy_lsp.config.reference import reference_page
from missy_lsp.config.values import Config
from tests.support.config_place import Place

USERS = "routing: {actions: {explain: fast}, paths: {'docs/**': fast, 'src/**': primary}}\n"


def config_of(place: Place, editor: object = None) -> Config:
    config = place.load(editor, trusted=True).config
    assert config is not None
    return config


def test_maps_merge_key_by_key_and_what_is_said_last_stands_last(place: Place) -> None:
    place.user(USERS)
    place.workspace("routing: {actions: {review: premium}, paths: {'docs/**': auto, 'src/crypto/**': premium}}\n")
    routing = config_of(place, {"routing": {"actions": {"explain": "primary"}}}).routing
    assert routing.actions == {"review": "premium", "explain": "primary"}
    assert list(routing.paths.items()) == [("src/**", "primary"), ("docs/**", "auto"), ("src/crypto/**", "premium")]


@pytest.mark.parametrize("empty", ["routing: {actions: }", "routing: {actions: {}}", "folders:"])
def test_an_empty_map_changes_nothing(place: Place, empty: str) -> None:
    place.user(empty)
    assert (config_of(place), place.load().problems) == (Config(), ())


@pytest.mark.parametrize(
    ("text", "place_of_it", "words"),
    [
        ("routing: {actions: [explain]}", "1:20", "routing.actions: a mapping"),
        ("routing: {actions: fast}", "1:20", "routing.actions: a mapping"),
        ("routing: {actions: {Explain This: fast}}", "1:21", "the id of an action is expected"),
        ("routing: {actions: {explain: dear}}", "1:30", "routing.actions.explain: one of auto, fast"),
        ("routing: {actions: {explain: premum}}", "1:30", "did you mean `premium`"),
        ("routing: {actions: {explain: [fast]}}", "1:30", "a text is expected"),
        ("routing: {paths: {'!docs': fast}}", "1:19", "such as `docs/"),
        ("routing: {paths: {'# docs': fast}}", "1:19", "such as `docs/"),
        ("routing: {paths: {' ': fast}}", "1:19", "such as `docs/"),
        (f"routing: {{paths: {{{'x' * 201}: fast}}}}", "1:19", "at most 200"),
        (f"routing: {{paths: {{{', '.join(f'p{n}: fast' for n in range(501))}}}}}", "1:18", "at most 500"),
        ("folders: {work: anthropic}", "1:11", "a folder is expected"),
        ("folders: {'./work': anthropic}", "1:11", "a folder is expected"),
        ("folders: {~other/x: anthropic}", "1:11", "a folder is expected"),
        ("folders: {~/a: ''}", "1:16", "this is empty"),
        ("folders: {~/a: 7}", "1:16", "a text is expected"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_faulty_entry_is_told_at_its_place(place: Place, text: str, place_of_it: str, words: str) -> None:
    place.user(text)
    problems = [str(problem) for problem in place.load().problems if problem.severity == "error"]
    assert [f"{place.user_file}:{place_of_it}:" in said and words in said for said in problems] == [True]


@pytest.mark.parametrize("folder", ["~", "~/a", "/srv/a", "C:\\\\work", "c:/work", "\\\\\\\\host\\\\share"])
def test_a_folder_stands_from_the_root_or_the_home(place: Place, folder: str) -> None:
    place.user(f'folders: {{"{folder}": anthropic}}')
    assert place.load().problems == ()


@pytest.mark.parametrize("editor", [True, False], ids=["editor", "workspace"])
def test_providers_by_folder_are_the_users_own_to_set(place: Place, editor: bool) -> None:
    place.workspace("" if editor else "folders: {~/a: anthropic}\n")
    loaded = place.load({"folders": {"~/a": "anthropic"}} if editor else None, trusted=True)
    assert [problem.code for problem in loaded.problems] == ["not-allowed"]
    assert loaded.config == Config()


def test_a_bad_entry_of_an_editor_leaves_the_others(place: Place) -> None:
    loaded = place.load({"routing": {"actions": {"explain": "dear", "fix": "premium"}}})
    assert loaded.config is not None
    assert loaded.config.routing.actions == {"fix": "premium"}
    assert [problem.severity for problem in loaded.problems] == ["warning"]


def test_they_are_described() -> None:
    schema = json_schema()["properties"]["routing"]["properties"]["actions"]
    assert schema["additionalProperties"]["enum"] == ["auto", "fast", "primary", "premium"]
    assert "| `folders` | map | `{}` |" in reference_page()
