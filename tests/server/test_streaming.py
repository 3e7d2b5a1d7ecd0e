"""Partial results and progress as contract 3.2 has them."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from missy_lsp.llm.types import Retrying, Started, TextDelta, ThinkingDelta, ToolCalled
from missy_lsp.server.protocol import ClientRefused
from missy_lsp.server.streaming import COALESCE_S, AnswerStream, PartialResults, WorkDoneProgress

STARTED = Started("anthropic", "claude-haiku-4-5", "fast", ("asks for a definition",))


class Client:
    """The receiving end of the protocol: keeps progress values, answers `create` as told."""

    def __init__(self, *, creates: bool | None = True) -> None:
        self.values: list[tuple[str | int, dict[str, object]]] = []
        self.creates = creates

    def send_progress(self, token: str | int, value: dict[str, object], *, droppable: bool = False) -> None:
        self.values.append((token, value))

    async def request(self, method: str, params: object, timeout_s: float) -> object:
        if self.creates is None:
            await asyncio.sleep(3600)
        if not self.creates:
            raise ClientRefused("no")
        return None

    def kinds(self, token: str | int) -> list[object]:
        return [value["kind"] for to, value in self.values if to == token]


def stream_of(client: Client, *, token: str | None = None, may_create: bool = False) -> AnswerStream:
    progress = WorkDoneProgress(client, token, may_create=may_create)  # type: ignore[arg-type]
    return AnswerStream("id1", "ask", PartialResults("p", client.send_progress), progress)


async def test_the_first_delta_is_sent_at_once_and_later_ones_are_joined() -> None:
    client = Client()
    stream = stream_of(client)
    stream.on_event(STARTED)
    for word in ("one ", "two ", "three"):
        stream.on_event(TextDelta(word))
    assert [value.get("text") for _, value in client.values] == [None, "one "]
    await asyncio.sleep(COALESCE_S * 2)
    assert [value.get("text") for _, value in client.values] == [None, "one ", "two three"]


async def test_every_value_has_its_kind_and_a_rising_seq_in_the_order_of_the_events() -> None:
    client = Client()
    stream = stream_of(client)
    stream.on_event(STARTED)
    stream.on_event(ThinkingDelta("hm"))
    stream.on_event(TextDelta("a"))
    stream.on_event(TextDelta("b"))
    stream.on_event(ToolCalled("read_file", "read a.py"))
    stream.on_event(Retrying(2, 1.5, "overloaded"))
    stream.on_event(TextDelta("c"))
    stream.end("end_turn", True, {"inputTokens": 1}, "done")
    values = [value for token, value in client.values if token == "p"]
    assert [value["seq"] for value in values] == list(range(len(values)))
    assert values[0] == {
        "kind": "start",
        "seq": 0,
        "id": "id1",
        "provider": "anthropic",
        "model": "claude-haiku-4-5",
        "tier": "fast",
        "routeReasons": ["asks for a definition"],
    }
    assert [value["kind"] for value in values] == ["start", "thinking", "text", "tool", "retry", "text", "end"]
    assert values[4] == {"kind": "retry", "seq": 4, "attempt": 2, "inSeconds": 1.5, "reason": "overloaded"}
    assert values[-1] == {
        "kind": "end",
        "seq": 6,
        "stopReason": "end_turn",
        "complete": True,
        "usage": {"inputTokens": 1},
    }


EVENTS = st.lists(
    st.one_of(
        st.text(max_size=5).map(TextDelta), st.text(max_size=3).map(ThinkingDelta), st.just(ToolCalled("t", "s"))
    ),
    max_size=30,
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(events=EVENTS)
def test_the_texts_joined_are_the_answer_whatever_comes_between(
    events: list[TextDelta | ThinkingDelta | ToolCalled],
) -> None:
    async def run() -> None:
        client = Client()
        stream = stream_of(client)
        for event in events:
            stream.on_event(event)
        stream.end("end_turn", True, {}, "done")
        sent = "".join(str(value["text"]) for _, value in client.values if value["kind"] == "text")
        assert sent == stream.text == "".join(event.text for event in events if isinstance(event, TextDelta))

    asyncio.run(run())


async def test_progress_runs_on_the_token_of_the_client() -> None:
    client = Client()
    stream = stream_of(client, token="w")
    stream.on_event(STARTED)
    stream.on_event(TextDelta("some text"))
    stream.end("end_turn", True, {}, "5 tokens, $0.0001, 0.1 s")
    values = [value for token, value in client.values if token == "w"]
    assert values[0] == {"kind": "begin", "title": "Missy: ask · fast · claude-haiku-4-5", "cancellable": True}
    assert values[-1] == {"kind": "end", "message": "5 tokens, $0.0001, 0.1 s"}
    assert all(value["kind"] == "report" for value in values[1:-1])


async def test_a_token_of_ours_is_used_only_after_the_client_has_created_it() -> None:
    client = Client()
    stream = stream_of(client, may_create=True)
    stream.on_event(STARTED)
    token = stream.progress.token
    assert token is not None
    assert client.kinds(token) == []
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert client.kinds(token) == ["begin"]
    stream.end("end_turn", True, {}, "done")
    assert client.kinds(token) == ["begin", "end"]


async def test_a_client_that_refuses_or_never_answers_sees_no_progress() -> None:
    for creates in (False, None):
        client = Client(creates=creates)
        stream = stream_of(client, may_create=True)
        stream.on_event(STARTED)
        await asyncio.sleep(0)
        stream.end("end_turn", True, {}, "done")
        await asyncio.sleep(0)
        assert client.kinds(stream.progress.token or "") == []
