"""Explanations on hover: from the cache, or generated where the user asked for them by a key (contract 3.5)."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from missy_lsp.config.values import Config
from missy_lsp.document import Position, Snapshot
from missy_lsp.errors import MissyError
from missy_lsp.features.hover import (
    MAX_OUTPUT_TOKENS,
    HoverTarget,
    cache_key,
    hover_markdown,
    hover_plain,
    hover_prompt,
    hover_target,
)
from missy_lsp.features.quick_calls import quick_call
from missy_lsp.server.documents import file_path
from missy_lsp.server.edit_shapes import range_of
from missy_lsp.server.explanations import Explanation, ExplanationCache
from missy_lsp.server.generations import Generations
from missy_lsp.server.hourly import HourlyCount
from missy_lsp.server.model_requests import log_call
from missy_lsp.server.quiet_work import QuietWork
from missy_lsp.tools.locating import may_be_context

if TYPE_CHECKING:
    from missy_lsp.llm.client import Call
    from missy_lsp.server.documents import OpenDocument
    from missy_lsp.server.session import Session

WITHIN_S = 8.0
_TO_BE_SENT_S = 0.3
# How long one symbol has to be the last that was hovered over before the model is asked about it.
REST_S = 0.25
REST_BY_KEY_S = 0.1
# A longer text is read in a thread: finding its definitions would hold up other requests.
_LONG_CHARACTERS = 10_000
_KEPT_TARGETS = 128

Json = dict[str, object]


@attrs.frozen
class _Asked:
    """What a hover is about, as it was when it came; `order` rises from one to the next."""

    document: OpenDocument
    snapshot: Snapshot
    offset: int
    config: Config
    card: str
    folder: Path | None
    order: int


class Hovering:
    """What hovers of one session have in common; `clock` is monotonic, in seconds."""

    def __init__(self, session: Session, clock: Callable[[], float] = time.monotonic) -> None:
        self._session = session
        self._cache = ExplanationCache(session.configuration.locations.cache_dir / "hover")
        self._hour = HourlyCount(session.ledger, "hover", _enough, clock)
        self._generations = Generations(self._generate, clock=clock)
        self._quiet = QuietWork(session, "explanation on hover", clock)
        self._targets: OrderedDict[object, HoverTarget | None] = OrderedDict()
        self._order = itertools.count(1)

    def hover(self, document: OpenDocument, position: Position) -> Awaitable[Json | None] | None:
        """Freeze what a hover is about; None where there is nothing to say at once."""
        path = file_path(document.uri)
        config = self._session.configuration.config_for(path)
        if config.hover.mode == "off" or not document.buffer.has_line(position.line):
            return None
        snapshot = self._session.documents.snapshot(document.uri, None, None)
        card = self._session.configuration.card_for(path)
        folder = self._session.configuration.folder_of(path)
        offset = document.buffer.offset_at(position)
        return self._hover(_Asked(document, snapshot, offset, config, card, folder, next(self._order)))

    def stop(self, uri: str | None = None) -> int:
        """Stop every explanation that is being made, or those for one document; return how many there were."""
        return self._generations.stop(uri)

    def stop_unwanted(self) -> int:
        """Stop the explanations that would not be generated as it is configured now; return how many there were."""
        return self._generations.stop_unwanted(self._is_wanted)

    async def close(self, timeout_s: float) -> None:
        await self._generations.close(timeout_s)

    def generates(self, config: Config) -> bool:
        """Tell whether a model may be asked on a hover in this client."""
        return config.hover.mode == "always" or (config.hover.mode == "auto" and self._session.client.asks_by_key)

    def _is_wanted(self, uri: str, call: Call) -> bool:
        config = self._session.config_of(uri)
        return config is not None and self.generates(config)

    async def _hover(self, asked: _Asked) -> Json | None:
        found = await self._quiet.within(WITHIN_S - _TO_BE_SENT_S, self._found(asked))
        return None if found is None else self._shown(*found, asked.document, asked.snapshot)

    async def _found(self, asked: _Asked) -> tuple[Explanation, HoverTarget] | None:
        target = await self._target(asked)
        found = None if target is None else await self._explanation(asked, target)
        return None if target is None or found is None else (found, target)

    async def _target(self, asked: _Asked) -> HoverTarget | None:
        """Return what is at a place; the same place of the same text is read once, in a thread where it is long."""
        snapshot, offset, redact = asked.snapshot, asked.offset, asked.config.privacy.redact_secrets
        key = (hash(snapshot.text), len(snapshot.text), snapshot.language_id, offset, redact)
        if key in self._targets:
            self._targets.move_to_end(key)
            return self._targets[key]
        if len(snapshot.text) > _LONG_CHARACTERS:
            target = await asyncio.to_thread(hover_target, snapshot, offset, redact=redact)
        else:
            target = hover_target(snapshot, offset, redact=redact)
        self._targets[key] = target
        while len(self._targets) > _KEPT_TARGETS:
            self._targets.popitem(last=False)
        return target

    async def _explanation(self, asked: _Asked, target: HoverTarget) -> Explanation | None:
        session, config = self._session, asked.config
        prompt = hover_prompt(target, asked.card)
        name = "" if asked.folder is None else str(asked.folder)
        call = quick_call(
            "hover", prompt, config, MAX_OUTPUT_TOKENS, provider=session.provider_for(config), folder=name
        )
        estimate = session.models.estimate(call)
        provider = config.providers.get(estimate.provider)
        base_url = None if provider is None else provider.base_url
        key = cache_key(prompt, estimate.provider, base_url, estimate.decision.model)
        found = self._cache.remembered(key) or await asyncio.to_thread(self._cache.read, key)
        if found is not None or not self.generates(config):
            return found
        folders = session.configuration.folders
        if not await asyncio.to_thread(may_be_context, asked.snapshot.path, folders, config.privacy.ignore):
            return None
        if not session.documents.has(asked.document):
            return None  # it was closed meanwhile
        rest_s = REST_BY_KEY_S if session.client.asks_by_key else REST_S
        outcome = await self._generations.make(key, call, asked.snapshot.uri, rest_s, asked.order)
        if isinstance(outcome, MissyError):
            raise outcome
        return outcome

    async def _generate(self, key: str, call: Call) -> Explanation | None:
        async with self._hour.one_more(call.config.hover.max_per_hour):
            completion = await self._session.models.run(call, lambda event: None)
        log_call("hover", completion)
        text = completion.text.strip()
        if not text:
            return None
        if not completion.complete:
            return Explanation(f"{text}…", completion.model)  # shown, and asked for again the next time
        found = Explanation(text, completion.model)
        await asyncio.to_thread(self._cache.write, key, found)
        return found

    def _shown(self, found: Explanation, target: HoverTarget, document: OpenDocument, snapshot: Snapshot) -> Json:
        kind = self._session.client.hover_format
        value = (hover_markdown if kind == "markdown" else hover_plain)(found.text, found.model)
        shape: Json = {"contents": {"kind": kind, "value": value}}
        if document.version == snapshot.version:
            shape["range"] = range_of(document.buffer, target.span)
        return shape


def _enough(most: int) -> str:
    return (
        f"{most} explanations were generated within an hour (hover.max_per_hour); more are only shown from the "
        "cache for now. The action Explain still works."
    )
