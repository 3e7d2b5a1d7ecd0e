"""Short ways to make requests to a provider and to see all of an outcome."""

from __future__ import annotations

import asyncio

import attrs

from missy_lsp.errors import ModelError
from missy_lsp.llm.providers.base import Provider
from missy_lsp.llm.types import (
    Message,
    ModelRequest,
    Prompt,
    ProviderEvent,
    TextBlock,
    TextDelta,
    ThinkingDelta,
    TurnEnd,
    UsageSoFar,
)
from missy_lsp.secret import Secret

FAKE_KEY = Secret("sk-ant-api03-FAKE-0123456789-abcdefghijklmnop-CANARY")


def prompt(text: str = "What does this do?", system: str = "Answer briefly.") -> Prompt:
    return Prompt((TextBlock(system),), (Message("user", (TextBlock(text),)),))


def request(
    text: str = "What does this do?", *, model: str = "claude-sonnet-4-6", timeout_s: float = 5.0
) -> ModelRequest:
    return ModelRequest(model, prompt(text), 1000, timeout_s)


@attrs.frozen
class Outcome:
    """What a call gave: its events in order, and either an end or an error."""

    events: tuple[ProviderEvent, ...]
    end: TurnEnd | None = None
    error: ModelError | None = None

    @property
    def text(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, TextDelta))

    @property
    def thinking(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, ThinkingDelta))

    @property
    def last_usage(self) -> object:
        return [event.usage for event in self.events if isinstance(event, UsageSoFar)][-1]

    @property
    def kind(self) -> str:
        """Return the kind of the error, `ok` where there is none."""
        return self.error.kind if self.error else "ok"


async def call(provider: Provider, asked: ModelRequest | None = None, key: Secret | None = FAKE_KEY) -> Outcome:
    """Run one turn and return its outcome; only a `ModelError` is one."""
    events: list[ProviderEvent] = []
    try:
        end = await provider.stream(asked or request(), key, events.append)
    except ModelError as error:
        return Outcome(tuple(events), error=error)
    return Outcome(tuple(events), end=end)


async def cancelled_call(provider: Provider) -> Outcome:
    """Run one turn and cancel it as soon as it has said something."""
    events: list[ProviderEvent] = []
    spoke = asyncio.Event()

    def on_event(event: ProviderEvent) -> None:
        events.append(event)
        if isinstance(event, TextDelta):
            spoke.set()

    task = asyncio.ensure_future(provider.stream(request(), FAKE_KEY, on_event))
    await spoke.wait()
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    return Outcome(tuple(events))
