"""What the provider makes of every way in which a stream can go, against scripted bytes."""

from __future__ import annotations

import asyncio
import json

import pytest

from missy_lsp.llm.providers.anthropic import AnthropicProvider
from missy_lsp.llm.providers.anthropic_stream import StreamLimits
from missy_lsp.llm.types import TextBlock, Usage
from tests.llm.providers.conftest import MakeProvider
from tests.support import fake_api as fake
from tests.support.fake_api import FakeApi
from tests.support.provider_calls import FAKE_KEY, call, request

EMOJI = "naïve 漢字 🦀👩‍👩‍👧 \u2028 end"


async def test_an_answer_arrives_piece_by_piece_and_then_as_a_whole(api: FakeApi, provider: AnthropicProvider) -> None:
    api.enqueue(fake.answer("Hello", ", ", "world"))
    outcome = await call(provider)
    assert [type(event).__name__ for event in outcome.events] == ["UsageSoFar", *["TextDelta"] * 3, "UsageSoFar"]
    assert outcome.text == "Hello, world"
    assert outcome.end is not None
    assert outcome.end.content == (TextBlock("Hello, world"),)
    assert (outcome.end.stop_reason, outcome.end.usage) == ("end_turn", Usage(10, 3))
    assert (outcome.end.model, outcome.end.request_id) == ("claude-sonnet-4-6", "req_fake")


BODY = b"".join(fake.text_events(EMOJI[:4], EMOJI[4:9], EMOJI[9:]))
HEAD = fake.head(200, {"content-type": "text/event-stream", "connection": "close"})
DATA_ONLY = b"".join(line + b"\n\n" for line in BODY.split(b"\n") if line.startswith(b"data:"))
PRETTY = b"".join(
    b"data: " + line + b"\n" if line else b"\n"
    for event in DATA_ONLY.decode().split("\n\n")[:-1]
    for line in [*json.dumps(json.loads(event[6:]), indent=1, ensure_ascii=False).encode().split(b"\n"), b""]
)
ESCAPED = b"".join(
    b"data: " + json.dumps(json.loads(event[6:])).encode() + b"\n\n" for event in DATA_ONLY.decode().split("\n\n")[:-1]
)
FRAMINGS = {
    "one send": [fake.Send(BODY)],
    "single bytes": [fake.Send(BODY, piece=1)],
    "pieces of seven": [fake.Send(BODY, piece=7)],
    "carriage return and line feed": [fake.Send(BODY.replace(b"\n", b"\r\n"), piece=11)],
    "carriage returns": [fake.Send(BODY.replace(b"\n", b"\r"))],
    "no space after the colon": [fake.Send(BODY.replace(b": ", b":"))],
    "comments between": [fake.Send(BODY.replace(b"event:", b": keep-alive\nevent:"))],
    "data without event names": [fake.Send(DATA_ONLY)],
    "json over many data lines": [fake.Send(PRETTY)],
    "escaped": [fake.Send(ESCAPED)],
    "pings, unknown events, done": [
        fake.Send(fake.ping() + b"event: news\ndata: not json\n\n"),
        fake.Send(BODY),
        fake.Send(b"data: [DONE]\n\n"),
    ],
}


@pytest.mark.parametrize("sends", FRAMINGS.values(), ids=FRAMINGS.keys())
async def test_the_text_is_exact_however_the_bytes_are_framed(
    api: FakeApi, provider: AnthropicProvider, sends: list[fake.Step]
) -> None:
    api.enqueue([HEAD, *sends, fake.Close()])
    outcome = await call(provider)
    assert (outcome.kind, outcome.text) == ("ok", EMOJI)


def half_pairs(*pieces: str) -> list[bytes]:
    deltas = [
        f'data: {{"type":"content_block_delta","index":0,"delta":{{"type":"text_delta","text":"{piece}"}}}}\n\n'
        for piece in pieces
    ]
    return [
        fake.message_start(),
        fake.block_start(),
        *(delta.encode() for delta in deltas),
        fake.block_stop(),
        fake.message_delta(),
        fake.message_stop(),
    ]


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (["a\\ud83e", "\\udd80b"], "a🦀b"),
        (["a\\ud83e"], "a\ufffd"),
        (["\\udd80b"], "\ufffdb"),
        (["\\ud83ex", "y"], "\ufffdxy"),
    ],
    ids=["a pair cut in two", "a first half at the end", "a second half alone", "a first half alone"],
)
async def test_halves_of_surrogate_pairs_never_come_through(
    api: FakeApi, provider: AnthropicProvider, pieces: list[str], text: str
) -> None:
    api.enqueue(fake.stream(*half_pairs(*pieces)))
    outcome = await call(provider)
    assert outcome.text == text
    assert outcome.end is not None
    assert outcome.end.content == (TextBlock(text),)


START = [fake.message_start(), fake.block_start()]
END = [fake.block_stop(), fake.message_delta(), fake.message_stop()]
HI = fake.text_delta("Hi")
TOOL = {"type": "tool_use", "id": "toolu_1", "name": "read_file", "input": {}}


def error_event(error_type: str, message: str = "") -> bytes:
    return fake.event("error", error={"type": error_type, "message": message})


BROKEN = {
    "ends without message_stop": ("truncated", "Hi", fake.stream(*START, HI)),
    "ends inside a block": ("truncated", "Hi", fake.stream(*START, HI, fake.message_delta(), fake.message_stop())),
    "ends without a stop reason": ("truncated", "Hi", fake.stream(*START, HI, fake.block_stop(), fake.message_stop())),
    "last event is not closed": ("truncated", "Hi", fake.stream(*START, HI, *END[:2], fake.message_stop()[:-1])),
    "drops": ("truncated", "Hi", [*fake.stream(*START, HI, end=False), fake.Close()]),
    "is reset": ("truncated", "", [*fake.stream(fake.message_start(), end=False), fake.Wait(0.05), fake.Reset()]),
    "drops before the message": ("connection", "", [*fake.stream(end=False), fake.Close()]),
    "drops before the headers": ("connection", "", [fake.Close()]),
    "garbage instead of http": ("connection", "", [fake.Send(b"\x00\x01 SSH-2.0\r\n\r\n"), fake.Close()]),
    "bad json": ("invalid_response", "Hi", fake.stream(*START, HI, b"event: content_block_delta\ndata: {\"type\n\n")),
    "json that is no object": ("invalid_response", "", fake.stream(b"event: message_start\ndata: [1]\n\n")),
    "endless nesting": ("invalid_response", "", fake.stream(b"data: " + b"[" * 100_000 + b"\n\n")),
    "bad utf-8": ("invalid_response", "Hi", fake.stream(*START, HI, b"data: \xff\n\n")),
    "two messages": ("invalid_response", "Hi", fake.stream(*START, HI, fake.message_start())),
    "a delta before the message": ("invalid_response", "", fake.stream(HI)),
    "a block before the message": ("invalid_response", "", fake.stream(fake.block_start())),
    "a stop before the message": ("invalid_response", "", fake.stream(fake.message_stop())),
    "a delta without a block": ("invalid_response", "", fake.stream(fake.message_start(), HI)),
    "a delta for another block": ("invalid_response", "", fake.stream(*START, fake.text_delta("Hi", 1))),
    "a delta for block false": ("invalid_response", "", fake.stream(*START, fake.text_delta("Hi", False))),
    "a gap in the blocks": ("invalid_response", "", fake.stream(fake.message_start(), fake.block_start(1))),
    "two blocks at once": ("invalid_response", "", fake.stream(*START, fake.block_start(1))),
    "a block that ends twice": ("invalid_response", "", fake.stream(*START, fake.block_stop(), fake.block_stop())),
    "text that is no text": ("invalid_response", "", fake.stream(*START, fake.delta(type="text_delta", text=7))),
    "a block without a type": ("invalid_response", "", fake.stream(fake.message_start(), fake.block_start(text="x"))),
    "text in a tool call": ("invalid_response", "", fake.stream(fake.message_start(), fake.block_start(**TOOL), HI)),
    "a tool call without a name": (
        "invalid_response",
        "",
        fake.stream(fake.message_start(), fake.block_start(**{**TOOL, "name": ""}), fake.block_stop()),
    ),
    "a message without a body": ("invalid_response", "", fake.stream(fake.event("message_start"))),
    "an empty stream": ("invalid_response", "", fake.stream()),
    "only pings": ("invalid_response", "", fake.stream(fake.ping(), fake.ping())),
    "a login page": ("invalid_response", "", fake.document(b"<html>Log in</html>", content_type="text/html")),
    "an empty page": ("invalid_response", "", fake.document(b"", content_type="text/plain")),
    "a json document": ("invalid_response", "", fake.document({"choices": []})),
    "overloaded": ("overloaded", "Hi", fake.stream(*START, HI, error_event("overloaded_error", "Overloaded"))),
    "rate limited": ("rate_limited", "", fake.stream(error_event("rate_limit_error"))),
    "an api error": ("provider_unavailable", "", fake.stream(error_event("api_error"))),
    "a timeout upstream": ("timeout", "", fake.stream(error_event("timeout_error"))),
    "authentication": ("authentication", "", fake.stream(error_event("authentication_error"))),
    "billing": ("permission", "", fake.stream(error_event("billing_error"))),
    "too long": ("context_too_long", "", fake.stream(error_event("invalid_request_error", "prompt is too long"))),
    "an unknown error": ("provider_unavailable", "", fake.stream(error_event("new_error"))),
    "an error without json": ("provider_unavailable", "", fake.stream(b"event: error\ndata: oh no\n\n")),
    "a refusal": (
        "refused",
        "Hi",
        fake.stream(
            *START, HI, fake.block_stop(), fake.message_delta("refusal", stop_details={"explanation": "Not this."}),
            END[2],
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "text", "reply"), BROKEN.values(), ids=BROKEN.keys())
async def test_a_broken_answer_is_an_error_of_its_kind_and_keeps_the_text(
    api: FakeApi, provider: AnthropicProvider, kind: str, text: str, reply: fake.Reply
) -> None:
    api.enqueue(reply)
    outcome = await call(provider)
    assert outcome.error is not None
    assert (outcome.kind, outcome.error.partial_text, outcome.text) == (kind, text, text)
    assert outcome.error.message.endswith((".", "_api_key"))
    assert "\n" not in outcome.error.message
    assert len(api.requests) == 1


@pytest.mark.parametrize("name", ["ends without message_stop", "drops", "overloaded", "bad json"])
async def test_an_accident_is_worth_another_try(api: FakeApi, provider: AnthropicProvider, name: str) -> None:
    api.enqueue(BROKEN[name][2])
    outcome = await call(provider)
    assert outcome.error is not None
    assert outcome.error.retryable


@pytest.mark.parametrize("name", ["two messages", "a login page", "a refusal", "authentication"])
async def test_what_will_not_change_is_not_tried_again(api: FakeApi, provider: AnthropicProvider, name: str) -> None:
    api.enqueue(BROKEN[name][2])
    outcome = await call(provider)
    assert outcome.error is not None
    assert not outcome.error.retryable


async def test_the_request_id_of_a_broken_stream_is_kept(api: FakeApi, provider: AnthropicProvider) -> None:
    api.enqueue(fake.stream(*START, HI))
    outcome = await call(provider)
    assert outcome.error is not None
    assert outcome.error.request_id == "req_fake"


async def test_a_login_page_is_told_with_the_setting_to_check(api: FakeApi, provider: AnthropicProvider) -> None:
    api.enqueue(BROKEN["a login page"][2])
    outcome = await call(provider)
    assert outcome.error is not None
    assert f"127.0.0.1:{api.port} does not speak the Messages API" in outcome.error.message
    assert "text/html" in outcome.error.message
    assert "base_url" in outcome.error.message


async def test_a_refusal_says_what_the_api_explained(api: FakeApi, provider: AnthropicProvider) -> None:
    api.enqueue(BROKEN["a refusal"][2])
    outcome = await call(provider)
    assert outcome.error is not None
    assert "Not this" in outcome.error.message


STOP_REASONS = [
    "end_turn",
    "max_tokens",
    "stop_sequence",
    "pause_turn",
    "model_context_window_exceeded",
    "something_new",
]


@pytest.mark.parametrize("stop_reason", STOP_REASONS)
async def test_every_other_stop_reason_comes_back_as_it_is(
    api: FakeApi, provider: AnthropicProvider, stop_reason: str
) -> None:
    api.enqueue(fake.answer("Hi", stop_reason=stop_reason))
    outcome = await call(provider)
    assert outcome.end is not None
    assert (outcome.end.stop_reason, outcome.text) == (stop_reason, "Hi")


@pytest.mark.parametrize("last", [fake.Close(), fake.Reset(), fake.Hold()], ids=["close", "reset", "silence"])
async def test_what_happens_after_the_message_is_forgiven(
    api: FakeApi, make_provider: MakeProvider, last: fake.Step
) -> None:
    api.enqueue([*fake.stream(*fake.text_events("Hi"), end=False), last])
    provider = make_provider(api.base_url, limits=StreamLimits(drain_s=0.05))
    async with asyncio.timeout(2):
        outcome = await call(provider, request(timeout_s=10))
    assert (outcome.kind, outcome.text) == ("ok", "Hi")


async def test_events_after_the_message_are_not_read(api: FakeApi, provider: AnthropicProvider) -> None:
    api.enqueue(fake.stream(*fake.text_events("Hi"), *fake.text_events("there")))
    outcome = await call(provider)
    assert (outcome.kind, outcome.text) == ("ok", "Hi")


async def test_the_model_that_answered_is_told(api: FakeApi, provider: AnthropicProvider) -> None:
    api.enqueue(fake.answer("Hi", model="claude-haiku-4-5-20251001"))
    outcome = await call(provider)
    assert outcome.end is not None
    assert outcome.end.model == "claude-haiku-4-5-20251001"


async def test_one_connection_serves_one_request_after_another(api: FakeApi, provider: AnthropicProvider) -> None:
    api.respond = lambda _: fake.answer("Hi")
    for _ in range(3):
        assert (await call(provider)).kind == "ok"
    assert (len(api.requests), api.connections) == (3, 1)


async def test_no_key_is_in_any_outcome(api: FakeApi, provider: AnthropicProvider) -> None:
    echo = f"your key {FAKE_KEY.reveal()} is wrong"
    api.enqueue(fake.stream(error_event("authentication_error", echo)))
    outcome = await call(provider)
    assert "CANARY" not in repr(outcome)
    assert outcome.error is not None
    assert "CANARY" not in str(outcome.error)
