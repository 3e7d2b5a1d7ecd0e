"""Which of several keys to use next: pure bookkeeping of what the API said about each."""

from __future__ import annotations

import math
from collections.abc import Callable

import attrs

from missy_lsp.credentials.resolve import ResolvedKey

DEFAULT_COOL_DOWN_S = 20.0


@attrs.define
class _Health:
    quarantined: bool = False
    cool_until_s: float = 0.0
    failures: int = 0


class KeyPool:
    """The health of a provider's keys, by fingerprint; `clock` is monotonic and in seconds.

    A key that was refused (401, 403) is not used again until the keys are resolved anew and it is another
    one; a key that was rate limited (429) rests for as long as the API said.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._keys: tuple[ResolvedKey, ...] = ()
        self._health: dict[str, _Health] = {}

    @property
    def keys(self) -> tuple[ResolvedKey, ...]:
        return self._keys

    def take(self, keys: tuple[ResolvedKey, ...]) -> None:
        """Take the keys as they were resolved last; those that stay keep their health."""
        self._keys = keys
        known = {key.secret.fingerprint() for key in keys}
        self._health = {fingerprint: health for fingerprint, health in self._health.items() if fingerprint in known}

    def candidates(self) -> tuple[ResolvedKey, ...]:
        """Return the keys that may be used now, in the configured order."""
        now = self._clock()
        return tuple(
            key for key in self._keys if not (health := self._of(key)).quarantined and health.cool_until_s <= now
        )

    def failures(self, key: ResolvedKey) -> int:
        """Return how often a key failed so far; what `succeeded` wants from the time before the request."""
        return self._of(key).failures

    def succeeded(self, key: ResolvedKey, failures_before: int | None = None) -> None:
        """Note that the API took a key; an answer to a request from before its last failure says nothing."""
        if failures_before is None or failures_before == self._of(key).failures:
            self._health.pop(key.secret.fingerprint(), None)

    def rejected(self, key: ResolvedKey) -> None:
        """Note that the API refused a key."""
        health = self._of(key)
        health.quarantined = True
        health.failures += 1

    def cooled(self, key: ResolvedKey, retry_after_s: float | None) -> None:
        """Note that a key is rate limited; of several answers the longest rest counts."""
        health = self._of(key)
        until_s = self._clock() + (DEFAULT_COOL_DOWN_S if retry_after_s is None else retry_after_s)
        health.failures += 1
        health.cool_until_s = max(health.cool_until_s, until_s)

    def lift_quarantine(self) -> None:
        """Let refused keys be tried again: the user asked anew, and the account may have been mended."""
        for health in self._health.values():
            health.quarantined = False

    def next_ready_in_s(self) -> float | None:
        """Return when the first resting key comes back; None where none will."""
        now = self._clock()
        waits = [self._of(key).cool_until_s - now for key in self._keys if not self._of(key).quarantined]
        return max(0.0, min(waits)) if waits else None

    def states(self) -> tuple[dict[str, object], ...]:
        """Describe each key by fingerprint and source, never by its text."""
        return tuple(
            {"fingerprint": key.secret.fingerprint(), "source": key.source, "state": self._state(key)}
            for key in self._keys
        )

    def _state(self, key: ResolvedKey) -> str:
        health = self._of(key)
        if health.quarantined:
            return "refused by the API"
        rest_s = health.cool_until_s - self._clock()
        return f"rate limited for {math.ceil(rest_s)} s" if rest_s > 0 else "ready"

    def _of(self, key: ResolvedKey) -> _Health:
        return self._health.setdefault(key.secret.fingerprint(), _Health())
