"""Judge a request body as the real API would: by the SDK's own types, and by what each model refuses.

The types catch unknown fields, wrong roles, blocks and sampling parameters; the rules are those of the
models' pages that types can't say (`design`: prefill, forced tools, thinking, effort, cache breakpoints).
The facts stand here a second time on purpose: the catalogue is judged, not asked.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

_NO_PREFILL = re.compile(r"claude-(sonnet-(4-6|5)|opus-(4-[678]|5)|haiku-5|fable-5)")
_NO_FORCED_TOOL = re.compile(r"claude-((sonnet|opus)-5-|fable-5)")
_NO_EFFORT = re.compile(r"claude-((haiku|sonnet)-4-5|opus-4(-1)?$)")
_NO_XHIGH = re.compile(r"claude-((sonnet|opus)-4-6|opus-4-5)")
_NO_MAX = re.compile(r"claude-opus-4-5")
_MAX_OUTPUT = (
    (re.compile(r"claude-opus-4(-1)?$"), 32_000),
    (re.compile(r"claude-(haiku|sonnet|opus)-4-5"), 64_000),
    (re.compile(r"claude-"), 128_000),
)
_THINKING = (
    (re.compile(r"claude-((haiku|sonnet|opus)-4-5|opus-4(-1)?$)"), {"enabled", "disabled"}),
    (re.compile(r"claude-(sonnet|opus)-4-6"), {"adaptive", "enabled", "disabled"}),
    (re.compile(r"claude-opus-4-[78]"), {"adaptive"}),
    (re.compile(r"claude-(haiku-5-5|(opus|sonnet)-5$)"), {"adaptive", "disabled"}),
    (re.compile(r"claude-sonnet-5-5"), {"adaptive", "between_tools"}),
    (re.compile(r"claude-(opus-5-|fable-5)"), {"adaptive"}),
)


def assert_valid_request(body: Mapping[str, Any]) -> None:
    """Raise AssertionError, or pydantic's ValidationError, for a body that the API would answer with 400."""
    _drain(_adapter(bool(body.get("stream"))).validate_python(body, extra="forbid"))
    faults = list(_faults(body))
    assert not faults, "; ".join(faults)


@functools.cache
def _adapter(streaming: bool) -> Any:
    import pydantic
    from anthropic.types import message_create_params as params

    kind = params.MessageCreateParamsStreaming if streaming else params.MessageCreateParamsNonStreaming
    return pydantic.TypeAdapter(kind)


def _drain(value: Any) -> Any:
    """Walk the value: the types' Iterable fields are only checked when they are read."""
    if isinstance(value, Mapping):
        return {name: _drain(item) for name, item in value.items()}
    if isinstance(value, str | bytes | int | float | bool | type(None)) or not hasattr(value, "__iter__"):
        return value
    return [_drain(item) for item in value]


def _faults(body: Mapping[str, Any]) -> Iterator[str]:
    model, messages = body["model"], body["messages"]
    yield from _model_faults(body, model)
    if not messages or messages[0]["role"] != "user":
        yield "the first message is not the user's"
    if messages and messages[-1]["role"] == "assistant" and _NO_PREFILL.match(model):
        yield "prefill"
    blocks = [block for message in messages for block in _content(message)] + _content(
        {"content": body.get("system", [])}
    )
    for block in blocks:
        if block.get("type") == "text" and not block["text"].strip():
            yield "empty text"
    if any(not _content(message) for message in messages):
        yield "a message without content"
    marked = [thing for thing in (*blocks, *body.get("tools", [])) if "cache_control" in thing]
    if len(marked) > 4:
        yield "more than 4 cache breakpoints"
    yield from _tool_faults(body, messages)


def _model_faults(body: Mapping[str, Any], model: str) -> Iterator[str]:
    limit = next((limit for pattern, limit in _MAX_OUTPUT if pattern.match(model)), None)
    if body["max_tokens"] < 1 or (limit and body["max_tokens"] > limit):
        yield f"max_tokens {body['max_tokens']}"
    if (body.get("tool_choice") or {}).get("type") in ("any", "tool") and _NO_FORCED_TOOL.match(model):
        yield "forced tool"
    effort = (body.get("output_config") or {}).get("effort")
    too_high = {"xhigh": _NO_XHIGH, "max": _NO_MAX}.get(effort or "")
    if effort and (_NO_EFFORT.match(model) or (too_high is not None and too_high.match(model))):
        yield f"effort {effort}"
    thinking = (body.get("thinking") or {}).get("type")
    accepted = next((modes for pattern, modes in _THINKING if pattern.match(model)), set[str]())
    if thinking and thinking not in accepted:
        yield f"thinking {thinking}"
    if thinking == "disabled" and effort in ("xhigh", "max"):
        yield f"thinking disabled with effort {effort}"
    for name in ("temperature", "top_p", "top_k"):
        if name in body:
            yield name


def _tool_faults(body: Mapping[str, Any], messages: list[Mapping[str, Any]]) -> Iterator[str]:
    names = [tool["name"] for tool in body.get("tools", [])]
    if len(names) != len(set(names)):
        yield "two tools of one name"
    if any(not re.fullmatch(r"[a-zA-Z0-9_-]{1,128}", name) for name in names):
        yield "a tool's name"
    if any(tool["input_schema"].get("type") != "object" for tool in body.get("tools", [])):
        yield "a tool's schema is not of an object"
    open_calls: set[str] = set()
    for message in messages:
        content = _content(message)
        results = {block["tool_use_id"] for block in content if block["type"] == "tool_result"}
        if message["role"] == "user" and results != open_calls:
            yield f"tool results {sorted(results)} answer calls {sorted(open_calls)}"
        kinds = [block["type"] for block in content]
        if "tool_result" in kinds and "tool_result" in kinds[kinds.index("text") if "text" in kinds else len(kinds) :]:
            yield "a tool result stands behind text"
        open_calls = {block["id"] for block in content if block["type"] == "tool_use"}


def _content(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    content = message["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)
