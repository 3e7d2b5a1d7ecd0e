"""`missy providers`: which ones there are, whether they can serve, and which one is the default."""

from __future__ import annotations

import argparse
import json
import os
import re
from pathlib import Path
from typing import Any

from missy_lsp.cli.output import one_line
from missy_lsp.cli.setting import Setting
from missy_lsp.config.checking import check_layer
from missy_lsp.config.files import FileFault, read_config_file, write_atomically
from missy_lsp.config.nodes import MapNode, Node, ScalarNode
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
    import asyncio

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
    try:
        root = read_yaml(text.encode())
    except YamlFault as fault:
        raise ConfigError(fault.message) from None
    changed = _changed(text, root, name if _is_plain(name) else json.dumps(name))
    if changed is None or _default_provider(changed) != name:
        raise ConfigError(f"The layout of your file can't be kept; write it yourself: default_provider: {name}")
    return changed


def _changed(text: str, root: Node | None, value: str) -> str | None:
    """Put the value in the place of the old one, else on a line of its own above the first entry."""
    lines = text.splitlines(keepends=True)  # U+0085, U+2028 and U+2029 end a line in YAML too
    if root is None or (isinstance(root, ScalarNode) and not root.value):
        separator = "" if not lines or lines[-1].endswith(("\n", "\r")) else "\n"
        return f"{text}{separator}default_provider: {value}\n"
    if not isinstance(root, MapNode) or not root.entries:
        return None
    for key, node in root.entries:
        if key.value == "default_provider":
            place = node.place
            if not isinstance(node, ScalarNode) or place.line != place.end_line:
                return None
            line = lines[place.line]
            space = "" if place.end_column > place.column else " "  # `default_provider:` without a value
            lines[place.line] = line[: place.column] + space + value + line[place.end_column :]
            return "".join(lines)
    at = root.entries[0][0].place.line
    if root.entries[0][0].value == "config_version" and root.entries[0][1].place.line == at and len(root.entries) > 1:
        at = root.entries[1][0].place.line
    end = "\r\n" if lines[0].endswith("\r\n") else "\n"
    return "".join([*lines[:at], f"default_provider: {value}{end}", *lines[at:]])


def _default_provider(text: str) -> object:
    try:
        layer, _ = check_layer(read_yaml(text.encode()), "user", None)
    except YamlFault:
        return None
    return layer.default_provider.value if layer.default_provider is not None else None


def _is_plain(name: str) -> bool:
    return _PLAIN_WORD.fullmatch(name) is not None and name.lower() not in ("true", "false", "null")


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
