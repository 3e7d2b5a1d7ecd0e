"""How many upstream streams run at once; the others wait their turn, first come first served."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Places:
    """Places among the running streams; the limit is that of the latest caller, also for those who wait already."""

    def __init__(self) -> None:
        self._taken = 0
        self._limit = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def take(self, limit: int) -> AsyncIterator[None]:
        """Hold a place while the block runs, at most `limit` at once; waiting can be cancelled."""
        self._limit = limit
        if self._taken >= limit or self._waiting:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            self._admit()
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._taken -= 1
                    self._admit()
                raise
        else:
            self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1
            self._admit()

    def _admit(self) -> None:
        while self._waiting:
            turn = self._waiting[0]
            if not turn.done():
                if self._taken >= self._limit:
                    return
                self._taken += 1
                turn.set_result(None)
            self._waiting.popleft()
