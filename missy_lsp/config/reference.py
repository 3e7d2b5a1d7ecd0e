"""The reference page of the configuration, made from the declarations."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import attrs

from missy_lsp.config.json_schema import default_of
from missy_lsp.config.values import SECTIONS, TOP_LEVEL, ProviderConfig

_TYPE_NAMES = {
    "str": "string",
    "int": "int",
    "bool": "bool",
    "str | None": "string",
    "int | None": "int",
    "float | None": "number",
    "tuple[str, ...]": "list",
    "KeyReference | None": "string",
    "tuple[KeyReference, ...]": "list",
    "Mapping[str, str]": "map",
}
_PERMISSIONS = {"no": "no", "yes": "yes", "narrow": "only more careful"}
_HEAD = "| field | type | default | meaning | workspace file | editor settings |\n| --- | --- | --- | --- | --- | --- |"


def reference_page() -> str:
    """Return the Markdown tables of every field, with who may set it."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield from ("## Top level", "", _HEAD)
    yield "| `config_version` | int | `2` | The version of the file's format. | no | no |"
    yield from (_row(field) for field in TOP_LEVEL.values())
    yield from ("", "## `providers.<name>`", "", _doc(ProviderConfig), "", _HEAD)
    yield from (_row(field) for field in attrs.fields(ProviderConfig))
    for name, section in SECTIONS.items():
        yield from ("", f"## `{name}`", "", _doc(section), "", _HEAD)
        yield from (_row(field) for field in attrs.fields(section))


def _row(field: attrs.Attribute[Any]) -> str:
    meta = field.metadata
    choices = f" One of {', '.join(f'`{choice}`' for choice in meta['choices'])}." if meta["choices"] else ""
    minimum = f" At least {meta['minimum']:g}." if meta["minimum"] is not None else ""
    longest = f" At most {meta['max_characters']} characters." if meta["max_characters"] is not None else ""
    default = json.dumps(default_of(field))
    permissions = f"{_PERMISSIONS[meta['workspace']]} | {_PERMISSIONS[meta['editor']]}"
    meaning = f"{meta['doc']}{choices}{minimum}{longest}"
    return f"| `{field.name}` | {_TYPE_NAMES[str(field.type)]} | `{default}` | {meaning} | {permissions} |"


def _doc(cls: type[Any]) -> str:
    return (cls.__doc__ or "").strip()
