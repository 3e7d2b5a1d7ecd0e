"""`missy actions`: what can be started on code here, from an editor or with `missy ask --action`."""

from __future__ import annotations

import argparse

from missy_lsp.cli.output import aligned
from missy_lsp.cli.setting import Setting
from missy_lsp.config.actions import load_actions

_COLUMNS = ("id", "title", "kind", "result", "tier", "source")


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("actions", help="list the actions that there are here", allow_abbrev=False)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(setting: Setting, options: argparse.Namespace) -> int:
    """List the actions; files that give none are told with their places on standard error."""
    loaded = load_actions(setting.locations, setting.workspace)
    for problem in loaded.problems:
        setting.output.note(f"{problem.severity}: {problem}", "yellow")
    if loaded.workspace_is_untrusted:
        setting.output.note(f"the actions of {setting.workspace} are left out until you trust it; run: missy trust")
    config = setting.load().config
    tiers = config.routing.actions if config is not None else {}
    actions = [action.fields(tiers) for action in loaded.actions]
    if options.json:
        setting.output.document(actions)
        return 0
    for line in aligned([_COLUMNS, *([str(action[name]) for name in _COLUMNS] for action in actions)]):
        setting.output.result(line.rstrip())
    return 0
