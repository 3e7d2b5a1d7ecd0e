"""The declarations are the one source: defaults as the seed page has them, schema and reference made from them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest

import missy_lsp
from missy_lsp.config.json_schema import json_schema
from missy_lsp.config.reference import reference_page
from missy_lsp.config.values import SECTIONS, KeyReference, ProviderConfig
from missy_lsp.config.watch import fingerprint
from tests.support.config_place import Place

ALL = {"providers.<name>": ProviderConfig, **SECTIONS}
FIELDS = [(name, field) for name, cls in ALL.items() for field in attrs.fields(cls)]


def test_a_provider_has_the_fields_and_defaults_of_the_seed_page() -> None:
    fields = {field.name: field.default for field in attrs.fields(ProviderConfig)}
    assert list(fields.items())[:8] == [
        ("name", "anthropic"),
        ("model", "claude-sonnet-4-6"),
        ("api_key", None),
        ("api_keys", ()),
        ("timeout", 30),
        ("fast_model", ""),
        ("premium_model", ""),
        ("enabled", True),
    ]


@pytest.mark.parametrize(("section", "field"), FIELDS, ids=lambda item: getattr(item, "name", item))
def test_every_field_is_in_the_schema_and_in_the_reference(section: str, field: attrs.Attribute[Any]) -> None:
    properties = json_schema()["properties"]
    holder = properties["providers"]["additionalProperties"] if "." in section else properties[section]
    schema = holder["properties"][field.name]
    assert schema["description"] == field.metadata["doc"]
    assert "type" in schema
    rows = reference_page().split(f"## `{section}`")[1].split("\n## ")[0]
    assert f"| `{field.name}` |" in rows
    assert field.metadata["doc"] in rows


def test_the_schema_is_json_and_knows_nothing_of_the_assistants_sections() -> None:
    schema = json.loads(json.dumps(json_schema()))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["properties"]["config_version"]["maximum"] == 2
    assert "additionalProperties" not in schema


@pytest.mark.parametrize("text", ["sk-ant-api03-FAKE-0000", "$NAME", "${NAME}", "vault://name"])
def test_a_key_reference_shows_no_key(text: str) -> None:
    reference = KeyReference.parse(text)
    assert "FAKE" not in f"{reference!r} {reference.shown}"
    assert reference.kind == {"s": "literal", "$": "env", "v": "vault"}[text[0]]


def test_a_fingerprint_tells_of_a_change_an_arrival_and_a_removal(place: Place) -> None:
    files = [place.user_file, place.workspace_file]
    seen = [fingerprint(files)]
    place.user("a")
    seen.append(fingerprint(files))
    place.user("ab")
    seen.append(fingerprint(files))
    place.user_file.unlink()
    assert len(set(seen)) == 3
    assert fingerprint(files) == seen[0] == (None, None)


def test_importing_the_configuration_imports_neither_yaml_nor_a_lock() -> None:
    program = "import sys, missy_lsp.config.loading, missy_lsp.config.trust; print(*sys.modules)"
    root = Path(missy_lsp.__file__).parents[1]
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=root)
    assert not {"yaml", "filelock", "asyncio"} & set(loaded.stdout.split())
