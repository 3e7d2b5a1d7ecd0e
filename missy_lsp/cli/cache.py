"""`missy cache clear`: forget what can be made again: explanations, shown answers, drafts, lists of models."""

from __future__ import annotations

import argparse
import shutil

from missy_lsp.cli.output import one_line
from missy_lsp.cli.setting import Setting
from missy_lsp.errors import MissyError

# What is kept in the user's cache folder, by the names of its folders there.
_KEPT = {
    "hover": "explanations",
    "answers": "shown answers",
    "proposals": "drafts of changes",
    "models": "lists of models",
}


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("cache", help="clear what is kept to be shown again", allow_abbrev=False)
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    clear = actions.add_parser(
        "clear", help="remove explanations, answers, drafts, lists of models", allow_abbrev=False
    )
    clear.add_argument("--json", action="store_true", help="print JSON")
    clear.set_defaults(run=clear_cache)


def clear_cache(setting: Setting, options: argparse.Namespace) -> int:
    """Remove what the cache holds and say how much it was. Raises MissyError for what can't be removed."""
    folder = setting.locations.cache_dir
    removed: dict[str, int] = {}
    for name in _KEPT:
        place = folder / name
        if place.is_symlink() or not place.is_dir():
            continue
        removed[name] = sum(1 for _ in place.iterdir())
        try:
            shutil.rmtree(place)
        except OSError as error:
            raise MissyError(f"{one_line(str(error.filename))} can't be removed: {error.strerror}.") from None
    if options.json:
        setting.output.document({"folder": str(folder), "removed": removed})
    elif any(removed.values()):
        counts = ", ".join(f"{count} {_KEPT[name]}" for name, count in removed.items() if count)
        setting.output.result(f"removed from {one_line(str(folder))}: {counts}")
    else:
        setting.output.result(f"the cache in {one_line(str(folder))} is empty")
    return 0
