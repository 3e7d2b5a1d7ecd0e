"""The one retry layer: what follows a failed request of a model turn (contract 5). Pure but for its chance."""

from __future__ import annotations

import random

import attrs

from missy_lsp.errors import ErrorKind, ModelError

REQUESTS_PER_KEY = 3
BASE_S = 0.5
CAP_S = 8.0
LONGEST_WAIT_S = 60.0
MOST_SPREAD_S = 2.5
# Failures of a key, not of the request: another key may do.
KEY_FAILURES: frozenset[ErrorKind] = frozenset({"authentication", "permission", "rate_limited"})
_TRANSIENT: frozenset[ErrorKind] = frozenset(
    {"rate_limited", "overloaded", "timeout", "connection", "provider_unavailable", "truncated", "invalid_response"}
)


@attrs.frozen
class Wait:
    """Ask again with the same key after so many seconds."""

    seconds: float


@attrs.frozen
class GiveUp:
    """Tell the user."""


def after_failure(error: ModelError, requests_made: int, *, interactive: bool, chance: random.Random) -> Wait | GiveUp:
    """Decide what follows request number `requests_made` with one key, which failed before any text was shown."""
    if not interactive or requests_made >= REQUESTS_PER_KEY or not _may_succeed_later(error):
        return GiveUp()
    if error.retry_after_s is None:
        return Wait(chance.uniform(0, min(CAP_S, BASE_S * 2 ** (requests_made - 1))))
    if not 0 <= error.retry_after_s <= LONGEST_WAIT_S:
        return GiveUp()
    return Wait(spread(error.retry_after_s, chance))


def spread(wait_s: float, chance: random.Random) -> float:
    """Return a little more than `wait_s`: everybody who was told the same time would come back at the same moment."""
    return wait_s + chance.uniform(0, min(max(BASE_S, wait_s / 2), MOST_SPREAD_S))


def reason_of(error: ModelError) -> str:
    """Return the few words that a countdown shows."""
    words: dict[ErrorKind, str] = {
        "rate_limited": "rate limited",
        "overloaded": "the service is overloaded",
        "timeout": "no answer in time",
        "connection": "no connection",
        "truncated": "the answer broke off",
    }
    return words.get(error.kind, "the service failed")


def _may_succeed_later(error: ModelError) -> bool:
    # A timeout of ours (without a status) has already taken the user's patience, and what is slow once is slow
    # again: two more would cost three times the wait and the price.
    patience_is_spent = error.kind == "timeout" and error.status is None
    return error.retryable and error.kind in _TRANSIENT and not patience_is_spent
