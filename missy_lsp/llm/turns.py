"""The turns of one call: ask, retry, let the model use its tools, until it has answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

import attrs

from missy_lsp.errors import ModelError
from missy_lsp.llm.types import (
    AnswerEvent,
    JsonObject,
    Message,
    ModelRequest,
    Prompt,
    Repair,
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
GOOD_STOPS = frozenset({"end_turn", "stop_sequence"})
# Asked with the text of the last turn and whether an answer by schema can be had; None where it is fine.
AskForRepair = Callable[[str, bool], Repair | None]
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

    `afford` is called before every further turn with what it will send and what was used so far; it raises ModelError
    where that would pass a cap. `repair` may ask for one more turn where the answer can't be used.
    """

    def __init__(
        self,
        upstream: Upstream,
        toolbox: Toolbox | None,
        on_event: OnEvent,
        afford: Callable[[Prompt, list[TurnEnd]], Awaitable[None]],
        repair: AskForRepair | None = None,
    ) -> None:
        self._upstream = upstream
        self._toolbox = toolbox
        self._on_event = on_event
        self._afford = afford
        self._repair = repair
        self._text: list[str] = []
        self._turn_text: list[str] = []
        self.structured = False
        self.ends: list[TurnEnd] = []

    @property
    def text(self) -> str:
        return "".join(self._text)

    @property
    def usage(self) -> Usage:
        return sum((end.usage for end in self.ends), Usage())

    @property
    def last_text(self) -> str:
        """Return the text of the last turn alone."""
        return "".join(self._turn_text)

    async def run(self, request: ModelRequest, *, can_structure: bool = False) -> TurnEnd:
        """Run turns until the model has answered, or `MAX_TURNS` of them. Raises ModelError with all text so far.

        `request` is the first turn's; `can_structure` tells whether its model answers by a schema.
        """
        for turn in range(1, MAX_TURNS + 1):
            end = await self._turn(request)
            calls = [block for block in end.content if isinstance(block, ToolUseBlock)]
            if turn == MAX_TURNS:
                break
            if end.stop_reason == "tool_use" and calls and self._toolbox is not None:
                results = await self._call_tools(self._toolbox, calls, is_last=turn == MAX_TURNS - 1)
                request = _continued(request, end, results)
            elif (repair := self._asked_repair(end, can_structure)) is not None:
                request = _continued(request, end, Message("user", (TextBlock(repair.message),)))
                request = attrs.evolve(request, output_schema=repair.output_schema)
                self.structured = repair.output_schema is not None
            else:
                break
        return end

    async def _turn(self, request: ModelRequest) -> TurnEnd:
        self._turn_text = []
        try:
            if self.ends:  # the account was opened for the first turn
                await self._afford(request.prompt, self.ends)
            end = await self._upstream.turn(request, self._on_turn_event)
        except ModelError as error:
            error.partial_text = self.text
            raise
        self.ends.append(end)
        self._on_event(UsageSoFar(self.usage))
        return end

    def _asked_repair(self, end: TurnEnd, can_structure: bool) -> Repair | None:
        """Ask once whether the answer needs to be mended; one that is cut or refused can't be."""
        repair, self._repair = self._repair, None
        if repair is None or end.stop_reason not in GOOD_STOPS:
            return None
        return repair(self.last_text, can_structure)

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
                if text and not self._turn_text and self._text:
                    self._say("\n\n")
                if text:
                    self._turn_text.append(text)
                self._say(text)
            case UsageSoFar(usage):
                self._on_event(UsageSoFar(self.usage + usage))
            case _:
                self._on_event(event)

    def _say(self, text: str) -> None:
        self._text.append(text)
        self._on_event(TextDelta(text))


def _continued(request: ModelRequest, end: TurnEnd, said: Message) -> ModelRequest:
    """Return the request of the next turn: the conversation grows at its end, nothing in it changes."""
    messages = request.prompt.messages
    if end.content:
        messages = (*messages, Message("assistant", end.content), said)
    else:  # the model said nothing, and an empty message is not accepted
        messages = (*messages[:-1], attrs.evolve(messages[-1], content=(*messages[-1].content, *said.content)))
    return attrs.evolve(request, prompt=attrs.evolve(request.prompt, messages=messages))
