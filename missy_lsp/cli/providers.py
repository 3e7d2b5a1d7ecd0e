"""`missy providers`: which ones there are, whether they can serve, and which one is the default."""

from __future__ import annotations

import argparse
from typing import Any

from missy_lsp.cli.output import one_line
from missy_lsp.cli.setting import Setting
from missy_lsp.cli.switching import switch, switch_here
from missy_lsp.errors import UsageError


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("providers", help="list the providers, or switch the default", allow_abbrev=False)
    parser.add_argument("action", nargs="?", choices=("list", "switch"), default="list")
    parser.add_argument("name", nargs="?", help="the provider to switch to")
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="show models, addresses and keys (never their text)"
    )
    parser.add_argument("--here", action="store_true", help="switch for this folder and what is in it only")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--offline", action="store_true", help="list the offline provider too")
    parser.set_defaults(run=run)


def run(setting: Setting, options: argparse.Namespace) -> int:
    """List, or switch and list."""
    import asyncio

    if options.action == "switch":
        if not options.name:
            raise UsageError("Name the provider to switch to: missy providers switch NAME")
        (switch_here if options.here else switch)(setting, options.name)
    elif options.here:
        raise UsageError("--here says where a provider is to serve: missy providers switch NAME --here")
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
