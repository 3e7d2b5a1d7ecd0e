"""Many requests at once: places, retries that don't pile up, cancelling at any moment."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from missy_lsp.config.values import Limits
from missy_lsp.errors import ErrorKind, ModelError
from missy_lsp.llm.limits import Places
from missy_lsp.llm.types import Completion, Retrying, TextDelta
from tests.support.scripted_provider import Bench, Script, ScriptedProvider, call, config, fails, says

RETRIES: list[tuple[list[Script], int, ErrorKind | None]] = [
    ([fails("overloaded"), says("ok")], 2, None),
    ([fails("overloaded"), fails("connection"), says("ok")], 3, None),
    ([fails("overloaded")] * 3, 3, "overloaded"),
    ([fails("rate_limited", 5), says("ok")], 2, None),
    ([fails("rate_limited", 0), says("ok")], 2, None),
    ([fails("rate_limited", 61)], 1, "rate_limited"),
    ([fails("authentication", retryable=False)], 1, "authentication"),
    ([fails("invalid_request", retryable=False)], 1, "invalid_request"),
    ([fails("refused", retryable=False)], 1, "refused"),
    ([[TextDelta("half"), *fails("overloaded")]], 1, "overloaded"),
    ([fails("timeout")], 1, "timeout"),
    ([fails("timeout", status=504), says("ok")], 2, None),
]


@pytest.mark.parametrize(("scripts", "requests", "kind"), RETRIES, ids=range(len(RETRIES)))
async def test_one_layer_retries_within_its_bounds(
    scripts: list[Script], requests: int, kind: ErrorKind | None, tmp_path: Path
) -> None:
    bench = Bench(tmp_path, ScriptedProvider(*scripts))
    if kind is None:
        assert (await bench.run(call())).text == "ok"
    else:
        with pytest.raises(ModelError) as raised:
            await bench.run(call())
        assert raised.value.kind == kind
        assert raised.value.partial_text == bench.text
    assert len(bench.provider.requests) == requests
    assert bench.waits == bench.slept
    assert [event.attempt for event in bench.events if isinstance(event, Retrying)] == list(range(2, requests + 1))


async def test_nothing_is_waited_for_where_nobody_waits(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ScriptedProvider(fails("rate_limited", 1)))
    with pytest.raises(ModelError):
        await bench.run(call(interactive=False))
    assert (len(bench.provider.requests), bench.slept) == (1, [])


async def test_an_outage_is_not_made_worse_by_retries(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ScriptedProvider(respond=lambda *_: fails("overloaded", 5, status=529)))
    outcomes = await asyncio.gather(*(bench.run(call()) for _ in range(50)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {ModelError}
    assert len(bench.provider.requests) == 50, "the fifth failure is known before anybody comes back"
    assert bench.client.outages() == ("anthropic",)


async def test_after_an_outage_the_first_success_brings_retries_back(tmp_path: Path) -> None:
    scripts = [fails("overloaded")] * 14 + [says("ok"), fails("overloaded"), says("ok")]
    bench = Bench(tmp_path, ScriptedProvider(*scripts))
    requests: list[tuple[int, int]] = []
    for _ in range(6):  # 3 requests and 2 waits each, until it is an outage
        with pytest.raises(ModelError):
            await bench.run(call())
        requests.append((len(bench.provider.requests), len(bench.slept)))
    assert requests == [(3, 2), (6, 4), (9, 6), (12, 8), (13, 8), (14, 8)]
    assert (await bench.run(call())).text == "ok", "a person who asks is never refused unasked"
    assert bench.client.outages() == ()
    assert (await bench.run(call())).text == "ok"
    assert len(bench.provider.requests) == 17


async def test_while_it_is_down_one_request_at_a_time_is_the_probe_and_speaks_for_all(tmp_path: Path) -> None:
    gate = asyncio.Event()
    scripts: list[Script] = [fails("overloaded")] * 13
    scripts += [[gate, *fails("overloaded")], [gate, TextDelta("on "), asyncio.Event()], says("ok"), says("ok")]
    bench = Bench(tmp_path, ScriptedProvider(*scripts))
    for _ in range(5):
        with pytest.raises(ModelError):
            await bench.run(call())
    assert len(bench.provider.requests) == 13
    waiting = [asyncio.ensure_future(bench.run(call())) for _ in range(20)]
    while bench.provider.running < 1:
        await asyncio.sleep(0.001)
    gate.set()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert {getattr(outcome, "kind", None) for outcome in outcomes} == {"overloaded"}
    assert len(bench.provider.requests) == 14

    probe = asyncio.ensure_future(bench.run(call()))
    others = [asyncio.ensure_future(bench.run(call())) for _ in range(2)]
    assert [answer.text for answer in await asyncio.gather(*others)] == ["ok", "ok"], "its first word is enough"
    probe.cancel()
    await asyncio.wait([probe])


async def test_a_cancelled_probe_leaves_the_way_open_for_the_next(tmp_path: Path) -> None:
    scripts: list[Script] = [*[fails("overloaded")] * 13, [asyncio.Event()], says("ok")]
    bench = Bench(tmp_path, ScriptedProvider(*scripts))
    for _ in range(5):
        with pytest.raises(ModelError):
            await bench.run(call())
    probe = asyncio.ensure_future(bench.run(call()))
    while bench.provider.running < 1:
        await asyncio.sleep(0.001)
    other = asyncio.ensure_future(bench.run(call()))
    await asyncio.sleep(0)
    probe.cancel()
    assert (await other).text == "ok"


# --- places -------------------------------------------------------------------------------------------


async def test_no_more_run_at_once_than_allowed_and_a_cancelled_one_frees_its_place(tmp_path: Path) -> None:
    gate = asyncio.Event()
    bench = Bench(tmp_path, ScriptedProvider(respond=lambda *_: [gate, *says("ok")]))
    given = call(config(limits=Limits(concurrent=2)))
    tasks = [asyncio.ensure_future(bench.run(given)) for _ in range(5)]
    while bench.provider.running < 2:
        await asyncio.sleep(0.001)
    tasks[0].cancel()
    tasks[4].cancel()
    gate.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(answer, Completion) for answer in answers] == [False, True, True, True, False]
    assert bench.provider.most_running == 2


async def test_a_thousand_requests_are_all_answered_sixteen_at_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ScriptedProvider(respond=lambda *_: says("ok")))
    answers = await asyncio.gather(*(bench.run(call()) for _ in range(1000)))
    assert {answer.text for answer in answers} == {"ok"}
    assert bench.provider.most_running == 16


async def test_one_that_waits_for_its_retry_holds_no_place(tmp_path: Path) -> None:
    sleeping, wake = asyncio.Event(), asyncio.Event()

    async def sleep(_: float) -> None:
        sleeping.set()
        await wake.wait()

    bench = Bench(tmp_path, ScriptedProvider(fails("overloaded", 60), says("second"), says("first")), sleep=sleep)
    given = call(config(limits=Limits(concurrent=1)))
    first = asyncio.ensure_future(bench.run(given))
    await sleeping.wait()
    assert (await bench.run(given)).text == "second"
    wake.set()
    assert (await first).text == "first"


async def test_cancelling_ends_a_back_off_at_once(tmp_path: Path) -> None:
    sleeping = asyncio.Event()

    async def sleep(_: float) -> None:
        sleeping.set()
        await asyncio.Event().wait()

    bench = Bench(tmp_path, ScriptedProvider(fails("rate_limited", 60)), sleep=sleep)
    task = asyncio.ensure_future(bench.run(call()))
    await sleeping.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 1)


async def test_places_are_given_in_the_order_of_coming() -> None:
    places = Places()
    order: list[int] = []

    async def work(number: int) -> None:
        async with places.take(1):
            order.append(number)
            await asyncio.sleep(0)

    await asyncio.gather(*(work(number) for number in range(20)))
    assert order == list(range(20))


@pytest.mark.parametrize(
    ("before", "after", "at_once", "after_one_ended"),
    [(1, 16, {0, 1, 2, 3}, {1, 2, 3}), (3, 1, {0, 1, 2}, {1, 2}), (1, 2, {0, 1}, {1, 2})],
    ids=["raised", "lowered", "raised by one"],
)
async def test_a_changed_limit_holds_for_those_who_wait_and_nobody_overtakes(
    before: int, after: int, at_once: set[int], after_one_ended: set[int]
) -> None:
    places = Places()
    gates = [asyncio.Event() for _ in range(4)]
    inside: set[int] = set()

    async def work(number: int, limit: int) -> None:
        async with places.take(limit):
            inside.add(number)
            await gates[number].wait()
            inside.discard(number)

    async def settle() -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        for number in range(3):
            group.create_task(work(number, before))
        await settle()
        group.create_task(work(3, after))
        await settle()
        seen = set(inside)
        gates[0].set()
        await settle()
        then = set(inside)
        for gate in gates:
            gate.set()
    assert (seen, then) == (at_once, after_one_ended)


async def test_a_place_that_was_given_to_a_cancelled_one_goes_to_the_next() -> None:
    places = Places()

    async def hold() -> None:
        async with places.take(1):
            pass

    async with asyncio.timeout(1):
        async with places.take(1):
            first, second = asyncio.ensure_future(hold()), asyncio.ensure_future(hold())
            await asyncio.sleep(0)
        first.cancel()  # it has the place, but has not run since
        await second


async def test_cancelling_at_any_moment_leaks_no_place() -> None:
    places = Places()
    chance = random.Random(7)
    running = most = 0

    async def work(steps: int) -> None:
        nonlocal running, most
        async with places.take(3):
            running += 1
            most = max(most, running)
            try:
                for _ in range(steps):
                    await asyncio.sleep(0)
            finally:
                running -= 1

    for _ in range(300):
        tasks = [asyncio.ensure_future(work(chance.randrange(4))) for _ in range(10)]
        for _ in range(chance.randrange(6)):
            await asyncio.sleep(0)
        for task in chance.sample(tasks, 5):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert (running, most) == (0, 3)
    async with asyncio.timeout(1), places.take(3), places.take(3), places.take(3):
        pass
