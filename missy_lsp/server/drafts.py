"""A proposed text as a file of its own: what the user makes of it there is what is applied."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import attrs
from lsprotocol import types

from missy_lsp.config.files import keep_newest, write_atomically
from missy_lsp.errors import ModelError
from missy_lsp.features.text_forms import BYTE_ORDER_MARK, with_line_ends_of
from missy_lsp.server.answer_documents import show_document
from missy_lsp.server.pending_edits import KEPT_MOST, PendingEdit
from missy_lsp.server.proposals import draft_folder

if TYPE_CHECKING:
    from pathlib import Path

    from missy_lsp.server.pending_groups import GroupFile
    from missy_lsp.server.session import Session

Json = dict[str, object]


async def open_draft(session: Session, change: PendingEdit | GroupFile) -> Json:
    """Write the proposed text into a file and show it: of a change what takes its place, of a group's file all of it.

    Raises ModelError (`invalid_request`) where it can't be written.
    """
    name, text = _proposed(change)
    safe = "".join(character if character.isalnum() or character in "._-" else "_" for character in name)[-60:]
    path = draft_folder(session, change.id) / (safe or "proposal")
    if change.draft is None:
        await write_below_cache(path, text)
        change.draft, change.draft_text = path, text
    if not session.client.show_document or not await show_document(session, path):
        session.show_message(
            types.MessageType.Info, f"Missy: edit the proposal in {path}, save it, then accept the change."
        )
    return {"id": change.id, "uri": path.as_uri()}


def take_draft(session: Session, edit: PendingEdit) -> None:
    """Take what the user made of the proposal: the open document where the draft is open, else the file.

    Raises ModelError (`invalid_request`) where it can't be read, or would change nothing.
    """
    if (text := _edited(session, edit)) is None:
        return
    if edit.new_file is None and text == edit.original:
        raise _no_change(edit)
    edit.proposal = attrs.evolve(edit.proposal, new_text=text)
    edit.draft_text = text


def take_file_draft(session: Session, file: GroupFile) -> None:
    """Take what the user made of one file of a group, as `take_draft` does; its mark stays where that is possible."""
    if (text := _edited(session, file)) is None:
        return
    before = file.change.before
    # The file may have been opened since the draft was: then its change has the line ends of the editor.
    text = with_line_ends_of(before or "", file.draft_text, text)[1]
    if text == before:
        raise _no_change(file)
    file.change = attrs.evolve(file.change, after=text)
    file.draft_text = text
    edit = file.edit
    if edit is None or not session.pending.has(edit):
        return
    before, (head, tail) = before or "", file.around
    if len(text) >= head + tail and text[:head] == before[:head] and text.endswith(before[len(before) - tail :]):
        edit.proposal = attrs.evolve(edit.proposal, new_text=text[head : len(text) - tail])
    else:
        session.pending.remove(edit)  # other lines are to change now: it is marked anew before it is applied


async def write_below_cache(path: Path, text: str) -> None:
    """Write what is shown of a change. Raises ModelError (`invalid_request`) where it can't be written."""
    try:
        await asyncio.to_thread(_write_and_forget_the_oldest, path, text.encode("utf-8", "replace"))
    except OSError as error:
        raise ModelError("invalid_request", f"{path} can't be written: {error.strerror}.") from None


def _proposed(change: PendingEdit | GroupFile) -> tuple[str, str]:
    """Return the name of the file that a change is for, and what its draft begins with."""
    if not isinstance(change, PendingEdit):
        return change.change.path.name, change.change.after
    name = change.new_file.name if change.new_file is not None else change.uri.rsplit("/", 1)[-1]
    return name, change.proposal.new_text


def _edited(session: Session, change: PendingEdit | GroupFile) -> str | None:
    """Return what stands in a draft, None where there is none or it is as it was."""
    if change.draft is None:
        return None
    opened = session.documents.get(change.draft.as_uri())
    try:
        text = opened.buffer.text if opened is not None else change.draft.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError):
        raise ModelError(
            "invalid_request",
            f"{change.draft} can't be read as UTF-8 text, so nothing was applied. Mend it, or discard it.",
        ) from None
    if change.draft_text.startswith(BYTE_ORDER_MARK) and not text.startswith(
        BYTE_ORDER_MARK
    ):  # editors keep it out of the text
        text = BYTE_ORDER_MARK + text
    return None if text == change.draft_text else text


def _no_change(change: PendingEdit | GroupFile) -> ModelError:
    return ModelError(
        "invalid_request",
        f"What stands in {change.draft} changes nothing, so nothing was applied. Edit it, or discard the change.",
    )


def _write_and_forget_the_oldest(path: Path, data: bytes) -> None:
    write_atomically(path, data)
    keep_newest(path.parents[1].iterdir(), KEPT_MOST)
