"""The provider against llmock, a server that knows nothing of it; every body is validated afterwards."""

from __future__ import annotations

import pytest

from missy_lsp.llm.types import Message, ModelRequest, Prompt, TextBlock, ToolResultBlock, ToolSpec, ToolUseBlock
from tests.llm.providers.conftest import MakeProvider
from tests.support.llmock_server import LlmockServer
from tests.support.provider_calls import call, request

REPLY = {"type": "reply", "text": "one two three four five six seven eight nine ten"}
TOOL = ToolSpec("read_file", "Read a file.", {"type": "object", "properties": {"path": {"type": "string"}}})


async def test_an_answer_streams(llmock_api: LlmockServer, make_provider: MakeProvider) -> None:
    llmock_api.scenario(REPLY)
    outcome = await call(make_provider(llmock_api.base_url))
    assert outcome.text == REPLY["text"]
    assert outcome.end is not None
    assert outcome.end.stop_reason == "end_turn"
    assert outcome.end.usage.output_tokens > 0


@pytest.mark.parametrize(
    ("fault", "kind", "retryable"),
    [
        ({"type": "fail", "status": 401}, "authentication", False),
        ({"type": "fail", "status": 403}, "permission", False),
        ({"type": "fail", "status": 413}, "context_too_long", False),
        ({"type": "fail", "status": 429, "retry_after": 7}, "rate_limited", True),
        ({"type": "fail", "status": 500}, "provider_unavailable", True),
        ({"type": "fail", "status": 502}, "provider_unavailable", True),
        ({"type": "fail", "status": 503}, "overloaded", True),
        ({"type": "fail", "status": 504}, "timeout", True),
        ({"type": "fail", "status": 529}, "overloaded", True),
        ({"type": "stream_fault", "kind": "disconnect", "after_chunks": 0}, "connection", True),
        ({"type": "stream_fault", "kind": "disconnect", "after_chunks": 4}, "truncated", True),
        ({"type": "stream_fault", "kind": "truncate", "after_chunks": 4}, "truncated", True),
        ({"type": "stream_fault", "kind": "malformed", "after_chunks": 4}, "invalid_response", True),
        ({"type": "stream_fault", "kind": "stall", "after_chunks": 4, "stall_seconds": 2}, "timeout", True),
    ],
    ids=lambda value: "-".join(str(item) for item in value.values()) if isinstance(value, dict) else str(value),
)
async def test_every_fault_has_one_outcome_and_is_not_retried_here(
    llmock_api: LlmockServer, make_provider: MakeProvider, fault: dict[str, object], kind: str, retryable: bool
) -> None:
    llmock_api.scenario(REPLY, fault)
    outcome = await call(make_provider(llmock_api.base_url), request(timeout_s=0.5))
    assert outcome.error is not None
    assert (outcome.kind, outcome.error.retryable) == (kind, retryable)
    assert outcome.error.retry_after_s == 7.0 or fault.get("status") != 429
    assert str(REPLY["text"]).startswith(outcome.text)
    assert outcome.error.partial_text == outcome.text
    assert len(llmock_api.requests()) == 1


async def test_a_slow_first_token_within_the_timeout_is_waited_for(
    llmock_api: LlmockServer, make_provider: MakeProvider
) -> None:
    llmock_api.scenario(REPLY, {"type": "slow_first_token", "seconds": 0.3})
    assert (await call(make_provider(llmock_api.base_url), request(timeout_s=3))).text == REPLY["text"]


async def test_a_tool_call_and_its_result_make_two_turns(llmock_api: LlmockServer, make_provider: MakeProvider) -> None:
    llmock_api.scenario({"type": "reply", "tool_calls": [{"name": "read_file", "arguments": {"path": "a.py"}}]}, REPLY)
    provider = make_provider(llmock_api.base_url)
    question = Message("user", (TextBlock("What is in a.py?"),))
    first = await call(provider, ModelRequest("claude-sonnet-4-6", Prompt((), (question,), (TOOL,)), 500, 5.0))
    assert first.end is not None
    assert first.end.stop_reason == "tool_use"
    used = next(block for block in first.end.content if isinstance(block, ToolUseBlock))
    assert (used.name, used.input) == ("read_file", {"path": "a.py"})
    answered = Message("user", (ToolResultBlock(used.id, "x = 1"),))
    conversation = (question, Message("assistant", first.end.content), answered)
    second = await call(provider, ModelRequest("claude-sonnet-4-6", Prompt((), conversation, (TOOL,)), 500, 5.0))
    assert second.text == REPLY["text"]


async def test_a_tool_call_with_broken_json_is_not_one(llmock_api: LlmockServer, make_provider: MakeProvider) -> None:
    llmock_api.scenario({"type": "tool_fault", "kind": "malformed_arguments"})
    asked = ModelRequest(
        "claude-sonnet-4-6", Prompt((), (Message("user", (TextBlock("Read a.py"),)),), (TOOL,)), 500, 5.0
    )
    assert (await call(make_provider(llmock_api.base_url), asked)).kind == "invalid_response"
