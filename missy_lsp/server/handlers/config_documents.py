"""Configuration files as documents: hover, completion, quick fixes, and moving a key into the vault (contract 3.6)."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol import types

from missy_lsp.document import Span, column_at
from missy_lsp.errors import CredentialError, MissyError, UsageError
from missy_lsp.server.dispatch import Request
from missy_lsp.server.documents import file_path
from missy_lsp.server.edit_shapes import position_at, range_at, workspace_edit

if TYPE_CHECKING:
    from missy_lsp.config.nodes import Place
    from missy_lsp.server.arguments import MoveKeyArguments
    from missy_lsp.server.config_problems import ConfigFile
    from missy_lsp.server.documents import OpenDocument
    from missy_lsp.server.session import Session

Json = dict[str, object]

_KINDS = {"key": 10, "section": 9, "value": 12}  # LSP 3.17, CompletionItemKind: Property, Module, Value


def is_config_document(session: Session, uri: str) -> bool:
    """Tell whether a document is a configuration or action file that is open; the rest of it goes to other handlers."""
    return _opened(session, uri)[1] is not None


def config_hover(session: Session, params: types.HoverParams, request: Request) -> Json | None:
    """Explain the key at a position of a configuration file; None for every other document."""
    document, file = _opened(session, params.text_document.uri)
    if document is None or file is None:
        return None
    from missy_lsp.features.config_documents import hover_at

    line = params.position.line
    found = hover_at(document.buffer.lines, line, _column(document, params.position), file.kind)
    if found is None:
        return None
    return {
        "contents": {"kind": "markdown", "value": found.markdown},
        "range": range_at(document.buffer, line, found.start, line, found.end),
    }


def config_completion(session: Session, params: types.CompletionParams, request: Request) -> list[Json] | None:
    """List what may be written at a position of a configuration file; None for every other document."""
    document, file = _opened(session, params.text_document.uri)
    if document is None or file is None:
        return None
    from missy_lsp.features.config_documents import completions_at
    from missy_lsp.llm.catalogue import Catalogue

    buffer, line = document.buffer, params.position.line
    column = _column(document, params.position)
    found = completions_at(buffer.lines, line, column, file.kind, Catalogue.load())
    return [
        {
            "label": item.label,
            "kind": _KINDS[item.kind],
            "documentation": {"kind": "markdown", "value": item.markdown},
            "textEdit": {
                "range": range_at(buffer, line, item.start, line, item.end),
                "newText": item.new_text,
            },
            "filterText": item.label,
            "sortText": f"{number:03}",
        }
        for number, item in enumerate(found)
    ]


def config_fixes(
    session: Session, document: OpenDocument, given: types.Range, *, invoked: bool
) -> Iterator[tuple[str, str, Json | None, Json]]:
    """Yield title, kind, edit and command argument of what can be done in a range; the key itself is in none."""
    from missy_lsp.features.config_fixes import fixes_for, literal_keys
    from missy_lsp.server.config_problems import problems_of

    _, file = _opened(session, document.uri)
    if file is None:
        return
    first, last = given.start.line, given.end.line
    for problem in problems_of(session.configuration, file, document.buffer.text):
        if not problem.line <= last or not first <= problem.end_line:
            continue
        for fix in fixes_for(problem, document.buffer.lines):
            change: Json = {"range": _range_of(document, fix.place), "newText": fix.new_text}
            edit = workspace_edit(session.client, document, [change])
            yield f"Missy: {fix.title}", f"quickfix.missy.{fix.name}", edit, {}
    for key in literal_keys(document.buffer.text) if file.kind == "user" and invoked else ():
        if first <= key.place.line <= last:
            argument: Json = {
                "textDocument": {"uri": document.uri, "version": document.version},
                "range": _range_of(document, key.place),
                "name": key.entry,
            }
            yield f"Missy: Move this key to the vault, as {key.entry}", "quickfix.missy.vault", None, argument


def move_key_to_vault(session: Session, arguments: MoveKeyArguments, request: Request) -> Json:
    """Store the key at a place of the user's file in the vault, and write `vault://NAME` in its place.

    Answers at once, since a keyring may ask its user for a minute; what became of it is told by a message. Raises
    UsageError where no key of the file stands there.
    """
    from missy_lsp.credentials.vault import check_name

    snapshot = session.documents.snapshot(
        arguments.text_document.uri,
        arguments.text_document.version,
        (arguments.range.start, arguments.range.end),
    )
    document, file = _opened(session, snapshot.uri)
    check_name(arguments.name)
    if document is None or file is None or snapshot.span is None or not _is_key(document, file, snapshot.span):
        raise UsageError("There is no key at this place of your own configuration file. Ask for the code action again.")
    session.keep(asyncio.ensure_future(_move(session, document, snapshot.span, arguments.name)))
    return {"name": arguments.name}


def _is_key(document: OpenDocument, file: ConfigFile, span: Span) -> bool:
    from missy_lsp.features.config_fixes import literal_keys

    if file.kind != "user":
        return False
    return any(_span(document, key.place) == span for key in literal_keys(document.buffer.text))


async def _move(session: Session, document: OpenDocument, span: Span, name: str) -> None:
    """Replace the key only after the vault gave it back, and only where it still stands."""
    from missy_lsp.features.hunks import Hunk
    from missy_lsp.server.landing import TrackedText, land

    written = document.buffer.text[span.start : span.end]
    key = TrackedText(document, document.track(span), written, "Move the key")
    try:
        where = await asyncio.to_thread(_store, session, name, _unquoted(written))
        if key.place() is None or session.documents.get(document.uri) is not document:
            raise MissyError(f"The key is in the vault, but no longer in its place here. Write: vault://{name}")
        landing = await land(session, key, [Hunk(0, len(written), f"vault://{name}")])
        if landing.status != "applied":
            raise MissyError(
                f"The key is in the vault, but the editor did not change the file. Write in its place: vault://{name}"
            )
    except MissyError as error:
        session.show_message(types.MessageType.Error, f"Missy: {error.message}")
    else:
        session.show_message(
            types.MessageType.Info, f"Missy: the key is in {where}, and vault://{name} in its place. Save the file."
        )
    finally:
        document.untrack(key.tracked)


def _store(session: Session, name: str, value: str) -> str:
    held = session.vault.get(name)
    if held is not None and not hmac.compare_digest(held.reveal().encode(), value.encode()):
        raise CredentialError(
            f"The vault has another {name}, which is kept. Remove it (missy vault delete {name}), then move this key."
        )
    where = session.vault.set(name, value)
    stored = session.vault.get(name)
    if stored is None or not hmac.compare_digest(stored.reveal().encode(), value.encode()):
        raise CredentialError(f"The vault did not give {name} back as it was stored; the file is left as it was.")
    return where


def _unquoted(written: str) -> str:
    from missy_lsp.config.nodes import ScalarNode
    from missy_lsp.config.yaml_reading import read_yaml

    node = read_yaml(written.encode())
    return node.value.strip() if isinstance(node, ScalarNode) and isinstance(node.value, str) else written


def _opened(session: Session, uri: str) -> tuple[OpenDocument | None, ConfigFile | None]:
    from missy_lsp.server.config_problems import config_file

    document, path = session.documents.get(uri), file_path(uri)
    return document, None if path is None else config_file(session.configuration, Path(path))


def _column(document: OpenDocument, position: types.Position) -> int:
    buffer = document.buffer
    if not buffer.has_line(position.line):
        return 0
    return column_at(buffer.lines[position.line], position.character, buffer.encoding)


def _range_of(document: OpenDocument, place: Place) -> Json:
    return range_at(document.buffer, place.line, place.column, place.end_line, place.end_column)


def _span(document: OpenDocument, place: Place) -> Span:
    buffer = document.buffer
    start, end = position_at(buffer, place.line, place.column), position_at(buffer, place.end_line, place.end_column)
    return Span(buffer.offset_at(start), buffer.offset_at(end))
