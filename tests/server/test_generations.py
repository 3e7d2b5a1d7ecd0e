"""Explanations in the making, with a model that is a script and a clock that stands still."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from missy_lsp.config.values import Config, Hover
from missy_lsp.errors import ErrorKind, ModelError
from missy_lsp.llm.client import Call
from missy_lsp.llm.ledger import Ledger, Spending
from missy_lsp.llm.router import RouteInput
from missy_lsp.llm.types import Usage
from missy_lsp.server.explanations import Explanation
from missy_lsp.server.generations import PAUSE_S, Generations
from missy_lsp.server.hourly import HourlyCount
from tests.support.scripted_provider import PROMPT

ADDS = Explanation("It adds.", "m")


@attrs.define(eq=False)
class Model:
    """What is asked of the model is in `asked`; it answers when `gate` is set."""

    ledger: Ledger
    gate: asyncio.Event = attrs.Factory(asyncio.Event)
    asked: list[str] = attrs.Factory(list)
    stopped: list[str] = attrs.Factory(list)
    failure: ModelError | None = None
    now_s: float = 0.0
    resting: list[asyncio.Event] = attrs.Factory(list)
    hour: HourlyCount = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.gate.set()

    def generations(self) -> Generations[Call, Explanation]:
        self.hour = HourlyCount(self.ledger, "hover", "{} an hour".format, lambda: self.now_s)
        return Generations(self._run, clock=lambda: self.now_s, sleep=self._sleep)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                await asyncio.sleep(0)

    def wake(self) -> None:
        for rest in self.resting:
            rest.set()

    async def _sleep(self, seconds: float) -> None:
        if seconds:
            self.resting.append(asyncio.Event())
            await self.resting[-1].wait()

    async def _run(self, key: str, call: Call) -> Explanation:
        async with self.hour.one_more(call.config.hover.max_per_hour):
            self.asked.append(key)
            try:
                await self.gate.wait()
            except asyncio.CancelledError:
                self.stopped.append(key)
                raise
            if self.failure is not None:
                raise self.failure
            return ADDS


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return Model(Ledger(tmp_path / "ledger.sqlite"))


def call(most: int = 60) -> Call:
    return Call(PROMPT, Config(hover=Hover(max_per_hour=most)), RouteInput("", kind="hover"))


async def test_a_hundred_that_give_up_one_after_the_other_while_it_rests_ask_the_model_once(model: Model) -> None:
    generations = model.generations()
    for number in range(100):
        hovering = asyncio.ensure_future(generations.make("a", call(), "file:///a", 1.0, 1))
        await model.until(lambda: len(model.resting) == number + 1)  # noqa: B023
        if number < 99:
            hovering.cancel()
            await asyncio.wait([hovering])
    model.wake()
    assert await hovering == ADDS
    assert model.asked == ["a"]


async def test_who_goes_on_within_the_rest_is_not_asked_for(model: Model) -> None:
    generations = model.generations()
    hovers = [
        asyncio.ensure_future(generations.make(key, call(), uri, 1.0, order))
        for key, uri, order in (("b", "file:///1", 2), ("a", "file:///1", 1), ("c", "file:///2", 3))
    ]
    await model.until(lambda: len(model.resting) == 3)
    model.wake()
    assert await asyncio.gather(*hovers) == [ADDS, None, ADDS]
    assert sorted(model.asked) == ["b", "c"]


async def test_an_end_that_comes_late_takes_nothing_from_who_came_after(model: Model) -> None:
    model.gate.clear()
    generations = model.generations()
    first = asyncio.ensure_future(generations.make("a", call(), "file:///1", 0, 1))
    await model.until(lambda: model.asked == ["a"])
    first.cancel()
    others = [asyncio.ensure_future(generations.make("a", call(), "file:///1", 0, 1)) for _ in range(2)]
    await model.until(lambda: model.asked == ["a", "a"])
    others.append(asyncio.ensure_future(generations.make("a", call(), "file:///1", 0, 1)))
    await asyncio.sleep(0)
    model.gate.set()
    assert await asyncio.gather(*others) == [ADDS] * 3
    assert (model.asked, model.stopped) == (["a", "a"], ["a"])


async def test_one_of_two_who_leaves_stops_nothing_and_the_last_one_does(model: Model) -> None:
    model.gate.clear()
    generations = model.generations()
    hovers = [asyncio.ensure_future(generations.make("a", call(), "file:///1", 0, 1)) for _ in range(2)]
    await model.until(lambda: model.asked == ["a"])
    hovers[0].cancel()
    await asyncio.wait([hovers[0]])
    assert model.stopped == []
    hovers[1].cancel()
    await asyncio.wait([hovers[1]])
    await model.until(lambda: model.stopped == ["a"])
    await generations.close(1)


async def test_a_stop_ends_the_hover_without_words(model: Model) -> None:
    model.gate.clear()
    generations = model.generations()
    hovering = asyncio.ensure_future(generations.make("a", call(), "file:///1", 0, 1))
    await model.until(lambda: model.asked == ["a"])
    assert generations.stop() == 1
    assert await hovering is None
    assert model.stopped == ["a"]
    assert generations.stop() == 0


async def test_what_is_made_for_a_document_is_stopped_for_it_alone_but_for_what_is_wanted_now(model: Model) -> None:
    model.gate.clear()
    generations = model.generations()
    made = [
        asyncio.ensure_future(generations.make(key, call(), uri, 0, order))
        for key, uri, order in (("a", "file:///1", 1), ("b", "file:///1", 2), ("c", "file:///2", 3))
    ]
    await model.until(lambda: "b" in model.asked and "c" in model.asked)
    assert generations.stop("file:///1", but="b") == 0  # what was passed over at its start has ended by itself
    assert generations.stop("file:///1", but="a") == 1
    await model.until(lambda: model.stopped == ["b"])
    model.gate.set()
    assert await asyncio.gather(*made) == [None, None, ADDS]


async def test_what_two_documents_wait_for_is_asked_for_where_the_user_has_gone_on_in_one_of_them(model: Model) -> None:
    generations = model.generations()
    hovers = [
        asyncio.ensure_future(generations.make(key, call(), uri, 1.0, order))
        for key, uri, order in (("a", "file:///1", 1), ("a", "file:///2", 2), ("b", "file:///1", 3))
    ]
    await model.until(lambda: len(model.resting) == 2)
    model.wake()
    assert await asyncio.gather(*hovers) == [ADDS, ADDS, ADDS]
    assert model.asked == ["a", "b"]
    assert generations._latest == {}


async def test_a_document_that_leaves_takes_nothing_from_another_one_that_waits_for_the_same(model: Model) -> None:
    model.gate.clear()
    generations = model.generations()
    first, other = (
        asyncio.ensure_future(generations.make("a", call(), uri, 0, order))
        for order, uri in enumerate(("file:///1", "file:///2"))
    )
    await model.until(lambda: model.asked == ["a"])
    assert generations.stop("file:///1") == 0
    assert await first is None
    again = asyncio.ensure_future(generations.make("a", call(), "file:///1", 0, 3))
    await asyncio.sleep(0)
    model.gate.set()
    assert await asyncio.gather(other, again) == [ADDS, ADDS]
    assert (model.asked, model.stopped) == (["a"], [])


async def test_who_asks_right_behind_a_stop_begins_anew(model: Model) -> None:
    model.gate.clear()
    generations = model.generations()
    stopped = asyncio.ensure_future(generations.make("a", call(), "file:///1", 0, 1))
    await model.until(lambda: model.asked == ["a"])
    assert generations.stop("file:///1") == 1
    again = asyncio.ensure_future(generations.make("a", call(), "file:///1", 0, 2))
    await model.until(lambda: model.asked == ["a", "a"])
    model.gate.set()
    assert await asyncio.gather(stopped, again) == [None, ADDS]
    assert model.stopped == ["a"]


async def test_what_is_no_longer_wanted_is_stopped_and_the_rest_goes_on(model: Model) -> None:
    model.gate.clear()
    generations = model.generations()
    hovers = [
        asyncio.ensure_future(generations.make(key, call(most), uri, 0, order))
        for order, (key, most, uri) in enumerate(
            (("a", 60, "file:///1"), ("b", 50, "file:///2"), ("c", 60, "file:///3"))
        )
    ]
    await model.until(lambda: len(model.asked) == 3)
    ended = generations.stop_unwanted(lambda uri, call: uri == "file:///3" or call.config.hover.max_per_hour == 60)
    assert ended == 1
    await model.until(lambda: model.stopped == ["b"])
    model.gate.set()
    assert await asyncio.gather(*hovers) == [ADDS, None, ADDS]


@pytest.mark.parametrize(
    ("kind", "pauses"), [("rate_limited", True), ("overloaded", True), ("connection", False), ("no_key", False)]
)
async def test_a_refusal_for_want_of_room_is_not_met_again_for_a_minute(
    model: Model, kind: ErrorKind, pauses: bool
) -> None:
    generations = model.generations()
    model.failure = ModelError(kind, "it was refused")
    assert await generations.make("a", call(), "file:///1", 0, 1) is model.failure
    model.failure = None
    assert (await generations.make("b", call(), "file:///1", 0, 1) is None) == pauses
    model.now_s += PAUSE_S
    assert await generations.make("b", call(), "file:///1", 0, 1) == ADDS


async def test_what_was_begun_counts_for_an_hour_whatever_came_of_it(model: Model) -> None:
    generations = model.generations()
    model.failure = ModelError("connection", "it broke")
    for _ in range(2):
        await generations.make("a", call(2), "file:///1", 0, 1)
    refused = await generations.make("b", call(2), "file:///1", 0, 1)
    assert isinstance(refused, ModelError)
    assert (refused.kind, "2 an hour" in refused.message) == ("budget", True)
    assert len(model.asked) == 2
    model.now_s += 3600
    model.failure = None
    assert await generations.make("b", call(2), "file:///1", 0, 1) == ADDS


async def test_what_another_process_was_answered_counts_and_what_it_asked_by_hand_does_not(
    model: Model, tmp_path: Path
) -> None:
    for action in ("hover", "hover", "explain"):
        spending = Spending(time.time(), "anthropic", "m", "fast", action, "", Usage(1, 1), 0.0)
        assert Ledger(tmp_path / "ledger.sqlite").record(spending, None) is None
    assert isinstance(await model.generations().make("a", call(2), "file:///1", 0, 1), ModelError)
    assert await model.generations().make("a", call(3), "file:///1", 0, 1) == ADDS


async def test_a_ledger_that_can_not_be_read_leaves_the_count_of_this_process(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_bytes(b"no database" * 100)
    model = Model(Ledger(tmp_path / "ledger.sqlite"))
    generations = model.generations()
    assert await generations.make("a", call(1), "file:///1", 0, 1) == ADDS
    assert isinstance(await generations.make("b", call(1), "file:///1", 0, 1), ModelError)
