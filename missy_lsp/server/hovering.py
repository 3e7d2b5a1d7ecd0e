"""Explanations on hover: from the cache, or generated where the user asked for them by a key (contract 3.5)."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import attrs

from missy_lsp.config.values import Config
from missy_lsp.document import Position, Snapshot
from missy_lsp.errors import MissyError, ModelError
from missy_lsp.features.hover import (
    HoverTarget,
    cache_key,
    hover_call,
    hover_markdown,
    hover_plain,
    hover_prompt,
    hover_target,
)
from missy_lsp.outbound.deny_list import denied
from missy_lsp.server.documents import file_path
from missy_lsp.server.edit_shapes import range_of
from missy_lsp.server.explanations import Explanation, ExplanationCache
from missy_lsp.tools.locating import locations_of

if TYPE_CHECKING:
    from missy_lsp.llm.client import Call
    from missy_lsp.llm.types import Prompt
    from missy_lsp.server.documents import OpenDocument
    from missy_lsp.server.session import Session

logger = logging.getLogger(__name__)

WITHIN_S = 8.0
REST_S = 0.25
TOLD_AGAIN_AFTER_S = 60.0
_HOUR_S = 3600.0

Json = dict[str, object]


@attrs.define(eq=False)
class _Shared:
    """One generation that several requests wait for; the last to leave cancels it."""

    task: asyncio.Future[Explanation | None]
    waiting: int = 0


class Hovering:
    """What hovers of one session have in common; `clock` is monotonic, in seconds."""

    def __init__(self, session: Session, clock: Callable[[], float] = time.monotonic) -> None:
        self._session = session
        self._clock = clock
        self._cache = ExplanationCache(session.configuration.locations.cache_dir / "hover")
        self._running: dict[str, _Shared] = {}
        self._begun: deque[float] = deque()
        self._told: dict[str, float] = {}

    def hover(self, document: OpenDocument, position: Position) -> Awaitable[Json | None] | None:
        """Freeze what a hover is about; None where there is nothing to say at once."""
        path = file_path(document.uri)
        config = self._session.configuration.config_for(path)
        if config.hover.mode == "off" or not document.buffer.has_line(position.line):
            return None
        snapshot = self._session.documents.snapshot(document.uri, None, None)
        card = self._session.configuration.card_for(path)
        folder = self._session.configuration.folder_of(path)
        return self._hover(document, snapshot, document.buffer.offset_at(position), config, card, folder)

    async def _hover(
        self, document: OpenDocument, snapshot: Snapshot, offset: int, config: Config, card: str, folder: Path | None
    ) -> Json | None:
        # Parsing takes milliseconds; other messages are served meanwhile.
        target = await asyncio.to_thread(hover_target, snapshot, offset)
        prompt = None if target is None else hover_prompt(target, card, redact=config.privacy.redact_secrets)
        if target is None or prompt is None:
            return None
        try:
            found = await self._explanation(snapshot, prompt, config, folder)
        except MissyError as error:  # a hover that can't be answered is none; why is told, not each time
            self._tell(error)
            return None
        return None if found is None else self._shown(found, target, document, snapshot)

    async def _explanation(
        self, snapshot: Snapshot, prompt: Prompt, config: Config, folder: Path | None
    ) -> Explanation | None:
        session = self._session
        name = "" if folder is None else str(folder)
        call = hover_call(prompt, config, provider=session.default_provider, folder=name)
        estimate = session.models.estimate(call)
        provider = config.providers.get(estimate.provider)
        base_url = None if provider is None else provider.base_url
        key = cache_key(prompt, estimate.provider, base_url, estimate.decision.model)
        found = self._cache.remembered(key) or await asyncio.to_thread(self._cache.read, key)
        if found is not None or not self._generates(config):
            return found
        folders = session.configuration.folders
        if not await asyncio.to_thread(_may_be_sent, snapshot.path, folders, config.privacy.ignore):
            return None
        if not self._session.client.asks_by_key:
            await asyncio.sleep(REST_S)  # a mouse that moves on has cancelled by then
        return await self._generated(key, call)

    async def _generated(self, key: str, call: Call) -> Explanation | None:
        shared = self._running.get(key)
        if shared is None:
            self._take_from_the_hour(call.config.hover.max_per_hour)
            shared = self._running[key] = _Shared(asyncio.ensure_future(self._generate(key, call)))
            self._session.keep(shared.task)  # type: ignore[arg-type]
            shared.task.add_done_callback(lambda _: self._running.pop(key, None))
        shared.waiting += 1
        try:
            async with asyncio.timeout(WITHIN_S):
                return await asyncio.shield(shared.task)
        except TimeoutError:
            raise ModelError("timeout", f"An explanation did not come within {WITHIN_S:.0f} s.") from None
        finally:
            shared.waiting -= 1
            if shared.waiting == 0:
                self._running.pop(key, None)
                shared.task.cancel()

    async def _generate(self, key: str, call: Call) -> Explanation | None:
        try:
            completion = await self._session.models.run(call, lambda event: None)
        except MissyError as error:
            self._tell(error)
            return None
        logger.info(
            "hover %s %s: %d tokens in, %d out, %.0f ms",
            completion.tier,
            completion.model,
            completion.usage.input_tokens,
            completion.usage.output_tokens,
            completion.total_ms,
        )
        text = completion.text.strip()
        if not text:
            return None
        if not completion.complete:
            return Explanation(f"{text}…", completion.model)  # shown, and asked for again the next time
        found = Explanation(text, completion.model)
        await asyncio.to_thread(self._cache.write, key, found)
        return found

    def _generates(self, config: Config) -> bool:
        return config.hover.mode == "always" or (config.hover.mode == "auto" and self._session.client.asks_by_key)

    def _take_from_the_hour(self, most: int) -> None:
        """Count a generation. Raises ModelError (`budget`) where the hour has had its number."""
        now = self._clock()
        while self._begun and self._begun[0] <= now - _HOUR_S:
            self._begun.popleft()
        if len(self._begun) >= most:
            raise ModelError(
                "budget",
                f"{most} explanations were generated within an hour (hover.max_per_hour); more are only shown from the "
                "cache for now. The action Explain still works.",
            )
        self._begun.append(now)

    def _tell(self, error: MissyError) -> None:
        """Write why there was no explanation into the editor's log, once in a while for each reason."""
        cause = error.kind if isinstance(error, ModelError) else type(error).__name__
        now = self._clock()
        if now - self._told.get(cause, float("-inf")) >= TOLD_AGAIN_AFTER_S:
            self._told[cause] = now
            self._session.log_message(f"no explanation on hover: {error.message}")

    def _shown(self, found: Explanation, target: HoverTarget, document: OpenDocument, snapshot: Snapshot) -> Json:
        kind = self._session.client.hover_format
        value = (hover_markdown if kind == "markdown" else hover_plain)(found.text, found.model)
        shape: Json = {"contents": {"kind": kind, "value": value}}
        if document.version == snapshot.version:
            shape["range"] = range_of(document.buffer, target.span)
        return shape


def _may_be_sent(path: str | None, folders: tuple[Path, ...], ignore: tuple[str, ...]) -> bool:
    """Tell whether a file may go out without having been selected: none that is denied or ignored."""
    if path is None:
        return True
    if any(PurePath(path).is_relative_to(folder) for folder in folders):
        return next(locations_of(path, folders, ignore), None) is not None
    return denied(PurePath(path)) is None
