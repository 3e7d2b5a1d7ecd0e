"""Code lenses, folding ranges and symbols of chat documents; nothing for any other document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from missy_lsp.characters import one_line
from missy_lsp.document import Span
from missy_lsp.features.chat_document import ChatDocument, Turn, is_chat, parse_chat
from missy_lsp.server.dispatch import Request
from missy_lsp.server.edit_shapes import range_of

if TYPE_CHECKING:
    from missy_lsp.server.documents import OpenDocument
    from missy_lsp.server.session import Session

_MAX_NAME = 60
Json = dict[str, object]


def code_lenses(session: Session, params: types.CodeLensParams, request: Request) -> list[Json] | None:
    """Offer Send at the question, Stop while an answer comes in, Fork at every turn."""
    found = _chat(session, params.text_document.uri)
    if found is None:
        return None
    document, chat = found
    running = session.running.on_document(document.uri)
    lenses = []
    for turn in chat.turns:
        place = range_of(document.buffer, turn.heading)
        if turn == chat.question and not running:
            lenses.append(_lens(place, "Send", "missy.chatSend", {"textDocument": {"uri": document.uri}}))
        if turn == chat.turns[-1]:
            lenses += [_lens(place, "Stop", "missy.stop", {"id": run.id}) for run in running]
        if turn.text:
            fork = {"textDocument": {"uri": document.uri}, "range": place}
            lenses.append(_lens(place, "Fork", "missy.chatFork", fork))
    return lenses


def folding_ranges(session: Session, params: types.FoldingRangeParams, request: Request) -> list[Json] | None:
    """Fold each turn below its heading, and the front matter."""
    found = _chat(session, params.text_document.uri)
    if found is None:
        return None
    document, chat = found
    spans = [turn.span for turn in chat.turns]
    if chat.front_span is not None:
        spans.insert(0, Span(0, max(0, chat.front_span.end - 1)))
    ranges = []
    for span in spans:
        first, last = document.buffer.position_at(span.start).line, document.buffer.position_at(span.end).line
        if last > first:
            ranges.append({"startLine": first, "endLine": last, "kind": "region"})
    return [dict(item) for item in ranges]


def document_symbols(session: Session, params: types.DocumentSymbolParams, request: Request) -> list[Json] | None:
    """Name each turn by its first words."""
    found = _chat(session, params.text_document.uri)
    if found is None:
        return None
    document, chat = found
    symbols = []
    for turn in chat.turns:
        symbol: Json = {"name": _name(turn), "kind": types.SymbolKind.String.value}
        if session.client.hierarchical_symbols:
            symbol["range"] = range_of(document.buffer, turn.span)
            symbol["selectionRange"] = range_of(document.buffer, turn.heading)
        else:
            symbol["location"] = {"uri": document.uri, "range": range_of(document.buffer, turn.span)}
        symbols.append(symbol)
    return symbols


def _chat(session: Session, uri: str) -> tuple[OpenDocument, ChatDocument] | None:
    document = session.documents.get(uri) if is_chat(uri) else None
    return None if document is None else (document, parse_chat(document.buffer.text))


def _name(turn: Turn) -> str:
    who = "You" if turn.role == "user" else "Missy"
    words = one_line(turn.text, _MAX_NAME)
    return f"{who}: {words}" if words else who


def _lens(place: Json, title: str, command: str, argument: Json) -> Json:
    return {"range": place, "command": {"title": title, "command": command, "arguments": [argument]}}
