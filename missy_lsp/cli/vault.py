"""`missy vault`: store, list and remove secrets, and say where keys may go; showing one has to be asked for."""

from __future__ import annotations

import argparse
import getpass
import os
import sys

from missy_lsp.cli.output import one_line
from missy_lsp.cli.setting import Setting
from missy_lsp.cli.standard_input import is_readable
from missy_lsp.config.urls import normalized_base_url
from missy_lsp.config.values import KeyReference
from missy_lsp.errors import MissyError, UsageError
from missy_lsp.secret import Secret

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

    allow = actions.add_parser("allow", help="let a key go to another address", allow_abbrev=False)
    allow.add_argument("name", help="a provider of your configuration (its keys), or an entry of the vault")
    allow.add_argument(
        "url", nargs="?", help="the address, as base_url has it; none: the default one of a provider without base_url"
    )
    allow.set_defaults(run=allow_origin, json=False)


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


def allow_origin(setting: Setting, options: argparse.Namespace) -> int:
    """Let the keys of a provider, or a stored one, go to an address that they were not sent to before."""
    origin = _origin(setting, options.name, options.url)
    origins = setting.origins()
    for key, source in _keys_named(setting, options.name):
        if not origins.of(key):
            # It never went anywhere: where the configuration sends it is meant too, as it is at a first use.
            for configured in _configured_origins(setting, options.name):
                origins.allow(key, configured)
        origins.allow(key, origin)
        setting.output.note(f"the key from {one_line(source)} may go to {origin}")
    return 0


def _origin(setting: Setting, name: str, url: str | None) -> str:
    from missy_lsp.llm.destinations import origin_of

    if url is None:
        provider = setting.config().providers.get(name)
        if provider is None or provider.base_url is not None:
            raise UsageError(f"Write the address too, as base_url has it: missy vault allow {one_line(name)} URL")
        return origin_of(provider)
    try:
        return normalized_base_url(url)
    except ValueError as error:
        raise UsageError(f"That is no address for a key: {error}.") from None


def _configured_origins(setting: Setting, name: str) -> list[str]:
    """Return where the configuration sends the keys of a provider, or an entry of the vault that providers name."""
    from missy_lsp.llm.destinations import origin_of

    providers = setting.config().providers
    if name in providers:
        return [origin_of(providers[name])]
    entry = KeyReference("vault", name)
    return [
        origin_of(provider)
        for provider_id, provider in providers.items()
        if entry in (provider.api_key, *provider.api_keys) or name == f"{provider_id}_api_key"
    ]


def _keys_named(setting: Setting, name: str) -> list[tuple[Secret, str]]:
    from missy_lsp.credentials.resolve import resolve_keys

    provider = setting.config().providers.get(name)
    if provider is not None:
        vault = setting.vault()
        resolution = resolve_keys(name, provider, os.environ, lambda: vault)
        if not resolution.keys:
            raise resolution.error(name)
        return [(key.secret, key.source) for key in resolution.keys]
    secret, where = setting.vault().find(name)
    if secret is None:
        raise MissyError(
            f"{one_line(name)} is neither a provider of your configuration nor in the vault. "
            "To see what there is: missy providers, missy vault list"
        )
    return [(secret, f"vault {name} ({where})")]


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
