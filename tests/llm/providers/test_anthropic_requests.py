"""`anthropic_request.py`: the body for every model is one that its API accepts, by an oracle of its own."""

from __future__ import annotations

from types import MappingProxyType

import attrs
import pydantic
import pytest

from missy_lsp.errors import ModelError
from missy_lsp.llm.catalogue import Catalogue
from missy_lsp.llm.providers.anthropic_request import request_body
from missy_lsp.llm.types import (
    Message,
    ModelRequest,
    OpaqueBlock,
    Prompt,
    TextBlock,
    ToolResultBlock,
    ToolSpec,
    ToolUseBlock,
)
from tests.support.request_oracle import assert_valid_request

MODELS = [
    "claude-haiku-4-5-20251001",
    "claude-sonnet-4-5",
    "claude-sonnet-4-6",
    "claude-opus-4-6",
    "claude-haiku-5-5",
    "claude-sonnet-5-5",
    "claude-opus-5-5",
    "claude-fable-5-1",
    "claude-brand-new-9",
]
TOOL = ToolSpec("read_file", "Read a file.", {"type": "object", "properties": {"path": {"type": "string"}}})
USER = Message("user", (TextBlock("Why?"),))
CONVERSATION = Prompt(
    system=(TextBlock("Be brief."), TextBlock("  "), TextBlock("The project.", cache=True)),
    messages=(
        Message("user", (TextBlock("\n"), TextBlock("x" * 20_000, cache=True), TextBlock("Why?"))),
        Message(
            "assistant",
            (
                OpaqueBlock({"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}),
                TextBlock(""),
                ToolUseBlock("toolu_1", "read_file", MappingProxyType({"path": "a.py", "lines": (1, 2)})),
            ),
        ),
        Message("user", (ToolResultBlock("toolu_1", "no such file", is_error=True),)),
        Message("assistant", (TextBlock(" "),)),
        Message("user", (TextBlock("And now?"),)),
    ),
    tools=(TOOL,),
)


def asked(
    prompt: Prompt = CONVERSATION, model: str = "claude-sonnet-4-6", tokens: int = 1000, effort: str | None = None
) -> ModelRequest:
    return ModelRequest(model, prompt, tokens, 30.0, effort)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue.load()


@pytest.mark.parametrize("effort", [None, "low", "medium", "high", "xhigh", "max"])
@pytest.mark.parametrize("model", MODELS)
def test_the_api_would_accept_the_body_for_every_model(catalogue: Catalogue, model: str, effort: str | None) -> None:
    body = request_body(asked(model=model, tokens=10**9, effort=effort), catalogue.facts(model))
    assert_valid_request(body)
    assert (body["model"], body["stream"]) == (model, True)
    assert body["max_tokens"] == catalogue.facts(model).max_output_tokens


def test_a_whole_conversation_is_written_as_the_api_wants_it(catalogue: Catalogue) -> None:
    assert request_body(asked(effort="xhigh"), catalogue.facts("claude-sonnet-4-6")) == {
        "model": "claude-sonnet-4-6",
        "max_tokens": 1000,
        "stream": True,
        "output_config": {"effort": "high"},
        "tools": [{"name": "read_file", "description": "Read a file.", "input_schema": TOOL.input_schema}],
        "system": [{"type": "text", "text": "Be brief."}, {"type": "text", "text": "The project."}],
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "x" * 20_000, "cache_control": {"type": "ephemeral"}},
                    {"type": "text", "text": "Why?"},
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
                    {
                        "type": "tool_use",
                        "id": "toolu_1",
                        "name": "read_file",
                        "input": {"path": "a.py", "lines": [1, 2]},
                    },
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "toolu_1", "content": "no such file", "is_error": True}
                ],
            },
            {"role": "user", "content": [{"type": "text", "text": "And now?"}]},
        ],
    }


@pytest.mark.parametrize(
    ("model", "sizes", "marked"),
    [
        pytest.param("claude-sonnet-4-6", [3_072], [0], id="just long enough"),
        pytest.param("claude-sonnet-4-6", [3_071], [], id="too short to be cached"),
        pytest.param("claude-opus-4-6", [12_287], [], id="too short for this model"),
        pytest.param("claude-haiku-5-5", [1_536], [0], id="long enough for this model"),
        pytest.param("claude-sonnet-4-6", [1_500, 1_572], [1], id="the sum counts"),
        pytest.param("claude-sonnet-4-6", [4_000] * 6, [2, 3, 4, 5], id="at most four"),
    ],
)
def test_a_prefix_is_marked_where_it_can_be_cached(
    catalogue: Catalogue, model: str, sizes: list[int], marked: list[int]
) -> None:
    blocks = tuple(TextBlock("x" * size, cache=True) for size in sizes)
    body = request_body(asked(Prompt((), (Message("user", blocks),)), model), catalogue.facts(model))
    assert_valid_request(body)
    content = body["messages"][0]["content"]  # type: ignore[index]
    assert [number for number, block in enumerate(content) if "cache_control" in block] == marked


def test_one_block_that_stands_twice_is_two_breakpoints(catalogue: Catalogue) -> None:
    block = TextBlock("x" * 9_000, cache=True)
    body = request_body(
        asked(Prompt((block,) * 3, (Message("user", (block,) * 3),))), catalogue.facts("claude-sonnet-4-6")
    )
    assert_valid_request(body)


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ((), "empty"),
        ((Message("user", (TextBlock(" \n"),)),), "empty"),
        ((Message("assistant", (TextBlock("Hi"),)), USER), "starts with an answer"),
        ((USER, Message("assistant", (TextBlock("Because"),))), "ends with an answer"),
    ],
    ids=["none", "blank", "answer first", "answer last"],
)
def test_a_conversation_that_no_model_accepts_is_refused_here(
    catalogue: Catalogue, messages: tuple[Message, ...], words: str
) -> None:
    with pytest.raises(ModelError, match=words) as caught:
        request_body(asked(Prompt((), messages)), catalogue.facts("claude-sonnet-4-6"))
    assert caught.value.kind == "invalid_request"


def test_at_least_one_token_is_asked_for(catalogue: Catalogue) -> None:
    assert request_body(asked(tokens=0), catalogue.facts("claude-sonnet-4-6"))["max_tokens"] == 1


def test_text_that_utf8_can_not_hold_is_mended(catalogue: Catalogue) -> None:
    broken = "caf\udce9 🦀 \ud83e"
    prompt = Prompt(
        (TextBlock(broken),),
        (
            Message("user", (TextBlock(broken),)),
            Message("assistant", (ToolUseBlock("toolu_1", "t", {broken: [broken]}),)),
            Message("user", (ToolResultBlock("toolu_1", broken),)),
        ),
        (attrs.evolve(TOOL, description=broken),),
    )
    body = request_body(asked(prompt), catalogue.facts("claude-sonnet-4-6"))
    text = str(body)
    assert text.encode("utf-8")
    assert text.count("caf\ufffd 🦀 \ufffd") == 6


BAD_BODIES = {
    "sampling": {"temperature": 1.0},
    "a forced tool": {"model": "claude-opus-5-5", "tool_choice": {"type": "any"}},
    "prefill": {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]},
    "effort": {"model": "claude-haiku-4-5", "output_config": {"effort": "low"}},
    "an unknown effort": {"output_config": {"effort": "huge"}},
    "thinking": {"model": "claude-opus-5-5", "thinking": {"type": "disabled"}},
    "max_tokens": {"max_tokens": 200_000},
    "an unknown field": {"colour": "red"},
    "a bad role": {"messages": [{"role": "you", "content": "a"}]},
    "an empty text": {"messages": [{"role": "user", "content": [{"type": "text", "text": ""}]}]},
    "an unknown block": {"messages": [{"role": "user", "content": [{"type": "smell", "text": "a"}]}]},
    "a result without a call": {
        "messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "x"}]}]
    },
    "a tool without a schema": {"tools": [{"name": "t"}]},
    "five breakpoints": {"system": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}] * 5},
}


@pytest.mark.parametrize("change", BAD_BODIES.values(), ids=BAD_BODIES.keys())
def test_the_oracle_itself_refuses_what_the_api_refuses(change: dict[str, object]) -> None:
    good = {
        "model": "claude-sonnet-4-6",
        "max_tokens": 10,
        "stream": True,
        "messages": [{"role": "user", "content": "a"}],
    }
    assert_valid_request(good)
    with pytest.raises((AssertionError, pydantic.ValidationError)):
        assert_valid_request({**good, **change})
