"""A question to a model, about a document or about nothing in particular: from what was asked to the prompt.

The order is made for the prompt cache (api.md, C.2): one constant system text, the material, what was said
before, and last what changes with every question: the selection and the question itself.
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import unquote

import attrs

from missy_lsp.document import Snapshot
from missy_lsp.errors import UsageError
from missy_lsp.features.context import Excerpt, estimate_tokens, excerpt, selection_place, shorten, tagged
from missy_lsp.llm.router import RouteInput
from missy_lsp.llm.types import Block, Message, Prompt, TextBlock, ToolSpec
from missy_lsp.prompts.loading import load

_ROLES = ("user", "assistant")
_OPENING = "(The conversation begins with an answer.)"
_SHORTEST_ATTACHMENT_TOKENS = 500


@attrs.frozen
class ChatTurn:
    """One earlier turn; `role` is user or assistant."""

    role: str
    content: str


@attrs.frozen
class Attachment:
    """Text that came with the question: a pipe, another file. `label` names it to the model and the user."""

    label: str
    text: str
    language_id: str = ""


@attrs.frozen
class AskInput:
    """What a user asks: a document's snapshot with its selection, earlier turns and attachments are optional.

    `workspace_folder` is the folder that the document's path is shown relative to.
    """

    prompt: str
    history: tuple[ChatTurn, ...] = ()
    snapshot: Snapshot | None = None
    attachments: tuple[Attachment, ...] = ()
    workspace_folder: str | None = None


def build(ask: AskInput, max_context_tokens: int, tools: tuple[ToolSpec, ...] = ()) -> Prompt:
    """Return the prompt for a question; raise UsageError for a blank one and for an unknown role."""
    if not ask.prompt.strip():
        raise UsageError("The question is empty. Write what you want to know.")
    material = [piece.block for piece in _material(ask, max_context_tokens)]
    earlier = _earlier_turns(ask.history)
    if not material and earlier and earlier[0].role == "assistant":
        material = [TextBlock(_OPENING)]
    elif material:
        material[-1] = attrs.evolve(material[-1], cache=True)
    turns = [*earlier, Message("user", _question(ask, max_context_tokens))]
    messages = _merged([Message("user", tuple(material)), *turns] if material else turns)
    return Prompt(system=(TextBlock(load("system")),), messages=messages, tools=tools)


def left_out(ask: AskInput, max_context_tokens: int) -> tuple[str, ...]:
    """Say, a sentence each, what of the material `build` does not send, for the user to know."""
    return tuple(
        f"{piece.label}: {count} of {piece.excerpt.line_count} lines were left out to stay within "
        f"context.max_tokens ({max_context_tokens})."
        for piece in _material(ask, max_context_tokens)
        if (count := sum(last - first + 1 for first, last in piece.excerpt.left_out))
    )


def route_input(ask: AskInput, tools: tuple[ToolSpec, ...] = ()) -> RouteInput:
    """Return what the router decides on; the size is that of the selection, else of the whole material."""
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
    )


@attrs.frozen
class _Material:
    label: str
    excerpt: Excerpt
    block: TextBlock


def _material(ask: AskInput, max_tokens: int) -> list[_Material]:
    """Return the document and then the attachments, in their order, as far as the budget goes."""
    pieces: list[_Material] = []
    if ask.snapshot is not None:
        pieces.append(_document(ask.snapshot, ask.workspace_folder, max_tokens))
        max_tokens -= estimate_tokens(pieces[-1].excerpt.text)
    for attachment in ask.attachments:
        if not attachment.text.strip():
            continue
        kept = shorten(attachment.text, max(max_tokens, _SHORTEST_ATTACHMENT_TOKENS))
        text = tagged("material", kept.text, name=attachment.label, language=attachment.language_id)
        pieces.append(_Material(attachment.label, kept, TextBlock(text)))
        max_tokens -= estimate_tokens(kept.text)
    return pieces


def _document(snapshot: Snapshot, folder: str | None, max_tokens: int) -> _Material:
    kept = excerpt(snapshot, max_tokens)
    path = _shown_path(snapshot, folder)
    text = tagged("document", kept.text, path=path, language=snapshot.language_id, lines=kept.line_count)
    return _Material(path, kept, TextBlock(text))


def _question(ask: AskInput, max_tokens: int) -> tuple[Block, ...]:
    """Return the last message: where the selection is and what it holds, then the question as it was typed."""
    snapshot = ask.snapshot
    if snapshot is None or snapshot.span is None:
        return (TextBlock(ask.prompt),)
    place = selection_place(snapshot)
    if snapshot.span.is_empty:
        return (TextBlock(f"The cursor is at {place} of the document."), TextBlock(ask.prompt))
    if snapshot.selected == snapshot.text and excerpt(snapshot, max_tokens).has_selection:
        return (TextBlock("The whole document is selected."), TextBlock(ask.prompt))
    selection = tagged("selection", snapshot.selected, place=place)
    return (TextBlock(f"Selected in the document, {place}:\n\n{selection}"), TextBlock(ask.prompt))


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


def _shown_path(snapshot: Snapshot, folder: str | None) -> str:
    """Return the path below the folder, else the file's name alone: where a user's files lie is not sent."""
    path = (snapshot.path or unquote(snapshot.uri)).replace("\\", "/")
    above = (folder or "").replace("\\", "/").rstrip("/") + "/"
    if folder and path.startswith(above):
        return path[len(above) :]
    return path.rstrip("/").rsplit("/", 1)[-1] or path
