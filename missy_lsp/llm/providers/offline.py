"""The provider that needs nothing: no network, no key, the same answer every time.

It says that it is offline, outlines the code it was given, and answers a request for an edit (one that asks
for `<replacement>` tags) with the same code under one added comment line, one for a suggestion at the cursor with such
a comment there. For `missy demo`, `--offline`,
tests, and the first minutes without a key.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from missy_lsp.errors import ModelError
from missy_lsp.llm.estimating import tokens_of_length
from missy_lsp.llm.providers.base import OnEvent
from missy_lsp.llm.providers.offline_outline import MAX_ENTRIES, Code, comment_line, find_code, outline
from missy_lsp.llm.types import (
    Message,
    ModelRequest,
    Prompt,
    TextBlock,
    TextDelta,
    ToolResultBlock,
    TurnEnd,
    Usage,
    UsageSoFar,
)
from missy_lsp.secret import Secret

if TYPE_CHECKING:
    from missy_lsp.config.values import Network, ProviderConfig

OFFLINE_MODEL = "offline"
DEFAULT_PACE_S = 0.005

_EDIT_TAG = "<replacement>"
_EDIT_COMMENT = "Missy is offline: no model was asked, the code below is unchanged."
_SUGGESTED_COMMENT = "Missy is offline: no model was asked."
# Where `prompts/completion.md` has it: the cursor is told by a mark in the document.
_MARK = re.compile(r"^The mark: `(\S+)`", re.MULTILINE)
_FIRST_SENTENCE = (
    "**Missy is offline.** No model was asked and nothing left this machine. For an answer from Claude, set "
    "`ANTHROPIC_API_KEY` or run `missy vault set anthropic_api_key`.\n\n"
)
_SHORTEST_PIECE = 16
_MOST_PIECES = 120


class OfflineProvider:
    """Answer without a model; `pace_s` is the time between two pieces, in seconds."""

    name = "offline"
    needs_key = False

    def __init__(self, provider_id: str = "offline", *, pace_s: float = DEFAULT_PACE_S) -> None:
        self.id = provider_id
        self._pace_s = pace_s

    @classmethod
    def from_config(cls, provider_id: str, _provider: ProviderConfig, _network: Network) -> OfflineProvider:
        """Make the provider of one entry in the configuration, of which nothing matters here."""
        return cls(provider_id)

    def is_available(self) -> bool:
        return True

    def unavailable_reason(self) -> str | None:
        return None

    async def stream(self, request: ModelRequest, key: Secret | None, on_event: OnEvent) -> TurnEnd:
        """Stream the answer in pieces; the usage is estimated. A key is not looked at."""
        answer = offline_answer(request.prompt)
        prompt_tokens = tokens_of_length(sum(len(text) for text in _texts(request.prompt)))
        on_event(UsageSoFar(Usage(prompt_tokens, 0)))
        for piece in _pieces(answer):
            await asyncio.sleep(self._pace_s)
            on_event(TextDelta(piece))
        usage = Usage(prompt_tokens, tokens_of_length(len(answer)))
        on_event(UsageSoFar(usage))
        return TurnEnd("end_turn", usage, OFFLINE_MODEL, (TextBlock(answer),))

    async def warm_up(self) -> None:
        return

    async def aclose(self) -> None:
        return


def offline_answer(prompt: Prompt) -> str:
    """Return the whole answer. Raises `ModelError` where nothing was asked."""
    asked = ["\n".join(_message_texts(message)) for message in reversed(prompt.messages) if message.role == "user"]
    if not asked or not asked[0].strip():
        raise ModelError("invalid_request", "The prompt is empty. Write what you want to know or to have done.")
    code = find_code(asked)
    if _asks_for_edit(prompt, asked[0], code):
        mark = _MARK.search(asked[0].replace(code.text, "")) if code else None
        return _edit(code) if code is None or mark is None else _suggestion(code, mark[1])
    return _FIRST_SENTENCE + (_outline_text(code) if code else "It was given no code to outline.\n")


def _asks_for_edit(prompt: Prompt, question: str, code: Code | None) -> bool:
    """Say whether the prompt asks for the tags; code that merely has them in it does not."""
    instruction = question.replace(code.text, "") if code and code.text else question
    return _EDIT_TAG in instruction or any(_EDIT_TAG in block.text for block in prompt.system)


def _edit(code: Code | None) -> str:
    text = code.text if code else ""
    first = next((line for line in text.split("\n") if line.strip()), "")
    indent = first[: len(first) - len(first.lstrip())]
    comment = comment_line(_EDIT_COMMENT, code.language if code else "", indent)
    return f"{_EDIT_TAG}\n{comment}\n{text}\n</replacement>"


def _suggestion(code: Code, mark: str) -> str:
    """Return the line of the cursor with a comment at its end; as it is where something stands behind the cursor."""
    line = next((line for line in code.text.split("\n") if mark in line), "")
    head, _, tail = line.partition(mark)
    space = " " if head and not head[-1].isspace() else ""
    comment = "" if tail.strip() else comment_line(_SUGGESTED_COMMENT, code.language, space)
    return f"{_EDIT_TAG}\n{head}{comment}{tail}\n</replacement>"


def _outline_text(code: Code) -> str:
    count = len(code.text.split("\n"))
    language = f" of {code.language}" if code.language else ""
    lines = f"{count} line{'' if count == 1 else 's'}{language}"
    entries = outline(code)
    if not entries:
        return f"It was given {lines}, in which it found no definitions.\n"
    listed = "".join(f"- line {entry.line}: `{entry.title.replace('`', '')}`\n" for entry in entries)
    more = "- and more\n" if len(entries) == MAX_ENTRIES else ""
    return f"It was given {lines}:\n\n{listed}{more}"


def _texts(prompt: Prompt) -> Iterator[str]:
    for tool in prompt.tools:
        yield tool.description
    for block in prompt.system:
        yield block.text
    for message in prompt.messages:
        yield from _message_texts(message)


def _message_texts(message: Message) -> Iterator[str]:
    for block in message.content:
        match block:
            case TextBlock(text=text) | ToolResultBlock(text=text):
                yield text


def _pieces(text: str) -> Iterator[str]:
    """Cut a text into at most `_MOST_PIECES` pieces of equal length, so that a long one does not take long."""
    size = max(_SHORTEST_PIECE, -(-len(text) // _MOST_PIECES))
    for start in range(0, len(text), size):
        yield text[start : start + size]
