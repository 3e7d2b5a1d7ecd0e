"""`missy providers`: which ones there are, whether they can serve, and which one is the default."""

from __future__ import annotations

import argparse
import asyncio
import os
import re
from pathlib import Path
from typing import Any

from missy_lsp.cli.output import one_line
from missy_lsp.cli.setting import Setting
from missy_lsp.config.checking import check_layer
from missy_lsp.config.files import FileFault, read_config_file
from missy_lsp.config.nodes import MapNode, ScalarNode
from missy_lsp.config.trust import write_atomically
from missy_lsp.config.yaml_reading import YamlFault, read_yaml
from missy_lsp.errors import ConfigError, MissyError, UsageError

_PLAIN_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("providers", help="list the providers, or switch the default", allow_abbrev=False)
    parser.add_argument("action", nargs="?", choices=("list", "switch"), default="list")
    parser.add_argument("name", nargs="?", help="the provider to switch to")
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="show models, addresses and keys (never their text)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--offline", action="store_true", help="list the offline provider too")
    parser.set_defaults(run=run)


def run(setting: Setting, options: argparse.Namespace) -> int:
    """List, or switch and list."""
    if options.action == "switch":
        if not options.name:
            raise UsageError("Name the provider to switch to: missy providers switch NAME")
        switch(setting, options.name)
    elif options.name:
        raise UsageError(f"{options.name} is not expected here. To change the default: missy providers switch NAME")
    described, states = asyncio.run(_describe(setting))
    if options.json:
        setting.output.document(described)
        return 0
    setting.output.result("Providers:")
    for provider in described:
        setting.output.result(f"  {one_line(summary(provider))}")
        if options.verbose:
            for line in _details(provider, states.get(str(provider["name"]), [])):
                setting.output.result(f"    {one_line(line)}")
    return 0


def summary(provider: dict[str, Any]) -> str:
    """Return `NAME: available (MODEL)` or `NAME: unavailable (REASON)`."""
    if provider["available"]:
        return f"{provider['name']}: available ({provider['model']})"
    return f"{provider['name']}: unavailable ({provider['reason']})"


def switch(setting: Setting, name: str) -> None:
    """Make a provider the default in the user's file; comments and layout stay as they are."""
    config = setting.config()
    if name not in config.providers:
        known = ", ".join(config.providers)
        raise UsageError(f"{name} is not a provider of your configuration; it has {known}.")
    path = setting.locations.user_file
    try:
        data = read_config_file(path) or b""
        text = with_default_provider(data.decode("utf-8-sig"), name)
        write_atomically(Path(os.path.realpath(path)), text.encode())
    except FileFault as fault:
        raise ConfigError(f"{path}: {fault}") from None
    except OSError as error:
        raise MissyError(f"{path} can't be written: {error.strerror}.") from None


def with_default_provider(text: str, name: str) -> str:
    """Return a configuration file's text with another `default_provider`, the rest untouched."""
    value = name if _PLAIN_WORD.fullmatch(name) else f'"{name}"'
    try:
        root = read_yaml(text.encode())
    except YamlFault as fault:
        raise ConfigError(fault.message) from None
    node = _entry(root, "default_provider") if isinstance(root, MapNode) else None
    lines = text.splitlines(keepends=True)
    if node is not None and node.place.line == node.place.end_line and node.value:
        line = lines[node.place.line]
        lines[node.place.line] = line[: node.place.column] + value + line[node.place.end_column :]
        changed = "".join(lines)
    else:
        at = 1 if lines and lines[0].startswith("config_version") else 0
        changed = "".join([*lines[:at], f"default_provider: {value}\n", *lines[at:]])
    layer, problems = check_layer(read_yaml(changed.encode()), "user", None)
    if layer.default_provider is None or layer.default_provider.value != name:
        raise ConfigError(f"default_provider could not be set without rewriting the file; set it by hand ({problems})")
    return changed


def _entry(root: MapNode, wanted: str) -> ScalarNode | None:
    for key, node in root.entries:
        if key.value == wanted and isinstance(node, ScalarNode):
            return node
    return None


async def _describe(setting: Setting) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    models = setting.models()
    try:
        return await models.describe(setting.config()), models.key_states()
    finally:
        await models.aclose()


def _details(provider: dict[str, Any], states: list[dict[str, Any]]) -> list[str]:
    lines = []
    if provider["default"]:
        lines.append("default: yes")
    lines.append(f"fast: {provider['fastModel'] or '(the primary model)'}")
    lines.append(f"premium: {provider['premiumModel'] or '(the primary model)'}")
    if provider["baseUrl"]:
        lines.append(f"base_url: {provider['baseUrl']}")
    lines += [f"key {state['fingerprint']}: {state['source']}, {state['state']}" for state in states]
    return lines
