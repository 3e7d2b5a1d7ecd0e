"""The tool loop: every call answered, nothing of the conversation changed, an end to it."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from missy_lsp.config.values import Budget
from missy_lsp.errors import ModelError
from missy_lsp.llm.turns import MAX_TURNS
from missy_lsp.llm.types import (
    JsonObject,
    Message,
    OpaqueBlock,
    TextBlock,
    TextDelta,
    ThinkingDelta,
    ToolCalled,
    ToolResultBlock,
    ToolSpec,
    ToolUseBlock,
    TurnEnd,
    Usage,
    UsageSoFar,
)
from missy_lsp.tools.outcome import ToolOutcome
from tests.support.scripted_provider import PROMPT, Bench, Script, ScriptedProvider, call, config, fails, says

THINKING = OpaqueBlock({"type": "thinking", "thinking": "hm", "signature": "s"})


class Tools:
    def __init__(self, content: str = "content") -> None:
        self.content = content
        self.calls: list[tuple[str, JsonObject]] = []

    def specs(self) -> tuple[ToolSpec, ...]:
        return (ToolSpec("read_file", "Read.", {"type": "object"}),)

    async def call(self, name: str, arguments: JsonObject) -> ToolOutcome:
        self.calls.append((name, arguments))
        return ToolOutcome(self.content, arguments["path"] == "missing", f"read {arguments['path']}")


def wants_tools(
    *paths: str,
    text: str = "",
    stop_reason: str = "tool_use",
    usage: Usage | None = None,
    model: str = "claude-sonnet-4-6",
) -> Script:
    uses = tuple(ToolUseBlock(f"id-{path}", "read_file", {"path": path}) for path in paths)
    spoken = [TextDelta(text)] if text else []
    return [*spoken, TurnEnd(stop_reason, usage or Usage(100, 10), model, (THINKING, *uses))]


async def test_every_tool_call_is_answered_in_one_message_and_blocks_go_back_unchanged(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ScriptedProvider(wants_tools("a", "missing", text="Let me look."), says("Done.")))
    tools = Tools()
    completion = await bench.run(call(toolbox=tools))
    assert [arguments["path"] for _, arguments in tools.calls] == ["a", "missing"]
    first, asked, results = bench.provider.requests[1].prompt.messages
    assert first == PROMPT.messages[0]
    assert (asked.role, asked.content[0]) == ("assistant", THINKING)
    assert results == Message(
        "user", (ToolResultBlock("id-a", "content"), ToolResultBlock("id-missing", "content", is_error=True))
    )
    assert [event.summary for event in bench.events if isinstance(event, ToolCalled)] == ["read a", "read missing"]
    assert completion.text == bench.text == "Let me look.\n\nDone."
    assert completion.usage == Usage(110, 15)
    assert completion.cost_usd == pytest.approx((110 * 3 + 15 * 15) / 1e6)
    assert [event.usage for event in bench.events if isinstance(event, UsageSoFar)][-1] == completion.usage


async def test_the_conversation_only_grows(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ScriptedProvider(wants_tools("a"), wants_tools("b"), wants_tools("c"), says("Done.")))
    await bench.run(call(toolbox=Tools()))
    conversations = [request.prompt.messages for request in bench.provider.requests]
    assert [len(messages) for messages in conversations] == [1, 3, 5, 7]
    assert all(later[: len(earlier)] == earlier for earlier, later in pairwise(conversations))


@pytest.mark.parametrize(
    ("texts", "whole"),
    [(("", "b"), "b"), (("a", ""), "a"), (("a", "b"), "a\n\nb"), (("", ""), "")],
)
async def test_turns_are_parted_only_where_both_say_something(
    texts: tuple[str, str], whole: str, tmp_path: Path
) -> None:
    bench = Bench(tmp_path, ScriptedProvider(wants_tools("x", text=texts[0]), says(texts[1])))
    assert (await bench.run(call(toolbox=Tools()))).text == bench.text == whole


async def test_a_model_that_never_stops_asking_for_tools_is_told_and_then_stopped(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ScriptedProvider(respond=lambda *_: wants_tools("a")))
    tools = Tools()
    completion = await bench.run(call(toolbox=tools))
    assert (len(bench.provider.requests), len(tools.calls)) == (MAX_TURNS, MAX_TURNS - 1)
    result, told = bench.provider.requests[-1].prompt.messages[-1].content
    assert isinstance(result, ToolResultBlock), "results come first"
    assert isinstance(told, TextBlock)
    assert "No more tools" in told.text
    assert (completion.stop_reason, completion.complete) == ("tool_use", False)


@pytest.mark.parametrize("stop_reason", ["max_tokens", "pause_turn", "end_turn", "something_new"])
async def test_tools_run_only_when_the_model_stopped_for_them(stop_reason: str, tmp_path: Path) -> None:
    bench = Bench(tmp_path, ScriptedProvider(wants_tools("a", stop_reason=stop_reason)))
    tools = Tools()
    assert (await bench.run(call(toolbox=tools))).stop_reason == stop_reason
    assert tools.calls == []


async def test_without_tools_a_call_for_one_ends_the_answer_as_incomplete(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ScriptedProvider(wants_tools("a", text="Let me look.")))
    completion = await bench.run(call())
    assert (completion.text, completion.complete) == ("Let me look.", False)


async def test_each_turn_may_be_tried_again_and_a_failure_keeps_the_text_of_all(tmp_path: Path) -> None:
    scripts = [fails("overloaded"), wants_tools("a", text="Look:"), fails("overloaded"), fails("connection")]
    broken: Script = [TextDelta("half"), *fails("truncated")]
    bench = Bench(tmp_path, ScriptedProvider(*scripts, broken))
    with pytest.raises(ModelError) as raised:
        await bench.run(call(toolbox=Tools()))
    assert raised.value.kind == "truncated"
    assert raised.value.partial_text == bench.text == "Look:\n\nhalf"
    assert len(bench.slept) == 3


async def test_a_turn_that_would_pass_the_cap_is_not_sent(tmp_path: Path) -> None:
    dear = wants_tools("a", text="Look:", usage=Usage(10_000, 1000))
    bench = Bench(tmp_path, ScriptedProvider(dear, says("never")))
    with pytest.raises(ModelError, match=r"budget\.request_usd") as raised:
        await bench.run(call(config(budget=Budget(request_usd=0.15)), toolbox=Tools("x" * 3000)))
    assert (raised.value.kind, raised.value.partial_text) == ("budget", "Look:")
    assert len(bench.provider.requests) == 1


async def test_thinking_is_passed_on_and_is_no_part_of_the_text(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ScriptedProvider([ThinkingDelta("hm"), *says("Yes.")]))
    completion = await bench.run(call())
    assert completion.text == "Yes."
    assert ThinkingDelta("hm") in bench.events
