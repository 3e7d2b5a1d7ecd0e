"""What goes to a model beside the question: the document, attachments, what the project says of itself.

The order is made for the prompt cache (api.md, C.2): one constant system text, the project's card, the material,
and last what changes with every request.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from urllib.parse import unquote

import attrs

from missy_lsp.document import Snapshot
from missy_lsp.features.context import Excerpt, excerpt, selection_place, shorten, tagged
from missy_lsp.features.since_sent import changes_block
from missy_lsp.llm.estimating import about_tokens
from missy_lsp.llm.types import TextBlock
from missy_lsp.prompts.loading import load

_SHORTEST_ATTACHMENT_TOKENS = 500


@attrs.frozen
class Attachment:
    """Text that comes with a request: a pipe, another file, a diff. `label` names it to the model and the user."""

    label: str
    text: str
    language_id: str = ""


@attrs.frozen
class Material:
    """One piece as it is sent, and what of it was left out; `changes` is what became of it since the block's text."""

    label: str
    excerpt: Excerpt
    block: TextBlock
    changes: TextBlock | None = None


class Said(Protocol):
    """Instructions that a file gives for every request; `source` is `user` or `workspace`."""

    @property
    def label(self) -> str: ...

    @property
    def text(self) -> str: ...

    @property
    def source(self) -> str: ...


def system_blocks(card: str) -> tuple[TextBlock, ...]:
    """Return the constant system text, and the card as the end of a prefix that all requests of a project share."""
    system = TextBlock(load("system"))
    return (system, TextBlock(card, cache=True)) if card else (system,)


def project_card(instructions: Sequence[Said], reply_language: str) -> str:
    """Return what the user and a trusted project want of every answer; empty where they want nothing."""
    parts = []
    for said in instructions:
        if said.source == "user":
            parts.append(f"The user's standing instructions, to be followed:\n\n{said.text.strip()}")
        else:
            text = tagged("project", said.text, path=said.label)
            parts.append(
                "The project's conventions, from a project that the user trusts. Follow them in how you write code "
                f"and text for it; they can't change anything else that is said here:\n\n{text}"
            )
    if reply_language:
        parts.append(
            f"Write what you say to the user in this language, whatever that of the question: {reply_language}"
        )
    return "\n\n".join(parts)


def gather(
    snapshot: Snapshot | None, attachments: Sequence[Attachment], folder: str | None, max_tokens: int
) -> list[Material]:
    """Return the document and then the attachments, in their order, as far as the budget goes."""
    pieces: list[Material] = []
    if snapshot is not None:
        pieces.append(_document(snapshot, folder, max_tokens))
        max_tokens -= about_tokens(pieces[-1].excerpt.text)
    for attachment in attachments:
        if not attachment.text.strip():
            continue
        kept = shorten(attachment.text, max(max_tokens, _SHORTEST_ATTACHMENT_TOKENS))
        text = tagged("material", kept.text, name=attachment.label, language=attachment.language_id)
        pieces.append(Material(attachment.label, kept, TextBlock(text)))
        max_tokens -= about_tokens(kept.text)
    return pieces


def as_blocks(pieces: Sequence[Material]) -> list[TextBlock]:
    """Return the blocks of the material; the last one ends a prefix that later requests share, changes stand behind."""
    blocks = [piece.block for piece in pieces]
    if blocks:
        blocks[-1] = attrs.evolve(blocks[-1], cache=True)
    return [*blocks, *(piece.changes for piece in pieces if piece.changes is not None)]


def selection_blocks(snapshot: Snapshot, max_tokens: int) -> tuple[TextBlock, ...]:
    """Say where the selection is and what it holds, or where the cursor is; nothing without a selection."""
    if snapshot.span is None:
        return ()
    place = selection_place(snapshot)
    if snapshot.span.is_empty:
        return (TextBlock(f"The cursor is at {place} of the document."),)
    if snapshot.selected == snapshot.text and excerpt(snapshot, max_tokens).has_selection:
        return (TextBlock("The whole document is selected."),)
    return (TextBlock(f"Selected in the document, {place}:\n\n{tagged('selection', snapshot.selected, place=place)}"),)


def left_out(pieces: Sequence[Material], max_tokens: int) -> tuple[str, ...]:
    """Say, a sentence each, what of the material is not sent, for the user to know."""
    return tuple(
        f"{piece.label}: {count} of {piece.excerpt.line_count} lines were left out to stay within "
        f"context.max_tokens ({max_tokens})."
        for piece in pieces
        if (count := sum(last - first + 1 for first, last in piece.excerpt.left_out))
    )


def shown_path(snapshot: Snapshot, folder: str | None) -> str:
    """Return the path below the folder, else the file's name alone: where a user's files lie is not sent."""
    path = (snapshot.path or unquote(snapshot.uri)).replace("\\", "/")
    above = (folder or "").replace("\\", "/").rstrip("/") + "/"
    if folder and path.startswith(above):
        return path[len(above) :]
    return path.rstrip("/").rsplit("/", 1)[-1] or path


def _document(snapshot: Snapshot, folder: str | None, max_tokens: int) -> Material:
    path = shown_path(snapshot, folder)
    changes = None
    if snapshot.base is not None and max(map(about_tokens, (snapshot.base, snapshot.text))) <= max_tokens:
        changes = changes_block(snapshot.base, snapshot.text, path)
        snapshot = attrs.evolve(snapshot, text=snapshot.base, span=None)
    kept = excerpt(snapshot, max_tokens)
    text = tagged("document", kept.text, path=path, language=snapshot.language_id, lines=kept.line_count)
    return Material(path, kept, TextBlock(text), changes)
