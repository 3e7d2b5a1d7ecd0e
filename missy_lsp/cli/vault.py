"""`missy vault`: store, list and remove secrets; showing one has to be asked for."""

from __future__ import annotations

import argparse
import getpass
import sys

from missy_lsp.cli.output import one_line
from missy_lsp.cli.setting import Setting
from missy_lsp.cli.standard_input import is_readable
from missy_lsp.errors import MissyError, UsageError

_MAX_PIPED_CHARACTERS = 16 * 1024


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("vault", help="keep API keys in the keyring or the encrypted file", allow_abbrev=False)
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    store = actions.add_parser(
        "set", help="store a secret: from the prompt, a pipe, or the argument", allow_abbrev=False
    )
    store.add_argument("name")
    store.add_argument("value", nargs="?", help="better left away: arguments stay in the shell's history")
    store.set_defaults(run=store_secret, json=False)
    show = actions.add_parser("get", help="show a secret (with --reveal)", allow_abbrev=False)
    show.add_argument("name")
    show.add_argument("--reveal", action="store_true", help="print the secret itself")
    show.add_argument("--json", action="store_true", help="print JSON")
    show.set_defaults(run=show_secret)
    listing = actions.add_parser("list", help="show the names and where they live", allow_abbrev=False)
    listing.add_argument("--json", action="store_true", help="print JSON")
    listing.set_defaults(run=list_secrets)
    remove = actions.add_parser("delete", help="remove a secret", allow_abbrev=False)
    remove.add_argument("name")
    remove.set_defaults(run=delete_secret, json=False)


def store_secret(setting: Setting, options: argparse.Namespace) -> int:
    vault = setting.vault()
    where = vault.set(options.name, _value(setting, options))
    setting.output.note(f"{options.name} is stored in {where}")
    return 0


def show_secret(setting: Setting, options: argparse.Namespace) -> int:
    secret, where = setting.vault().find(options.name)
    if secret is None:
        raise MissyError(f"{options.name} is not in the vault. To see what is: missy vault list")
    if not options.reveal:
        raise UsageError(
            f"{options.name} is in the {where}. To print the secret itself: missy vault get {options.name} --reveal"
        )
    if options.json:
        setting.output.document({"name": options.name, "where": where, "value": secret.reveal()})
    else:
        setting.output.result(secret.reveal())
    return 0


def list_secrets(setting: Setting, options: argparse.Namespace) -> int:
    vault = setting.vault()
    entries = vault.entries()
    if options.json:
        setting.output.document([{"name": entry.name, "where": list(entry.where)} for entry in entries])
        return 0
    for entry in entries:
        others = f" (also in {', '.join(entry.where[1:])})" if len(entry.where) > 1 else ""
        setting.output.result(f"{entry.name}: {entry.where[0]}{others}")
    if not entries:
        setting.output.note(f"nothing is stored; secrets would go to {vault.description}")
    return 0


def delete_secret(setting: Setting, options: argparse.Namespace) -> int:
    if not setting.vault().delete(options.name):
        raise MissyError(f"{options.name} is not in the vault. To see what is: missy vault list")
    setting.output.note(f"{options.name} is removed")
    return 0


def _value(setting: Setting, options: argparse.Namespace) -> str:
    if options.value is not None:
        setting.output.note(
            "note: an argument stays in the shell's history; without it the value is asked for, or read from a pipe",
            "dim",
        )
        return str(options.value)
    if sys.stdin is not None and sys.stdin.isatty():
        try:
            return getpass.getpass(f"Value for {one_line(options.name)} (hidden): ")
        except EOFError:  # Ctrl-D
            raise UsageError("No value came, nothing is stored.") from None
    try:
        value = sys.stdin.read(_MAX_PIPED_CHARACTERS) if is_readable() else ""
    except UnicodeDecodeError:
        raise UsageError("What came through the pipe is not text; nothing is stored.") from None
    if not value.strip():
        raise UsageError(
            f"No value came. Type it at the prompt, or pipe it: printf %s KEY | missy vault set {options.name}"
        )
    return value
