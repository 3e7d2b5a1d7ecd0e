"""From nodes to settings: what is known, of the right type and this layer's to set; the rest is a problem."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import attrs

from missy_lsp.config.nodes import ListNode, MapNode, Node, Place, ScalarNode
from missy_lsp.config.problems import Problem, Severity, shown
from missy_lsp.config.urls import normalized_base_url
from missy_lsp.config.value_reading import MAX_ENTRIES, key_fault, pattern_fault, read_text, read_value
from missy_lsp.config.values import (
    ASSISTANT_KEYS,
    ASSISTANT_SECTIONS,
    CONFIG_VERSION,
    SECTIONS,
    TOP_LEVEL,
    ProviderConfig,
)

LayerKind = Literal["user", "workspace", "editor"]

_KNOWN = ("config_version", *TOP_LEVEL, "providers", *SECTIONS)
_EDITOR_OWN = frozenset({"server", "trace"})  # settings of the VS Code extension itself
_CAMEL = re.compile(r"(?<=[a-z0-9])([A-Z])")
_PROVIDER_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_NEAR = 0.72
_MAX_NAME = 200
# Names that other tools give to what only the user's own file may set; told under any of them.
_FOREIGN_NAMES = """
    apibase apitoken autoaccept autoapply autoapprove baseurl customheaders endpoint headers httpproxy httpsproxy
    logfile logging loglevel network proxies proxy
"""
_REFUSED: Mapping[LayerKind, str] = {
    "workspace": "a workspace file may not set this; what you want for yourself goes into ~/.missy/config.yaml",
    "editor": "editor settings may not set this; what you want for yourself goes into ~/.missy/config.yaml",
}


@attrs.frozen
class Setting:
    """A value that a layer wants, and where it said so."""

    value: object
    place: Place


@attrs.frozen
class Layer:
    """What one source sets: at the top level, and by section or provider and field."""

    kind: LayerKind
    path: Path | None = None
    top: Mapping[str, Setting] = attrs.field(factory=dict)
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
        top: dict[str, Setting] = {}
        sections: dict[str, Mapping[str, Setting]] = {}
        providers: dict[str, Mapping[str, Setting]] = {}
        for key, name, node in self._entries(root, _KNOWN):
            if name == "config_version":
                self._version(node)
            elif name in TOP_LEVEL:
                setting = self._field(TOP_LEVEL[name], key, node, name)
                if setting is not None:
                    top[name] = setting
            elif name == "providers":
                providers = self._providers(node)
            elif name == "network" and self._kind != "user":
                self._refuse(key, name)
            elif name in SECTIONS:
                sections[name] = self._section(SECTIONS[name], node, name)
            elif name not in ASSISTANT_SECTIONS and not (self._kind == "editor" and name in _EDITOR_OWN):
                self._unknown(key, name, node, _KNOWN, "")
        return Layer(self._kind, self._path, top, sections, providers)

    def _entries(self, node: MapNode, known: Iterable[str]) -> Iterable[tuple[ScalarNode, str, Node]]:
        names = set(known)
        for key, value in node.entries:
            name = str(key.value)[:_MAX_NAME]  # a longer one is nobody's, and comparing it would take long
            if self._kind == "editor" and name not in names:
                name = _CAMEL.sub(r"_\1", name).lower()
            yield key, name, value

    def _version(self, node: Node) -> None:
        value = node.value if isinstance(node, ScalarNode) else None
        if type(value) is not int or value < 1:
            self._report(node.place, "type", "config_version: a whole number is expected")
        elif value > CONFIG_VERSION:
            message = (
                f"config_version {value} is newer than this Missy knows ({CONFIG_VERSION}); install a newer missy-lsp"
            )
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
            if not _PROVIDER_ID.fullmatch(name) or shown(name) != name:
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
            elif name not in ASSISTANT_KEYS.get(path, ()):
                self._unknown(key, name, value, fields, f"{path}.")
        return settings

    def _field(self, field: attrs.Attribute[Any], key: ScalarNode, node: Node, path: str) -> Setting | None:
        if self._kind != "user" and field.metadata.get(self._kind, "no") == "no":
            self._refuse(key, path)
            return None
        if field.metadata["keys"] is not None:
            entries = self._map(field, node, path)
            return Setting(entries, node.place) if entries else None
        try:
            value = read_value(field, node)
            if field.name == "base_url" and value is not None:
                value = normalized_base_url(str(value))
            if field.name == "ignore":
                value = self._patterns(node, path)
        except ValueError as error:
            self._report(node.place, "type", f"{path}: {error}")
            return None
        return Setting(value, node.place)

    def _map(self, field: attrs.Attribute[Any], node: Node, path: str) -> dict[str, object]:
        """Check each entry on its own, so that a fault is told at its place."""
        if isinstance(node, ScalarNode) and node.value is None and node.fault is None:
            return {}
        if not isinstance(node, MapNode) or len(node.entries) > MAX_ENTRIES:
            self._report(node.place, "type", f"{path}: a mapping of at most {MAX_ENTRIES} entries is expected")
            return {}
        entries: dict[str, object] = {}
        for key, value in node.entries:
            name = str(key.value)
            fault = key_fault(field.metadata["keys"], name)
            if fault is not None:
                self._report(key.place, "type", f"{path}: {fault}")
                continue
            try:
                entries[name] = read_value(field, value)
            except ValueError as error:
                self._report(value.place, "type", f"{path}.{shown(name)}: {error}")
        return entries

    def _patterns(self, node: Node, path: str) -> tuple[str, ...]:
        """Check each pattern on its own: one that nothing can match would let out what it was to keep in."""
        kept: list[str] = []
        for item in node.items if isinstance(node, ListNode) else ():
            pattern = read_text(item)
            fault = pattern_fault(pattern)
            if fault is not None:
                self._report(item.place, "type", f"{path}: {fault}")
            elif self._kind != "user" and pattern.strip().startswith("!"):
                message = f"{path}: only your own ~/.missy/config.yaml may bring files back with `!`; this is left out"
                self._report(item.place, "not-allowed", message)
            else:
                kept.append(pattern)
        return tuple(kept)

    def _unknown(self, key: ScalarNode, name: str, value: Node, known: Iterable[str], prefix: str) -> None:
        if self._kind != "user" and _squashed(name) in _users_own():
            self._refuse(key, f"{prefix}{shown(name)}")
            return
        near = difflib.get_close_matches(name, list(known), n=1, cutoff=_NEAR)
        hint = f"; did you mean `{near[0]}`?" if near else "; it is not used"
        message = f"{prefix}{shown(name)} is not a setting that anybody knows{hint}"
        self._report(key.place, "unknown-key", message, "warning")
        if self._kind != "user":
            self._refuse_within(value, f"{prefix}{shown(name)}.")

    def _refuse_within(self, node: Node, prefix: str) -> None:
        """Tell of what only the user may set also where it stands below a name that nobody knows."""
        if isinstance(node, ListNode):
            for item in node.items:
                self._refuse_within(item, prefix)
        elif isinstance(node, MapNode):
            for key, value in node.entries:
                name = str(key.value)
                if _squashed(name) in _users_own():
                    self._refuse(key, f"{prefix}{shown(name)}")
                else:
                    self._refuse_within(value, f"{prefix}{shown(name)}.")

    def _refuse(self, key: ScalarNode, path: str) -> None:
        self._report(key.place, "not-allowed", f"{path}: {_REFUSED[self._kind]}")

    def _report(self, place: Place, code: str, message: str, severity: Severity = "error") -> None:
        self.problems.append(
            Problem(self._path, place.line, place.column, place.end_line, place.end_column, severity, code, message)
        )


def _squashed(name: str) -> str:
    """Return a name without regard to case and punctuation: `BASE-URL` is `baseurl`."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _users_own() -> frozenset[str]:
    declared = {_squashed(field.name) for field in attrs.fields(ProviderConfig) if field.metadata["workspace"] == "no"}
    return frozenset({*_FOREIGN_NAMES.split(), *declared} - {"name", "enabled", "timeout"})
