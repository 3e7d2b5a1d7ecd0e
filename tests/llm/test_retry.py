"""What follows a failed request: who waits and how long, who gives up, when nothing is tried again."""

from __future__ import annotations

import random
from typing import get_args

import pytest

from missy_lsp.errors import ErrorKind, ModelError
from missy_lsp.llm.breaker import OPENS_AT_TURNS, WINDOW_S, Breaker
from missy_lsp.llm.retry import (
    BASE_S,
    CAP_S,
    MOST_SPREAD_S,
    REQUESTS_PER_KEY,
    GiveUp,
    Wait,
    after_failure,
    reason_of,
)

OUTAGE = ModelError("overloaded", "busy", retryable=True, status=529)


def step(error: ModelError, requests_made: int = 1, *, interactive: bool = True, seed: int = 0) -> Wait | GiveUp:
    return after_failure(error, requests_made, interactive=interactive, chance=random.Random(seed))


WAITS: list[tuple[str, ModelError, bool]] = [
    ("429", ModelError("rate_limited", "", retryable=True, status=429), True),
    ("529", OUTAGE, True),
    ("500", ModelError("provider_unavailable", "", retryable=True, status=500), True),
    ("408", ModelError("timeout", "", retryable=True, status=408), True),
    ("504", ModelError("timeout", "", retryable=True, status=504), True),
    ("no connection", ModelError("connection", "", retryable=True), True),
    ("broke off before any text", ModelError("truncated", "", retryable=True), True),
    ("a timeout of ours", ModelError("timeout", "", retryable=True), False),
    ("a wrong certificate", ModelError("connection", ""), False),
    ("said not to retry", ModelError("overloaded", "", retryable=False, status=529), False),
    ("400", ModelError("invalid_request", "", status=400), False),
    ("401", ModelError("authentication", "", status=401), False),
    ("403", ModelError("permission", "", status=403), False),
    ("409", ModelError("invalid_request", "", retryable=True, status=409), False),
    ("413", ModelError("context_too_long", "", status=413), False),
    ("refused", ModelError("refused", ""), False),
    ("a login page", ModelError("invalid_response", "", status=200), False),
]


@pytest.mark.parametrize(("error", "waits"), [case[1:] for case in WAITS], ids=[case[0] for case in WAITS])
def test_what_may_pass_is_tried_again_and_what_can_not_is_told(error: ModelError, waits: bool) -> None:
    assert isinstance(step(error), Wait) is waits
    assert step(error, interactive=False) == GiveUp(), "where nobody waits nothing is waited for"
    assert step(error, REQUESTS_PER_KEY) == GiveUp()


@pytest.mark.parametrize(("requests_made", "longest_s"), [(1, BASE_S), (2, 2 * BASE_S)])
def test_back_off_is_full_jitter_below_a_rising_cap(requests_made: int, longest_s: float) -> None:
    waits = [step(OUTAGE, requests_made, seed=seed) for seed in range(300)]
    seconds = [wait.seconds for wait in waits if isinstance(wait, Wait)]
    assert len(seconds) == 300
    assert 0 <= min(seconds) < 0.05 * longest_s
    assert 0.95 * longest_s < max(seconds) <= longest_s <= CAP_S


@pytest.mark.parametrize("asked_s", [0, 0.001, 1, 7, 59.9, 60])
def test_a_short_retry_after_is_waited_for_in_full_and_a_little_more(asked_s: float) -> None:
    for seed in range(50):
        wait = step(ModelError("rate_limited", "", retryable=True, retry_after_s=asked_s), seed=seed)
        assert isinstance(wait, Wait)
        assert asked_s <= wait.seconds <= asked_s + max(BASE_S, min(asked_s / 2, MOST_SPREAD_S))


@pytest.mark.parametrize("asked_s", [60.001, 3600, 4e9, float("inf"), float("nan"), -1])
def test_a_long_retry_after_is_told_at_once(asked_s: float) -> None:
    assert step(ModelError("rate_limited", "", retryable=True, retry_after_s=asked_s)) == GiveUp()


def test_fifty_servers_that_were_told_the_same_time_come_back_apart() -> None:
    error = ModelError("overloaded", "", retryable=True, retry_after_s=5, status=529)
    waits = [step(error, seed=seed) for seed in range(50)]
    seconds = [wait.seconds for wait in waits if isinstance(wait, Wait)]
    assert max(seconds) - min(seconds) >= 2


@pytest.mark.parametrize("kind", get_args(ErrorKind))
def test_every_kind_has_words_for_a_countdown(kind: ErrorKind) -> None:
    words = reason_of(ModelError(kind, "a long sentence. With more."))
    assert 0 < len(words) < 30
    assert "." not in words


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_the_breaker_opens_when_several_turns_failed_in_a_row() -> None:
    breaker = Breaker(Clock())
    for turn in range(OPENS_AT_TURNS):
        assert not breaker.is_open
        for _ in range(REQUESTS_PER_KEY):  # the retries of one turn count once
            breaker.failed(turn, "overloaded")
    assert breaker.is_open
    breaker.succeeded()
    assert not breaker.is_open


def test_the_breaker_closes_when_nothing_failed_for_a_while() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    for turn in range(OPENS_AT_TURNS):
        breaker.failed(turn, "connection")
    clock.now_s += WINDOW_S - 0.1
    assert breaker.is_open
    clock.now_s += 0.1
    assert not breaker.is_open


def test_the_breaker_forgets_what_is_long_past() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    for turn in range(20):
        breaker.failed(turn, "timeout")
        clock.now_s += WINDOW_S / (OPENS_AT_TURNS - 1)
        assert not breaker.is_open


@pytest.mark.parametrize("kind", ["rate_limited", "authentication", "permission", "invalid_request", "truncated"])
def test_what_is_no_outage_does_not_open_the_breaker(kind: ErrorKind) -> None:
    breaker = Breaker(Clock())
    for turn in range(100):
        breaker.failed(turn, kind)
    assert not breaker.is_open
