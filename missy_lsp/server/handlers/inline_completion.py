"""textDocument/inlineCompletion, and the same in the list of completions for clients without it."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING

from lsprotocol import types

from missy_lsp.document import Position, Span, column_at
from missy_lsp.errors import ConfigError
from missy_lsp.features.chat_document import is_chat
from missy_lsp.server.dispatch import Request
from missy_lsp.server.edit_shapes import range_of
from missy_lsp.server.handlers import config_documents

if TYPE_CHECKING:
    from missy_lsp.server.completing import Offer, Picked
    from missy_lsp.server.documents import OpenDocument
    from missy_lsp.server.session import Session

# Editors ask for their list at every letter too, and call that what they call a key for it (LSP 3.17,
# CompletionTriggerKind.Invoked). From a letter to its list it takes less than from a letter to that key.
TYPING_RESTS_S = 0.5
_LAST_OF_ALL = "\uffff"
_MOST_LABEL_CHARACTERS = 80
_LONGEST_WORD = 200
_PLAIN_TEXT, _AS_IT_IS = 1, 1  # LSP 3.17, InsertTextFormat and InsertTextMode

Json = dict[str, object]


def inline_completion(
    session: Session, params: types.InlineCompletionParams, request: Request
) -> Json | Awaitable[Json]:
    """Suggest what goes on at the cursor (LSP 3.18); an empty list where there is nothing, never an error."""
    place, context = params.position, params.context
    document = _document(session, params.text_document.uri)
    if document is None:
        return {"items": []}
    cursor = document.buffer.offset_at(Position(place.line, place.character))
    by_hand = context.trigger_kind == types.InlineCompletionTriggerKind.Invoked
    picked = _picked(document, context.selected_completion_info, place)
    offered = _offered(session, document, Position(place.line, place.character), by_hand=by_hand, picked=picked)
    if offered is None:
        return {"items": []}
    replaced = Span(cursor, cursor) if picked is None else picked.span
    return _inline(range_of(document.buffer, replaced), "" if picked is None else picked.text, offered)


def listed_completion(
    session: Session, params: types.CompletionParams, request: Request
) -> Awaitable[Json | None] | None:
    """Offer a suggestion as the last one of the list that the user has asked for by a key; None else."""
    context, place = params.context, params.position
    if session.client.inline_completion:
        return None
    if context is not None and context.trigger_kind != types.CompletionTriggerKind.Invoked:
        return None
    document = _document(session, params.text_document.uri)
    if document is None or session.documents.rested_s(document) < TYPING_RESTS_S:
        return None
    offered = _offered(session, document, Position(place.line, place.character), by_hand=True)
    if offered is None:
        return None
    line = document.buffer.lines[place.line]
    word = _word_before(line[: column_at(line, place.character, document.buffer.encoding)])
    cursor = document.buffer.offset_at(Position(place.line, place.character))
    return _listed(range_of(document.buffer, Span(cursor - len(word), cursor)), word, offered)


def _document(session: Session, uri: str) -> OpenDocument | None:
    """Return an open document that is neither a chat nor a configuration file, which have completion of their own."""
    document = session.documents.get(uri)
    if document is None or is_chat(uri) or config_documents.is_config_document(session, uri):
        return None
    return document


def _offered(
    session: Session, document: OpenDocument, place: Position, *, by_hand: bool, picked: Picked | None = None
) -> Awaitable[Offer | None] | None:
    try:
        return session.completing.suggest(document, place, by_hand=by_hand, picked=picked)
    except ConfigError:
        return None  # it stands as a diagnostic in its file


def _picked(document: OpenDocument, info: types.SelectedCompletionInfo | None, place: types.Position) -> Picked | None:
    """Return what is picked in the editor's list, where it would take the place of text around the cursor."""
    from missy_lsp.server.completing import Picked

    if info is None or not info.range.start.line == info.range.end.line == place.line:
        return None
    start, end = (Position(edge.line, edge.character) for edge in (info.range.start, info.range.end))
    span = Span(document.buffer.offset_at(start), document.buffer.offset_at(end))
    return Picked(span, info.text) if span.start <= span.end else None


async def _inline(replaced: Json, picked: str, offered: Awaitable[Offer | None]) -> Json:
    offer = await offered
    if offer is None:
        return {"items": []}
    # Without a range VS Code shows nothing that does not begin with the word at the cursor.
    return {"items": [{"insertText": picked + offer.text, "range": replaced}]}


async def _listed(replaced: Json, word: str, offered: Awaitable[Offer | None]) -> Json | None:
    offer = await offered
    if offer is None:
        return None
    # Editors look for the word at the cursor in what they filter by.
    new_text = word + offer.text
    label = next(line.strip() for line in new_text.splitlines() if line.strip())
    item: Json = {
        "label": label[:_MOST_LABEL_CHARACTERS],
        "kind": types.CompletionItemKind.Text.value,
        "detail": f"Missy ({offer.model})",
        "documentation": new_text,
        "sortText": _LAST_OF_ALL,
        "filterText": label,
        "insertTextFormat": _PLAIN_TEXT,
        "insertTextMode": _AS_IT_IS,
        "textEdit": {"range": replaced, "newText": new_text},
    }
    return {"isIncomplete": False, "items": [item]}


def _word_before(head: str) -> str:
    word = head[-_LONGEST_WORD:]
    while word and not (word.isidentifier() or word.isalnum()):
        word = word[1:]
    return word
