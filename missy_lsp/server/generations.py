"""What a model is asked for unasked, in the making: each made once for all who wait for it, after a rest."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import attrs

from missy_lsp.errors import MissyError, ModelError

PAUSE_S = 60.0
# Asking again at once would be refused again, and use up what the user's own questions need.
_PAUSING = ("rate_limited", "overloaded")

Subject = TypeVar("Subject")
Made = TypeVar("Made")


@attrs.define(eq=False)
class _Shared(Generic[Made]):
    """One thing in the making for a document, and how many wait for it."""

    task: asyncio.Task[Made | MissyError | None]
    uri: str
    waiting: int = 0


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
        self._shared: dict[str, _Shared[Made]] = {}
        self._ending: set[asyncio.Task[Made | MissyError | None]] = set()
        self._latest: dict[str, tuple[int, str]] = {}
        self._paused_until_s = 0.0

    async def make(self, key: str, subject: Subject, uri: str, rest_s: float, order: int) -> Made | MissyError | None:
        """Have something made; return it, or why it could not be made.

        The model is asked after `rest_s` seconds. `order` rises with the arrival of the requests, which may come here
        in another one, since they may have been looked for on the disk. None where the user has gone on to something
        else of the same document until then, where the model said nothing, within a minute of upstream's refusal, and
        after a stop. Cancelling one who waits leaves it to the others; the last one closes the upstream connection.
        """
        self._latest[uri] = max(self._latest.get(uri, (order, key)), (order, key))
        shared = self._shared.get(key)
        if shared is None:
            task = asyncio.get_running_loop().create_task(self._make(key, subject, uri, rest_s))
            shared = self._shared[key] = _Shared(task, uri)
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

    def stop(self, uri: str | None = None, *, but: str | None = None) -> int:
        """Stop what is being made, for one document where it is named and all `but` one key; return how much it was."""
        running = [
            shared.task
            for key, shared in self._shared.items()
            if uri in (None, shared.uri) and key != but and not shared.task.done()
        ]
        for task in running:
            # After its first step, which is due before this: one that never began can't pass the cancel on.
            asyncio.get_running_loop().call_soon(task.cancel)
        return len(running)

    async def close(self, timeout_s: float) -> None:
        """Stop, and wait a little for the connections to close."""
        self.stop()
        if self._ending:
            await asyncio.wait(list(self._ending), timeout=timeout_s)

    def _leave(self, key: str, uri: str, shared: _Shared[Made]) -> None:
        """Forget what nobody waits for; who asks from now on begins anew."""
        del self._shared[key]
        if self._is_latest(uri, key):
            del self._latest[uri]
        shared.task.cancel()

    def _is_latest(self, uri: str, key: str) -> bool:
        return self._latest.get(uri, (0, ""))[1] == key

    async def _make(self, key: str, subject: Subject, uri: str, rest_s: float) -> Made | MissyError | None:
        await self._sleep(rest_s)
        if not self._is_latest(uri, key) or self._clock() < self._paused_until_s:
            return None
        try:
            return await self._run(key, subject)
        except ModelError as error:
            if error.kind in _PAUSING:
                self._paused_until_s = self._clock() + PAUSE_S
            return error
        except MissyError as error:
            return error
