"""Several files at once: from a model's draft to one change that the user accepts whole or by file.

A file that is open in the editor lands as every other change does (landing.py). One that is not is written by the
server, as a new file is: what editors make of an edit for a file that they have not opened differs too much, and what
came of it could not be told. Before the first one is touched, all are looked at.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol import types

from missy_lsp.document import Span
from missy_lsp.errors import ModelError
from missy_lsp.features.edits import Proposal
from missy_lsp.features.hunks import Hunk, hunks
from missy_lsp.server.answer_documents import show_answer
from missy_lsp.server.documents import file_path
from missy_lsp.server.landing import NO_APPLY, Landing, land
from missy_lsp.server.pending_edits import PendingEdit
from missy_lsp.server.pending_groups import ChangeGroup, GroupFile
from missy_lsp.server.proposals import KEPT_S, publish
from missy_lsp.tools.writing import stands, write_file
from missy_lsp.tracking import whole_change

if TYPE_CHECKING:
    from missy_lsp.llm.types import Completion
    from missy_lsp.server.arguments import AskArguments
    from missy_lsp.server.documents import OpenDocument
    from missy_lsp.server.landing import TrackedText
    from missy_lsp.server.running import Answer
    from missy_lsp.server.session import Session
    from missy_lsp.tools.overlay import FileChange, Overlay

Json = dict[str, object]

_BOM = "\ufeff"


class GroupJob:
    """What follows the answer to a question whose model could edit: a change to review, or a draft that is dropped.

    `asked_at` is the range that was asked about, as long as it is followed. `replaces` is told of the files of a new
    change before it is kept, to let go of the one whose place it takes.
    """

    def __init__(
        self,
        session: Session,
        overlay: Overlay,
        arguments: AskArguments,
        review: str,
        asked_at: TrackedText | None = None,
        replaces: Callable[[tuple[GroupFile, ...]], None] | None = None,
    ) -> None:
        self._session = session
        self._overlay = overlay
        self._arguments = arguments
        self._review = review
        self._asked_at = asked_at
        self._replaces = replaces
        self._is_concluded = False

    async def finish(self, run_id: str, completion: Completion, answer: Answer) -> Answer:
        """Return the answer with its `edit`, where the model edited anything."""
        self._is_concluded = True
        session, changes = self._session, await asyncio.to_thread(self._overlay.changes)
        if self._overlay.edit_count and not completion.complete:
            why = f"its answer is not complete (stop reason: {completion.stop_reason})"
            refused: Json = {"id": run_id, "status": "refused", "files": []}
            return {**answer, "edit": {**refused, "message": self._overlay.dropped(why)}}
        if not changes:
            return answer
        files = tuple(GroupFile(f"{run_id}.{number}", change) for number, change in enumerate(changes, 1))
        title = f"ask, {len(files)} {'file' if len(files) == 1 else 'files'}"
        group = ChangeGroup(run_id, title, self._arguments, files, completion.provider, self._asked_at)
        self._asked_at = None  # the group's from now on
        if self._replaces is not None:
            self._replaces(files)
        keep(session, group, completion)
        if self._review == "direct":
            return {**answer, "edit": await decide_now(session, group, files)}
        return {**answer, "edit": describe(group, None)}

    def close(self) -> None:
        """Say that a draft was dropped where its request came to no answer; follow nothing where it came to none."""
        if self._asked_at is not None:
            self._asked_at.let_go()
        if not self._is_concluded and self._overlay.edit_count:
            text = self._overlay.dropped("the request did not come to its end")
            self._session.show_message(types.MessageType.Warning, f"Missy: {text}")

    async def show(self, answer: Answer, title: str, question: str) -> None:
        """Tell a user whose editor has no plugin what the answer is, and what waits."""
        await show_answer(self._session, title, question, answer)
        described = answer.get("edit")
        if not isinstance(described, dict):
            return
        if described["status"] == "pending":
            names = ", ".join(str(file["path"]) for file in described["files"])
            self._session.show_message(
                types.MessageType.Info,
                f"Missy: a change of {len(described['files'])} files waits for review ({names}). Accept it whole or by "
                "file by the code actions there.",
            )
        elif described.get("message"):
            self._session.show_message(types.MessageType.Warning, f"Missy: {title}: {described['message']}")


def keep(session: Session, group: ChangeGroup, completion: Completion) -> None:
    """Keep a group for review: marks in the documents that are open, code actions, an hour."""
    oldest = session.groups.add(group)
    if oldest is not None:
        discard(session, oldest, oldest.waiting)
    group.forget = asyncio.get_running_loop().call_later(KEPT_S, lambda: discard(session, group, group.waiting)).cancel
    for file in group.files:
        attach(session, group, file)


def attach(session: Session, group: ChangeGroup, file: GroupFile) -> PendingEdit | None:
    """Return a file's change in its open document, followed from now on; None where it is not open."""
    if file.edit is not None and session.pending.has(file.edit):
        return file.edit
    file.edit = None
    document = _document_of(session, file.change.path)
    if document is None or file.change.before is None:
        return None
    before, after = file.change.before, file.change.after
    if before.startswith(_BOM) and not document.buffer.text.startswith(_BOM):  # editors keep it out of the text
        before, after = before.removeprefix(_BOM), after.removeprefix(_BOM)
    span, new_text = _changed(before, after)
    tracked = document.track(span)
    if document.buffer.text != before:
        tracked.apply(whole_change(before, document.buffer.text))
    proposal = Proposal(new_text, warnings=file.change.warnings)
    original = before[span.start : span.end]
    file.around = (len(file.change.before) - len(before) + span.start, len(before) - span.end)
    file.edit = PendingEdit(
        file.id, group.title, document, tracked, original, proposal, "primary", "", None, group=group.id
    )
    dropped = session.pending.add(file.edit)
    for edit in (file.edit, *([dropped] if dropped is not None else [])):
        publish(session, edit.document)
    return file.edit


def attach_document(session: Session, document: OpenDocument) -> None:
    """Mark what waits for a document that was just opened."""
    for group in session.groups.all():
        for file in group.waiting:
            if _document_of(session, file.change.path) is document:
                attach(session, group, file)


async def decide_now(session: Session, group: ChangeGroup, files: tuple[GroupFile, ...]) -> Json:
    """Apply some files of a group, all or none as far as can be known before, and say what became of it."""
    if group.is_landing:
        raise ModelError("invalid_request", "This change is being applied at this moment.", retryable=True)
    group.is_landing = True
    try:
        landing = await _land(session, [(file, attach(session, group, file)) for file in files])
    finally:
        group.is_landing = False
    described = describe(group, landing)
    if not group.waiting:
        session.groups.remove(group)
    return described


async def _land(session: Session, chosen: list[tuple[GroupFile, PendingEdit | None]]) -> Landing:
    if any(edit is not None for _, edit in chosen) and not session.client.apply_edit:
        return Landing("refused", NO_APPLY)
    stale = [file.change.location.name for file, edit in chosen if not await _is_ready(file.change, edit)]
    if stale:
        return Landing(
            "conflict",
            f"{', '.join(stale)} changed since the model read it, so no file was changed. The result is kept: undo "
            "that change, accept the other files one by one, or retry.",
        )
    # An editor may refuse, so its documents come before what the server writes itself.
    for done, (file, edit) in enumerate(sorted(chosen, key=lambda each: each[1] is None)):
        landing = await _land_one(session, file, edit)
        if landing.status != "applied":
            message = f"{file.change.location.name}: {landing.message} {done} of {len(chosen)} files were changed."
            return Landing(landing.status, message)
        file.status = "applied"
        if edit is not None:
            session.pending.remove(edit)
            publish(session, edit.document)
    return Landing("applied")


async def _is_ready(change: FileChange, edit: PendingEdit | None) -> bool:
    return (
        edit.place() is not None
        if edit is not None
        else await asyncio.to_thread(stands, change.location, change.before)
    )


async def _land_one(session: Session, file: GroupFile, edit: PendingEdit | None) -> Landing:
    if edit is None:
        change = file.change
        fault = await asyncio.to_thread(write_file, change.location, change.before, change.after)
        return Landing("applied") if fault is None else Landing("refused", f"{fault}. The result is kept.")
    edit.is_landing = True
    try:
        return await land(session, edit, hunks(edit.original, edit.proposal.new_text))
    finally:
        edit.is_landing = False


def discard(session: Session, group: ChangeGroup, files: tuple[GroupFile, ...]) -> None:
    """Let go of some files of a group; with the last one the group goes."""
    for file in files:
        file.status = "discarded"
        if file.edit is not None and session.pending.has(file.edit):
            session.pending.remove(file.edit)
            publish(session, file.edit.document)
    if not group.waiting:
        session.groups.remove(group)


def applied_by_editor(session: Session, edit: PendingEdit) -> None:
    """Count a file as changed whose code action carried the edit itself."""
    found = session.groups.of_edit(edit)
    if found is not None:
        group, file = found
        file.status = "applied"
        if not group.waiting:
            session.groups.remove(group)


def describe(group: ChangeGroup, landing: Landing | None) -> Json:
    """Return the `edit` of an Answer: where the files stand now and what they are to become."""
    described: Json = {
        "id": group.id,
        "status": "pending" if landing is None else landing.status,
        "title": group.title,
        "files": [describe_file(file) for file in group.files],
    }
    return {**described, "message": landing.message} if landing is not None and landing.message else described


def describe_file(file: GroupFile) -> Json:
    return {"id": file.id, "uri": file.uri, "status": file.status, **file.change.fields()}


def _changed(before: str, after: str) -> tuple[Span, str]:
    """Return the lines from the first to the last that differ, and what they become."""
    every: tuple[Hunk, ...] = hunks(before, after)
    span = Span(every[0].start, every[-1].end)
    return span, after[span.start : len(after) - (len(before) - span.end)]


def _document_of(session: Session, real_path: Path) -> OpenDocument | None:
    return next((one for one in session.documents.all() if real_path_of(one.uri) == real_path), None)


def real_path_of(uri: str) -> Path | None:
    path = file_path(uri)
    return None if path is None else Path(os.path.realpath(path))
