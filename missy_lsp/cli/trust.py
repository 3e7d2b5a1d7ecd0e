"""`missy trust`: the user's consent to a folder's own Missy files; giving it asks no question."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from missy_lsp.cli.setting import Setting
from missy_lsp.config.trust import TrustStore
from missy_lsp.errors import UsageError


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("trust", help="trust a folder's own Missy files", allow_abbrev=False)
    parser.add_argument(
        "path", nargs="?", type=Path, help="the folder; the workspace around the current one if left away"
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--revoke", action="store_true", help="forget the decision about the folder")
    which.add_argument("--list", action="store_true", help="show every decision")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(setting: Setting, options: argparse.Namespace) -> int:
    """Trust, revoke or list."""
    store = TrustStore(setting.locations.trust_file)
    if options.list:
        return _list(setting, store, as_json=options.json)
    folder = Path(os.path.realpath(setting.located(options.path) if options.path else setting.folder()))
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder.")
    if options.revoke:
        known = store.revoke(folder)
        if options.json:
            setting.output.document({"folder": str(folder), "state": store.state(folder)})
        else:
            setting.output.note(f"{folder} is no longer trusted" if known else f"there was no decision about {folder}")
        return 0
    covered = store.trust(folder)
    if options.json:
        names = [file.relative_to(folder).as_posix() for file in covered]
        setting.output.document({"folder": str(folder), "state": store.state(folder), "files": names})
        return 0
    setting.output.note(
        f"{folder} is trusted, with these files as they are now:" if covered else f"{folder} is trusted"
    )
    for file in covered:
        setting.output.note(f"  {file.relative_to(folder).as_posix()}")
    if not covered:
        setting.output.note("it has no Missy files of its own, so there is nothing to trust yet; new ones ask again")
    return 0


def _list(setting: Setting, store: TrustStore, *, as_json: bool) -> int:
    entries = [(entry.folder, store.state(Path(entry.folder))) for entry in store.entries()]
    if as_json:
        setting.output.document([{"folder": folder, "state": state} for folder, state in entries])
        return 0
    for folder, state in entries:
        setting.output.result(f"{folder}: {state}")
    if not entries:
        setting.output.note("no folder was decided about")
    return 0
