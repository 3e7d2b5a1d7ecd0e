"""From nodes to settings: what is known, of the right type and this layer's to set; the rest is a problem."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import attrs

from missy_lsp.config.nodes import ListNode, MapNode, Node, Place, ScalarNode
from missy_lsp.config.problems import Problem, Severity
from missy_lsp.config.urls import normalized_base_url
from missy_lsp.config.values import (
    ASSISTANT_NETWORK_KEYS,
    ASSISTANT_SECTIONS,
    CONFIG_VERSION,
    SECTIONS,
    Config,
    KeyReference,
    ProviderConfig,
    reference_fault,
)

LayerKind = Literal["user", "workspace", "editor"]

_TOP_LEVEL = ("config_version", "default_provider", "providers", *SECTIONS)
_EDITOR_OWN = frozenset({"server", "trace"})  # settings of the VS Code extension itself
_CAMEL = re.compile(r"(?<=[a-z0-9])([A-Z])")
_PROVIDER_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_REFUSED: Mapping[LayerKind, str] = {
    "workspace": "a workspace file may not set this; it belongs into your own configuration file",
    "editor": "editor settings may not set this; it belongs into your own configuration file",
}


@attrs.frozen
class Setting:
    """A value that a layer wants, and where it said so."""

    value: object
    place: Place


@attrs.frozen
class Layer:
    """What one source sets: by section or provider and field."""

    kind: LayerKind
    path: Path | None = None
    default_provider: Setting | None = None
    sections: Mapping[str, Mapping[str, Setting]] = attrs.field(factory=dict)
    providers: Mapping[str, Mapping[str, Setting]] = attrs.field(factory=dict)


def check_layer(root: Node | None, kind: LayerKind, path: Path | None) -> tuple[Layer, tuple[Problem, ...]]:
    """Check everything that a source holds; settings with an error are left out."""
    checker = _Checker(kind, path)
    layer = checker.layer(root)
    return layer, tuple(checker.problems)


class _Checker:
    def __init__(self, kind: LayerKind, path: Path | None) -> None:
        self._kind: LayerKind = kind
        self._path = path
        self.problems: list[Problem] = []

    def layer(self, root: Node | None) -> Layer:
        if root is None:
            return Layer(self._kind, self._path)
        if not isinstance(root, MapNode):
            self._report(root.place, "type", "a mapping of settings is expected")
            return Layer(self._kind, self._path)
        default_provider: Setting | None = None
        sections: dict[str, Mapping[str, Setting]] = {}
        providers: dict[str, Mapping[str, Setting]] = {}
        for key, name, node in self._entries(root, _TOP_LEVEL):
            if name == "config_version":
                self._version(node)
            elif name == "default_provider":
                found = self._field(attrs.fields_dict(Config)[name], key, node, name)
                default_provider = found
            elif name == "providers":
                providers = self._providers(node)
            elif name in SECTIONS:
                sections[name] = self._section(SECTIONS[name], node, name)
            elif name not in ASSISTANT_SECTIONS and not (self._kind == "editor" and name in _EDITOR_OWN):
                self._unknown(key, name, _TOP_LEVEL, "")
        return Layer(self._kind, self._path, default_provider, sections, providers)

    def _entries(self, node: MapNode, known: Iterable[str]) -> Iterable[tuple[ScalarNode, str, Node]]:
        names = set(known)
        for key, value in node.entries:
            name = str(key.value)
            if self._kind == "editor" and name not in names:
                name = _CAMEL.sub(r"_\1", name).lower()
            yield key, name, value

    def _version(self, node: Node) -> None:
        value = node.value if isinstance(node, ScalarNode) else None
        if type(value) is not int or value < 1:
            self._report(node.place, "type", "config_version: a whole number is expected")
        elif value > CONFIG_VERSION:
            message = f"config_version {value} is newer than this Missy knows ({CONFIG_VERSION}); update missy-lsp"
            self._report(node.place, "version", message)

    def _providers(self, node: Node) -> dict[str, Mapping[str, Setting]]:
        providers: dict[str, Mapping[str, Setting]] = {}
        if isinstance(node, ScalarNode) and node.value is None:
            return providers
        if not isinstance(node, MapNode):
            self._report(node.place, "type", "providers: a mapping of names to providers is expected")
            return providers
        for key, entry in node.entries:
            name = str(key.value)
            if not _PROVIDER_ID.fullmatch(name):
                self._report(key.place, "name", "providers: a name is made of letters, digits, `_`, `-` and `.`")
                continue
            providers[name] = self._section(ProviderConfig, entry, f"providers.{name}")
        return providers

    def _section(self, cls: type[Any], node: Node, path: str) -> dict[str, Setting]:
        settings: dict[str, Setting] = {}
        if isinstance(node, ScalarNode) and node.value is None and node.fault is None:
            return settings
        if not isinstance(node, MapNode):
            self._report(node.place, "type", f"{path}: a mapping of settings is expected")
            return settings
        fields = attrs.fields_dict(cls)
        for key, name, value in self._entries(node, fields):
            if name in fields:
                setting = self._field(fields[name], key, value, f"{path}.{name}")
                if setting is not None:
                    settings[name] = setting
            elif not (path == "network" and name in ASSISTANT_NETWORK_KEYS):
                self._unknown(key, name, fields, f"{path}.")
        return settings

    def _field(self, field: attrs.Attribute[Any], key: ScalarNode, node: Node, path: str) -> Setting | None:
        if self._kind != "user" and field.metadata.get(self._kind, "no") == "no":
            self._report(key.place, "not-allowed", f"{path}: {_REFUSED[self._kind]}")
            return None
        try:
            value = _READERS[str(field.type)](node)
            _check_limits(field, value)
            if field.name == "base_url" and value is not None:
                value = normalized_base_url(str(value))
        except ValueError as error:
            self._report(node.place, "type", f"{path}: {error}")
            return None
        return Setting(value, node.place)

    def _unknown(self, key: ScalarNode, name: str, known: Iterable[str], prefix: str) -> None:
        near = difflib.get_close_matches(name, list(known), n=1)
        hint = f"; did you mean `{near[0]}`?" if near else ""
        message = f"{prefix}{_shown(name)} is not a setting that anybody knows{hint}"
        self._report(key.place, "unknown-key", message, "warning")

    def _report(self, place: Place, code: str, message: str, severity: Severity = "error") -> None:
        self.problems.append(
            Problem(self._path, place.line, place.column, place.end_line, place.end_column, severity, code, message)
        )


def _check_limits(field: attrs.Attribute[Any], value: object) -> None:
    choices = field.metadata["choices"]
    if choices and value not in choices:
        near = difflib.get_close_matches(str(value), choices, n=1)
        raise ValueError(f"one of {', '.join(choices)} is expected" + (f"; did you mean `{near[0]}`?" if near else ""))
    minimum = field.metadata["minimum"]
    if minimum is not None and isinstance(value, int | float) and value < minimum:
        raise ValueError(f"at least {minimum:g} is expected")


def _scalar_of(node: Node, expected: str) -> object:
    if not isinstance(node, ScalarNode):
        raise ValueError(f"{expected} is expected")
    if node.fault is not None:
        raise ValueError(f"{expected} is expected; this is {node.fault}" if "number" in node.fault else node.fault)
    return node.value


def _text(node: Node) -> str:
    value = _scalar_of(node, "a text")
    if not isinstance(value, str):
        raise ValueError(f"a text is expected, this is {_kind(value)}; quote it if you mean its letters")
    return value


def _whole_number(node: Node) -> int:
    value = _scalar_of(node, "a whole number")
    if type(value) is not int:
        raise ValueError(f"a whole number is expected, this is {_kind(value)}")
    return value


def _amount(node: Node) -> float:
    value = _scalar_of(node, "a number")
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"a number is expected, this is {_kind(value)}")
    return float(value)


def _truth(node: Node) -> bool:
    value = _scalar_of(node, "true or false")
    if not isinstance(value, bool):
        raise ValueError(f"true or false is expected, this is {_kind(value)}")
    return value


def _texts(node: Node) -> tuple[str, ...]:
    if not isinstance(node, ListNode):
        raise ValueError("a list of texts is expected")
    if len(node.items) > 1000:
        raise ValueError("at most 1000 entries are read")
    return tuple(_text(item) for item in node.items)


def _reference(node: Node) -> KeyReference:
    if isinstance(node, ScalarNode) and not isinstance(node.value, str):
        raise ValueError("a text is expected: the key, `vault://NAME` or `$ENV_NAME`")
    reference = KeyReference.parse(_text(node))
    fault = reference_fault(reference)
    if fault is not None:
        raise ValueError(fault)
    return reference


def _references(node: Node) -> tuple[KeyReference, ...]:
    if not isinstance(node, ListNode):
        raise ValueError("a list of keys is expected")
    return tuple(_reference(item) for item in node.items)


def _or_null(read: Callable[[Node], object]) -> Callable[[Node], object]:
    def check(node: Node) -> object:
        if isinstance(node, ScalarNode) and node.value is None and node.fault is None:
            return None
        return read(node)

    return check


_READERS: Mapping[str, Callable[[Node], object]] = {
    "str": _text,
    "int": _whole_number,
    "bool": _truth,
    "str | None": _or_null(_text),
    "int | None": _or_null(_whole_number),
    "float | None": _or_null(_amount),
    "tuple[str, ...]": _texts,
    "KeyReference | None": _or_null(_reference),
    "tuple[KeyReference, ...]": _references,
}


def _kind(value: object) -> str:
    match value:
        case None:
            return "empty"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case _:
            return "a text"


def _shown(name: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in name[:60])
