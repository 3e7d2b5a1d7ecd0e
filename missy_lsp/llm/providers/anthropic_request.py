"""Write a `ModelRequest` as the body of `POST /v1/messages`, with nothing that the model refuses.

Sampling parameters are never sent: API version 2026-10-21 refuses them even at their default values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from missy_lsp.errors import ModelError
from missy_lsp.llm.catalogue import ModelFacts
from missy_lsp.llm.types import (
    Block,
    Message,
    ModelRequest,
    OpaqueBlock,
    TextBlock,
    Thinking,
    ToolResultBlock,
    ToolSpec,
    ToolUseBlock,
)

Json = dict[str, object]

MAX_CACHE_BREAKPOINTS = 4
_LEAST_BUDGET_TOKENS = 1024
# Below this length a prefix does not reach the model's floor: code has 3 to 4 bytes of UTF-8 a token, prose more.
_BYTES_PER_TOKEN = 3


def request_body(request: ModelRequest, facts: ModelFacts) -> Json:
    """Return the JSON body. Raises `ModelError` for a conversation that no model would accept."""
    writer = _BlockWriter(facts.min_cache_tokens * _BYTES_PER_TOKEN)
    tools = [writer.tool(tool) for tool in request.prompt.tools]
    system = [writer.text(block) for block in request.prompt.system if block.text.strip()]
    messages = [written for message in request.prompt.messages if (written := writer.message(message))]
    writer.keep_breakpoints(MAX_CACHE_BREAKPOINTS)
    if not messages:
        raise ModelError("invalid_request", "The prompt is empty. Write what you want to know or to have done.")
    if messages[0]["role"] != "user":
        raise ModelError("invalid_request", "The history starts with an answer. Leave out what precedes its question.")
    if messages[-1]["role"] != "user" and not facts.prefill:
        raise ModelError("invalid_request", "The conversation ends with an answer. Add a question after it.")
    body: Json = {
        "model": request.model,
        "max_tokens": max(1, min(request.max_output_tokens, facts.max_output_tokens)),
        "messages": messages,
        "stream": True,
    }
    if system:
        body["system"] = system
    if tools:
        body["tools"] = tools
    if request.thinking is not None and (thinking := _thinking(request.thinking, facts, body["max_tokens"])):
        body["thinking"] = thinking
    output: Json = {}
    if effort := facts.accepted_effort(request.effort):
        output["effort"] = effort
    if request.output_schema is not None and facts.structured_outputs:
        output["format"] = {"type": "json_schema", "schema": plain_json(request.output_schema)}
    if output:
        body["output_config"] = output
    return body


def _thinking(wanted: Thinking, facts: ModelFacts, max_tokens: object) -> Json | None:
    """Return the field, None where the model refuses it; half of the output is left for the answer."""
    if wanted.mode not in facts.thinking:
        return None
    if wanted.mode != "enabled":
        return {"type": wanted.mode}
    budget = min(wanted.budget_tokens, cast("int", max_tokens) // 2)
    return {"type": "enabled", "budget_tokens": budget} if budget >= _LEAST_BUDGET_TOKENS else None


def plain_json(value: object) -> object:
    """Return `value` with every mapping as a dict and every sequence as a list, as the JSON encoder wants them."""
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, Mapping):
        return {_clean(str(name)): plain_json(item) for name, item in value.items()}
    if isinstance(value, Sequence):
        return [plain_json(item) for item in value]
    return value


class _BlockWriter:
    """Write blocks in the order in which the API renders them, and mark where a cached prefix ends.

    A mark before `min_prefix_bytes` bytes would cache nothing and is left out.
    """

    def __init__(self, min_prefix_bytes: int) -> None:
        self._min_prefix_bytes = min_prefix_bytes
        self._bytes = 0
        self._marked: list[Json] = []

    def tool(self, tool: ToolSpec) -> Json:
        schema = plain_json(tool.input_schema)
        self._bytes += len(tool.name) + len(tool.description) + len(str(schema))
        return {"name": tool.name, "description": _clean(tool.description), "input_schema": schema}

    def message(self, message: Message) -> Json | None:
        """Return the message, None where nothing is left of it: the API refuses empty text."""
        content = [body for block in message.content if (body := self._block(block))]
        return {"role": message.role, "content": content} if content else None

    def text(self, block: TextBlock) -> Json:
        text = _clean(block.text)
        body: Json = {"type": "text", "text": text}
        self._bytes += len(text.encode())
        if block.cache and self._bytes >= self._min_prefix_bytes:
            body["cache_control"] = {"type": "ephemeral"}
            self._marked.append(body)
        return body

    def keep_breakpoints(self, limit: int) -> None:
        """Take back all but the last `limit` marks: the longest prefixes save most."""
        for body in self._marked[:-limit]:
            del body["cache_control"]

    def _block(self, block: Block) -> Json | None:
        match block:
            case TextBlock(text=text):
                return self.text(block) if text.strip() else None
            case ToolUseBlock():
                body: Json = {"type": "tool_use", "id": block.id, "name": block.name, "input": plain_json(block.input)}
            case ToolResultBlock():
                body = {"type": "tool_result", "tool_use_id": block.tool_use_id, "content": _clean(block.text)}
                if block.is_error:
                    body["is_error"] = True
            case OpaqueBlock(value=value):
                body = {str(name): plain_json(item) for name, item in value.items()}
        self._bytes += len(str(body))
        return body


def _clean(text: str) -> str:
    """Replace halves of surrogate pairs, which a file name or an editor may hold and UTF-8 can't."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
