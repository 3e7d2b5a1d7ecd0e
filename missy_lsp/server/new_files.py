"""A file that a model proposes: inside of the workspace folder, never over one that is there.

It is written by this server, since what editors make of a CreateFile in a WorkspaceEdit differs too much: some
write nothing and say yes, some never answer (editors.md, 2).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from lsprotocol import types

from missy_lsp.server.answer_documents import show_document
from missy_lsp.server.landing import Landing

if TYPE_CHECKING:
    from missy_lsp.server.session import Session


_OUTSIDE = "{} leads out of the workspace folder through a link. Nothing was written; the result is kept."


def new_file_path(folder: str | None, document_path: str | None, relative: str) -> Path:
    """Return where a proposed file goes: below the workspace folder, else beside the document.

    `relative` was checked when it was read (features/replies.py). Without a folder only its name is taken.
    """
    if folder is not None:
        return Path(folder, *PurePosixPath(relative).parts)
    name = PurePosixPath(relative).name
    return Path(document_path).with_name(name) if document_path is not None else Path(name)


async def write_new_file(session: Session, path: Path, text: str) -> Landing:
    """Write the file and show it. Anything in its way leaves everything as it is."""
    folder = next((folder for folder in session.configuration.folders if path.is_relative_to(folder)), path.parent)
    if not path.is_absolute():
        return Landing("refused", "The document has no place on disk, so there is no folder for the new file.")
    fault = await asyncio.to_thread(_write, folder, path, text)
    if fault is not None:
        return Landing("refused", fault)
    if not session.client.show_document or not await show_document(session, path):
        session.show_message(types.MessageType.Info, f"Missy: {path} was written.")
    return Landing("applied")


def _write(folder: Path, path: Path, text: str) -> str | None:
    """Return what was in the way, None where the file is there now."""
    is_ours = False
    try:
        if _leads_out(path, folder):  # before a folder is made there, and after: a link may come between
            return _OUTSIDE.format(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        if _leads_out(path, folder):
            return _OUTSIDE.format(path)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
        with os.fdopen(os.open(path, flags, 0o666), "w", encoding="utf-8", newline="") as file:
            is_ours = True
            file.write(text)
    except FileExistsError:
        return f"{path} exists already. Nothing was written; the result is kept: discard it, or retry."
    except OSError as error:
        if is_ours:  # half a file is none
            with contextlib.suppress(OSError):
                path.unlink()
        return f"{path} can't be written: {error.strerror}. The result is kept."
    return None


def _leads_out(path: Path, folder: Path) -> bool:
    return not Path(os.path.realpath(path.parent)).is_relative_to(os.path.realpath(folder))
