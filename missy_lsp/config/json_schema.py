"""The JSON Schema of the user's file, made from the declarations (JSON Schema 2020-12)."""

from __future__ import annotations

from typing import Any

import attrs

from missy_lsp.config.values import CONFIG_VERSION, SECTIONS, TOP_LEVEL, Config, KeyReference, ProviderConfig

_TYPES: dict[str, dict[str, Any]] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "bool": {"type": "boolean"},
    "str | None": {"type": ["string", "null"]},
    "int | None": {"type": ["integer", "null"]},
    "float | None": {"type": ["number", "null"]},
    "tuple[str, ...]": {"type": "array", "items": {"type": "string"}},
    "KeyReference | None": {"type": ["string", "null"]},
    "tuple[KeyReference, ...]": {"type": "array", "items": {"type": "string"}},
    "Mapping[str, str]": {"type": "string"},
}


def json_schema() -> dict[str, Any]:
    """Return the schema; unknown keys are allowed, since the same file serves the Missy assistant."""
    properties: dict[str, Any] = {
        "config_version": {"type": "integer", "minimum": 1, "maximum": CONFIG_VERSION, "description": "Always 2."},
        **{name: field_schema(field) for name, field in TOP_LEVEL.items()},
        "providers": {
            "type": ["object", "null"],
            "description": attrs.fields_dict(Config)["providers"].metadata["doc"],
            "additionalProperties": _object(ProviderConfig),
        },
    }
    properties.update({name: _object(section) for name, section in SECTIONS.items()})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Missy configuration",
        "type": "object",
        "properties": properties,
    }


def field_schema(field: attrs.Attribute[Any]) -> dict[str, Any]:
    """Return the schema of one declared field."""
    said = {"description": field.metadata["doc"], "default": default_of(field)}
    if field.metadata["keys"] is not None:
        return {"type": ["object", "null"], **said, "additionalProperties": _value_schema(field)}
    return {**_value_schema(field), **said}


def _value_schema(field: attrs.Attribute[Any]) -> dict[str, Any]:
    schema = dict(_TYPES[str(field.type)])
    if field.metadata["choices"]:
        schema["enum"] = list(field.metadata["choices"])
    if field.metadata["required"]:
        schema["minLength"] = 1
    if field.metadata["max_characters"] is not None:
        schema["maxLength"] = field.metadata["max_characters"]
    if field.metadata["minimum"] is not None:
        schema["minimum"] = field.metadata["minimum"]
    return schema


def default_of(field: attrs.Attribute[Any]) -> Any:
    """Return a field's default as JSON has it."""
    default = field.default
    if isinstance(default, tuple):
        return list(default)
    if field.metadata["keys"] is not None:
        return {}
    assert not isinstance(default, KeyReference), "no key has a default"
    return default


def _object(cls: type[Any]) -> dict[str, Any]:
    return {
        "type": ["object", "null"],
        "description": (cls.__doc__ or "").strip(),
        "properties": {field.name: field_schema(field) for field in attrs.fields(cls)},
    }
