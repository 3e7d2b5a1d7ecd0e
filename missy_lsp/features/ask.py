"""A question to a model, about a document or about nothing in particular: from what was asked to the prompt."""

from __future__ import annotations

from typing import Literal

import attrs

from missy_lsp.document import Snapshot
from missy_lsp.errors import UsageError
from missy_lsp.features import material
from missy_lsp.features.material import Attachment, Material, as_blocks, gather, selection_blocks, system_blocks
from missy_lsp.llm.router import RouteInput
from missy_lsp.llm.types import Block, Message, Prompt, TextBlock, ToolSpec

_ROLES = ("user", "assistant")
_OPENING = "(The conversation begins with an answer.)"


@attrs.frozen
class ChatTurn:
    """One earlier turn; `role` is user or assistant."""

    role: str
    content: str


@attrs.frozen
class AskInput:
    """What a user asks: a document's snapshot with its selection, earlier turns and attachments are optional.

    `workspace_folder` is the folder that the document's path is shown relative to; `card` is what the user and
    the project want of every answer (`material.project_card`).
    """

    prompt: str
    history: tuple[ChatTurn, ...] = ()
    snapshot: Snapshot | None = None
    attachments: tuple[Attachment, ...] = ()
    workspace_folder: str | None = None
    card: str = ""


def build(ask: AskInput, max_context_tokens: int, tools: tuple[ToolSpec, ...] = ()) -> Prompt:
    """Return the prompt for a question; raise UsageError for a blank one and for an unknown role."""
    if not ask.prompt.strip():
        raise UsageError("The question is empty. Write what you want to know.")
    blocks = as_blocks(_material(ask, max_context_tokens))
    earlier = _earlier_turns(ask.history)
    if not blocks and earlier and earlier[0].role == "assistant":
        blocks = [TextBlock(_OPENING)]
    turns = [*earlier, Message("user", _question(ask, max_context_tokens))]
    messages = _merged([Message("user", tuple(blocks)), *turns] if blocks else turns)
    return Prompt(system=system_blocks(ask.card), messages=messages, tools=tools)


def left_out(ask: AskInput, max_context_tokens: int) -> tuple[str, ...]:
    """Say, a sentence each, what of the material `build` does not send, for the user to know."""
    return material.left_out(_material(ask, max_context_tokens), max_context_tokens)


def route_input(ask: AskInput, tools: tuple[ToolSpec, ...] = ()) -> RouteInput:
    """Return what the router decides on; the size is that of the selection, else of the whole material.

    `tools` are those that the caller asked for: what every question is offered says nothing of this one.
    """
    snapshot = ask.snapshot
    size = sum(len(attachment.text) for attachment in ask.attachments)
    if snapshot is not None:
        size += len(snapshot.selected or snapshot.text)
    return RouteInput(
        prompt=ask.prompt,
        selection_chars=size,
        tool_count=len(tools),
        history_length=len(ask.history),
        kind="ask",
        language_id=snapshot.language_id if snapshot else "",
        path=material.shown_path(snapshot, ask.workspace_folder) if snapshot else "",
    )


def _material(ask: AskInput, max_tokens: int) -> list[Material]:
    return gather(ask.snapshot, ask.attachments, ask.workspace_folder, max_tokens)


def _question(ask: AskInput, max_tokens: int) -> tuple[Block, ...]:
    """Return the last message: where the selection is and what it holds, then the question as it was typed."""
    place = selection_blocks(ask.snapshot, max_tokens) if ask.snapshot is not None else ()
    return (*place, TextBlock(ask.prompt))


def _earlier_turns(history: tuple[ChatTurn, ...]) -> list[Message]:
    messages: list[Message] = []
    for turn in history:
        if turn.role not in _ROLES:
            raise UsageError(f"The role {turn.role[:40]!r} in the history is unknown; there are user and assistant.")
        role: Literal["user", "assistant"] = "user" if turn.role == "user" else "assistant"
        if turn.content.strip():
            messages.append(Message(role, (TextBlock(turn.content),)))
    return messages


def _merged(messages: list[Message]) -> tuple[Message, ...]:
    """Join neighbours of the same role, since the roles must alternate."""
    merged: list[Message] = []
    for message in messages:
        if merged and merged[-1].role == message.role:
            merged[-1] = Message(message.role, (*merged[-1].content, *message.content))
        else:
            merged.append(message)
    return tuple(merged)
