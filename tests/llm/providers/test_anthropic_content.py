"""What the provider makes of the content of a message: thinking, tool calls, usage, and what it does not know."""

from __future__ import annotations

import pytest

from missy_lsp.llm.providers.anthropic import AnthropicProvider
from missy_lsp.llm.types import OpaqueBlock, TextBlock, ToolUseBlock, Usage
from tests.support import fake_api as fake
from tests.support.fake_api import FakeApi
from tests.support.provider_calls import call, cancelled_call

START = [fake.message_start(), fake.block_start()]
END = [fake.block_stop(), fake.message_delta(), fake.message_stop()]
HI = fake.text_delta("Hi")
TOOL = {"type": "tool_use", "id": "toolu_1", "name": "read_file", "input": {}}


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


@pytest.mark.parametrize(
    ("told", "hour"),
    [
        ({"ephemeral_1h_input_tokens": 40, "ephemeral_5m_input_tokens": 21}, 40),
        ({"ephemeral_1h_input_tokens": 4000}, 61),
        ({"ephemeral_1h_input_tokens": -1}, 0),
        ("none", 0),
    ],
    ids=["both", "more than all", "negative", "no object"],
)
async def test_what_is_kept_in_the_cache_for_an_hour_is_told_apart(
    api: FakeApi, provider: AnthropicProvider, told: object, hour: int
) -> None:
    usage = {"input_tokens": 5, "cache_creation_input_tokens": 61, "cache_creation": told}
    api.enqueue(fake.stream(fake.message_start(usage=usage), fake.block_start(), HI, *END))
    outcome = await call(provider)
    assert outcome.end is not None
    assert outcome.end.usage == Usage(5, 12, 0, 61, hour)


@pytest.mark.parametrize("last", [fake.Close(), fake.Reset(), None], ids=["close", "reset", "cancelled"])
async def test_what_was_written_before_the_end_came_too_early_is_counted(
    api: FakeApi, provider: AnthropicProvider, last: fake.Step | None
) -> None:
    usage = {"input_tokens": 5, "cache_read_input_tokens": 1005, "cache_creation_input_tokens": 61, "output_tokens": 1}
    parts = [fake.message_start(usage=usage), fake.block_start(), fake.text_delta("x" * 3000)]
    api.enqueue([*fake.stream(*parts, end=False), last or fake.Hold()])
    outcome = await (cancelled_call(provider) if last is None else call(provider))
    assert outcome.text == "x" * 3000
    assert outcome.last_usage == Usage(5, 1000, 1005, 61)


LONG = fake.text_delta("x" * 3000)


@pytest.mark.parametrize(
    ("start", "end", "usage"),
    [
        pytest.param({"input_tokens": -5}, {"output_tokens": -1}, Usage(22, 1001), id="negative"),
        pytest.param({"input_tokens": None}, {"output_tokens": None}, Usage(22, 1001), id="null"),
        pytest.param({"input_tokens": 10**18}, {"output_tokens": 10**18}, Usage(22, 1001), id="huge"),
        pytest.param({"input_tokens": "9"}, {"output_tokens": 2.5}, Usage(22, 1001), id="of the wrong type"),
        pytest.param({"input_tokens": True}, {}, Usage(22, 1001), id="a boolean"),
        pytest.param({}, {}, Usage(22, 1001), id="missing"),
        pytest.param([], "none", Usage(22, 1001), id="no object"),
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
