"""missy.accept, missy.discard, missy.showDiff, missy.editProposal: the user's decision on a change."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import attrs
from lsprotocol import types

from missy_lsp.config.files import keep_newest, write_atomically
from missy_lsp.errors import ModelError
from missy_lsp.server.answer_documents import show_document
from missy_lsp.server.arguments import (
    AcceptArguments,
    EditArguments,
    ShowDiffArguments,
)
from missy_lsp.server.dispatch import Request
from missy_lsp.server.handlers.groups import accept_group, described_now, discard_group
from missy_lsp.server.pending_edits import KEPT_MOST
from missy_lsp.server.proposals import decide_now, describe, diff_of, draft_folder, draft_path, publish

if TYPE_CHECKING:
    from pathlib import Path

    from missy_lsp.server.pending_edits import PendingEdit
    from missy_lsp.server.session import Session

Json = dict[str, object]


def accept(session: Session, arguments: AcceptArguments, request: Request) -> object:
    """Apply a pending change, or some of its hunks or files; what the user wrote into its draft counts."""
    if (found := session.groups.find(arguments.id)) is not None:
        return accept_group(session, found, arguments)
    edit = session.pending.get(arguments.id)
    _take_draft(session, edit)
    return _accept(session, edit, arguments.hunks)


def discard(session: Session, arguments: EditArguments, request: Request) -> Json:
    """Let go of a pending change; the document stays as it is."""
    if (found := session.groups.find(arguments.id)) is not None:
        return discard_group(session, found, arguments.id)
    edit = session.pending.get(arguments.id)
    session.pending.remove(edit)
    publish(session, edit.document)
    return {"id": edit.id, "status": "discarded"}


async def _show_diff(session: Session, change_id: str, described: Json, text: str) -> Json:
    path = draft_folder(session, change_id) / "change.diff"
    await _write(path, text)
    if not session.client.show_document or not await show_document(session, path):
        session.show_message(types.MessageType.Info, f"Missy: the change is shown in {path}")
    return described


def show_diff(session: Session, arguments: ShowDiffArguments, request: Request) -> object:
    """Return a pending change as it stands now, and show it as a diff in a document of its own."""
    if (found := session.groups.find(arguments.id)) is not None:
        described, diff = described_now(session, found, arguments.id)
    else:
        edit = session.pending.get(arguments.id)
        described, diff = describe(edit, None), diff_of(edit)
    return _show_diff(session, arguments.id, described, diff) if arguments.show else described


def edit_proposal(session: Session, arguments: EditArguments, request: Request) -> object:
    """Open the proposed text as a file; what stands there when the change is accepted is what is applied."""
    return _open_draft(session, session.pending.get(arguments.id))


async def _open_draft(session: Session, edit: PendingEdit) -> Json:
    path = draft_path(session, edit)
    if edit.draft is None:
        await _write(path, edit.proposal.new_text)
        edit.draft, edit.draft_text = path, edit.proposal.new_text
    if not session.client.show_document or not await show_document(session, path):
        session.show_message(
            types.MessageType.Info, f"Missy: edit the proposal in {path}, save it, then accept the change."
        )
    return {"id": edit.id, "uri": path.as_uri()}


async def _accept(session: Session, edit: PendingEdit, chosen: tuple[int, ...] | None) -> Json:
    described = await decide_now(session, edit, chosen)
    if described["status"] != "applied" and described.get("message"):
        session.show_message(types.MessageType.Warning, f"Missy: {edit.title}: {described['message']}")
    return described


def _take_draft(session: Session, edit: PendingEdit) -> None:
    """Take what the user made of the proposal: the open document where the draft is open, else the file."""
    if edit.draft is None:
        return
    opened = session.documents.get(edit.draft.as_uri())
    try:
        text = opened.buffer.text if opened is not None else edit.draft.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError):
        raise ModelError(
            "invalid_request",
            f"{edit.draft} can't be read as UTF-8 text, so nothing was applied. Mend it, or discard it.",
        ) from None
    if text != edit.draft_text:
        edit.proposal = attrs.evolve(edit.proposal, new_text=text)
        edit.draft_text = text


def _write_and_forget_the_oldest(path: Path, data: bytes) -> None:
    write_atomically(path, data)
    keep_newest(path.parents[1].iterdir(), KEPT_MOST)


async def _write(path: Path, text: str) -> None:
    try:
        await asyncio.to_thread(_write_and_forget_the_oldest, path, text.encode("utf-8", "replace"))
    except OSError as error:
        raise ModelError("invalid_request", f"{path} can't be written: {error.strerror}.") from None
