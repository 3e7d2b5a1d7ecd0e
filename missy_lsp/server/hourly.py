"""How many requests of one kind an hour has had, and no more of them than the user allows."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from missy_lsp.errors import ModelError
from missy_lsp.llm.ledger import Ledger

_HOUR_S = 3600.0


class HourlyCount:
    """Count what asks a model without the user's having asked in words.

    Of this process all count that were begun, whatever came of them; of the user's others those that were answered,
    which `ledger` tells by their `action`. `refusal` says that an hour has had its number. `clock` is monotonic, in
    seconds.
    """

    def __init__(
        self, ledger: Ledger, action: str, refusal: Callable[[int], str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ledger = ledger
        self._action = action
        self._refusal = refusal
        self._clock = clock
        self._begun: deque[float] = deque()
        self._asking = 0

    @asynccontextmanager
    async def one_more(self, most: int) -> AsyncIterator[None]:
        """Count one that is made within. Raises ModelError (`budget`) where the hour has had `most` of them."""
        now_s = self._clock()
        while self._begun and self._begun[0] <= now_s - _HOUR_S:
            self._begun.popleft()
        if len(self._begun) >= most:
            raise ModelError("budget", self._refusal(most))
        self._begun.append(now_s)
        try:
            if await asyncio.to_thread(self._answered_within_an_hour) + self._asking >= most:
                raise ModelError("budget", self._refusal(most))
        except (ModelError, asyncio.CancelledError):  # nothing was asked for
            self._begun.remove(now_s)
            raise
        self._asking += 1
        try:
            yield
        finally:
            self._asking -= 1

    def _answered_within_an_hour(self) -> int:
        try:
            sums = self._ledger.sums("action", time.time() - _HOUR_S)
        except ModelError:
            return 0  # what this process has begun counts in any case
        return sum(entry.requests for entry in sums if entry.key == self._action)
