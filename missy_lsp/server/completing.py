"""Suggestions at the cursor: from memory where their beginning was typed, else made once the typing rests."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from missy_lsp.config.values import Config
from missy_lsp.document import Position, Snapshot, Span
from missy_lsp.errors import MissyError
from missy_lsp.features.inline_completion import (
    MAX_OUTPUT_TOKENS,
    Suggestion,
    completion_prompt,
    completion_target,
    read_completion,
)
from missy_lsp.features.quick_calls import quick_call
from missy_lsp.server.documents import file_path
from missy_lsp.server.generations import Generations
from missy_lsp.server.hourly import HourlyCount
from missy_lsp.server.model_requests import log_call
from missy_lsp.server.quiet_work import QuietWork
from missy_lsp.tools.locating import may_be_context

if TYPE_CHECKING:
    from missy_lsp.server.documents import OpenDocument
    from missy_lsp.server.session import Session

WITHIN_S = 8.0
KEPT = 50


@attrs.frozen
class Picked:
    """What the user has picked in the editor's own list, which would take the place of `span`."""

    span: Span
    text: str


@attrs.frozen
class Offer:
    """What may be inserted at the cursor now, and the model that it comes from."""

    text: str
    model: str


@attrs.frozen
class _Asked:
    """What is to be completed, as it was when it was asked for; what was picked stands in the snapshot."""

    snapshot: Snapshot
    offset: int
    config: Config
    folder: Path | None
    is_by_hand: bool
    picked: str

    @property
    def rest_s(self) -> float:
        """Return how long no other request and no change may follow before a model is asked."""
        return 0.0 if self.is_by_hand else self.config.completion.debounce_ms / 1000

    @property
    def key(self) -> str:
        return f"{self.snapshot.version} {self.offset} {self.snapshot.uri} {self.picked}"


class Completing:
    """The suggestions of one session, at most one in the making per document; `clock` is monotonic, in seconds."""

    def __init__(self, session: Session, clock: Callable[[], float] = time.monotonic) -> None:
        self._session = session
        self._hour = HourlyCount(session.ledger, "completion", _enough, clock)
        self._generations = Generations(self._generate, clock=clock)
        self._quiet = QuietWork(session, "completion", clock)
        self._kept: deque[tuple[str, Suggestion]] = deque(maxlen=KEPT)
        self._order = itertools.count(1)

    def suggest(
        self, document: OpenDocument, position: Position, *, by_hand: bool, picked: Picked | None = None
    ) -> Awaitable[Offer | None] | None:
        """Freeze what is to be completed; None where nothing is, without asking anybody.

        `by_hand`: the user has pressed a key for it. It is then made at once, and also where there was none before.
        """
        path = file_path(document.uri)
        configuration = self._session.configuration
        config = configuration.config_for(path)
        if not _is_wanted(config, by_hand=by_hand) or not document.buffer.has_line(position.line):
            return None
        snapshot = self._session.documents.snapshot(document.uri, None, None)
        offset = document.buffer.offset_at(position)
        if picked is not None:
            text = snapshot.text[: picked.span.start] + picked.text + snapshot.text[picked.span.end :]
            snapshot, offset = attrs.evolve(snapshot, text=text), picked.span.start + len(picked.text)
        folder = configuration.folder_of(path)
        asked = _Asked(snapshot, offset, config, folder, by_hand, "" if picked is None else picked.text)
        return self._suggest(document, asked)

    def stop(self, uri: str | None = None) -> int:
        """Stop every suggestion that is being made, or that for one document; return how many there were."""
        return self._generations.stop(uri)

    def stop_unwanted(self) -> int:
        """Stop the suggestions that would not be made as it is configured now; return how many there were."""
        return self._generations.stop_unwanted(self._is_still_wanted)

    async def close(self, timeout_s: float) -> None:
        await self._generations.close(timeout_s)

    def _is_still_wanted(self, uri: str, asked: _Asked) -> bool:
        config = self._session.config_of(uri)
        return config is not None and _is_wanted(config, by_hand=asked.is_by_hand)

    async def _suggest(self, document: OpenDocument, asked: _Asked) -> Offer | None:
        kept = self._remembered(asked)
        is_current = self._session.documents.has(document) and document.version == asked.snapshot.version
        if kept is not None or not is_current:
            return kept if kept is not None and kept.text.strip() else None

        def on_change(changed: OpenDocument) -> None:
            self._generations.stop(asked.snapshot.uri)

        self._generations.stop(asked.snapshot.uri, but=asked.key)
        document.on_change.append(on_change)
        try:
            return await self._quiet.within(WITHIN_S + asked.rest_s, self._made(asked))
        finally:
            document.on_change.remove(on_change)

    def _remembered(self, asked: _Asked) -> Offer | None:
        """Return what is left of the last suggestion for this place; a blank one says that there is none."""
        for uri, suggestion in reversed(self._kept):
            if uri == asked.snapshot.uri:
                rest = suggestion.rest(asked.snapshot.text, asked.offset)
                if rest is not None and (rest.strip() or not asked.is_by_hand):
                    return Offer(rest, suggestion.model)
        return None

    async def _made(self, asked: _Asked) -> Offer | None:
        outcome = await self._generations.make(asked.key, asked, asked.snapshot.uri, asked.rest_s, next(self._order))
        if isinstance(outcome, MissyError):
            raise outcome
        return None if outcome is None or not outcome.text else Offer(outcome.text, outcome.model)

    async def _generate(self, key: str, asked: _Asked) -> Suggestion | None:
        session, config, snapshot = self._session, asked.config, asked.snapshot
        folders, ignore = session.configuration.folders, config.privacy.ignore
        if not await asyncio.to_thread(may_be_context, snapshot.path, folders, ignore):
            return None
        redact = config.privacy.redact_secrets
        target = await asyncio.to_thread(completion_target, snapshot, asked.offset, redact=redact)
        if target is None:
            return None
        max_lines = config.completion.max_lines
        folder = "" if asked.folder is None else str(asked.folder)
        prompt = completion_prompt(target, max_lines)
        call = quick_call(
            "completion", prompt, config, MAX_OUTPUT_TOKENS, provider=session.provider_for(config), folder=folder
        )
        async with self._hour.one_more(config.completion.max_per_hour):
            completion = await session.models.run(call, lambda event: None)
        log_call("completion", completion)
        text = read_completion(target, completion.text, max_lines) if completion.complete else ""
        made = Suggestion.at(text, completion.model, snapshot.text, asked.offset)
        self._kept.append((snapshot.uri, made))
        return made


def _is_wanted(config: Config, *, by_hand: bool) -> bool:
    return config.completion.mode == "auto" or (config.completion.mode == "manual" and by_hand)


def _enough(most: int) -> str:
    return (
        f"{most} completions were generated within an hour (completion.max_per_hour); there are none for now. "
        "Wait, or raise it in your own configuration file."
    )
