"""What a model is asked for unasked, in the making: each made once for all who wait for it, after a rest."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

import attrs

from missy_lsp.errors import MissyError, ModelError

PAUSE_S = 60.0
# Asking again at once would be refused again, and use up what the user's own questions need.
_PAUSING = ("rate_limited", "overloaded")

Subject = TypeVar("Subject")
Made = TypeVar("Made")


@attrs.frozen(eq=False)
class _Waiting(Generic[Subject]):
    """One who waits, for a document; who is `told` to stop waits no longer."""

    uri: str
    subject: Subject
    told: asyncio.Future[None]


@attrs.define(eq=False)
class _Shared(Generic[Subject, Made]):
    """One thing in the making, and who waits for it: the same thing may be wanted for several documents."""

    waiting: list[_Waiting[Subject]] = attrs.Factory(list)
    task: asyncio.Task[Made | MissyError | None] = attrs.field(init=False)


class Generations(Generic[Subject, Made]):
    """Have things made by `run`, which is told the key and the subject.

    `clock` is monotonic, in seconds; waiting goes through `sleep`.
    """

    def __init__(
        self,
        run: Callable[[str, Subject], Awaitable[Made | None]],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._run = run
        self._clock = clock
        self._sleep = sleep
        self._shared: dict[str, _Shared[Subject, Made]] = {}
        self._ending: set[asyncio.Task[Made | MissyError | None]] = set()
        self._latest: dict[str, tuple[int, str]] = {}
        self._paused_until_s = 0.0

    async def make(self, key: str, subject: Subject, uri: str, rest_s: float, order: int) -> Made | MissyError | None:
        """Have something made; return it, or why it could not be made.

        The model is asked after `rest_s` seconds. `order` rises with the arrival of the requests, which may come here
        in another one, since they may have been looked for on the disk. None where the user has gone on to something
        else of the same document until then, unless it is wanted for another one, where the model said nothing, within
        a minute of upstream's refusal, and after a stop. Cancelling one who waits leaves it to the others; the last one
        closes the upstream connection.
        """
        self._latest[uri] = max(self._latest.get(uri, (order, key)), (order, key))
        loop = asyncio.get_running_loop()
        shared = self._shared.get(key)
        if shared is None:
            shared = self._shared[key] = _Shared()
            shared.task = loop.create_task(self._make(shared, key, subject, rest_s))
            self._ending.add(shared.task)
            shared.task.add_done_callback(self._ending.discard)
        waiting = _Waiting(uri, subject, loop.create_future())
        shared.waiting.append(waiting)
        ends: list[asyncio.Future[Any]] = [shared.task, waiting.told]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._leave(key, shared, waiting)
        return None if waiting.told.done() or shared.task.cancelled() else shared.task.result()

    def stop(self, uri: str | None = None, *, but: str | None = None) -> int:
        """Stop what is being made, for one document where it is named and all `but` one key; return how much it was."""
        return self._stop(lambda key, waiting: uri in (None, waiting.uri) and key != but)

    def stop_unwanted(self, is_wanted: Callable[[str, Subject], bool]) -> int:
        """Stop what is no longer wanted, told by its document's URI and its subject; return how much it was."""
        return self._stop(lambda key, waiting: not is_wanted(waiting.uri, waiting.subject))

    async def close(self, timeout_s: float) -> None:
        """Stop, and wait a little for the connections to close."""
        self.stop()
        if self._ending:
            await asyncio.wait(list(self._ending), timeout=timeout_s)

    def _stop(self, is_meant: Callable[[str, _Waiting[Subject]], bool]) -> int:
        """Send away those who are meant; what nobody else waits for is ended, and counted."""
        ended = 0
        for key, shared in list(self._shared.items()):
            if shared.task.done():
                continue
            for waiting in [waiting for waiting in shared.waiting if is_meant(key, waiting)]:
                waiting.told.set_result(None)
                self._leave(key, shared, waiting)
            ended += not shared.waiting
        return ended

    def _leave(self, key: str, shared: _Shared[Subject, Made], waiting: _Waiting[Subject]) -> None:
        """Forget one who waits, and what nobody waits for; who asks from now on begins anew."""
        if waiting not in shared.waiting:
            return  # was sent away
        shared.waiting.remove(waiting)
        uri = waiting.uri
        if self._is_latest(uri, key) and all(other.uri != uri for other in shared.waiting):
            del self._latest[uri]
        if not shared.waiting:
            del self._shared[key]
            # After its first step, which is due before this: one that never began can't pass the cancel on.
            asyncio.get_running_loop().call_soon(shared.task.cancel)

    def _is_latest(self, uri: str, key: str) -> bool:
        return self._latest.get(uri, (0, ""))[1] == key

    async def _make(
        self, shared: _Shared[Subject, Made], key: str, subject: Subject, rest_s: float
    ) -> Made | MissyError | None:
        await self._sleep(rest_s)
        is_latest = any(self._is_latest(waiting.uri, key) for waiting in shared.waiting)
        if not is_latest or self._clock() < self._paused_until_s:
            return None
        try:
            return await self._run(key, subject)
        except ModelError as error:
            if error.kind in _PAUSING:
                self._paused_until_s = self._clock() + PAUSE_S
            return error
        except MissyError as error:
            return error
