"""The turns of one call: ask, retry, let the model use its tools, until it has answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import attrs

from missy_lsp.errors import ModelError
from missy_lsp.llm.types import (
    AnswerEvent,
    JsonObject,
    Message,
    ModelRequest,
    Prompt,
    TextBlock,
    TextDelta,
    ToolCalled,
    ToolResultBlock,
    ToolSpec,
    ToolUseBlock,
    TurnEnd,
    Usage,
    UsageSoFar,
)
from missy_lsp.llm.upstream import OnEvent, Upstream

MAX_TURNS = 8
_LAST_TURN = "No more tools can be used for this question. Answer now with what you know."


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


class Turns:
    """The conversation of one call, append-only.

    `afford` is called before every turn with what it will send and what was used so far; it raises ModelError
    where that would pass a cap.
    """

    def __init__(
        self,
        upstream: Upstream,
        prompt: Prompt,
        toolbox: Toolbox | None,
        on_event: OnEvent,
        afford: Callable[[Prompt, list[TurnEnd]], None],
    ) -> None:
        self._upstream = upstream
        self._prompt = prompt
        self._toolbox = toolbox
        self._on_event = on_event
        self._afford = afford
        self._text: list[str] = []
        self._turn_has_text = False
        self.ends: list[TurnEnd] = []

    @property
    def text(self) -> str:
        return "".join(self._text)

    @property
    def usage(self) -> Usage:
        return sum((end.usage for end in self.ends), Usage())

    async def run(self, model: str, max_tokens: int, timeout_s: float) -> TurnEnd:
        """Run turns until the model has answered, or `MAX_TURNS` of them. Raises ModelError with all text so far."""
        messages = self._prompt.messages
        for turn in range(1, MAX_TURNS + 1):
            self._turn_has_text = False
            prompt = attrs.evolve(self._prompt, messages=messages)
            try:
                self._afford(prompt, self.ends)
                end = await self._upstream.turn(ModelRequest(model, prompt, max_tokens, timeout_s), self._on_turn_event)
            except ModelError as error:
                error.partial_text = self.text
                raise
            self.ends.append(end)
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
