"""textDocument/completion in chat documents: what can be named with `@`, and paths below the workspace folders."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol import types

from missy_lsp.document import Position, column_at
from missy_lsp.features.chat_document import is_chat
from missy_lsp.features.chat_mentions import MEANINGS, Typed, typed_mention
from missy_lsp.server.dispatch import Request
from missy_lsp.server.documents import file_path

if TYPE_CHECKING:
    from missy_lsp.server.session import Session

_MOST_PATHS = 200
Json = dict[str, object]


def completion(
    session: Session, params: types.CompletionParams, request: Request
) -> Json | Awaitable[Json | None] | None:
    """Complete a mention; None outside of chats and of mentions."""
    uri = params.text_document.uri
    document = session.documents.get(uri) if is_chat(uri) else None
    place = params.position
    if document is None or not document.buffer.has_line(place.line):
        return None
    line = document.buffer.lines[place.line]
    column = column_at(line, place.character, document.buffer.encoding)
    typed = typed_mention(line[:column])
    if typed is None:
        return None
    begin = document.buffer.position_at(document.buffer.offset_at(Position(place.line, 0)) + typed.start)
    replaced: Json = {
        "start": {"line": begin.line, "character": begin.character},
        "end": {"line": place.line, "character": place.character},
    }
    if typed.path is None:
        return _kinds(replaced)
    configuration = session.configuration
    ignore = configuration.config_for(file_path(uri)).privacy.ignore
    # Many editors write the closing quotation mark with the opening one: a whole path takes its place.
    behind = 1 if typed.is_quoted and line.startswith('"', column) else 0
    whole: Json = {**replaced, "end": {"line": place.line, "character": place.character + behind}}
    return _paths(typed, replaced, whole, configuration.folders, ignore)


def _kinds(replaced: Json) -> Json:
    items = [
        _item(f"@{kind}", meaning, replaced, types.CompletionItemKind.Keyword) for kind, meaning in MEANINGS.items()
    ]
    items.insert(1, _item("@file:", "a file of the workspace, by its path", replaced, types.CompletionItemKind.File))
    return {"isIncomplete": False, "items": items}


async def _paths(typed: Typed, replaced: Json, whole: Json, folders: tuple[Path, ...], ignore: tuple[str, ...]) -> Json:
    """Offer folders in the place of what was `replaced`, and files in that of the `whole` mention."""
    names = await asyncio.to_thread(_entries, typed.path or "", folders, ignore)
    mark = '"' if typed.is_quoted else ""
    items = [
        _item(
            _mention(name, is_quoted=typed.is_quoted),
            "folder" if name.endswith("/") else "file",
            replaced if name.endswith("/") else whole,
            types.CompletionItemKind.Folder if name.endswith("/") else types.CompletionItemKind.File,
            filter_text=f"@file:{mark}{name}",  # begins as what was typed does
        )
        for name in names
    ]
    return {"isIncomplete": True, "items": items}


def _entries(typed: str, folders: tuple[Path, ...], ignore: tuple[str, ...]) -> list[str]:
    """Return what may be read in the folder that is being typed, a folder's name with `/`."""
    from missy_lsp.tools.locating import entries_of, locations_of
    from missy_lsp.tools.rules import is_secret

    folder, _, begun = typed.rpartition("/")
    names: set[str] = set()
    for location in locations_of(folder or ".", folders, ignore):
        for entry in entries_of(location)[0]:
            parts = (*location.parts, entry.name)
            is_hidden = is_secret(parts) or location.rules.hides_entry(parts, is_directory=entry.is_directory)
            if is_hidden or not (entry.is_directory or entry.is_file) or not entry.name.isprintable():
                continue
            if entry.name.casefold().startswith(begun.casefold()):
                names.add("/".join(parts) + ("/" if entry.is_directory else ""))
    return sorted(names)[:_MOST_PATHS]


def _mention(path: str, *, is_quoted: bool) -> str:
    """Return a mention of a file; that of a folder is left open, to go on with."""
    needs_quotes = is_quoted or any(character in path for character in " \t,;!?()[]{}'*")
    if not needs_quotes or '"' in path:
        return f"@file:{path}"
    return f'@file:"{path}' if path.endswith("/") else f'@file:"{path}"'


def _item(
    text: str, detail: str, replaced: Json, kind: types.CompletionItemKind, *, filter_text: str | None = None
) -> Json:
    return {
        "label": text,
        "kind": kind.value,
        "detail": detail,
        "filterText": filter_text or text,
        "textEdit": {"range": replaced, "newText": text},
    }
