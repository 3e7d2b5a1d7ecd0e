"""Notice that an upstream is down, so that nobody's retries keep it down (contract 5, one retry layer)."""

from __future__ import annotations

from collections.abc import Callable

from missy_lsp.errors import ErrorKind

OPENS_AT_TURNS = 5
WINDOW_S = 30.0
# Failures of the upstream as a whole; a limited rate or a refused key is no outage.
OUTAGES: frozenset[ErrorKind] = frozenset({"overloaded", "provider_unavailable", "timeout", "connection"})


class Breaker:
    """Open while turns fail one after the other; `clock` is monotonic and in seconds.

    Turns are counted, not requests: the retries of one user's turn say no more than its first failure. While
    it is open a turn makes its one request and no retry: a person who asks is probe enough, and is never
    refused unasked. The first success closes it, as do 30 s without a failure.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failed_at_s: dict[object, float] = {}

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
        """Note that a turn came to its end."""
        self._failed_at_s.clear()
