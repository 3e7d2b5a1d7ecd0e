"""What an editor asks for by itself: it comes in time or not at all, and why not stands in the log alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from missy_lsp.errors import MissyError, ModelError

if TYPE_CHECKING:
    from missy_lsp.server.session import Session

TOLD_AGAIN_AFTER_S = 60.0

Result = TypeVar("Result")


class QuietWork:
    """Work whose failures nobody waits for; `what` names what it makes. `clock` is monotonic, in seconds."""

    def __init__(self, session: Session, what: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._session = session
        self._what = what
        self._clock = clock
        self._told: dict[str, float] = {}

    async def within(self, seconds: float, work: Awaitable[Result]) -> Result | None:
        """Return what comes of it within that time, else None. Why there is nothing is told, not each time."""
        try:
            async with asyncio.timeout(seconds):
                return await work
        except MissyError as error:
            self._tell(error)
        except TimeoutError:
            self._tell(ModelError("timeout", f"The {self._what} did not come within {seconds:.0f} s."))
        return None

    def _tell(self, error: MissyError) -> None:
        """Write a reason into the editor's log of this server, once in a while for each."""
        cause = error.kind if isinstance(error, ModelError) else type(error).__name__
        now = self._clock()
        if now - self._told.get(cause, float("-inf")) >= TOLD_AGAIN_AFTER_S:
            self._told[cause] = now
            self._session.log_message(f"no {self._what}: {error.message}")
