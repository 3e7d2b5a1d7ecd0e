"""What an editor shows in a configuration file: what a key means, and what may be written at a place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import attrs

from missy_lsp.config.actions import built_in_actions, front_fields
from missy_lsp.config.json_schema import default_of
from missy_lsp.config.values import SECTIONS, TOP_LEVEL, Config, ProviderConfig
from missy_lsp.features.config_outline import (
    CursorSpot,
    DocumentKind,
    Path,
    all_keys,
    cursor_at,
    front_matter,
    keys_of_line,
)
from missy_lsp.llm.catalogue import Catalogue

_PROVIDERS = ("anthropic", "offline")
_MODEL_FIELDS = frozenset({"model", "fast_model", "premium_model"})
_KEY = re.compile(r"[\w.-]*")
_VALUE = re.compile(r"[\w.$:/-]*")
_TYPES = {
    "str": "text",
    "int": "whole number",
    "bool": "true or false",
    "str | None": "text or null",
    "int | None": "whole number or null",
    "float | None": "number or null",
    "tuple[str, ...]": "list of texts",
    "KeyReference | None": "a key: `vault://NAME`, `$ENV_NAME`, or null",
    "tuple[KeyReference, ...]": "list of keys: `vault://NAME` or `$ENV_NAME`",
    "Mapping[str, str]": "mapping of names to texts",
}
_WORKSPACE = {"no": "no", "yes": "yes", "narrow": "only more careful"}


@attrs.frozen
class Explanation:
    """Markdown on a key, and the columns of that key."""

    markdown: str
    line: int
    start: int
    end: int


@attrs.frozen
class Completion:
    """A text that may stand in the place of the columns from `start` to `end` of the cursor's line."""

    label: str
    new_text: str
    kind: Literal["key", "section", "value"]
    markdown: str
    start: int
    end: int


def hover_at(lines: Sequence[str], line: int, column: int, kind: DocumentKind) -> Explanation | None:
    """Explain the key at a place, or the one whose value stands there; None where there is none of ours."""
    if not _is_in(lines, line, kind):
        return None
    spots = [spot for spot in keys_of_line(lines, line) if spot.start <= column]
    for spot in reversed(spots[-1:]):
        entry = _entries(spot.path[:-1], kind).get(spot.name)
        path = spot.path
        if entry is None and (entry := _map_at(path[:-1], kind)) is not None:
            path = path[:-1]  # an entry of a map means what the map does
        if entry is not None:
            return Explanation(_documentation(path, entry, kind), line, spot.start, spot.end)
    return None


def completions_at(
    lines: Sequence[str], line: int, column: int, kind: DocumentKind, catalogue: Catalogue
) -> tuple[Completion, ...]:
    """Return what may be written at a place: keys that this file may set and does not, or values."""
    if not _is_in(lines, line, kind):
        return ()
    spot = cursor_at(lines, line, column)
    if spot is None:
        return ()
    text = lines[line] if line < len(lines) else ""
    word = (_VALUE if spot.is_value else _KEY).match(text, spot.start)
    end = max(column, word.end() if word else column)
    found = _values(lines, spot, kind, catalogue) if spot.is_value else _keys(lines, line, spot, text[end:], kind)
    return tuple(Completion(*parts, start=spot.start, end=end) for parts in found)


def _is_in(lines: Sequence[str], line: int, kind: DocumentKind) -> bool:
    return kind != "action" or line in front_matter(lines)


def _entries(path: Path, kind: DocumentKind) -> Mapping[str, Any]:
    """Return what the mapping at a path may hold: fields, sections, or a sentence on what is neither."""
    if kind == "action":
        return front_fields() if not path else {}
    match path:
        case ():
            providers = attrs.fields_dict(Config)["providers"]
            return {
                "config_version": "The version of the file's format: 2.",
                **TOP_LEVEL,
                "providers": providers,
                **SECTIONS,
            }
        case ("providers", _):
            return attrs.fields_dict(ProviderConfig)
        case (name,) if name in SECTIONS:
            return attrs.fields_dict(SECTIONS[name])
    return {}


def _map_at(path: Path, kind: DocumentKind) -> Any:
    """Return the field that is a map at a path, None for any other."""
    entry = _entries(path[:-1], kind).get(path[-1]) if path else None
    return entry if _is_map(entry) else None


def _is_map(entry: Any) -> bool:
    return isinstance(entry, attrs.Attribute) and entry.metadata.get("keys") is not None


def _may_set(entry: Any, kind: DocumentKind) -> bool:
    if kind != "workspace" or isinstance(entry, str):
        return True
    if isinstance(entry, type):
        return any(_may_set(field, kind) for field in attrs.fields(entry))
    return bool(entry.name == "providers" or entry.metadata["workspace"] != "no")


def _keys(
    lines: Sequence[str], line: int, spot: CursorSpot, behind: str, kind: DocumentKind
) -> Iterator[tuple[str, str, Literal["key", "section", "value"], str]]:
    taken = _siblings(lines, line, spot)
    colon = "" if behind.lstrip().startswith(":") else ":"
    if spot.path == ("providers",) and kind != "action":
        for name in ("anthropic",):
            if name not in taken:
                yield name, name + colon, "section", "The settings of this provider, by a name of yours."
        return
    within = _map_at(spot.path, kind)
    if within is not None and within.metadata["keys"] == "action" and _may_set(within, kind):
        for name, said in (("ask", "Questions."), *((found.id, found.title) for found in built_in_actions().actions)):
            if name not in taken:
                yield name, f"{name}{colon}{' ' if colon else ''}", "key", said
    for name, entry in _entries(spot.path, kind).items():
        if name in taken or not _may_set(entry, kind):
            continue
        is_section = isinstance(entry, type) or name == "providers" or _is_map(entry)
        space = " " if colon and not is_section else ""
        text = _documentation((*spot.path, name), entry, kind)
        yield name, f"{name}{colon}{space}", "section" if is_section else "key", text


def _siblings(lines: Sequence[str], line: int, spot: CursorSpot) -> frozenset[str]:
    """Return the keys that the mapping already has, the one under the cursor left out."""
    return frozenset(
        key.name
        for key in all_keys(lines)
        if key.path[:-1] == spot.path and not (key.line == line and key.start == spot.start)
    )


def _values(
    lines: Sequence[str], spot: CursorSpot, kind: DocumentKind, catalogue: Catalogue
) -> Iterator[tuple[str, str, Literal["key", "section", "value"], str]]:
    entry = _entries(spot.path[:-1], kind).get(spot.path[-1]) if spot.path else None
    if _is_map(entry):
        return  # its value is a mapping
    entry = entry or _map_at(spot.path[:-1], kind)
    if entry is None or not _may_set(entry, kind):
        return
    for value, said in _choices(lines, spot.path, entry, kind, catalogue):
        yield value, value, "value", said


def _choices(
    lines: Sequence[str], path: Path, entry: Any, kind: DocumentKind, catalogue: Catalogue
) -> Iterator[tuple[str, str]]:
    if isinstance(entry, str):
        yield "2", entry
        return
    if isinstance(entry, type):
        return
    doc, choices = entry.metadata["doc"], entry.metadata["choices"]
    is_narrowed = kind == "workspace" and entry.metadata["workspace"] == "narrow"
    if choices:
        # From the most careful one on: what is less careful than the default is the user's own to choose.
        last = choices.index(entry.default) + 1 if is_narrowed else len(choices)
        yield from ((choice, doc) for choice in choices[:last])
    elif entry.type == "bool":
        wanted = (entry.metadata["towards"],) if is_narrowed else (True, False)
        yield from ((json.dumps(value), doc) for value in wanted)
    elif entry.name in _MODEL_FIELDS:
        yield from ((model, _of_model(catalogue, model)) for model in catalogue.models)
    elif entry.name in ("default_provider", "folders"):
        named = {key.name: None for key in all_keys(lines) if key.path[:-1] == ("providers",)}
        yield from ((name, doc) for name in {**named, **dict.fromkeys(_PROVIDERS)})
    elif path[0] == "providers" and entry.name == "name":
        yield from ((name, doc) for name in _PROVIDERS)
    elif path[0] == "providers" and entry.name in ("api_key", "api_keys"):
        yield f"vault://{path[1]}_api_key", "An entry of the vault; to store it: `missy vault set`."
        yield "$ANTHROPIC_API_KEY", "A variable of the environment."


def _of_model(catalogue: Catalogue, model: str) -> str:
    facts = catalogue.models[model]
    price = f"${facts.price.input:g} and ${facts.price.output:g} per million tokens in and out"
    return f"{facts.name}: {facts.context_tokens:,} tokens of context, {price}, {facts.status}."


def _documentation(path: Path, entry: Any, kind: DocumentKind) -> str:
    """Return Markdown on a key: what it means, its type and default, and who may set it."""
    head = f"**`{'.'.join(path)}`**"
    if isinstance(entry, str):
        return f"{head}\n\n{entry}"
    if isinstance(entry, type):
        fields = ", ".join(f"`{field.name}`" for field in attrs.fields(entry))
        return f"{head}\n\n{(entry.__doc__ or '').strip()}\n\nHas: {fields}."
    meta = entry.metadata
    lines = [head, "", meta["doc"], ""]
    if entry.name == "providers":
        return "\n".join(lines).rstrip()
    lines.append(f"- Type: {_TYPES[str(entry.type)]}")
    if meta["choices"]:
        lines.append(f"- One of: {', '.join(f'`{choice}`' for choice in meta['choices'])}")
    if meta["minimum"] is not None:
        lines.append(f"- At least: {meta['minimum']:g}")
    has_default = _is_map(entry) or not isinstance(entry.default, attrs.Factory)  # type: ignore[arg-type]
    if has_default and not (meta["required"] and kind == "action"):
        lines.append(f"- Default: `{json.dumps(default_of(entry))}`")
    if kind != "action":
        lines.append(f"- A workspace file may set it: {_WORKSPACE[meta['workspace']]}")
        lines.append(f"- Editor settings may set it: {_WORKSPACE[meta['editor']]}")
    return "\n".join(lines)
