"""`missy models`: what is known of each model, and which tiers use it; `--refresh` asks the provider."""

from __future__ import annotations

import argparse
import os
import time
from typing import TYPE_CHECKING

from missy_lsp.cli.output import aligned, one_line
from missy_lsp.cli.setting import Setting
from missy_lsp.errors import MissyError, ModelError

if TYPE_CHECKING:
    from missy_lsp.config.values import Config
    from missy_lsp.credentials.resolve import ResolvedKey
    from missy_lsp.llm.catalogue import ModelFacts
    from missy_lsp.llm.providers.base import Listing

_HEADINGS = ("model", "in", "out", "context", "answer", "status", "used by")
_NUMBERS = range(1, 5)


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "models", help="list the models that are known or configured, with prices and limits", allow_abbrev=False
    )
    parser.add_argument("--refresh", action="store_true", help="ask the default provider for limits and retirements")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(setting: Setting, options: argparse.Namespace) -> int:
    """Print the catalogue's models in its order, then those that it does not know; 1 where a refresh failed."""
    import asyncio

    from missy_lsp.llm.configured_models import configured_models
    from missy_lsp.llm.registry import OFFLINE
    from missy_lsp.llm.told_models import ToldCatalogues

    config = setting.config()
    code = 0
    if options.refresh:
        try:
            asyncio.run(_refresh(setting, config))
        except MissyError as error:
            setting.output.note(f"missy: {one_line(error.message)} What is known without it follows.", "red")
            code = 1
    told = ToldCatalogues(setting.locations.told_models_file)
    default = config.providers.get(config.default_provider)
    catalogue = told.installed if default is None else told.of(default)
    # The same model has a row of its own where the address of another provider told something else of it.
    uses: dict[ModelFacts, tuple[str, ...]] = {facts: () for facts in catalogue.models.values() if facts.id != OFFLINE}
    for model in configured_models(config):
        facts = told.of(model.provider).facts(model.id)
        uses[facts] = (*uses.get(facts, ()), *model.uses)
    if options.json:
        setting.output.document([_fields(facts, used_by) for facts, used_by in uses.items()])
        return code
    rows = [_HEADINGS, *(_row(facts, used_by) for facts, used_by in uses.items())]
    for line in aligned(rows, _NUMBERS):
        setting.output.result(line.rstrip())
    setting.output.result("in, out: USD per million tokens; context, answer: tokens")
    return code


async def _refresh(setting: Setting, config: Config) -> None:
    """Ask the default provider, under the rules of every request, and keep what it tells. Raises MissyError."""
    from missy_lsp.llm.destinations import Destinations, origin_of
    from missy_lsp.llm.keys import ProviderKeys
    from missy_lsp.llm.providers.base import Listing
    from missy_lsp.llm.registry import ProviderRegistry
    from missy_lsp.llm.told_models import ToldModels

    registry = ProviderRegistry()
    try:
        entries = {entry.id: entry for entry in registry.entries(config)}
        entry = entries.get(config.default_provider)
        if entry is None or entry.provider is None or entry.reason is not None:
            why = "it is not configured" if entry is None else entry.reason
            raise MissyError(f"The provider {config.default_provider} can't be asked: {why}.")
        if not isinstance(entry.provider, Listing) or not entry.provider.needs_key:
            raise MissyError(f"The provider {entry.id} has no list of models.")
        vault = setting.vault()
        pool = await ProviderKeys(os.environ, lambda: vault, time.monotonic).pool(entry.id, entry.config)
        await Destinations(setting.origins()).check(entry.id, entry.config, pool.keys, None)
        told = await _list_models(entry.provider, pool.keys, float(entry.config.timeout))
        kept = ToldModels(setting.locations.told_models_file).keep(origin_of(entry.config), told)
        setting.output.note(f"{entry.id} told of {len(kept)} models")
    finally:
        await registry.aclose()


async def _list_models(provider: Listing, keys: tuple[ResolvedKey, ...], timeout_s: float) -> list[object]:
    """Ask with each key in turn while they are refused or rate limited. Raises ModelError as the last one did."""
    from missy_lsp.llm.retry import KEY_FAILURES

    *others, last = keys
    for key in others:
        try:
            return await provider.list_models(key.secret, timeout_s)
        except ModelError as error:
            if error.kind not in KEY_FAILURES:
                raise
    return await provider.list_models(last.secret, timeout_s)


def _fields(facts: ModelFacts, used_by: tuple[str, ...]) -> dict[str, object]:
    long_prompt = None
    if facts.price_above is not None:
        long_prompt = {
            "aboveTokens": facts.long_prompt_tokens,
            "inputUsd": facts.price_above.input,
            "outputUsd": facts.price_above.output,
        }
    return {
        "id": facts.id,
        "name": facts.name,
        "known": facts.known,
        "inputUsd": facts.price.input,
        "outputUsd": facts.price.output,
        "longPrompt": long_prompt,
        "contextTokens": facts.context_tokens,
        "maxOutputTokens": facts.max_output_tokens,
        "minCacheTokens": facts.min_cache_tokens,
        "thinking": list(facts.thinking),
        "efforts": list(facts.efforts),
        "structuredOutputs": facts.structured_outputs,
        "status": facts.status,
        "retires": facts.retires,
        "successor": facts.successor,
        "usedBy": list(used_by),
    }


def _row(facts: ModelFacts, used_by: tuple[str, ...]) -> tuple[str, ...]:
    retires = f", retires {facts.retires}" if facts.retires else ""
    return (
        one_line(facts.id),
        *(_prices(facts, side) for side in ("input", "output")),
        str(facts.context_tokens),
        str(facts.max_output_tokens),
        f"{facts.status}{retires}",
        one_line(", ".join(used_by)),
    )


def _prices(facts: ModelFacts, side: str) -> str:
    """Return a price, `<=` before that of an unknown model, and the one of long prompts behind a slash."""
    price = f"{'' if facts.known else '<='}{getattr(facts.price, side):g}"
    return price if facts.price_above is None else f"{price}/{getattr(facts.price_above, side):g}"
