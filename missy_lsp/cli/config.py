"""`missy config`: what is configured, where it came from, and what is wrong with it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from missy_lsp.cli.setting import Setting
from missy_lsp.config.checking import Setting as LayerSetting
from missy_lsp.config.json_schema import json_schema
from missy_lsp.config.loading import Loaded, read_layer
from missy_lsp.config.problems import Problem
from missy_lsp.config.values import SECTIONS, TOP_LEVEL, Config, KeyReference, ProviderConfig
from missy_lsp.errors import UsageError


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("config", help="show and check the configuration", allow_abbrev=False)
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    for name, run, about in (
        ("show", show, "the configuration in force, with the source of each value"),
        ("path", path, "the files that are looked at"),
        ("check", check, "what is wrong, with its place"),
        ("schema", schema, "the JSON Schema of the file"),
    ):
        action = actions.add_parser(name, help=about, allow_abbrev=False)
        action.add_argument("--json", action="store_true", help="print JSON")
        action.set_defaults(run=run)
        if name == "check":
            action.add_argument("file", nargs="?", type=Path, help="a file to check as your own")


def show(setting: Setting, options: argparse.Namespace) -> int:
    """Print every value in force and where it was set; keys are named, never shown."""
    config, loaded = setting.config(), setting.load()
    if options.json:
        setting.output.document({name: value for name, value, _ in _values(config, loaded)})
        return 0
    for name, value, source in _values(config, loaded):
        setting.output.result(f"{name}: {_shown(value)}  # {source}")
    return 0


def path(setting: Setting, options: argparse.Namespace) -> int:
    sources = setting.load().sources
    if options.json:
        setting.output.document(
            [{"kind": source.kind, "path": str(source.path), "state": source.state} for source in sources]
        )
        return 0
    for source in sources:
        setting.output.result(f"{source.kind}: {source.path} ({source.state.replace('_', ' ')})")
    return 0


def check(setting: Setting, options: argparse.Namespace) -> int:
    """Print every problem as path:line:column; 1 where one is an error."""
    problems: tuple[Problem, ...]
    if options.file is not None:
        _, problems, state = read_layer(setting.located(options.file), "user", None)
        if state == "absent":
            raise UsageError(f"{options.file} is not there.")
    else:
        problems = setting.load().problems
    if options.json:
        setting.output.document([{**attrs.asdict(problem), "path": str(problem.path)} for problem in problems])
    else:
        for problem in problems:
            setting.output.result(f"{problem} ({problem.severity})")
        if not problems:
            setting.output.note("no problems")
    return 1 if any(problem.severity == "error" for problem in problems) else 0


def schema(setting: Setting, options: argparse.Namespace) -> int:
    setting.output.document(json_schema())
    return 0


def _values(config: Config, loaded: Loaded) -> Iterator[tuple[str, Any, str]]:
    layers = loaded.layers
    for name in TOP_LEVEL:
        said_by = "folders" if name == "default_provider" and config.folder_provider is not None else name
        yield name, _plain(getattr(config, name)), _source(loaded, [layer.top for layer in layers], said_by)
    for provider_id, provider in config.providers.items():
        for field in attrs.fields(ProviderConfig):
            value = _plain(getattr(provider, field.name))
            entries = [layer.providers.get(provider_id, {}) for layer in layers]
            yield f"providers.{provider_id}.{field.name}", value, _source(loaded, entries, field.name)
    for name, section in SECTIONS.items():
        for field in attrs.fields(section):
            value = _plain(getattr(getattr(config, name), field.name))
            entries = [layer.sections.get(name, {}) for layer in layers]
            yield f"{name}.{field.name}", value, _source(loaded, entries, field.name)


def _source(loaded: Loaded, by_layer: Sequence[Mapping[str, LayerSetting]], field: str) -> str:
    setters = []
    for layer, settings in zip(loaded.layers, by_layer, strict=True):
        if field in settings:
            line = settings[field].place.line
            refused = any(
                (problem.path, problem.code, problem.line) == (layer.path, "not-allowed", line)
                for problem in loaded.problems
            )
            if not refused:
                setters.append(f"{layer.path or layer.kind}:{line + 1}")
    return setters[-1] if setters else "default"


def _plain(value: Any) -> Any:
    if isinstance(value, KeyReference):
        return value.shown
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return dict(value) if isinstance(value, Mapping) else value


def _shown(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {entry}" for key, entry in value.items()) + "}"
    return '""' if value == "" else str(value)
