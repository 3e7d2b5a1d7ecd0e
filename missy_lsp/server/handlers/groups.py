"""The user's decision on a change of several files: missy.accept and its kin for the id of a group or of its file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
from lsprotocol import types

from missy_lsp.errors import ModelError
from missy_lsp.server.change_groups import (
    applied_by_editor,
    attach,
    decide_now,
    describe,
    describe_file,
    discard,
    real_path_of,
)
from missy_lsp.server.drafts import take_file_draft
from missy_lsp.server.edit_rights import forbidden
from missy_lsp.server.landing import Landing, refuse_while_landing
from missy_lsp.server.pending_groups import named
from missy_lsp.server.proposals import decide_now as decide_edit
from missy_lsp.server.proposals import describe as describe_edit

if TYPE_CHECKING:
    from missy_lsp.server.arguments import AcceptArguments
    from missy_lsp.server.pending_groups import ChangeGroup, GroupFile
    from missy_lsp.server.session import Session

Json = dict[str, object]
Found = tuple["ChangeGroup", tuple["GroupFile", ...]]


async def accept_group(session: Session, found: Found, arguments: AcceptArguments) -> Json:
    """Apply the files that were chosen, all that wait where none were, or some hunks of one; drafts count.

    Raises ModelError (`invalid_request`) for hunks of anything but one file that is open.
    """
    group, files = found
    if arguments.files is not None:
        files = tuple(named(files, arguments.files, real_path_of))
    if not group.is_landing:  # what is being applied is refused below, and stays as it is
        for file in files:
            take_file_draft(session, file)
    if arguments.hunks is None:
        described = await decide_now(session, group, files)
    else:
        described = await _accept_hunks(session, group, files, arguments.hunks)
    if described["status"] != "applied" and described.get("message"):
        session.show_message(types.MessageType.Warning, f"Missy: {group.title}: {described['message']}")
    return described


async def _accept_hunks(
    session: Session, group: ChangeGroup, files: tuple[GroupFile, ...], hunks: tuple[int, ...]
) -> Json:
    edit = attach(session, group, files[0]) if len(files) == 1 else None
    if edit is None:
        raise ModelError(
            "invalid_request",
            "Parts of a change can only be accepted in one file that is open in the editor, so nothing was applied. "
            "Name one file by its id and open it, or accept it whole.",
        )
    refuse_while_landing(group)
    if (why := forbidden(session, files)) is not None:
        return {**describe_file(files[0]), **describe_edit(edit, Landing("refused", why))}
    group.is_landing = True
    try:
        described = await decide_edit(session, edit, hunks)
    finally:
        group.is_landing = False
    [file] = files
    if described["status"] == "applied" and edit.proposal.new_text == edit.original:
        applied_by_editor(session, edit)
    elif described["status"] == "applied":
        # The rest stands on what was accepted, also once the document is closed.
        before, (head, tail) = file.change.before or "", file.around
        now = before[:head] + edit.original + before[len(before) - tail :]
        file.change = attrs.evolve(file.change, before=now)
    return {**describe_file(file), **described}


def file_to_draft(found: Found) -> GroupFile:
    """Return the one file that an id names. Raises ModelError (`invalid_request`) where it names several."""
    _, files = found
    if len(files) != 1:
        raise ModelError(
            "invalid_request", "This change has several files. Give the id of the one whose proposal is to be edited."
        )
    return files[0]


def discard_group(session: Session, found: Found, named_id: str) -> Json:
    """Let go of a group or one file of it; nothing is changed. Raises ModelError while it is being applied."""
    refuse_while_landing(found[0])
    discard(session, *found)
    return {"id": named_id, "status": "discarded"}


def described_now(session: Session, found: Found, named_id: str) -> tuple[Json, str]:
    """Return a group, or one file of it as its change stands in its open document, with its diff."""
    group, files = found
    if named_id == group.id:
        return describe(group, None), "".join(file.change.diff() for file in files)
    [file] = files
    edit = attach(session, group, file)
    change = file.change
    shown = (
        {"originalText": change.before or "", "newText": change.after} if edit is None else describe_edit(edit, None)
    )
    new = {"newFile": file.uri} if change.before is None else {}
    return {**describe_file(file), **shown, **new}, change.diff()
