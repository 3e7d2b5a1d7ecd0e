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

import attrs
from lsprotocol import types

from missy_lsp.document import Span
from missy_lsp.errors import ModelError
from missy_lsp.features.edits import Proposal
from missy_lsp.features.hunks import Hunk, hunks
from missy_lsp.features.text_forms import BYTE_ORDER_MARK, with_line_ends_of
from missy_lsp.server.answer_documents import show_answer
from missy_lsp.server.documents import file_path
from missy_lsp.server.edit_rights import forbidden
from missy_lsp.server.landing import NO_APPLY, Landing, land, refuse_while_landing, to_its_end
from missy_lsp.server.pending_edits import PendingEdit
from missy_lsp.server.pending_groups import KEPT_MOST, ChangeGroup, GroupFile
from missy_lsp.server.proposals import KEPT_S, publish
from missy_lsp.tools.writing import InTheWayError, check_writable, write_file
from missy_lsp.tracking import whole_change

if TYPE_CHECKING:
    from missy_lsp.llm.types import Completion
    from missy_lsp.server.arguments import AskArguments
    from missy_lsp.server.documents import OpenDocument
    from missy_lsp.server.landing import TrackedText
    from missy_lsp.server.running import Answer
    from missy_lsp.server.session import Session
    from missy_lsp.tools.overlay import Overlay

Json = dict[str, object]


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
        try:
            return await self._conclude(run_id, completion, answer)
        except asyncio.CancelledError:
            # Stopped before there was a change: `close` says that the draft is dropped.
            self._is_concluded = self._session.groups.find(run_id) is not None
            raise

    async def _conclude(self, run_id: str, completion: Completion, answer: Answer) -> Answer:
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
            found = self._session.groups.find(str(described["id"]))
            if found is None:
                return  # decided on before it could be said
            names = [file.change.location.name for file in found[1]]
            self._session.show_message(
                types.MessageType.Info,
                f"Missy: a change of {len(names)} {'file' if len(names) == 1 else 'files'} waits for review "
                f"({', '.join(names)}). Accept it whole or by file by the code actions there.",
            )
        elif described.get("message"):
            self._session.show_message(types.MessageType.Warning, f"Missy: {title}: {described['message']}")


def keep(session: Session, group: ChangeGroup, completion: Completion) -> None:
    """Keep a group for review: marks in the documents that are open, code actions, an hour."""
    oldest = session.groups.add(group)
    if oldest is not None:
        _give_up(session, oldest, f"{KEPT_MOST} newer ones wait")
    _forget_later(session, group)
    for file in group.files:
        attach(session, group, file)


def _forget_later(session: Session, group: ChangeGroup) -> None:
    group.forget = asyncio.get_running_loop().call_later(KEPT_S, expire, session, group).cancel


def expire(session: Session, group: ChangeGroup) -> None:
    """End the time of a group; one that is being applied gets another hour, in case it does not succeed."""
    if group.is_landing:
        _forget_later(session, group)
    else:
        _give_up(session, group, "nobody has decided on it within an hour")


def _give_up(session: Session, group: ChangeGroup, why: str) -> None:
    """Discard what waits of a group, and say so: nobody has asked for that."""
    names = ", ".join(file.change.location.name for file in group.waiting)
    discard(session, group, group.waiting)
    session.show_message(
        types.MessageType.Info,
        f"Missy: the change of {names} ({group.title}) was discarded, since {why}; these files are as they were. Ask "
        "again if you want it.",
    )


def attach(session: Session, group: ChangeGroup, file: GroupFile) -> PendingEdit | None:
    """Return a file's change in its open document, followed from now on, with the line ends that are used there.

    None where it is not open, where there is nothing to do in its text, and where a new file has a text already.
    """
    if file.edit is not None and session.pending.has(file.edit):
        return file.edit
    file.edit = None
    document = _document_of(session, file.change.path)
    if document is None or (file.change.before is None and document.buffer.text):
        return None
    whole = file.change.before or ""
    before, after = with_line_ends_of(document.buffer.text, whole, file.change.after)
    if before != whole and before != after:
        file.change, whole = attrs.evolve(file.change, before=before, after=after), before
    if before.startswith(BYTE_ORDER_MARK) and not document.buffer.text.startswith(BYTE_ORDER_MARK):
        # Editors keep it out of the text.
        before, after = before.removeprefix(BYTE_ORDER_MARK), after.removeprefix(BYTE_ORDER_MARK)
    if before == after:
        return None
    span, new_text = _changed(before, after)
    tracked = document.track(span)
    if document.buffer.text != before:
        tracked.apply(whole_change(before, document.buffer.text))
    proposal = Proposal(new_text, warnings=file.change.warnings)
    original = before[span.start : span.end]
    file.around = (len(whole) - len(before) + span.start, len(before) - span.end)
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
    """Apply some files of a group, all or none as far as can be known before, and say what became of it.

    A cancel does not stop it. Raises ModelError (`invalid_request`) where it is being applied or was let go of.
    """
    refuse_while_landing(group)
    if not set(files) <= set(group.waiting):  # between the command and this, another one may have discarded it
        raise ModelError("invalid_request", "This change was accepted or discarded meanwhile. Ask again.")
    group.is_landing = True
    return await to_its_end(session, _decide(session, group, files))


async def _decide(session: Session, group: ChangeGroup, files: tuple[GroupFile, ...]) -> Json:
    try:
        landing = await _land(session, group, files)
    finally:
        group.is_landing = False
    described = describe(group, landing)
    if not group.waiting:
        session.groups.remove(group)
    return described


async def _land(session: Session, group: ChangeGroup, files: tuple[GroupFile, ...]) -> Landing:
    if (why := forbidden(session, files)) is not None:
        return Landing("refused", why)
    is_edit = {file.id: attach(session, group, file) is not None for file in files}
    if any(is_edit.values()) and not session.client.apply_edit:
        return Landing("refused", NO_APPLY)
    found = [obstacle for file in files if (obstacle := await _obstacle(session, file)) is not None]
    if found:
        return Landing(
            "conflict" if any(obstacle.is_change for obstacle in found) else "refused",
            f"{'; '.join(obstacle.message for obstacle in found)}. No file was changed. The result is kept: undo what "
            "is in its way, accept the other files one by one, or retry.",
        )
    # An editor may refuse, so its documents come before what the server writes itself.
    for done, file in enumerate(sorted(files, key=lambda file: not is_edit[file.id])):
        landing = await _land_one(session, group, file)
        if landing.status != "applied":
            return Landing(landing.status, f"{landing.message} {done} of {len(files)} files were changed.")
        file.status = "applied"
        _unmark(session, file)
    return Landing("applied")


async def _obstacle(session: Session, file: GroupFile) -> InTheWayError | None:
    """Return what is in the way of a file's change: in its document where that is open, else on the disk."""
    change = file.change
    document = _document_of(session, change.path)
    if document is not None:
        return _obstacle_in(document, file)
    try:
        await asyncio.to_thread(check_writable, change.location, change.before)
    except InTheWayError as in_the_way:
        return in_the_way
    return None


def _obstacle_in(document: OpenDocument, file: GroupFile) -> InTheWayError | None:
    location, edit = file.change.location, file.edit
    if file.change.before is None and document.buffer.text:
        return InTheWayError(location, "is open in the editor with a text of its own", is_change=True)
    if edit is not None and edit.document is document and edit.place() is None:
        return InTheWayError(location, "changed since the model read it", is_change=True)
    return None


async def _land_one(session: Session, group: ChangeGroup, file: GroupFile) -> Landing:
    edit, change = attach(session, group, file), file.change  # it may have been opened or closed a moment ago
    document = _document_of(session, change.path)
    if document is None:
        fault = await asyncio.to_thread(write_file, change.location, change.before, change.after)
        return Landing("applied") if fault is None else Landing("refused", f"{fault}. The result is kept.")
    if (obstacle := _obstacle_in(document, file)) is not None:
        return Landing("conflict", f"{obstacle.message}. The result is kept.")
    if edit is None:  # its text is as the change wants it: a byte order mark is nothing that editors show
        return Landing("applied")
    edit.is_landing = True
    try:
        landing = await land(session, edit, hunks(edit.original, edit.proposal.new_text))
    finally:
        edit.is_landing = False
    return (
        landing
        if landing.status == "applied"
        else Landing(landing.status, f"{change.location.name}: {landing.message}")
    )


def _unmark(session: Session, file: GroupFile) -> None:
    """Let go of a file's change in its document, also of one that was opened while the file was written."""
    if file.edit is not None and session.pending.has(file.edit):
        session.pending.remove(file.edit)
        publish(session, file.edit.document)


def discard(session: Session, group: ChangeGroup, files: tuple[GroupFile, ...]) -> None:
    """Let go of some files of a group; with the last one the group goes. One that is being applied is left alone."""
    if group.is_landing:
        return
    for file in files:
        file.status = "discarded"
        _unmark(session, file)
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
