"""What the user last looked at, as far as requests and changes tell: for `@file`, `@selection` and kin in a chat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from missy_lsp.document import Position, Snapshot, Span
from missy_lsp.features.chat_document import is_chat

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from missy_lsp.server.documents import OpenDocument, OpenDocuments
    from missy_lsp.tracking import TrackedSpan

_MOST_DIAGNOSTICS = 50


@attrs.define(eq=False)
class _Look:
    document: OpenDocument
    place: TrackedSpan


class Attention:
    """The document, selection, cursor and diagnostics that were last seen; chats themselves never count.

    Answer documents (`is_answer` tells, by the URI) count only where something is selected in one. `on_change` is
    called when something else may be meant from now on.
    """

    def __init__(self, is_answer: Callable[[str], bool], on_change: Callable[[], object]) -> None:
        self._is_answer = is_answer
        self._on_change = on_change
        # In the order in which they were seen, the newest last.
        self._uris: dict[str, None] = {}
        self._selection: _Look | None = None
        self._cursor: _Look | None = None
        self._diagnostics: dict[str, tuple[str, ...]] = {}

    def on_document(self, uri: str) -> None:
        """Notice that a document was opened, changed or asked about."""
        if is_chat(uri) or next(reversed(self._uris), None) == uri or self._is_answer(uri):
            return
        self._uris.pop(uri, None)
        self._uris[uri] = None
        self._on_change()

    def on_range(self, document: OpenDocument, start: Position, end: Position) -> None:
        """Notice the range that a request carried."""
        if is_chat(document.uri):
            return
        self.on_document(document.uri)
        buffer = document.buffer
        first = buffer.offset_at(start)
        span = Span(first, max(first, buffer.offset_at(end)))
        if not self._is_answer(document.uri):
            self._cursor = self._followed(self._cursor, document, span)
        if not span.is_empty:
            self._selection = self._followed(self._selection, document, span)
        self._on_change()

    def on_diagnostics(self, uri: str, said: Sequence[str]) -> None:
        """Notice what a request carried of the editor's diagnostics."""
        if said and not is_chat(uri):
            self._diagnostics[uri] = tuple(said[:_MOST_DIAGNOSTICS])
            self._on_change()

    def said_by_uri(self) -> dict[str, tuple[str, ...]]:
        """Return what was passed on of the diagnostics of every document that is open, by its URI."""
        return dict(self._diagnostics)

    def on_close(self, uri: str) -> None:
        self._diagnostics.pop(uri, None)
        self._uris.pop(uri, None)
        self._on_change()

    def document(self, documents: OpenDocuments) -> Snapshot | None:
        """Return the document that was last seen of those that are still open, None without one."""
        uri = next((uri for uri in reversed(self._uris) if documents.get(uri) is not None), None)
        return None if uri is None else documents.snapshot(uri, None, None)

    def selection(self, documents: OpenDocuments) -> Snapshot | None:
        """Return the document of the last selection with it as its span; None where it is gone or closed."""
        found = self._looked_at(documents, self._selection)
        return found if found is not None and found.selected.strip() else None

    def cursor(self, documents: OpenDocuments) -> Snapshot | None:
        return self._looked_at(documents, self._cursor)

    def diagnostics(self, documents: OpenDocuments) -> tuple[Snapshot, tuple[str, ...]] | None:
        document = self.document(documents)
        said = self._diagnostics.get(document.uri) if document is not None else None
        return (document, said) if document is not None and said else None

    @staticmethod
    def _followed(before: _Look | None, document: OpenDocument, span: Span) -> _Look:
        if before is not None:
            before.document.untrack(before.place)
        return _Look(document, document.track(span))

    def _looked_at(self, documents: OpenDocuments, look: _Look | None) -> Snapshot | None:
        if look is None or documents.get(look.document.uri) is not look.document:
            return None
        return attrs.evolve(documents.snapshot(look.document.uri, None, None), span=look.place.span)


def diagnostic_line(line: int, message: str, source: str | None) -> str:
    """Return a diagnostic as one line for a model; `line` is counted from 0."""
    return f"line {line + 1}: {' '.join(message.split())}" + (f" ({source})" if source else "")
