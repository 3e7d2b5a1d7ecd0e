from __future__ import annotations

import pytest

from missy_lsp.credentials.pool import DEFAULT_COOL_DOWN_S, KeyPool
from missy_lsp.credentials.resolve import ResolvedKey
from missy_lsp.secret import Secret
from tests.credentials.conftest import Clock

A, B, C = (ResolvedKey(Secret(f"sk-ant-api03-FAKE-canary-{name}"), f"api_keys[{name}]") for name in "012")


@pytest.fixture
def pool(clock: Clock) -> KeyPool:
    pool = KeyPool(clock)
    pool.take((A, B, C))
    return pool


def test_an_empty_pool_has_nothing_and_will_have_nothing(clock: Clock) -> None:
    pool = KeyPool(clock)
    assert (pool.candidates(), pool.next_ready_in_s(), pool.states()) == ((), None, ())


def test_keys_are_used_in_their_order_whichever_worked_last(pool: KeyPool) -> None:
    pool.succeeded(C)
    assert pool.candidates() == (A, B, C)
    assert pool.next_ready_in_s() == 0


def test_a_rate_limited_key_rests_as_long_as_the_api_said(pool: KeyPool, clock: Clock) -> None:
    pool.cooled(A, 12)
    assert pool.candidates() == (B, C)
    clock.now_s += 11.5
    assert pool.candidates() == (B, C)
    clock.now_s += 0.5
    assert pool.candidates() == (A, B, C)


@pytest.mark.parametrize(
    ("first", "second", "rest_s"), [(30.0, 5.0, 30), (5.0, 30.0, 30), (None, 1.0, DEFAULT_COOL_DOWN_S)]
)
def test_of_two_rests_the_longer_counts(
    pool: KeyPool, clock: Clock, first: float | None, second: float | None, rest_s: float
) -> None:
    pool.cooled(A, first)
    pool.cooled(A, second)
    pool.rejected(B)
    pool.rejected(C)
    assert pool.next_ready_in_s() == pytest.approx(rest_s)


def test_a_refused_key_stays_away_until_it_is_another_or_the_quarantine_is_lifted(pool: KeyPool, clock: Clock) -> None:
    pool.rejected(A)
    clock.now_s += 1_000_000
    assert pool.candidates() == (B, C)
    pool.take((A, B, C))
    assert pool.candidates() == (B, C)
    pool.lift_quarantine()
    assert pool.candidates() == (A, B, C)
    pool.rejected(A)
    renewed = ResolvedKey(Secret("sk-ant-api03-FAKE-renewed"), A.source)
    pool.take((renewed, B, C))
    assert pool.candidates() == (renewed, B, C)


def test_lifting_the_quarantine_ends_no_rest(pool: KeyPool) -> None:
    pool.rejected(A)
    pool.cooled(A, 9)
    pool.lift_quarantine()
    assert pool.candidates() == (B, C)


def test_a_key_that_went_away_and_came_back_starts_afresh(pool: KeyPool) -> None:
    pool.rejected(A)
    pool.take((B, C))
    pool.take((A, B, C))
    assert pool.candidates() == (A, B, C)


def test_when_all_are_refused_none_comes_back(pool: KeyPool) -> None:
    for key in (A, B, C):
        pool.rejected(key)
    assert (pool.candidates(), pool.next_ready_in_s()) == ((), None)


def test_success_ends_the_rest_of_a_key(pool: KeyPool) -> None:
    pool.cooled(A, 60)
    pool.succeeded(A)
    assert pool.candidates() == (A, B, C)


def test_the_first_key_that_comes_back_is_told(pool: KeyPool, clock: Clock) -> None:
    pool.cooled(A, 30)
    pool.cooled(B, 12.2)
    pool.rejected(C)
    assert pool.next_ready_in_s() == pytest.approx(12.2)
    assert [(state["source"], state["state"]) for state in pool.states()] == [
        ("api_keys[0]", "rate limited for 30 s"),
        ("api_keys[1]", "rate limited for 13 s"),
        ("api_keys[2]", "refused by the API"),
    ]
    clock.now_s += 100
    assert [state["state"] for state in pool.states()] == ["ready", "ready", "refused by the API"]


def test_states_show_fingerprints_and_no_key(pool: KeyPool) -> None:
    assert [state["fingerprint"] for state in pool.states()] == [key.secret.fingerprint() for key in (A, B, C)]
    assert "canary" not in repr(pool.states()) + repr(pool) + repr(pool.keys)
