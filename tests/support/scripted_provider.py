"""A provider that follows a script, and a model client around it: real implementations with nothing behind them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from missy_lsp.config.values import Config, KeyReference, Network, ProviderConfig
from missy_lsp.credentials.keyring_store import KeyringStore
from missy_lsp.credentials.vault import Vault
from missy_lsp.errors import ErrorKind, ModelError
from missy_lsp.llm.client import Call, ModelClient
from missy_lsp.llm.ledger import Ledger
from missy_lsp.llm.providers.base import OnEvent
from missy_lsp.llm.registry import ProviderRegistry
from missy_lsp.llm.router import RouteInput, RoutingKnowledge
from missy_lsp.llm.types import (
    AnswerEvent,
    Completion,
    Message,
    ModelRequest,
    Prompt,
    ProviderEvent,
    Retrying,
    TextBlock,
    TextDelta,
    TurnEnd,
    Usage,
)
from missy_lsp.secret import Secret
from tests.support import keyrings

Step = ProviderEvent | ModelError | asyncio.Event
Script = Sequence[Step]

PROMPT = Prompt((TextBlock("system"),), (Message("user", (TextBlock("why?"),)),))
KEYS = ("sk-ant-api03-FAKE-one", "sk-ant-api03-FAKE-two", "sk-ant-api03-FAKE-three")


def says(*texts: str, stop_reason: str = "end_turn", usage: Usage | None = None) -> Script:
    """Return the script of a good turn."""
    whole = "".join(texts)
    end = TurnEnd(stop_reason, usage or Usage(10, 5), "claude-sonnet-4-6", (TextBlock(whole),), "req_1")
    return [*(TextDelta(text) for text in texts), end]


def fails(
    kind: ErrorKind, retry_after_s: float | None = None, *, retryable: bool = True, status: int | None = None
) -> Script:
    """Return the script of a turn that fails before anything is shown."""
    return [ModelError(kind, f"it was {kind}", retryable=retryable, retry_after_s=retry_after_s, status=status)]


class ScriptedProvider:
    """Play one script per request; an Event is waited for, an error raised, a TurnEnd returned."""

    name = "scripted"

    def __init__(
        self,
        *scripts: Script,
        respond: Callable[[ModelRequest, Secret | None], Script] | None = None,
        needs_key: bool = True,
        reason: str | None = None,
    ) -> None:
        self.id = "anthropic"
        self.needs_key = needs_key
        self._reason = reason
        self._scripts = list(scripts)
        self._respond = respond
        self.requests: list[ModelRequest] = []
        self.keys: list[str] = []
        self.running = 0
        self.most_running = 0
        self.closed = 0

    def is_available(self) -> bool:
        return self._reason is None

    def unavailable_reason(self) -> str | None:
        return self._reason

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
        self.closed += 1


def config(*keys: str, **more: object) -> Config:
    """Return a configuration of one provider with these keys, the first of `KEYS` where none is given."""
    literals = tuple(KeyReference.parse(key) for key in keys or KEYS[:1])
    return Config(providers={"anthropic": ProviderConfig(api_keys=literals)}, **more)  # type: ignore[arg-type]


def call(given: Config | None = None, **more: object) -> Call:
    return Call(**{"prompt": PROMPT, "config": given or config(), "route": RouteInput("why?"), **more})  # type: ignore[arg-type]


class Bench:
    """A client with its seams: no time passes but what `sleep` is asked for."""

    def __init__(
        self,
        tmp_path: Path,
        provider: ScriptedProvider,
        *,
        seed: int = 1,
        environ: Mapping[str, str] | None = None,
        open_vault: Callable[[], Vault] | None = None,
        sleep: Callable[[float], Awaitable[None]] | None = None,
        ledger: Ledger | None = None,
        build: Callable[[str, ProviderConfig, Network], ScriptedProvider] | None = None,
    ) -> None:
        self.provider = provider
        self.now_s = 0.0
        self.slept: list[float] = []
        self.events: list[AnswerEvent] = []
        self.vault = Vault(tmp_path / "secrets", KeyringStore(keyrings.allowed(), environ={}))
        self.client = ModelClient(
            ProviderRegistry(built_in={"anthropic": build or (lambda *_: provider)}, entry_points=dict),
            open_vault or (lambda: self.vault),
            environ={} if environ is None else environ,
            clock=lambda: self.now_s,
            sleep=sleep or self.sleep,
            chance=random.Random(seed),
            ledger=ledger,
            knowledge=RoutingKnowledge.load(),
        )

    async def sleep(self, seconds: float) -> None:
        until_s = self.now_s + seconds
        self.slept.append(seconds)
        await asyncio.sleep(0)
        self.now_s = max(self.now_s, until_s)

    async def run(self, call: Call) -> Completion:
        return await self.client.run(call, self.events.append)

    @property
    def text(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, TextDelta))

    @property
    def waits(self) -> list[float]:
        return [event.in_seconds for event in self.events if isinstance(event, Retrying)]
