"""What the model client notes of a running call: when its first text came, what it has used and what that costs."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from missy_lsp.llm.types import AnswerEvent, TextDelta, TurnEnd, Usage, UsageSoFar


class Watch:
    """Pass events on; note when the first text came and what was used. `clock` and `begin_s` are in seconds.

    `cost_usd` is what the turns in `ends` cost, and a running one with the usage that it is given.
    """

    def __init__(
        self,
        on_event: Callable[[AnswerEvent], None],
        clock: Callable[[], float],
        begin_s: float,
        cost_usd: Callable[[list[TurnEnd], Usage], float],
    ) -> None:
        self._on_event = on_event
        self._clock = clock
        self._begin_s = begin_s
        self._cost_usd = cost_usd
        self.ends: list[TurnEnd] = []
        self.first_token_ms: float | None = None
        self._usage = Usage()

    @property
    def running(self) -> Usage:
        """Return the usage of a turn that did not end, beside that of those which did."""
        ended = sum((end.usage for end in self.ends), Usage())
        return self._usage - ended

    def __call__(self, event: AnswerEvent) -> None:
        if isinstance(event, UsageSoFar):
            self._usage = event.usage
            event = attrs.evolve(event, cost_usd=self._cost_usd(self.ends, self.running))
        if self.first_token_ms is None and isinstance(event, TextDelta):
            self.first_token_ms = (self._clock() - self._begin_s) * 1000
        self._on_event(event)
