"""A provider that follows a script: a real implementation of the protocol, with nothing behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from missy_lsp.errors import ModelError
from missy_lsp.llm.providers.base import OnEvent
from missy_lsp.llm.types import ModelRequest, ProviderEvent, TextBlock, TextDelta, TurnEnd, Usage
from missy_lsp.secret import Secret

Step = ProviderEvent | ModelError | asyncio.Event
Script = Sequence[Step]


def says(*texts: str, stop_reason: str = "end_turn", usage: Usage | None = None) -> Script:
    """Return the script of a good turn."""
    whole = "".join(texts)
    end = TurnEnd(stop_reason, usage or Usage(10, 5), "claude-sonnet-4-6", (TextBlock(whole),), "req_1")
    return [*(TextDelta(text) for text in texts), end]


class ScriptedProvider:
    """Play one script per request; an Event is waited for, an error raised, a TurnEnd returned."""

    name = "scripted"
    needs_key = True

    def __init__(
        self, *scripts: Script, respond: Callable[[ModelRequest, Secret | None], Script] | None = None
    ) -> None:
        self.id = "anthropic"
        self._scripts = list(scripts)
        self._respond = respond
        self.requests: list[ModelRequest] = []
        self.keys: list[str] = []
        self.running = 0
        self.most_running = 0
        self.closed = False

    def is_available(self) -> bool:
        return True

    def unavailable_reason(self) -> str | None:
        return None

    async def stream(self, request: ModelRequest, key: Secret | None, on_event: OnEvent) -> TurnEnd:
        self.requests.append(request)
        self.keys.append(key.reveal() if key else "")
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            return await self._play(self._respond(request, key) if self._respond else self._scripts.pop(0), on_event)
        finally:
            self.running -= 1

    async def _play(self, script: Script, on_event: OnEvent) -> TurnEnd:
        shown = ""
        for step in script:
            await asyncio.sleep(0)
            match step:
                case TurnEnd():
                    return step
                case ModelError():
                    step.partial_text = shown
                    raise step
                case asyncio.Event():
                    await step.wait()
                case _:
                    shown += step.text if isinstance(step, TextDelta) else ""
                    on_event(step)
        raise AssertionError("a script ends in a TurnEnd or an error")

    async def warm_up(self) -> None:
        return None

    async def aclose(self) -> None:
        self.closed = True
