"""Explanations in the making: each made once for all who wait for it, no more in an hour than the user allows."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

import attrs

from missy_lsp.errors import MissyError, ModelError
from missy_lsp.llm.client import Call
from missy_lsp.llm.ledger import Ledger
from missy_lsp.server.explanations import Explanation

PAUSE_S = 60.0
_HOUR_S = 3600.0
# Asking again at once would be refused again, and use up what the user's own questions need.
_PAUSING = ("rate_limited", "overloaded")

Outcome = Explanation | MissyError | None


@attrs.define(eq=False)
class _Shared:
    """One explanation in the making, and how many hovers wait for it."""

    task: asyncio.Task[Outcome]
    waiting: int = 0


class Generations:
    """Have explanations made by `run`, which is told the key and the call.

    `ledger` tells what other processes of the user's have asked for. `clock` is monotonic, in seconds; waiting goes
    through `sleep`.
    """

    def __init__(
        self,
        run: Callable[[str, Call], Awaitable[Explanation | None]],
        ledger: Ledger,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._run = run
        self._ledger = ledger
        self._clock = clock
        self._sleep = sleep
        self._shared: dict[str, _Shared] = {}
        self._ending: set[asyncio.Task[Outcome]] = set()
        self._latest: dict[str, tuple[int, str]] = {}
        self._begun: deque[float] = deque()
        self._asking = 0
        self._paused_until_s = 0.0

    async def make(self, key: str, call: Call, uri: str, rest_s: float, order: int) -> Outcome:
        """Have an explanation made; return it, or why it could not be made.

        The model is asked after `rest_s` seconds. `order` rises with the arrival of the hovers, which may come here
        in another one, since each has been looked for on the disk. None where the user has gone on to something else
        of the same document until then, where the model said nothing, within a minute of upstream's refusal, and
        after a stop. Cancelling one who waits leaves it to the others; the last one closes the upstream connection.
        """
        self._latest[uri] = max(self._latest.get(uri, (order, key)), (order, key))
        shared = self._shared.get(key)
        if shared is None:
            task = asyncio.get_running_loop().create_task(self._make(key, call, uri, rest_s))
            shared = self._shared[key] = _Shared(task)
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)
        shared.waiting += 1
        try:
            await asyncio.wait([shared.task])
        finally:
            shared.waiting -= 1
            if shared.waiting == 0:
                self._leave(key, uri, shared)
        return None if shared.task.cancelled() else shared.task.result()

    def stop(self) -> int:
        """Stop everything that is being made; return how much that was."""
        running = [shared.task for shared in self._shared.values() if not shared.task.done()]
        for task in running:
            # After its first step, which is due before this: one that never began can't pass the cancel on.
            asyncio.get_running_loop().call_soon(task.cancel)
        return len(running)

    async def close(self, timeout_s: float) -> None:
        """Stop, and wait a little for the connections to close."""
        self.stop()
        if self._ending:
            await asyncio.wait(list(self._ending), timeout=timeout_s)

    def _leave(self, key: str, uri: str, shared: _Shared) -> None:
        """Forget what nobody waits for; who asks from now on begins anew."""
        del self._shared[key]
        if self._is_latest(uri, key):
            del self._latest[uri]
        shared.task.cancel()

    def _is_latest(self, uri: str, key: str) -> bool:
        return self._latest.get(uri, (0, ""))[1] == key

    async def _make(self, key: str, call: Call, uri: str, rest_s: float) -> Outcome:
        await self._sleep(rest_s)
        if not self._is_latest(uri, key) or self._clock() < self._paused_until_s:
            return None
        try:
            await self._take_from_the_hour(call)
            self._asking += 1
            try:
                return await self._run(key, call)
            finally:
                self._asking -= 1
        except ModelError as error:
            if error.kind in _PAUSING:
                self._paused_until_s = self._clock() + PAUSE_S
            return error
        except MissyError as error:
            return error

    async def _take_from_the_hour(self, call: Call) -> None:
        """Count one more. Raises ModelError (`budget`) where the hour has had its number.

        Of this process all count that were begun, whatever came of them; of others those that were answered.
        """
        most = call.config.hover.max_per_hour
        now_s = self._clock()
        while self._begun and self._begun[0] <= now_s - _HOUR_S:
            self._begun.popleft()
        if len(self._begun) >= most:
            raise _enough(most)
        self._begun.append(now_s)
        if await asyncio.to_thread(self._answered_within_an_hour, call.route.kind) + self._asking >= most:
            self._begun.remove(now_s)
            raise _enough(most)

    def _answered_within_an_hour(self, action: str) -> int:
        try:
            sums = self._ledger.sums("action", time.time() - _HOUR_S)
        except ModelError:
            return 0  # what this process has begun counts in any case
        return sum(entry.requests for entry in sums if entry.key == action)


def _enough(most: int) -> ModelError:
    return ModelError(
        "budget",
        f"{most} explanations were generated within an hour (hover.max_per_hour); more are only shown from the "
        "cache for now. The action Explain still works.",
    )
