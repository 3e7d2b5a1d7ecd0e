"""The one retry layer: what follows a failed request of a model turn (contract 5). Pure but for its chance."""

from __future__ import annotations

import random

import attrs

from missy_lsp.errors import ErrorKind, ModelError

REQUESTS_PER_KEY = 3
BASE_S = 0.5
CAP_S = 8.0
LONGEST_WAIT_S = 60.0
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
    if not error.retryable or error.kind not in _TRANSIENT or requests_made >= REQUESTS_PER_KEY:
        return GiveUp()
    if error.retry_after_s is None:
        return Wait(chance.uniform(0, min(CAP_S, BASE_S * 2 ** (requests_made - 1)))) if interactive else GiveUp()
    if not interactive or not 0 <= error.retry_after_s <= LONGEST_WAIT_S:
        return GiveUp()
    # Everybody who was told the same time would come back at the same moment.
    return Wait(error.retry_after_s + chance.uniform(0, BASE_S))


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
