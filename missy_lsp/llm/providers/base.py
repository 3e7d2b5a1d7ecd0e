"""What every provider is: one streaming call with one typed outcome.

A provider translates between the values of `llm/types.py` and one upstream, nothing more: routing, keys,
budgets, retries and the tool loop live in `llm/client.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from missy_lsp.llm.types import JsonObject, ModelRequest, ProviderEvent, TurnEnd
from missy_lsp.secret import Secret

OnEvent = Callable[[ProviderEvent], None]


@runtime_checkable
class Previewing(Protocol):
    """A provider that can show the request as it would go out."""

    def preview(self, request: ModelRequest) -> JsonObject:
        """Return where a request would go and what would be in it, the key left out. Nothing is sent."""
        ...


@runtime_checkable
class Listing(Protocol):
    """A provider that can ask its upstream which models it serves."""

    async def list_models(self, key: Secret, timeout_s: float) -> list[object]:
        """Return what upstream says of each model, unchecked. Raises `ModelError`. Never retries."""
        ...


@runtime_checkable
class Provider(Protocol):
    """An upstream that answers model requests.

    `id` is the entry's name in the configuration (`providers.<id>`), `name` the implementation's name;
    `needs_key` says whether a request without a key is pointless.
    """

    @property
    def id(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def needs_key(self) -> bool: ...

    def is_available(self) -> bool:
        """Say whether the provider can serve at all; keys are the caller's matter. Cheap, imports nothing."""
        ...

    def unavailable_reason(self) -> str | None:
        """Return the words behind `unavailable`, such as `package "anthropic" is not installed`; None if available."""
        ...

    async def stream(self, request: ModelRequest, key: Secret | None, on_event: OnEvent) -> TurnEnd:
        """Run one model turn.

        `on_event` is called on the event loop, in order, for every `TextDelta`, `ThinkingDelta` and
        `UsageSoFar`; the `TurnEnd` is returned, not passed to it. Raises `ModelError`, whose
        `partial_text` is what was passed on before. Cancelling the task closes the upstream connection
        at once and raises `CancelledError`. Never retries.
        """
        ...

    async def warm_up(self) -> None:
        """Pay the costs of the first request now, off the event loop. Idempotent, never raises a `ModelError`."""
        ...

    async def aclose(self) -> None:
        """Close the connections; later calls of `stream` may open new ones."""
        ...
