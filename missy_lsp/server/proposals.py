"""From a model's reply to a change in the editor: kept for review, or applied at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol import types

from missy_lsp.errors import ModelError
from missy_lsp.features.action_calls import proposal_of
from missy_lsp.features.actions import ActionInput, title_of
from missy_lsp.features.edits import NoProposal, Proposal
from missy_lsp.features.hunks import hunks, unified_diff
from missy_lsp.server.answer_documents import show_answer
from missy_lsp.server.edit_shapes import range_of, text_edits, workspace_edit
from missy_lsp.server.landing import CLOSED, OVERLAP, Landing, land, refuse_while_landing, to_its_end
from missy_lsp.server.new_files import new_file_path, write_new_file
from missy_lsp.server.pending_edits import PendingEdit

if TYPE_CHECKING:
    from missy_lsp.llm.types import Completion
    from missy_lsp.server.arguments import RunActionArguments
    from missy_lsp.server.documents import OpenDocument
    from missy_lsp.server.running import Answer
    from missy_lsp.server.session import Session

KEPT_S = 3600.0
Json = dict[str, object]


class EditJob:
    """What follows the reply to an action whose result is an edit.

    The place is followed from the moment of the request on, through every change of the document. `replaces` is called
    before a new change is kept, to let go of the one whose place it takes.
    """

    def __init__(
        self,
        session: Session,
        asked: ActionInput,
        document: OpenDocument,
        arguments: RunActionArguments,
        review: str,
        replaces: Callable[[], None] | None = None,
    ) -> None:
        self._session = session
        self._asked = asked
        self._document = document
        self._arguments = arguments
        self._review = review
        self._replaces = replaces
        self._tracked = document.track(asked.target.span)
        self._edit: PendingEdit | None = None

    async def finish(self, run_id: str, completion: Completion, answer: Answer) -> Answer:
        """Return the answer with its `edit`. Raises ModelError where the reply is cut off or holds nothing."""
        asked = self._asked
        found = proposal_of(asked, completion)
        if isinstance(found, NoProposal):
            return {**answer, "edit": {"status": "refused", "uri": asked.snapshot.uri, "message": found.sentence}}
        edit = self._pending(run_id, completion, found)
        return {**answer, "edit": await self._decide(edit)}

    def close(self) -> None:
        """Stop following the place of a request that came to no proposal."""
        if self._edit is None:
            self._document.untrack(self._tracked)

    async def show(self, answer: Answer, title: str, question: str) -> None:
        """Tell a user whose editor has no plugin what the request came to."""
        described = answer["edit"]
        assert isinstance(described, dict)
        status, message = described["status"], str(described.get("message", ""))
        if status == "refused" and "id" not in described:
            self._session.show_message(types.MessageType.Warning, f"Missy: {title}: {message}")
            await show_answer(self._session, title, question, answer)
        elif status == "pending":
            if self._edit is None or not self._session.pending.has(self._edit):
                return  # decided on before it could be said
            line = _line(described)
            self._session.show_message(
                types.MessageType.Info,
                f"Missy: {title} is ready at line {line}. Accept or discard it by the code actions there.",
            )
        elif status != "applied":
            self._session.show_message(types.MessageType.Warning, f"Missy: {title}: {message}")

    def _pending(self, run_id: str, completion: Completion, proposal: Proposal) -> PendingEdit:
        asked = self._asked
        span = asked.target.span
        new_file = None
        if proposal.path is not None:
            new_file = new_file_path(asked.workspace_folder, asked.snapshot.path, proposal.path)
        self._edit = PendingEdit(
            id=run_id,
            title=title_of(asked),
            document=self._document,
            tracked=self._tracked,
            original=asked.snapshot.text[span.start : span.end],
            proposal=proposal,
            tier=completion.tier,
            provider=completion.provider,
            arguments=self._arguments,
            new_file=new_file,
        )
        return self._edit

    async def _decide(self, edit: PendingEdit) -> Json:
        session = self._session
        if session.documents.get(edit.uri) is not edit.document:
            edit.document.untrack(edit.tracked)
            return describe(edit, Landing("conflict", CLOSED))
        if edit.new_file is None and edit.proposal.new_text == edit.original:
            edit.document.untrack(edit.tracked)
            message = edit.proposal.remarks or "The model proposes no change."
            return describe(edit, Landing("refused", message))
        if self._replaces is not None:
            self._replaces()
        keep(session, edit)
        if self._review == "direct":
            return await decide_now(session, edit)
        if edit.new_file is None and edit.place() is None:
            return describe(edit, Landing("conflict", OVERLAP))
        return describe(edit, None)


def keep(session: Session, edit: PendingEdit) -> None:
    """Keep a proposal for review: a diagnostic marks its place, code actions decide on it, an hour ends it."""
    dropped = session.pending.add(edit)
    timer = asyncio.get_running_loop().call_later(KEPT_S, expire, session, edit)
    edit.forget = timer.cancel
    publish(session, edit.document)
    if dropped is not None:
        publish(session, dropped.document)


def expire(session: Session, edit: PendingEdit) -> None:
    """End the time of a proposal; one that is being applied gets another hour, in case it does not succeed."""
    if edit.is_landing:
        edit.forget = asyncio.get_running_loop().call_later(KEPT_S, expire, session, edit).cancel
        return
    session.pending.remove(edit)
    publish(session, edit.document)


async def decide_now(session: Session, edit: PendingEdit, chosen: tuple[int, ...] | None = None) -> Json:
    """Apply a proposal, whole or the hunks with these numbers, and say what became of it; a cancel does not stop it.

    Raises ModelError (`invalid_request`) for one that is being applied or was let go of, and for a wrong number.
    """
    refuse_while_landing(edit)
    session.pending.get(edit.id)  # between the command and this, another one may have discarded it
    count = hunk_count(edit)
    if chosen is not None and edit.new_file is None and not set(chosen) <= set(range(count)):
        raise ModelError("invalid_request", f"The change has {count} hunks, numbered from 0.")
    edit.is_landing = True
    return await to_its_end(session, _decide(session, edit, chosen))


async def _decide(session: Session, edit: PendingEdit, chosen: tuple[int, ...] | None) -> Json:
    try:
        landing = await _apply(session, edit, chosen)
    finally:
        edit.is_landing = False
    described = describe(edit, landing)
    if landing.status == "applied" and (edit.new_file is not None or edit.proposal.new_text == edit.original):
        session.pending.remove(edit)
    publish(session, edit.document)
    return described


async def _apply(session: Session, edit: PendingEdit, chosen: tuple[int, ...] | None) -> Landing:
    if edit.new_file is not None:
        return await write_new_file(session, edit.new_file, edit.proposal.new_text)
    every = hunks(edit.original, edit.proposal.new_text)
    wanted = every if chosen is None else tuple(every[number] for number in sorted(set(chosen)))
    return await land(session, edit, wanted)


def describe(edit: PendingEdit, landing: Landing | None) -> Json:
    """Return the `edit` of an Answer: where the change stands now and what it holds."""
    buffer = edit.document.buffer
    place = edit.shown_at()
    described: Json = {
        "id": edit.id,
        "status": "pending" if landing is None else landing.status,
        "uri": edit.uri,
        "version": edit.document.version,
        "range": range_of(buffer, place),
        "originalText": edit.original,
        "newText": edit.proposal.new_text,
        "hunks": _hunks(edit),
        "diff": diff_of(edit),
        "warnings": list(edit.proposal.warnings),
    }
    if edit.proposal.remarks:
        described["remarks"] = edit.proposal.remarks
    if edit.new_file is not None:
        described["newFile"] = edit.new_file.as_uri()
    if landing is not None and landing.message:
        described["message"] = landing.message
    return described


def diff_of(edit: PendingEdit) -> str:
    """Return the change as a unified diff."""
    if edit.new_file is not None:
        return unified_diff("", edit.proposal.new_text, edit.new_file.name)
    first_line = edit.document.buffer.position_at(edit.shown_at().start).line + 1
    name = edit.uri.rsplit("/", 1)[-1]
    return unified_diff(edit.original, edit.proposal.new_text, name, first_line)


def publish(session: Session, document: OpenDocument) -> None:
    """Mark every proposal of a document with an information diagnostic."""
    found: list[Json] = []
    if session.documents.get(document.uri) is document:
        found = [diagnostic_of(edit) for edit in session.pending.on_document(document)]
    session.diagnostics.set(document.uri, "pending", found)


def diagnostic_of(edit: PendingEdit) -> Json:
    what = f"a new file, {edit.new_file.name}" if edit.new_file is not None else "a change"
    state = "" if edit.new_file is not None or edit.place() is not None else " (the code has changed since)"
    return {
        "range": range_of(edit.document.buffer, edit.shown_at()),
        "severity": types.DiagnosticSeverity.Information.value,
        "source": "missy",
        "code": "pending-edit",
        "message": f"Missy proposes {what} ({edit.title}){state}: accept or discard it by a code action here.",
        "data": {"id": edit.id},
    }


def _hunks(edit: PendingEdit) -> list[Json]:
    place = edit.place()
    if place is None or edit.new_file is not None:
        return []
    return text_edits(edit.document.buffer, place.start, hunks(edit.original, edit.proposal.new_text))


def hunk_count(edit: PendingEdit) -> int:
    """Return in how many parts a change can be accepted; a new file has one."""
    return 1 if edit.new_file is not None else len(hunks(edit.original, edit.proposal.new_text))


def accepting_edit(session: Session, edit: PendingEdit) -> Json | None:
    """Return the change as an edit that a code action can carry, None where its place is gone."""
    edits = _hunks(edit)
    return workspace_edit(session.client, edit.document, edits) if edits else None


def _line(described: Json) -> int:
    place = described["range"]
    assert isinstance(place, dict)
    return int(place["start"]["line"]) + 1


def draft_folder(session: Session, change_id: str) -> Path:
    """Return the folder for what is shown of one change."""
    return session.configuration.locations.cache_dir / "proposals" / change_id
