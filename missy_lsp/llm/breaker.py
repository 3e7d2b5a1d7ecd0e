"""Notice that an upstream is down, so that nobody's retries keep it down (contract 5, one retry layer)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from missy_lsp.errors import ErrorKind, ModelError

OPENS_AT_TURNS = 5
WINDOW_S = 30.0
# Failures of the upstream as a whole; a limited rate or a refused key is no outage.
OUTAGES: frozenset[ErrorKind] = frozenset({"overloaded", "provider_unavailable", "timeout", "connection"})


class Breaker:
    """Open while turns fail one after the other; `clock` is monotonic and in seconds.

    Turns are counted, not requests: the retries of one user's turn say no more than its first failure. While
    it is open a turn makes its one request and no retry, and one at a time is the probe: those who come
    meanwhile wait for what it finds, and fail with it. A person who asks alone is never refused unasked. The first
    sign of life closes it, as do 30 s without a failure.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failed_at_s: dict[object, float] = {}
        self._probe: asyncio.Future[ModelError | None] | None = None

    @property
    def is_open(self) -> bool:
        since_s = self._clock() - WINDOW_S
        return sum(at_s > since_s for at_s in self._failed_at_s.values()) >= OPENS_AT_TURNS

    def failed(self, turn: object, kind: ErrorKind) -> None:
        """Note that a request of `turn` failed; what is no outage does not count."""
        if kind in OUTAGES:
            since_s = self._clock() - WINDOW_S
            self._failed_at_s = {old: at_s for old, at_s in self._failed_at_s.items() if at_s > since_s}
            self._failed_at_s[turn] = self._clock()

    def succeeded(self) -> None:
        """Note that the upstream answers."""
        self._failed_at_s.clear()
        self._tell(None)

    @asynccontextmanager
    async def admission(self) -> AsyncIterator[None]:
        """Let a request through: at once while the upstream serves, one at a time while it does not.

        Raises the ModelError of the probe that was waited for.
        """
        while self.is_open and self._probe is not None:
            found = await asyncio.shield(self._probe)
            if found is not None:
                message = f"{found.message} (Another request has just found that out.)"
                raise ModelError(found.kind, message, retryable=True, retry_after_s=found.retry_after_s)
        if not self.is_open:
            yield
            return
        probe = self._probe = asyncio.get_running_loop().create_future()
        try:
            yield
        except ModelError as error:
            self._end(probe, error if error.kind in OUTAGES else None)
            raise
        finally:
            self._end(probe, None)

    def _tell(self, found: ModelError | None) -> None:
        if self._probe is not None:
            self._end(self._probe, found)

    def _end(self, probe: asyncio.Future[ModelError | None], found: ModelError | None) -> None:
        if not probe.done():
            probe.set_result(found)
        if self._probe is probe:
            self._probe = None
