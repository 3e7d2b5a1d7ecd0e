"""missy.accept, missy.discard, missy.showDiff, missy.editProposal: the user's decision on a change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from missy_lsp.server.answer_documents import show_document
from missy_lsp.server.arguments import (
    AcceptArguments,
    EditArguments,
    ShowDiffArguments,
)
from missy_lsp.server.dispatch import Request
from missy_lsp.server.drafts import open_draft, take_draft, write_below_cache
from missy_lsp.server.handlers.groups import accept_group, described_now, discard_group, file_to_draft
from missy_lsp.server.landing import refuse_while_landing
from missy_lsp.server.proposals import decide_now, describe, diff_of, draft_folder, publish

if TYPE_CHECKING:
    from missy_lsp.server.pending_edits import PendingEdit
    from missy_lsp.server.session import Session

Json = dict[str, object]


def accept(session: Session, arguments: AcceptArguments, request: Request) -> object:
    """Apply a pending change, or some of its hunks or files; what the user wrote into its draft counts."""
    if (found := session.groups.find(arguments.id)) is not None:
        return accept_group(session, found, arguments)
    edit = session.pending.get(arguments.id)
    if not edit.is_landing:  # what is being applied is refused below, and stays as it is
        take_draft(session, edit)
    return _accept(session, edit, arguments.hunks)


def discard(session: Session, arguments: EditArguments, request: Request) -> Json:
    """Let go of a pending change; the document stays as it is. Raises ModelError while the change is being applied."""
    if (found := session.groups.find(arguments.id)) is not None:
        return discard_group(session, found, arguments.id)
    edit = session.pending.get(arguments.id)
    refuse_while_landing(edit)
    session.pending.remove(edit)
    publish(session, edit.document)
    return {"id": edit.id, "status": "discarded"}


async def _show_diff(session: Session, change_id: str, described: Json, text: str) -> Json:
    path = draft_folder(session, change_id) / "change.diff"
    await write_below_cache(path, text)
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
    if (found := session.groups.find(arguments.id)) is not None:
        return open_draft(session, file_to_draft(found))
    return open_draft(session, session.pending.get(arguments.id))


async def _accept(session: Session, edit: PendingEdit, chosen: tuple[int, ...] | None) -> Json:
    described = await decide_now(session, edit, chosen)
    if described["status"] != "applied" and described.get("message"):
        session.show_message(types.MessageType.Warning, f"Missy: {edit.title}: {described['message']}")
    return described
