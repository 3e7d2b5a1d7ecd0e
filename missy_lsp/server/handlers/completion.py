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
    typed = typed_mention(line[: column_at(line, place.character, document.buffer.encoding)])
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
    return _paths(typed, replaced, configuration.folders, ignore)


def _kinds(replaced: Json) -> Json:
    items = [
        _item(f"@{kind}", meaning, replaced, types.CompletionItemKind.Keyword) for kind, meaning in MEANINGS.items()
    ]
    items.insert(1, _item("@file:", "a file of the workspace, by its path", replaced, types.CompletionItemKind.File))
    return {"isIncomplete": False, "items": items}


async def _paths(typed: Typed, replaced: Json, folders: tuple[Path, ...], ignore: tuple[str, ...]) -> Json:
    names = await asyncio.to_thread(_entries, typed.path or "", folders, ignore)
    items = [
        _item(
            _quoted(name),
            "folder" if name.endswith("/") else "file",
            replaced,
            types.CompletionItemKind.Folder if name.endswith("/") else types.CompletionItemKind.File,
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


def _quoted(path: str) -> str:
    needs_quotes = any(character in path for character in " \t,;!?()[]{}'*") and '"' not in path
    return f'@file:"{path}"' if needs_quotes and not path.endswith("/") else f"@file:{path}"


def _item(text: str, detail: str, replaced: Json, kind: types.CompletionItemKind) -> Json:
    return {
        "label": text,
        "kind": kind.value,
        "detail": detail,
        "filterText": text,
        "textEdit": {"range": replaced, "newText": text},
    }
