"""The turns of one call: ask, retry, let the model use its tools, until it has answered."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import Protocol

import attrs

from missy_lsp.credentials.pool import KeyPool
from missy_lsp.credentials.resolve import ResolvedKey
from missy_lsp.errors import ModelError
from missy_lsp.llm.providers.base import Provider
from missy_lsp.llm.retry import KEY_FAILURES, Wait, after_failure, reason_of
from missy_lsp.llm.types import (
    AnswerEvent,
    JsonObject,
    Message,
    ModelRequest,
    Prompt,
    ProviderEvent,
    Retrying,
    TextBlock,
    TextDelta,
    ThinkingDelta,
    ToolCalled,
    ToolResultBlock,
    ToolSpec,
    ToolUseBlock,
    TurnEnd,
    Usage,
    UsageSoFar,
)

MAX_TURNS = 8
_LAST_TURN = "No more tools can be used for this question. Answer now with what you know."

OnEvent = Callable[[AnswerEvent], None]


class ToolResult(Protocol):
    """What a tool gives back: text for the model, one line for the user."""

    @property
    def text(self) -> str: ...

    @property
    def is_error(self) -> bool: ...

    @property
    def summary(self) -> str: ...


class Toolbox(Protocol):
    """The tools that a call offers; a call of one never raises for what the model wrote."""

    def specs(self) -> tuple[ToolSpec, ...]: ...

    async def call(self, name: str, arguments: JsonObject) -> ToolResult: ...


@attrs.frozen
class Upstream:
    """One provider with its keys: `turn` is one model turn with everything that may follow a failure."""

    provider: Provider
    pool: KeyPool | None
    resolve_again: Callable[[], Awaitable[None]]
    clock: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    chance: random.Random
    interactive: bool

    async def turn(self, request: ModelRequest, on_event: OnEvent) -> TurnEnd:
        """Run a turn. Nothing is tried again once something of it was shown. Raises ModelError."""
        if self.pool is None:
            return await self._with_key(request, None, on_event, 1, retried=True)
        used: set[str] = set()
        resolved_again = False
        while True:
            key = next((key for key in self.pool.candidates() if key.secret.fingerprint() not in used), None)
            if key is None:
                raise self._exhausted(self.pool)
            first = not used
            used.add(key.secret.fingerprint())
            try:
                return await self._with_key(request, key, on_event, len(used), retried=first)
            except ModelError as error:
                if error.kind not in KEY_FAILURES or error.partial_text:
                    raise
                if error.kind != "rate_limited" and not resolved_again:
                    resolved_again = True
                    await self.resolve_again()
                if not any(other.secret.fingerprint() not in used for other in self.pool.candidates()):
                    raise self._told(error, self.pool) from None

    async def _with_key(
        self, request: ModelRequest, key: ResolvedKey | None, on_event: OnEvent, attempt: int, *, retried: bool
    ) -> TurnEnd:
        requests_made = 0
        while True:
            requests_made += 1
            shown = _Shown(on_event)
            try:
                end = await self.provider.stream(request, key.secret if key else None, shown)
            except ModelError as error:
                if shown.anything:
                    raise
                self._note(error, key)
                others = self.pool is not None and any(other != key for other in self.pool.candidates())
                if not retried or (error.kind in KEY_FAILURES and others):
                    raise
                step = after_failure(error, requests_made, interactive=self.interactive, chance=self.chance)
                if not isinstance(step, Wait):
                    raise
                on_event(Retrying(attempt + requests_made, step.seconds, reason_of(error)))
                await self.sleep(step.seconds)
            else:
                if key is not None and self.pool is not None:
                    self.pool.succeeded(key)
                return end

    def _note(self, error: ModelError, key: ResolvedKey | None) -> None:
        if key is None or self.pool is None:
            return
        if error.kind in ("authentication", "permission"):
            self.pool.rejected(key)
        elif error.kind == "rate_limited":
            self.pool.cooled(key, error.retry_after_s)

    def _told(self, error: ModelError, pool: KeyPool) -> ModelError:
        """Return the error of the last key, with what holds for all of them."""
        if len(pool.keys) < 2:
            return error
        return self._exhausted(pool, error)

    def _exhausted(self, pool: KeyPool, last: ModelError | None = None) -> ModelError:
        count = "The only key" if len(pool.keys) == 1 else f"All {len(pool.keys)} keys"
        verb = "is" if len(pool.keys) == 1 else "are"
        wait_s = pool.next_ready_in_s()
        request_id = last.request_id if last else None
        if wait_s is None:
            kind = last.kind if last and last.kind != "rate_limited" else "authentication"
            message = f"{count} {verb} refused by the API. Store a valid one: missy vault set NAME, then ask again."
            return ModelError(kind, message, request_id=request_id)
        message = f"{count} {verb} rate limited or refused; the first comes back in {wait_s:.0f} s."
        return ModelError("rate_limited", message, retryable=True, retry_after_s=wait_s, request_id=request_id)


class Turns:
    """The conversation of one call, append-only."""

    def __init__(self, upstream: Upstream, prompt: Prompt, toolbox: Toolbox | None, on_event: OnEvent) -> None:
        self._upstream = upstream
        self._prompt = prompt
        self._toolbox = toolbox
        self._on_event = on_event
        self._text: list[str] = []
        self._turn_has_text = False
        self.usages: list[Usage] = []

    @property
    def text(self) -> str:
        return "".join(self._text)

    @property
    def usage(self) -> Usage:
        return sum(self.usages, Usage())

    async def run(self, model: str, max_tokens: int, timeout_s: float) -> TurnEnd:
        """Run turns until the model has answered, or `MAX_TURNS` of them. Raises ModelError with all text so far."""
        messages = self._prompt.messages
        for turn in range(1, MAX_TURNS + 1):
            self._turn_has_text = False
            prompt = attrs.evolve(self._prompt, messages=messages)
            request = ModelRequest(model, prompt, max_tokens, timeout_s)
            try:
                end = await self._upstream.turn(request, self._on_turn_event)
            except ModelError as error:
                error.partial_text = self.text
                raise
            self.usages.append(end.usage)
            self._on_event(UsageSoFar(self.usage))
            calls = [block for block in end.content if isinstance(block, ToolUseBlock)]
            if end.stop_reason != "tool_use" or not calls or self._toolbox is None or turn == MAX_TURNS:
                break
            results = await self._call_tools(self._toolbox, calls, is_last=turn == MAX_TURNS - 1)
            messages = (*messages, Message("assistant", end.content), results)
        return end

    async def _call_tools(self, toolbox: Toolbox, calls: list[ToolUseBlock], *, is_last: bool) -> Message:
        results: list[ToolResultBlock | TextBlock] = []
        for call in calls:
            outcome = await toolbox.call(call.name, call.input)
            self._on_event(ToolCalled(call.name, outcome.summary))
            results.append(ToolResultBlock(call.id, outcome.text, outcome.is_error))
        if is_last:
            results.append(TextBlock(_LAST_TURN))
        return Message("user", tuple(results))

    def _on_turn_event(self, event: AnswerEvent) -> None:
        match event:
            case TextDelta(text):
                if text and not self._turn_has_text:
                    self._turn_has_text = True
                    if self._text:
                        self._say("\n\n")
                self._say(text)
            case UsageSoFar(usage):
                self._on_event(UsageSoFar(self.usage + usage))
            case _:
                self._on_event(event)

    def _say(self, text: str) -> None:
        self._text.append(text)
        self._on_event(TextDelta(text))


class _Shown:
    """Pass a provider's events on and remember whether the user has seen any of them."""

    def __init__(self, on_event: OnEvent) -> None:
        self._on_event = on_event
        self.anything = False

    def __call__(self, event: ProviderEvent) -> None:
        if isinstance(event, TurnEnd):
            return
        if isinstance(event, TextDelta | ThinkingDelta):
            self.anything = True
        self._on_event(event)
