"""The example file of the contract, to the letter: it says the defaults, and everything that can be set."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest
import yaml

from missy_lsp.config.json_schema import json_schema
from missy_lsp.config.values import SECTIONS, Config, ProviderConfig
from tests.support.config_place import Place

EXAMPLE = """
config_version: 2
default_provider: anthropic
providers:
  anthropic:                      # fields, types and defaults as in the seed page
    name: anthropic               # str  "anthropic"          which implementation
    model: claude-sonnet-4-6      # str  "claude-sonnet-4-6"  primary model
    api_key: null                 # str? null   literal, vault://NAME or $ENV_NAME; falls back to ANTHROPIC_API_KEY
    api_keys: []                  # list []     several keys, for rotation; same forms
    timeout: 30                   # int  30     seconds
    fast_model: ""                # str  ""     empty: the primary model serves this tier
    premium_model: ""             # str  ""
    enabled: true                 # bool true
    base_url: null                # str? null   a gateway or local server that speaks the Messages API
    max_output_tokens: null       # int? null   null: by action and size of the target; a number caps it
routing:
  mode: auto                      # auto | fast | primary | premium
  confirm_premium: false          # ask before a premium request
hover: {mode: auto, max_per_hour: 60}   # off | cached | auto | always
edits: {review: pending}          # pending | direct
tools: {mode: read}               # off | read | edit
context: {max_tokens: 12000}
privacy: {ignore: [], redact_secrets: true}
budget: {daily_usd: null, request_usd: null}
limits: {concurrent: 16}          # upstream streams at once; the rest wait their turn
network: {use_env_proxy: false, ca_bundle: null}
"""
DOCUMENT: dict[str, Any] = yaml.safe_load(EXAMPLE)
# What came after the example, by issues: gateways that read the key from one header alone, the clouds.
PROVIDER = {**DOCUMENT["providers"]["anthropic"], "auth": "auto", "region": None, "project": None}
# And thinking and effort, tiers by action and path, cheaper tiers below a cap, providers by folder, suggestions at the
# cursor.
EFFORTS = {"fast_effort": "auto", "primary_effort": "auto", "premium_effort": "auto"}
LATER: dict[str, dict[str, Any]] = {
    "routing": {"thinking": "premium", **EFFORTS, "actions": {}, "paths": {}},
    "budget": {"on_exceed": "refuse"},
    "completion": {"mode": "off", "max_per_hour": 120, "debounce_ms": 250, "max_lines": 12},
}
SECTION = {name: {**DOCUMENT.get(name, {}), **LATER.get(name, {})} for name in SECTIONS}


@pytest.mark.parametrize("write", [str, lambda text: json.dumps(yaml.safe_load(text))], ids=["YAML", "JSON"])
def test_the_example_says_the_defaults_and_has_no_problem(place: Place, write: Any) -> None:
    place.user(write(EXAMPLE))
    loaded = place.load()
    assert (loaded.problems, loaded.config) == ((), Config())


def test_the_example_has_every_declared_field() -> None:
    assert list(PROVIDER) == [field.name for field in attrs.fields(ProviderConfig)]
    assert {*DOCUMENT, *LATER} == {"config_version", "default_provider", "providers", *SECTIONS}
    assert {name: list(values) for name, values in SECTION.items()} == {
        name: [field.name for field in attrs.fields(section)] for name, section in SECTIONS.items()
    }


def test_the_schema_takes_the_example_and_its_defaults_are_the_examples() -> None:
    assert list(mismatches(json_schema(), DOCUMENT, "")) == []
    properties = json_schema()["properties"]
    provider = properties["providers"]["additionalProperties"]["properties"]
    assert {name: field["default"] for name, field in provider.items()} == PROVIDER
    for name in SECTIONS:
        defaults = {field: schema["default"] for field, schema in properties[name]["properties"].items()}
        assert defaults == SECTION[name]


@pytest.mark.parametrize(
    ("section", "value"),
    [
        ("config_version", 3),
        ("config_version", "2"),
        ("default_provider", ""),
        ("providers", {"anthropic": {"timeout": "30"}}),
        ("providers", {"anthropic": {"timeout": 0}}),
        ("providers", {"anthropic": {"api_keys": "x"}}),
        ("hover", {"mode": "often"}),
        ("privacy", {"ignore": [1]}),
        ("budget", {"daily_usd": -1}),
        ("network", []),
        ("budget", {"on_exceed": "ignore"}),
        ("routing", {"actions": ["explain"]}),
        ("routing", {"actions": {"explain": "dear"}}),
        ("routing", {"paths": {"docs/**": 1}}),
        ("folders", {"~/a": ""}),
    ],
)
def test_the_schema_and_the_reader_refuse_the_same(place: Place, section: str, value: object) -> None:
    document = {**DOCUMENT, section: value}
    assert len(list(mismatches(json_schema(), document, ""))) == 1
    place.user(json.dumps(document))
    assert place.load().config is None


def mismatches(schema: dict[str, Any], value: Any, path: str) -> list[str]:
    """Check a value by the few keywords of JSON Schema that ours is made of."""
    types = {"string": str, "integer": int, "boolean": bool, "number": (int, float), "array": list, "object": dict}
    names = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    fits = (
        (value is None)
        if value is None
        else any(
            isinstance(value, types[name]) and (name == "boolean" or not isinstance(value, bool))  # type: ignore[arg-type]
            for name in names
            if name != "null"
        )
    )
    if not fits or (value is None and "null" not in names):
        return [f"{path}: {value!r} is not of type {names}"]
    found = []
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{path}: {value!r} is none of {schema['enum']}")
    if isinstance(value, str) and len(value) < schema.get("minLength", 0):
        found.append(f"{path}: too short")
    if isinstance(value, int | float) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        found.append(f"{path}: {value!r} is out of bounds")
    if isinstance(value, list):
        found += [fault for item in value for fault in mismatches(schema["items"], item, f"{path}[]")]
    if isinstance(value, dict):
        for name, inner in value.items():
            below = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
            found += mismatches(below, inner, f"{path}.{name}") if below else []
    return found
