"""The one way to a model: order of events, retries, keys, tools, places; with a provider that is scripted."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import attrs
import pytest

from missy_lsp.config.locations import Locations
from missy_lsp.config.values import Budget, Config, KeyReference, Limits, ProviderConfig
from missy_lsp.credentials.vault import open_vault
from missy_lsp.errors import ErrorKind, ModelError, UsageError
from missy_lsp.llm.client import Call, ModelClient
from missy_lsp.llm.registry import ProviderRegistry
from missy_lsp.llm.router import RouteInput
from missy_lsp.llm.turns import MAX_TURNS
from missy_lsp.llm.types import (
    AnswerEvent,
    Completion,
    JsonObject,
    Message,
    OpaqueBlock,
    Prompt,
    Retrying,
    Started,
    TextBlock,
    TextDelta,
    ToolCalled,
    ToolResultBlock,
    ToolSpec,
    ToolUseBlock,
    TurnEnd,
    Usage,
)
from missy_lsp.tools.outcome import ToolOutcome
from tests.support.scripted_provider import Script, ScriptedProvider, says

PROMPT = Prompt((TextBlock("system"),), (Message("user", (TextBlock("why?"),)),))
KEYS = ("sk-ant-api03-FAKE-one", "sk-ant-api03-FAKE-two", "sk-ant-api03-FAKE-three")


class Bench:
    """A client with its seams: no time passes but what `sleep` is asked for."""

    def __init__(self, tmp_path: Path, provider: ScriptedProvider) -> None:
        self.provider = provider
        self.now_s = 0.0
        self.slept: list[float] = []
        self.events: list[AnswerEvent] = []
        registry = ProviderRegistry(built_in={"anthropic": lambda *_: provider})
        self.client = ModelClient(
            registry,
            lambda: open_vault(Locations.from_environment({"HOME": str(tmp_path)})),
            environ={},
            clock=lambda: self.now_s,
            sleep=self.sleep,
            chance=random.Random(1),
        )

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds
        await asyncio.sleep(0)

    async def run(self, call: Call) -> Completion:
        return await self.client.run(call, self.events.append)

    @property
    def text(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, TextDelta))


def config(*keys: str, **more: object) -> Config:
    literals = tuple(KeyReference.parse(key) for key in keys or KEYS[:1])
    return Config(providers={"anthropic": ProviderConfig(api_keys=literals)}, **more)  # type: ignore[arg-type]


def call(given: Config | None = None, **more: object) -> Call:
    return Call(PROMPT, given or config(), RouteInput("why?", 0, 0, 0), **more)  # type: ignore[arg-type]


def fails(kind: ErrorKind, retry_after_s: float | None = None, *, retryable: bool = True) -> Script:
    return [ModelError(kind, f"it was {kind}", retryable=retryable, retry_after_s=retry_after_s)]


async def test_started_comes_first_and_the_answer_is_the_text_that_was_shown(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ScriptedProvider(says("It ", "is.")))
    completion = await bench.run(call())
    assert isinstance(bench.events[0], Started)
    assert completion.text == bench.text == "It is."
    assert (completion.complete, completion.stop_reason, completion.request_id) == (True, "end_turn", "req_1")
    assert completion.usage == Usage(10, 5)
    assert completion.cost_usd == pytest.approx((10 * 3 + 5 * 15) / 1e6)


@pytest.mark.parametrize(
    ("stop_reason", "complete"),
    [("end_turn", True), ("stop_sequence", True), ("max_tokens", False), ("model_context_window_exceeded", False),
     ("pause_turn", False), ("something_new", False)],
)  # fmt: skip
async def test_complete_says_whether_the_answer_is_whole(stop_reason: str, complete: bool, tmp_path: Path) -> None:
    bench = Bench(tmp_path, ScriptedProvider(says("x", stop_reason=stop_reason)))
    assert (await bench.run(call())).complete is complete


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
    waits = [event.in_seconds for event in bench.events if isinstance(event, Retrying)]
    assert waits == bench.slept
    assert all(wait <= 8.5 for wait in waits)


async def test_retry_after_is_waited_for_in_full(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ScriptedProvider(fails("rate_limited", 7), says("ok")))
    await bench.run(call())
    assert 7 <= bench.slept[0] <= 7.5


async def test_nothing_is_waited_for_where_nobody_waits(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ScriptedProvider(fails("rate_limited", 1)))
    with pytest.raises(ModelError):
        await bench.run(call(interactive=False))
    assert (len(bench.provider.requests), bench.slept) == (1, [])


@pytest.mark.parametrize("kind", ["authentication", "permission", "rate_limited"])
async def test_the_next_key_is_tried_at_once(kind: ErrorKind, tmp_path: Path) -> None:
    bench = Bench(tmp_path, ScriptedProvider(fails(kind, 30, retryable=kind == "rate_limited"), says("ok"), says("ok")))
    assert (await bench.run(call(config(*KEYS)))).text == "ok"
    assert (bench.provider.keys, bench.slept) == ([KEYS[0], KEYS[1]], [])
    await bench.run(call(config(*KEYS)))
    assert bench.provider.keys[-1] == KEYS[1], "the first key rests"


async def test_with_all_keys_exhausted_one_error_says_when_the_first_comes_back(tmp_path: Path) -> None:
    limited = [fails("rate_limited", seconds) for seconds in (40, 20, 30)]
    bench = Bench(tmp_path, ScriptedProvider(*limited))
    with pytest.raises(ModelError, match="20 s") as raised:
        await bench.run(call(config(*KEYS)))
    assert (raised.value.kind, raised.value.retry_after_s) == ("rate_limited", 20)
    assert bench.provider.keys == list(KEYS)
    with pytest.raises(ModelError, match="20 s"):
        await bench.run(call(config(*KEYS)))
    assert len(bench.provider.keys) == 3, "no request while every key rests"


async def test_a_thousand_rotations_under_load_fail_no_request(tmp_path: Path) -> None:
    limited: set[str] = set()
    count = 0

    def respond(request: object, key: object) -> Script:
        nonlocal count
        count += 1
        name = key.reveal()  # type: ignore[attr-defined]
        if count % 3 == 0 and name not in limited and len(limited) < len(KEYS) - 1:
            limited.add(name)
            return fails("rate_limited", 1)
        return says("ok")

    bench = Bench(tmp_path, ScriptedProvider(respond=respond))
    for _ in range(63):
        answers = await asyncio.gather(*(bench.run(call(config(*KEYS))) for _ in range(16)))
        assert {answer.text for answer in answers} == {"ok"}
        limited.clear()
        bench.now_s += 2


class Tools:
    def __init__(self) -> None:
        self.calls: list[tuple[str, JsonObject]] = []

    def specs(self) -> tuple[ToolSpec, ...]:
        return (ToolSpec("read_file", "Read.", {"type": "object"}),)

    async def call(self, name: str, arguments: JsonObject) -> ToolOutcome:
        self.calls.append((name, arguments))
        return ToolOutcome("content", False, f"read {arguments['path']}")


def wants_tools(*paths: str, text: str = "") -> Script:
    thinking = OpaqueBlock({"type": "thinking", "thinking": "hm", "signature": "s"})
    uses = tuple(ToolUseBlock(f"id-{path}", "read_file", {"path": path}) for path in paths)
    spoken = [TextDelta(text)] if text else []
    return [*spoken, TurnEnd("tool_use", Usage(100, 10), "claude-sonnet-4-6", (thinking, *uses))]


async def test_every_tool_call_is_answered_in_one_message_and_blocks_go_back_unchanged(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ScriptedProvider(wants_tools("a", "b", text="Let me look."), says("Done.")))
    tools = Tools()
    completion = await bench.run(call(toolbox=tools))
    assert [arguments["path"] for _, arguments in tools.calls] == ["a", "b"]
    first, asked, results = bench.provider.requests[1].prompt.messages
    assert first == PROMPT.messages[0]
    assert (asked.role, asked.content[0]) == (
        "assistant",
        OpaqueBlock({"type": "thinking", "thinking": "hm", "signature": "s"}),
    )
    assert results == Message("user", (ToolResultBlock("id-a", "content"), ToolResultBlock("id-b", "content")))
    assert [event.summary for event in bench.events if isinstance(event, ToolCalled)] == ["read a", "read b"]
    assert completion.text == bench.text == "Let me look.\n\nDone."
    assert completion.usage == Usage(110, 15)


async def test_a_model_that_never_stops_asking_for_tools_is_stopped(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ScriptedProvider(respond=lambda *_: wants_tools("a")))
    completion = await bench.run(call(toolbox=Tools()))
    assert len(bench.provider.requests) == MAX_TURNS
    assert (completion.stop_reason, completion.complete) == ("tool_use", False)


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


async def test_a_request_over_the_cap_is_refused_with_both_figures(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ScriptedProvider())
    with pytest.raises(ModelError, match=r"\$0\.12.*\$0\.0100") as raised:
        await bench.run(call(config(budget=Budget(request_usd=0.01))))
    assert raised.value.kind == "budget"
    assert bench.provider.requests == []


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        (Call(PROMPT, config(), RouteInput("x", 0, 0, 0), provider="nope"), UsageError, "anthropic"),
        (Call(PROMPT, Config(providers={"anthropic": ProviderConfig(enabled=False)}), RouteInput("x", 0, 0, 0)),
         ModelError, "disabled"),
        (Call(PROMPT, Config(providers={"anthropic": ProviderConfig(name="nope")}), RouteInput("x", 0, 0, 0)),
         ModelError, "no implementation"),
        (Call(PROMPT, Config(), RouteInput("x", 0, 0, 0)), ModelError, "missy vault set anthropic_api_key"),
        (Call(PROMPT, config("sk-ant-oat01-FAKE"), RouteInput("x", 0, 0, 0)), ModelError, "setup token"),
    ],
    ids=["unknown", "disabled", "implementation", "no key", "setup token"],
)  # fmt: skip
async def test_what_can_not_be_asked_is_refused_with_what_to_do(
    given: Call, error: type[Exception], words: str, tmp_path: Path
) -> None:
    bench = Bench(tmp_path, ScriptedProvider())
    with pytest.raises(error, match=words):
        await bench.run(given)
    assert bench.provider.requests == []


async def test_folders_that_differ_only_in_models_share_a_provider(tmp_path: Path) -> None:
    built: list[ScriptedProvider] = []

    def build(*_: object) -> ScriptedProvider:
        built.append(ScriptedProvider())
        return built[-1]

    registry = ProviderRegistry(built_in={"anthropic": build})
    base = config()
    other_model = attrs.evolve(base, providers={"anthropic": attrs.evolve(base.providers["anthropic"], model="m")})
    other_place = attrs.evolve(
        base, providers={"anthropic": attrs.evolve(base.providers["anthropic"], base_url="https://x")}
    )
    for given in (base, other_model, other_place, base):
        registry.entries(given)
    assert len(built) == 2
    await registry.aclose()
    assert all(provider.closed for provider in built)
