"""One model turn upstream: a place, a key, and what may follow a failure (contract 5)."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

import attrs

from missy_lsp.credentials.pool import KeyPool
from missy_lsp.credentials.resolve import ResolvedKey
from missy_lsp.errors import ModelError
from missy_lsp.llm.breaker import OUTAGES, Breaker
from missy_lsp.llm.providers.base import Provider
from missy_lsp.llm.retry import (
    KEY_FAILURES,
    LONGEST_WAIT_S,
    REQUESTS_PER_KEY,
    Wait,
    after_failure,
    reason_of,
    spread,
)
from missy_lsp.llm.types import (
    AnswerEvent,
    ModelRequest,
    ProviderEvent,
    Retrying,
    TextDelta,
    ThinkingDelta,
    TurnEnd,
)

OnEvent = Callable[[AnswerEvent], None]


@attrs.frozen
class Upstream:
    """A provider with its keys, as one call uses it.

    `place` holds a place among the running streams for as long as one request runs, not while it is waited
    for the next. `sleep` takes seconds, `chance` makes the jitter.
    """

    provider: Provider
    pool: KeyPool | None
    resolve_again: Callable[[], Awaitable[None]]
    place: Callable[[], AbstractAsyncContextManager[None]]
    breaker: Breaker
    sleep: Callable[[float], Awaitable[None]]
    chance: random.Random
    interactive: bool

    async def turn(self, request: ModelRequest, on_event: OnEvent) -> TurnEnd:
        """Run a turn. Nothing is tried again once something of it was shown. Raises ModelError."""
        turn = object()
        keys = _Keys(self.pool, self.resolve_again, request.model)
        key = await self._first_key(keys, on_event)
        requests = 0
        while True:
            requests += 1
            shown = _Shown(on_event, self.breaker.succeeded)
            failures_before = keys.failures(key)
            try:
                async with self.breaker.admission(), self.place():
                    end = await self.provider.stream(request, key.secret if key else None, shown)
            except ModelError as error:
                keys.failed(key, error)
                self.breaker.failed(turn, error.kind)
                if shown.anything:
                    raise
                next_key = await keys.after(error)
                if next_key is not None:
                    key = next_key
                    continue
                step = after_failure(error, requests, interactive=self.interactive, chance=self.chance)
                if not isinstance(step, Wait) or keys.used > 1 or self._is_hopeless(error):
                    raise keys.told(error, key) from None
                on_event(Retrying(requests + 1, step.seconds, reason_of(error)))
                await self.sleep(step.seconds)
                if self._is_hopeless(error):  # others found out meanwhile
                    raise
            else:
                keys.succeeded(key, failures_before)
                self.breaker.succeeded()
                return end

    async def _first_key(self, keys: _Keys, on_event: OnEvent) -> ResolvedKey | None:
        """Return the key to begin with; the only one, told to rest for a short while, is waited for."""
        for _ in range(REQUESTS_PER_KEY):
            rest_s = keys.rest_of_the_only_one_s
            if rest_s is None or rest_s > LONGEST_WAIT_S or not self.interactive:
                break
            wait_s = spread(rest_s, self.chance)
            on_event(Retrying(1, wait_s, "rate limited"))
            await self.sleep(wait_s)
        return keys.first()

    def _is_hopeless(self, error: ModelError) -> bool:
        return error.kind in OUTAGES and self.breaker.is_open


class _Keys:
    """The keys of one turn with `model`: each further one is used at most once; without a pool, none is needed."""

    def __init__(self, pool: KeyPool | None, resolve_again: Callable[[], Awaitable[None]], model: str) -> None:
        self._pool = pool
        self._resolve_again = resolve_again
        self._model = model
        self._resolved_again = False
        self._used: set[str] = set()

    @property
    def used(self) -> int:
        return len(self._used)

    @property
    def rest_of_the_only_one_s(self) -> float | None:
        """How long the only key still has to rest; None where it need not, or where there are others."""
        if self._pool is None or len(self._pool.keys) != 1:
            return None
        return self._pool.next_ready_in_s() or None

    def first(self) -> ResolvedKey | None:
        """Return the first key that may be used, None where none is needed. Raises ModelError where all rest."""
        if self._pool is None:
            return None
        key = self._unused(self._pool)
        if key is None:
            raise self._exhausted(self._pool, None)
        return key

    async def after(self, error: ModelError) -> ResolvedKey | None:
        """Return the key to try at once after a failure, None where there is none or it would not help."""
        if self._pool is None or error.kind not in KEY_FAILURES:
            return None
        if error.kind != "rate_limited" and not self._resolved_again:
            self._resolved_again = True  # it may have been replaced in the vault since
            await self._resolve_again()
        return self._unused(self._pool)

    def failures(self, key: ResolvedKey | None) -> int:
        return 0 if key is None or self._pool is None else self._pool.failures(key)

    def succeeded(self, key: ResolvedKey | None, failures_before: int) -> None:
        if key is not None and self._pool is not None:
            self._pool.succeeded(key, failures_before)

    def failed(self, key: ResolvedKey | None, error: ModelError) -> None:
        """Note what a failure says about its key."""
        if key is None or self._pool is None:
            return
        if error.kind == "authentication" or (error.kind == "permission" and not self._is_about_the_model(error)):
            self._pool.rejected(key)
        elif error.kind == "rate_limited" and (error.retry_after_s is not None or len(self._pool.keys) > 1):
            # The only key rests for as long as upstream said, not for a time of our own.
            self._pool.cooled(key, error.retry_after_s)

    def told(self, error: ModelError, key: ResolvedKey | None) -> ModelError:
        """Return the error of the last key as the user is told it: with what holds for all of them."""
        if self._pool is None or key is None or error.kind not in KEY_FAILURES:
            return error
        if len(self._pool.keys) > 1 and not self._is_about_the_model(error):
            return self._exhausted(self._pool, error)
        if error.kind == "rate_limited":
            return error
        if self._is_about_the_model(error):
            one = len(self._pool.keys) == 1
            whose = f"The key from {key.source} may not" if one else f"None of the keys ({_sources(self._pool)}) may"
            message = f"{whose} use the model {self._model}: {error.message}"
            return ModelError(error.kind, message, request_id=error.request_id, status=error.status)
        # Where it came from: storing another one in the vault would not help where the environment goes first.
        message = f"The key from {key.source} is not accepted: {error.message}"
        return ModelError(error.kind, message, request_id=error.request_id, status=error.status)

    def _is_about_the_model(self, error: ModelError) -> bool:
        """Tell whether a key is refused for the model alone: upstream names it, and other models may be open to it."""
        named = rf"(?<![\w.-]){re.escape(self._model)}(?![\w-])"
        return error.kind == "permission" and re.search(named, error.message) is not None

    def _unused(self, pool: KeyPool) -> ResolvedKey | None:
        for key in pool.candidates():
            fingerprint = key.secret.fingerprint()
            if fingerprint not in self._used:
                self._used.add(fingerprint)
                return key
        return None

    def _exhausted(self, pool: KeyPool, last: ModelError | None) -> ModelError:
        """Return the one error that says when the first key comes back."""
        request_id, status = (last.request_id, last.status) if last else (None, None)
        if not pool.keys:
            return ModelError("no_key", "The API key is gone since it was last used. Run: missy providers")
        one = len(pool.keys) == 1
        whose = "The only key is" if one else f"All {len(pool.keys)} keys are"
        wait_s = pool.next_ready_in_s()
        if wait_s is None:
            kind = last.kind if last and last.kind != "rate_limited" else "authentication"
            message = (
                f"{whose} refused by the API ({_sources(pool)}). Store a valid one: missy vault set NAME, then ask "
                f"again.{f' The last one was answered: {last.message}' if last else ''}"
            )
            return ModelError(kind, message, request_id=request_id, status=status)
        when = f"in {math.ceil(wait_s)} s" if wait_s > 0 else "now"
        message = (
            f"{whose} rate limited{'' if one else ' or refused'}; {'it' if one else 'the first'} comes back {when}. "
            "Ask again then."
        )
        return ModelError(
            "rate_limited", message, retryable=True, retry_after_s=wait_s, request_id=request_id, status=status
        )


def _sources(pool: KeyPool) -> str:
    return ", ".join(key.source for key in pool.keys)


class _Shown:
    """Pass a provider's events on and remember whether the user has seen any of them."""

    def __init__(self, on_event: OnEvent, on_first: Callable[[], None]) -> None:
        self._on_event = on_event
        self._on_first = on_first
        self.anything = False

    def __call__(self, event: ProviderEvent) -> None:
        if isinstance(event, TurnEnd):
            return
        if isinstance(event, TextDelta | ThinkingDelta):
            if not event.text:
                return
            if not self.anything:
                self._on_first()
            self.anything = True
        self._on_event(event)
