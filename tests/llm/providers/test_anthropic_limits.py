"""No answer takes for ever, nor more memory than it may: time, size and compression."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest

from missy_lsp.llm.providers.anthropic import AnthropicProvider
from missy_lsp.llm.providers.anthropic_stream import StreamLimits
from tests.llm.providers.conftest import MakeProvider
from tests.support import fake_api as fake
from tests.support.fake_api import FakeApi
from tests.support.provider_calls import call, request

START = [fake.message_start(), fake.block_start()]
HI = fake.text_delta("Hi")
TEXT = "Grüße 🦀 and more"
BODY = b"".join(fake.text_events(TEXT[:8], TEXT[8:]))


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
    assert outcome.error is not None
    assert (outcome.kind, outcome.text) == ("timeout", "Hi")
    assert "sent no text for" in outcome.error.message
    assert api.requests[0].closed.wait(2)


async def test_a_slow_drip_ends_in_time(api: FakeApi, make_provider: MakeProvider) -> None:
    drip: list[fake.Step] = [step for _ in range(200) for step in (fake.Send(fake.chunk(b"d")), fake.Wait(0.02))]
    api.enqueue([*fake.stream(*START, end=False), *drip])
    outcome = await call(make_provider(api.base_url, limits=StreamLimits(content_s=0.15)))
    assert outcome.error is not None
    assert "sent no text for" in outcome.error.message


@pytest.mark.parametrize("first", [fake.stream(*START, end=False), []], ids=["in the stream", "in the headers"])
async def test_an_endless_answer_ends_in_time(
    api: FakeApi, make_provider: MakeProvider, first: list[fake.Step]
) -> None:
    part = fake.chunk(HI) if first else b"h"
    api.enqueue([*first, *[step for _ in range(200) for step in (fake.Send(part), fake.Wait(0.02))]])
    outcome = await call(make_provider(api.base_url, limits=StreamLimits(total_s=0.3)))
    assert outcome.error is not None
    assert outcome.kind == "timeout"
    assert "did not finish within" in outcome.error.message
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
    assert (outcome.kind, outcome.text) == (kind, TEXT if kind == "ok" else "")
