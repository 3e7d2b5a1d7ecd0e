"""Lay one source's settings over a configuration; what a source may only narrow is held to that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from missy_lsp.config.checking import Layer, Setting
from missy_lsp.config.problems import Problem, Severity
from missy_lsp.config.values import SECTIONS, Config, ProviderConfig


def lay_over(base: Config, layer: Layer) -> tuple[Config, tuple[Problem, ...]]:
    """Return `base` with the layer's settings: maps merge key by key, lists replace (added ignore globs apart)."""
    problems: list[Problem] = []
    sections = {
        name: _section(getattr(base, name), settings, layer, f"{name}.", problems)
        for name, settings in layer.sections.items()
        if name in SECTIONS
    }
    providers = dict(base.providers)
    for name, settings in layer.providers.items():
        if layer.kind != "user" and name not in providers:
            if settings:
                place = next(iter(settings.values()))
                message = f"providers.{name}: there is no such provider in your own configuration file"
                problems.append(_problem(layer, place, "unknown-provider", message))
            continue
        entry = providers.get(name, ProviderConfig())
        providers[name] = _section(entry, settings, layer, f"providers.{name}.", problems)
    config = _section(base, layer.top, layer, "", problems)
    return attrs.evolve(config, **sections, providers=providers), tuple(problems)


def _section(base: Any, settings: Mapping[str, Setting], layer: Layer, prefix: str, problems: list[Problem]) -> Any:
    fields = attrs.fields_dict(type(base))
    changes: dict[str, object] = {}
    for name, setting in settings.items():
        field = fields[name]
        permission = "yes" if layer.kind == "user" else field.metadata[layer.kind]
        current = getattr(base, name)
        if layer.kind != "user" and name == "ignore":
            # Doubled ones stay: the last pattern that matches counts, so their order is their meaning.
            changes[name] = (*current, *setting.value)  # type: ignore[misc]
        elif field.metadata["keys"] is not None and isinstance(setting.value, Mapping):
            # What is said anew stands last: of several patterns the last one that matches counts.
            kept = {key: value for key, value in current.items() if key not in setting.value}
            changes[name] = {**kept, **setting.value}
        elif permission == "narrow" and not is_narrower(field, current, setting.value, layer.kind):
            who = "a workspace file" if layer.kind == "workspace" else "the editor's settings"
            message = f"{prefix}{name}: {who} may only make this more careful than `{_shown(current)}`"
            problems.append(_problem(layer, setting, "not-allowed", message))
        else:
            changes[name] = setting.value
    return attrs.evolve(base, **changes)


def is_narrower(field: attrs.Attribute[Any], current: object, wanted: object, kind: str) -> bool:
    """Tell whether `wanted` allows no more than `current` does."""
    choices = field.metadata["choices"]
    if choices:
        if field.name == "review" and kind == "workspace":
            return bool(wanted == choices[0])  # `direct` is the user's alone, also where it is in force
        order: tuple[object, ...] = choices
        return order.index(wanted) <= order.index(current)
    towards = field.metadata["towards"]
    if towards is not None:
        return wanted in (current, towards)
    if current is None:
        return True
    return isinstance(wanted, int | float) and isinstance(current, int | float) and wanted <= current


def _problem(layer: Layer, setting: Setting, code: str, message: str) -> Problem:
    place = setting.place
    severity: Severity = "warning" if layer.kind == "editor" else "error"
    return Problem(layer.path, place.line, place.column, place.end_line, place.end_column, severity, code, message)


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
