"""What the provider makes of every way in which a stream can go, against scripted bytes."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib

import pytest

from missy_lsp.llm.providers.anthropic import AnthropicProvider
from missy_lsp.llm.providers.anthropic_stream import StreamLimits
from missy_lsp.llm.types import OpaqueBlock, TextBlock, ToolUseBlock, Usage
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
    "a delta for block true": ("invalid_response", "", fake.stream(*START, fake.text_delta("Hi", True))),
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
    "too long": ("context_too_long", "", fake.stream(error_event("invalid_request_error", "prompt is too long: 9 > 8"))),
    "an unknown error": ("provider_unavailable", "", fake.stream(error_event("new_error"))),
    "an error without json": ("provider_unavailable", "", fake.stream(b"event: error\ndata: oh no\n\n")),
    "a refusal": (
        "refused",
        "Hi",
        fake.stream(
            *START, HI, fake.block_stop(), fake.message_delta("refusal", stop_details={"explanation": "Not this."}), END[2]
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
    outcome = await call(provider)
    assert (outcome.kind, outcome.text) == ("ok", "Hi")


async def test_events_after_the_message_are_not_read(api: FakeApi, provider: AnthropicProvider) -> None:
    api.enqueue(fake.stream(*fake.text_events("Hi"), *fake.text_events("there")))
    outcome = await call(provider)
    assert (outcome.kind, outcome.text) == ("ok", "Hi")


async def test_unknown_things_inside_a_message_are_passed_over(api: FakeApi, provider: AnthropicProvider) -> None:
    strange = {"type": "hologram", "size": 3}
    api.enqueue(
        fake.stream(
            fake.message_start(),
            fake.event("message_mood", mood="good"),
            fake.block_start(**strange),
            fake.delta(type="hologram_delta", voxels=[1]),
            fake.block_stop(),
            fake.block_start(1),
            fake.text_delta("Hi", 1),
            fake.delta(1, type="citations_delta", citation={}),
            fake.block_stop(1),
            *END[1:],
        )
    )
    outcome = await call(provider)
    assert outcome.end is not None
    assert outcome.end.content == (OpaqueBlock(strange), TextBlock("Hi"))


async def test_thinking_streams_and_goes_back_unchanged(api: FakeApi, provider: AnthropicProvider) -> None:
    api.enqueue(
        fake.stream(
            fake.message_start(),
            fake.block_start(type="thinking", thinking="", signature=""),
            fake.delta(type="thinking_delta", thinking="Let me "),
            fake.delta(type="thinking_delta", thinking="see."),
            fake.delta(type="signature_delta", signature="c2ln"),
            fake.block_stop(),
            fake.block_start(1, type="redacted_thinking", data="AAAA"),
            fake.block_stop(1),
            fake.block_start(2),
            fake.text_delta("Hi", 2),
            fake.block_stop(2),
            *END[1:],
        )
    )
    outcome = await call(provider)
    assert outcome.thinking == "Let me see."
    assert outcome.end is not None
    assert outcome.end.content == (
        OpaqueBlock({"type": "thinking", "thinking": "Let me see.", "signature": "c2ln"}),
        OpaqueBlock({"type": "redacted_thinking", "data": "AAAA"}),
        TextBlock("Hi"),
    )


def tool_stream(*pieces: str, stop_reason: str = "tool_use", tool: dict[str, object] | None = None) -> list[fake.Step]:
    deltas = [fake.delta(1, type="input_json_delta", partial_json=piece) for piece in pieces]
    first = [*START, HI, fake.block_stop(), fake.block_start(1, **(tool or TOOL))]
    return fake.stream(*first, *deltas, fake.block_stop(1), fake.message_delta(stop_reason), fake.message_stop())


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        (tool_stream("", '{"pa', 'th": "a.py"}'), {"path": "a.py"}),
        (tool_stream(""), {}),
        (tool_stream(tool={**TOOL, "input": {"path": "b.py"}}), {"path": "b.py"}),
    ],
    ids=["in pieces", "empty", "at once"],
)
async def test_a_tool_call_has_its_input_as_an_object(
    api: FakeApi, provider: AnthropicProvider, reply: fake.Reply, value: dict[str, object]
) -> None:
    api.enqueue(reply)
    outcome = await call(provider)
    assert outcome.end is not None
    assert outcome.end.content == (TextBlock("Hi"), ToolUseBlock("toolu_1", "read_file", value))


@pytest.mark.parametrize(
    "json_text", ['{"a": 1', '{"a": 1} x', "[1]", '{"a": NaN}', '{"a": 1, "a": 2}', "{'a': 1}", "null"]
)
async def test_a_tool_call_whose_input_is_not_one_json_object_is_an_error(
    api: FakeApi, provider: AnthropicProvider, json_text: str
) -> None:
    api.enqueue(tool_stream(json_text))
    outcome = await call(provider)
    assert outcome.kind == "invalid_response"


@pytest.mark.parametrize("json_text", ['{"path":"a.py","text":"half of', '{"path":"a.py"}', ""])
async def test_a_tool_call_that_max_tokens_cut_is_dropped_and_the_text_kept(
    api: FakeApi, provider: AnthropicProvider, json_text: str
) -> None:
    api.enqueue(tool_stream(json_text, stop_reason="max_tokens"))
    outcome = await call(provider)
    assert outcome.end is not None
    assert (outcome.end.stop_reason, outcome.end.content) == ("max_tokens", (TextBlock("Hi"),))


async def test_cache_use_is_reported(api: FakeApi, provider: AnthropicProvider) -> None:
    usage = {"input_tokens": 5, "cache_read_input_tokens": 1005, "cache_creation_input_tokens": 61, "output_tokens": 1}
    api.enqueue(fake.stream(fake.message_start(usage=usage), fake.block_start(), HI, *END))
    outcome = await call(provider)
    assert outcome.end is not None
    assert outcome.end.usage == outcome.last_usage == Usage(5, 12, 1005, 61)


LONG = fake.text_delta("x" * 3000)


@pytest.mark.parametrize(
    ("start", "end", "usage"),
    [
        pytest.param({"input_tokens": -5}, {"output_tokens": -1}, Usage(11, 1001), id="negative"),
        pytest.param({"input_tokens": None}, {"output_tokens": None}, Usage(11, 1001), id="null"),
        pytest.param({"input_tokens": 10**18}, {"output_tokens": 10**18}, Usage(11, 1001), id="huge"),
        pytest.param({"input_tokens": "9"}, {"output_tokens": 2.5}, Usage(11, 1001), id="of the wrong type"),
        pytest.param({"input_tokens": True}, {}, Usage(11, 1001), id="a boolean"),
        pytest.param({}, {}, Usage(11, 1001), id="missing"),
        pytest.param([], "none", Usage(11, 1001), id="no object"),
        pytest.param(
            {"input_tokens": 7}, {"output_tokens": 9, "input_tokens": 8}, Usage(8, 9), id="corrected at the end"
        ),
        pytest.param(
            {"input_tokens": 7}, {"output_tokens": 9, "input_tokens": None}, Usage(7, 9), id="null at the end"
        ),
        pytest.param({"input_tokens": 0}, {"output_tokens": 0}, Usage(0, 0), id="zero"),
    ],
)
async def test_tokens_that_can_not_be_true_are_counted_by_us(
    api: FakeApi, provider: AnthropicProvider, start: object, end: object, usage: Usage
) -> None:
    api.enqueue(
        fake.stream(
            fake.message_start(usage=start),
            fake.block_start(),
            HI,
            LONG,
            fake.block_stop(),
            fake.message_delta(usage=end),
            END[2],
        )
    )
    outcome = await call(provider)
    assert outcome.end is not None
    assert outcome.end.usage == usage


async def test_the_model_that_answered_is_told(api: FakeApi, provider: AnthropicProvider) -> None:
    api.enqueue(fake.answer("Hi", model="claude-haiku-4-5-20251001"))
    outcome = await call(provider)
    assert outcome.end is not None
    assert outcome.end.model == "claude-haiku-4-5-20251001"


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ([fake.Hold()], "sent nothing for 0.2 seconds"),
        ([*fake.stream(*START, HI, end=False), fake.Hold()], "sent nothing for 0.2 seconds"),
        ([fake.head(500, {"content-length": "9"}), fake.Send(b"{"), fake.Hold()], "500"),
    ],
    ids=["before the headers", "in the stream", "in an error body"],
)
async def test_silence_ends_after_the_timeout(
    api: FakeApi, provider: AnthropicProvider, reply: fake.Reply, words: str
) -> None:
    api.enqueue(reply)
    outcome = await call(provider, request(timeout_s=0.2))
    assert outcome.error is not None
    assert outcome.kind == ("timeout" if "seconds" in words else "provider_unavailable")
    assert words in outcome.error.message
    assert api.requests[0].closed.wait(2)


async def test_pings_without_content_end_in_time(api: FakeApi, make_provider: MakeProvider) -> None:
    pings: list[bytes | fake.Step] = [part for _ in range(200) for part in (fake.ping(), fake.Wait(0.02))]
    api.enqueue(fake.stream(*START, HI, *pings, end=False))
    outcome = await call(make_provider(api.base_url, limits=StreamLimits(content_s=0.15)))
    assert (outcome.kind, outcome.text) == ("timeout", "Hi")
    assert api.requests[0].closed.wait(2)


async def test_a_slow_drip_ends_in_time(api: FakeApi, make_provider: MakeProvider) -> None:
    drip: list[fake.Step] = [step for _ in range(200) for step in (fake.Send(fake.chunk(b"d")), fake.Wait(0.02))]
    api.enqueue([*fake.stream(*START, end=False), *drip])
    outcome = await call(make_provider(api.base_url, limits=StreamLimits(content_s=0.15)))
    assert outcome.kind == "timeout"


@pytest.mark.parametrize("first", [fake.stream(*START, end=False), []], ids=["in the stream", "in the headers"])
async def test_an_endless_answer_ends_in_time(
    api: FakeApi, make_provider: MakeProvider, first: list[fake.Step]
) -> None:
    part = fake.chunk(HI) if first else b"h"
    api.enqueue([*first, *[step for _ in range(200) for step in (fake.Send(part), fake.Wait(0.02))]])
    outcome = await call(make_provider(api.base_url, limits=StreamLimits(total_s=0.3)))
    assert outcome.kind == "timeout"
    assert api.requests[0].closed.wait(2)


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(
            [*fake.stream(*START, end=False), fake.Send(fake.chunk(b"data: " + b"x" * 60_000)), fake.Hold()],
            id="a long line",
        ),
        pytest.param([*fake.stream(*START, *[HI] * 5000, end=False), fake.Hold()], id="many events"),
        pytest.param([*fake.stream(fake.ping() * 5000, end=False), fake.Hold()], id="many pings"),
    ],
)
async def test_too_much_is_cut_off(api: FakeApi, make_provider: MakeProvider, reply: fake.Reply) -> None:
    api.enqueue(reply)
    provider = make_provider(api.base_url, limits=StreamLimits(event_bytes=50_000, stream_bytes=100_000))
    outcome = await call(provider)
    assert outcome.kind == "invalid_response"
    assert api.requests[0].closed.wait(2)


@pytest.mark.parametrize("status", [200, 500])
async def test_a_compression_bomb_does_not_fill_the_memory(
    api: FakeApi, make_provider: MakeProvider, status: int
) -> None:
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join([*(squeeze.compress(b"\n" * 1_000_000) for _ in range(60)), squeeze.flush()])
    headers = {"content-encoding": "gzip", "content-type": "text/event-stream", "content-length": str(len(bomb))}
    api.enqueue([fake.head(status, headers), fake.Send(bomb)])
    provider = make_provider(api.base_url, limits=StreamLimits(stream_bytes=4_000_000))
    await provider.warm_up()
    tracemalloc.start()
    try:
        outcome = await call(provider)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert outcome.kind == ("invalid_response" if status == 200 else "provider_unavailable")
    assert peak < 10_000_000


@pytest.mark.parametrize(
    ("coding", "body", "kind"),
    [
        ("gzip", gzip.compress(BODY), "ok"),
        ("deflate", zlib.compress(BODY), "ok"),
        ("gzip", BODY, "invalid_response"),
        ("br", BODY, "invalid_response"),
        ("gzip, gzip", gzip.compress(gzip.compress(BODY)), "invalid_response"),
    ],
    ids=["gzip", "deflate", "not gzip", "br", "twice"],
)
async def test_compression_that_was_not_asked_for(
    api: FakeApi, provider: AnthropicProvider, coding: str, body: bytes, kind: str
) -> None:
    headers = {"content-encoding": coding, "content-type": "text/event-stream", "content-length": str(len(body))}
    api.enqueue([fake.head(200, headers), fake.Send(body, piece=100)])
    outcome = await call(provider)
    assert (outcome.kind, outcome.text) == (kind, EMOJI if kind == "ok" else "")


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
