"""The user's decision on a change of several files: missy.accept and its kin for the id of a group or of its file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from missy_lsp.server.change_groups import attach, decide_now, describe, describe_file, discard, real_path_of
from missy_lsp.server.pending_groups import named
from missy_lsp.server.proposals import describe as describe_edit

if TYPE_CHECKING:
    from missy_lsp.server.arguments import AcceptArguments
    from missy_lsp.server.pending_groups import ChangeGroup, GroupFile
    from missy_lsp.server.session import Session

Json = dict[str, object]
Found = tuple["ChangeGroup", tuple["GroupFile", ...]]


async def accept_group(session: Session, found: Found, arguments: AcceptArguments) -> Json:
    """Apply the files that were chosen, all that wait where none were."""
    group, files = found
    if arguments.files is not None:
        files = tuple(named(files, arguments.files, real_path_of))
    described = await decide_now(session, group, files)
    if described["status"] != "applied" and described.get("message"):
        session.show_message(types.MessageType.Warning, f"Missy: {group.title}: {described['message']}")
    return described


def discard_group(session: Session, found: Found, named_id: str) -> Json:
    """Let go of a group or one file of it; nothing is changed."""
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
