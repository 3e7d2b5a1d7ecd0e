"""Follow one streamed message of the Messages API, event by event, to its one typed outcome.

Tolerant of what the API may add (events, deltas, block types, stop reasons), strict about what it
promises: one message, its blocks in order and closed, and an end. What is not whole is never returned.
Pure: no I/O, no clock.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

import attrs

from missy_lsp.errors import ErrorKind, ModelError
from missy_lsp.llm.estimating import prompt_tokens, tokens_of_length
from missy_lsp.llm.providers.base import OnEvent
from missy_lsp.llm.types import (
    Block,
    OpaqueBlock,
    Prompt,
    TextBlock,
    TextDelta,
    ThinkingDelta,
    ToolUseBlock,
    TurnEnd,
    Usage,
    UsageSoFar,
)

# A model's longest answer is 128,000 tokens; four million characters are 32 a token.
MAX_CONTENT_CHARS = 4 * 1024 * 1024
# More tokens than any model reads or writes: such a number is a mistake of the endpoint.
MAX_PLAUSIBLE_TOKENS = 10_000_000

_KNOWN_EVENTS = frozenset(
    {
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
        "ping",
        "error",
    }
)
_CUT_SHORT = ("max_tokens", "model_context_window_exceeded")
_SURROGATES = re.compile("[\ud800-\udfff]")

StreamErrorOf = Callable[[Mapping[str, object]], ModelError]


class TurnFault(Exception):
    """What upstream sent is no whole message; `fault` is a clause that the provider puts into a sentence."""

    def __init__(self, kind: ErrorKind, fault: str, *, retryable: bool = False) -> None:
        super().__init__(fault)
        self.kind: ErrorKind = kind
        self.fault = fault
        self.retryable = retryable


@attrs.define
class _OpenBlock:
    """The block that is being streamed; `start` is how the API opened it, the rest is what came after."""

    index: int
    kind: str
    start: dict[str, object]
    pieces: list[str] = attrs.Factory(list)
    signature: str = ""


class TurnReader:
    """Take the events of one response in order; `finish()` gives the turn or says what was wrong with it.

    `error_of` classifies the data of an `error` event. The tokens of `prompt` are estimated where the endpoint
    reports none that can be believed.
    """

    def __init__(self, model: str, on_event: OnEvent, error_of: StreamErrorOf, prompt: Prompt) -> None:
        self.started = False
        self.stopped = False
        self.stop_reason: str | None = None
        self.request_id: str | None = None
        self._model = model
        self._on_event = on_event
        self._error_of = error_of
        self._stop_details: object = None
        self._open: _OpenBlock | None = None
        self._blocks: list[Block | None] = []
        self._text: list[str] = []
        self._chars = 0
        self._held_back = ""
        self._tokens = _ReportedTokens(prompt)

    @property
    def text(self) -> str:
        """Return the text that was passed on so far."""
        return "".join(self._text)

    def accept(self, name: str, data: str) -> bool:
        """Take one server-sent event; return whether it was content, not a mere sign of life.

        Raises `TurnFault` for what breaks the protocol, and what `error_of` makes of an `error` event.
        """
        if self.stopped or (name and name != "message" and name not in _KNOWN_EVENTS) or data == "[DONE]":
            return False
        event = _parse(name, data)
        kind = event.get("type", name)
        if kind == "content_block_delta":
            self._on_delta(event)
        elif kind == "content_block_start":
            self._on_block_start(event)
        elif kind == "content_block_stop":
            self._on_block_stop(event)
        elif kind == "message_start":
            self._on_message_start(event)
        elif kind == "message_delta":
            self._on_message_delta(event)
        elif kind == "message_stop":
            self._require(self.started, "the message ends before it starts")
            self.stopped = True
        elif kind == "error":
            raise self._error_of(event)
        else:
            return False
        return True

    def tell_usage(self) -> None:
        """Tell what a turn that was cut off or cancelled came to: the API has counted its tokens all the same."""
        if self.started and not self.stopped:
            self._on_event(UsageSoFar(self._tokens.usage(self._chars)))

    def finish(self) -> TurnEnd:
        """Return the turn, once nothing more comes.

        Raises `TurnFault` where it is not whole, `ModelError` where the model refused.
        """
        if not self.started:
            raise TurnFault("invalid_response", "the answer has no message")
        if not self.stopped or self._open is not None or self.stop_reason is None:
            raise TurnFault("truncated", "the answer ended too early", retryable=True)
        if self.stop_reason == "refusal":
            raise ModelError("refused", _refusal_sentence(self._stop_details))
        content = self._blocks
        if self.stop_reason in _CUT_SHORT and content and isinstance(content[-1], ToolUseBlock):
            # Closed, and even valid JSON, it may still be half of what the model meant.
            content = content[:-1]
        elif self.stop_reason not in _CUT_SHORT and None in content:
            raise TurnFault("invalid_response", "the input of a tool call is not a JSON object", retryable=True)
        whole = tuple(block for block in content if block is not None)
        return TurnEnd(self.stop_reason, self._tokens.usage(self._chars), self._model, whole, self.request_id)

    def _on_message_start(self, event: Mapping[str, object]) -> None:
        self._require(not self.started, "a second message starts")
        message = event.get("message")
        if not isinstance(message, dict):
            raise TurnFault("invalid_response", "the message has no body")
        self.started = True
        if isinstance(message.get("model"), str) and message["model"]:
            self._model = message["model"]
        self._tokens.take_start(message.get("usage"))
        self._on_event(UsageSoFar(self._tokens.usage(0)))

    def _on_block_start(self, event: Mapping[str, object]) -> None:
        self._require(self.started, "a block starts before the message")
        self._require(self._open is None, "a block starts before the one before it ended")
        index, start = event.get("index"), event.get("content_block")
        self._require(type(index) is int and index == len(self._blocks), "the blocks are not in order")
        if not isinstance(start, dict) or not isinstance(start.get("type"), str):
            raise TurnFault("invalid_response", "a block has no type")
        block = _OpenBlock(len(self._blocks), start["type"], start)
        self._open = block
        if block.kind == "text" and isinstance(start.get("text"), str) and start["text"]:
            self._pass_text(block, start["text"])

    def _on_delta(self, event: Mapping[str, object]) -> None:
        block, delta = self._open, event.get("delta")
        if block is None or type(event.get("index")) is not int or event["index"] != block.index:
            raise TurnFault("invalid_response", "a piece belongs to no open block")
        if not isinstance(delta, dict):
            raise TurnFault("invalid_response", "a piece has no body")
        kind = delta.get("type")
        if kind == "text_delta" and block.kind == "text":
            self._pass_text(block, _piece(delta, "text"))
        elif kind == "input_json_delta":
            self._keep(block, _piece(delta, "partial_json"))
        elif kind == "thinking_delta" and block.kind == "thinking":
            text = _piece(delta, "thinking")
            self._keep(block, text)
            if text:
                self._on_event(ThinkingDelta(_SURROGATES.sub("\ufffd", text)))
        elif kind == "signature_delta":
            signature = _piece(delta, "signature")
            block.signature += signature
            self._count(signature)
        elif kind in ("text_delta", "thinking_delta") and block.kind in ("text", "thinking", "tool_use"):
            raise TurnFault("invalid_response", f"a {kind} stands in a {block.kind} block")

    def _on_block_stop(self, event: Mapping[str, object]) -> None:
        block = self._open
        if block is None or event.get("index", block.index) != block.index:
            raise TurnFault("invalid_response", "a block ends that is not open")
        self._open = None
        if block.kind == "text" and self._held_back:
            self._held_back = ""
            self._emit_text(block, "\ufffd")
        self._blocks.append(_closed(block))

    def _on_message_delta(self, event: Mapping[str, object]) -> None:
        self._require(self.started, "the message changes before it starts")
        delta = event.get("delta")
        if isinstance(delta, dict):
            if isinstance(delta.get("stop_reason"), str):
                self.stop_reason = delta["stop_reason"]
            self._stop_details = delta.get("stop_details") or self._stop_details
        self._tokens.take_delta(event.get("usage"))
        self._on_event(UsageSoFar(self._tokens.usage(self._chars)))

    def _pass_text(self, block: _OpenBlock, text: str) -> None:
        """Pass text on; a surrogate pair that is cut in two is joined, half of one is replaced."""
        if self._held_back or not text.isascii():
            text = self._held_back + text
            self._held_back = ""
            if text and "\ud800" <= text[-1] <= "\udbff":
                text, self._held_back = text[:-1], text[-1]
            if _SURROGATES.search(text):
                text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        if text:
            self._emit_text(block, text)

    def _emit_text(self, block: _OpenBlock, text: str) -> None:
        self._keep(block, text)
        self._text.append(text)
        self._on_event(TextDelta(text))

    def _keep(self, block: _OpenBlock, piece: str) -> None:
        block.pieces.append(piece)
        self._count(piece)

    def _count(self, piece: str) -> None:
        self._chars += len(piece)
        if self._chars > MAX_CONTENT_CHARS:
            raise TurnFault("invalid_response", f"the answer has more than {MAX_CONTENT_CHARS} characters")

    def _require(self, condition: bool, fault: str) -> None:
        if not condition:
            raise TurnFault("invalid_response", fault)


def parse_tool_input(text: str) -> dict[str, object] | None:
    """Return the JSON object in `text`, None where it is not exactly one, or says one name twice."""
    try:
        value = json.loads(text, object_pairs_hook=_unique_names, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


class _ReportedTokens:
    """Usage as the endpoint reports it; a number that can't be true is replaced by our own count."""

    def __init__(self, prompt: Prompt) -> None:
        self._prompt = prompt
        self._input: int | None = None
        self._output: int | None = None
        self._output_is_final = False
        self._cache_read = 0
        self._cache_creation = 0
        self._kept_an_hour = 0

    def take_start(self, usage: object) -> None:
        self._take_prompt(usage)
        self._output = _count_in(usage, "output_tokens")

    def take_delta(self, usage: object) -> None:
        """Take a later report, whose numbers count from the start of the message; absent ones stay."""
        self._take_prompt(usage)
        output = _count_in(usage, "output_tokens")
        self._output_is_final = output is not None
        self._output = self._output if output is None else output

    def usage(self, answer_chars: int) -> Usage:
        output = self._output or 0
        if not self._output_is_final:
            output = max(output, tokens_of_length(answer_chars))
        input_tokens = prompt_tokens(self._prompt) if self._input is None else self._input
        hour = min(self._kept_an_hour, self._cache_creation)
        return Usage(input_tokens, output, self._cache_read, self._cache_creation, hour)

    def _take_prompt(self, usage: object) -> None:
        if not isinstance(usage, dict):
            return
        if usage.get("input_tokens") is not None:
            self._input = _count_in(usage, "input_tokens")
        for name in ("cache_read_input_tokens", "cache_creation_input_tokens"):
            count = _count_in(usage, name)
            if count is not None and name == "cache_read_input_tokens":
                self._cache_read = count
            elif count is not None:
                self._cache_creation = count
        hour = _count_in(usage.get("cache_creation"), "ephemeral_1h_input_tokens")
        self._kept_an_hour = self._kept_an_hour if hour is None else hour


def _count_in(usage: object, name: str) -> int | None:
    count = usage.get(name) if isinstance(usage, dict) else None
    return count if type(count) is int and 0 <= count <= MAX_PLAUSIBLE_TOKENS else None


def _parse(name: str, data: str) -> Mapping[str, object]:
    try:
        event = json.loads(data)
    except (ValueError, RecursionError):
        event = None
    if isinstance(event, dict):
        return event
    if name == "error":
        return {"type": "error", "error": {"message": data}}
    if name == "ping":
        return {"type": "ping"}
    raise TurnFault("invalid_response", "an event is not a JSON object", retryable=True)


def _piece(delta: Mapping[str, object], name: str) -> str:
    piece = delta.get(name)
    if not isinstance(piece, str):
        raise TurnFault("invalid_response", "a piece has no text")
    return piece


def _closed(block: _OpenBlock) -> Block | None:
    """Return the finished block, None for a tool call whose input is not a JSON object."""
    joined = "".join(block.pieces)
    match block.kind:
        case "text":
            return TextBlock(joined)
        case "tool_use":
            identity, name, given = block.start.get("id"), block.start.get("name"), block.start.get("input")
            if not (isinstance(identity, str) and identity and isinstance(name, str) and name):
                raise TurnFault("invalid_response", "a tool call has no id or no name")
            value = parse_tool_input(joined) if joined else given if isinstance(given, dict) else None
            return None if value is None else ToolUseBlock(identity, name, value)
        case "thinking":
            first, signature = block.start.get("thinking"), block.signature or block.start.get("signature")
            thinking = (first if isinstance(first, str) else "") + joined
            return OpaqueBlock({**block.start, "thinking": thinking, "signature": signature or ""})
        case _:
            value = parse_tool_input(joined) if joined else None
            return OpaqueBlock(block.start if value is None else {**block.start, "input": value})


def _refusal_sentence(details: object) -> str:
    explanation = details.get("explanation") if isinstance(details, dict) else None
    category = details.get("category") if isinstance(details, dict) else None
    reason = explanation if isinstance(explanation, str) and explanation else ""
    if not reason and isinstance(category, str) and category:
        reason = f"policy category {category}"
    because = f": {' '.join(reason.split())[:500].rstrip('.')}" if reason else ""
    return f"The model refused to answer{because}. Put the question differently, or ask another model."


def _unique_names(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name stands twice")
    return value


def _refuse_constant(constant: str) -> object:
    raise ValueError(f"{constant} is not JSON")
