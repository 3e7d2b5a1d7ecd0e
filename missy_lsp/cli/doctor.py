"""`missy doctor`: look at everything that a request needs, without making one."""

from __future__ import annotations

import argparse
import difflib
import os
import platform
import stat
from collections.abc import Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

import attrs

from missy_lsp import __version__
from missy_lsp.cli.output import one_line
from missy_lsp.cli.setting import Setting
from missy_lsp.config.trust import TrustStore
from missy_lsp.errors import MissyError

if TYPE_CHECKING:
    from missy_lsp.config.values import Config

Verdict = Literal["ok", "warning", "problem"]
_STYLES: dict[Verdict, str] = {"ok": "green", "warning": "yellow", "problem": "red"}
_PACKAGES = ("anthropic", "pygls", "lsprotocol", "pyyaml", "keyring", "cryptography")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


@attrs.frozen
class Finding:
    """One thing that was looked at; `text` says what to do where it is not `ok`."""

    area: str
    verdict: Verdict
    text: str


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("doctor", help="check files, providers, keys and the vault", allow_abbrev=False)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(setting: Setting, options: argparse.Namespace) -> int:
    """Print every finding; 1 where one is a problem."""
    findings = list(examine(setting))
    if options.json:
        setting.output.document([attrs.asdict(finding) for finding in findings])
    else:
        for finding in findings:
            mark = setting.output.styled(f"{finding.verdict:8}", _STYLES[finding.verdict])
            setting.output.raw(f"{mark}{finding.area:12}{one_line(finding.text)}")
    return 1 if any(finding.verdict == "problem" for finding in findings) else 0


def examine(setting: Setting, today: date | None = None) -> Iterator[Finding]:
    """Look at each area in turn; models retire as of `today`."""
    yield from _versions()
    yield from _files(setting)
    yield from _trust(setting)
    yield from _vault(setting)
    yield from _providers(setting)
    yield from _models(setting, today or date.today())
    yield from _ledger(setting)
    yield from _routing(setting)
    yield from _network(setting)


def _versions() -> Iterator[Finding]:
    import importlib.metadata

    yield Finding("missy", "ok", f"{__version__} on Python {platform.python_version()}, {platform.platform()}")
    for package in _PACKAGES:
        try:
            yield Finding("package", "ok", f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            verdict: Verdict = "warning" if package == "anthropic" else "problem"
            yield Finding("package", verdict, f"{package} is not installed; run: pip install {package}")


def _files(setting: Setting) -> Iterator[Finding]:
    loaded = setting.load()
    for source in loaded.sources:
        verdict: Verdict = "problem" if source.state == "bad" else "ok"
        yield Finding("file", verdict, f"{source.kind}: {source.path} ({source.state.replace('_', ' ')})")
    for problem in loaded.problems:
        verdict = "problem" if problem.severity == "error" else "warning"
        yield Finding("file", verdict, str(problem))
    path = setting.locations.user_file
    if os.name == "posix" and path.is_file():
        holds_key = loaded.config is not None and any(
            reference is not None and reference.kind == "literal"
            for provider in loaded.config.providers.values()
            for reference in (provider.api_key, *provider.api_keys)
        )
        if holds_key and stat.S_IMODE(path.stat().st_mode) & 0o077:
            yield Finding("file", "warning", f"{path} holds a key and others may read it; run: chmod 600 {path}")


def _trust(setting: Setting) -> Iterator[Finding]:
    store = TrustStore(setting.locations.trust_file)
    try:
        store.entries()
    except MissyError as error:
        yield Finding("trust", "problem", error.message)
    if setting.workspace is not None:
        state = store.state(setting.workspace)
        hint = f"; to use its files: missy trust {setting.workspace}" if state in ("untrusted", "changed") else ""
        yield Finding("trust", "warning" if hint else "ok", f"{setting.workspace}: {state.replace('_', ' ')}{hint}")


def _vault(setting: Setting) -> Iterator[Finding]:
    vault = setting.vault()
    try:
        names = ", ".join(entry.name for entry in vault.entries()) or "nothing stored"
        yield Finding("vault", "ok", f"{vault.description}: {names}")
    except MissyError as error:
        yield Finding("vault", "problem", error.message)


def _providers(setting: Setting) -> Iterator[Finding]:
    import asyncio

    config = _config(setting)
    if config is None:
        yield Finding("provider", "problem", "no provider is looked at before the configuration is mended")
        return
    is_given = config.folder_provider is not None
    if config.default_provider not in config.providers:
        known = ", ".join(config.providers)
        named_by = "folders gives this place to" if is_given else "default_provider"
        text = f"{named_by} {config.default_provider}, which is not configured; to take one of {known}: "
        yield Finding("provider", "problem", f"{text}missy providers switch NAME{' --here' if is_given else ''}")
    for provider, states in asyncio.run(_described(setting, config)):
        name = provider["name"]
        if provider["available"]:
            default = "" if not provider["default"] else ", serves here by folders" if is_given else ", the default"
            yield Finding("provider", "ok", f"{name}: available ({provider['model']}){default}")
        else:
            verdict: Verdict = "problem" if provider["default"] else "warning"
            here = ", serves here by folders" if provider["default"] and is_given else ""
            yield Finding("provider", verdict, f"{name}: unavailable ({provider['reason']}){here}")
        for state in states:
            yield Finding("key", "ok", f"{name}: {state['fingerprint']} from {state['source']}, {state['state']}")


def _models(setting: Setting, today: date) -> Iterator[Finding]:
    """Say once of each configured model that it is legacy, retires, or is not known."""
    from missy_lsp.llm.configured_models import Concern, configured_models, standing
    from missy_lsp.llm.told_models import ToldCatalogues

    config = _config(setting)
    if config is None:
        return
    verdicts: Mapping[Concern, Verdict] = {"none": "ok", "soon": "warning", "gone": "problem"}
    told = ToldCatalogues(setting.locations.told_models_file)
    uses: dict[tuple[str, Concern, str], tuple[str, ...]] = {}
    for model in configured_models(config):
        found = (model.id, *standing(told.of(model.provider).facts(model.id), today))
        uses[found] = (*uses.get(found, ()), *model.uses)
    for (model_id, concern, said), used in uses.items():
        if said:
            yield Finding("model", verdicts[concern], f"{model_id} ({', '.join(used)}): {said}")


def _ledger(setting: Setting) -> Iterator[Finding]:
    """Look whether requests can be counted: with a cap for the day none is sent that can't be."""
    config = _config(setting)
    ledger, path = setting.ledger(), setting.locations.ledger_file
    fault = ledger.fault()
    if fault is None:
        yield Finding("ledger", "ok", f"{path}{'' if path.exists() else ' (nothing spent yet)'}")
    elif config is not None and config.budget.daily_usd is not None:
        why = f"{path} can't be used ({fault}), and budget.daily_usd is set, so every request is refused"
        yield Finding("ledger", "problem", f"{why}; mend or move the file, or take the cap out of your configuration")
    else:
        why = f"{path} can't be used ({fault}), so nothing that is spent is counted"
        yield Finding("ledger", "warning", f"{why}; mend or move the file")


def _routing(setting: Setting) -> Iterator[Finding]:
    """Name the actions of `routing.actions` that do not exist: a tier under such a name never counts."""
    from missy_lsp.config.actions import load_actions

    config = setting.load().config
    if config is None or not config.routing.actions:
        return
    there = {"ask", *(action.id for action in load_actions(setting.locations, setting.workspace).actions)}
    for name in config.routing.actions:
        if name not in there:
            close = difflib.get_close_matches(name, there, 1)
            hint = f"did you mean {close[0]}?" if close else "missy actions lists them"
            yield Finding("routing", "warning", f"routing.actions: there is no action {name} here; {hint}")


def _config(setting: Setting) -> Config | None:
    """Return the configuration as every request from here takes it, None where it can't be read."""
    config = setting.load().config
    return None if config is None else setting.placed(config)


async def _described(setting: Setting, config: Config) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    models = setting.models()
    try:
        described: list[dict[str, Any]] = await models.describe(config)
        states: dict[str, Any] = models.key_states()
        return [(provider, states.get(provider["name"], [])) for provider in described]
    finally:
        await models.aclose()


def _network(setting: Setting) -> Iterator[Finding]:
    config = setting.load().config
    if config is None:
        return
    proxies = [name for name in _PROXIES if os.environ.get(name) or os.environ.get(name.lower())]
    if proxies and not config.network.use_env_proxy:
        names = ", ".join(proxies)
        yield Finding("network", "warning", f"{names} set but not obeyed; to use it: network.use_env_proxy: true")
    elif proxies:
        yield Finding("network", "ok", f"{', '.join(proxies)} obeyed")
    bundle = config.network.ca_bundle
    if bundle is not None and not os.path.isfile(os.path.expanduser(bundle)):
        yield Finding("network", "problem", f"network.ca_bundle: {bundle} is not a file")
