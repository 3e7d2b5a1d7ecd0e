"""The documents that the client has open, and the frozen view of one that a request takes."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from urllib.parse import unquote

import attrs
from lsprotocol import types
from pygls.uris import to_fs_path

from missy_lsp.document import Change, Position, PositionEncoding, Snapshot, Span, TextBuffer
from missy_lsp.errors import ModelError
from missy_lsp.server.dispatch import ContentModifiedError
from missy_lsp.tracking import TrackedSpan, narrowed, whole_change

_SURROGATE = re.compile("[\ud800-\udfff]")


@attrs.define(eq=False)
class OpenDocument:
    """A document that the client has open; `on_change` is called after each change of its text.

    `changed_at_s` is when that was for the last time, by the clock of all open documents.
    """

    uri: str
    language_id: str
    version: int
    buffer: TextBuffer
    on_change: list[Callable[[OpenDocument], None]] = attrs.Factory(list)
    changed_at_s: float = float("-inf")
    _tracked: list[TrackedSpan] = attrs.Factory(list)

    def track(self, span: Span) -> TrackedSpan:
        """Follow a place through every change from now on."""
        tracked = TrackedSpan(span.start, span.end)
        self._tracked.append(tracked)
        return tracked

    def untrack(self, tracked: TrackedSpan) -> None:
        """Stop following a place; one that is not followed is no matter."""
        self._tracked = [kept for kept in self._tracked if kept is not tracked]

    def replace_all(self, text: str) -> None:
        if self._tracked:
            self._follow(whole_change(self.buffer.text, text))
        self.buffer.replace_all(text)

    def replace(self, start: Position, end: Position, new_text: str) -> None:
        change = self.buffer.replace(start, end, new_text)
        if self._tracked:
            self._follow(narrowed(change))

    def _follow(self, change: Change) -> None:
        for tracked in self._tracked:
            tracked.apply(change)


class OpenDocuments:
    """Every open document by URI; changed only by the client's notifications. `clock` is monotonic, in seconds."""

    def __init__(self, encoding: PositionEncoding, clock: Callable[[], float] = time.monotonic) -> None:
        self._encoding: PositionEncoding = encoding
        self._clock = clock
        self._documents: dict[str, OpenDocument] = {}

    def open(self, item: types.TextDocumentItem) -> None:
        buffer = TextBuffer(item.text, self._encoding)
        self._documents[_key(item.uri)] = OpenDocument(item.uri, item.language_id, item.version, buffer)

    def change(self, params: types.DidChangeTextDocumentParams) -> None:
        """Apply a change; one for a document that was never opened is ignored."""
        document = self.get(params.text_document.uri)
        if document is None:
            return
        document.changed_at_s = self._clock()
        last = len(params.content_changes) - 1
        for number, change in enumerate(params.content_changes):
            if isinstance(change, types.TextDocumentContentChangeWholeDocument):
                document.replace_all(change.text)
            else:
                start, end = change.range.start, change.range.end
                document.replace(Position(start.line, start.character), Position(end.line, end.character), change.text)
            if number == last:
                document.version = params.text_document.version
            for called in list(document.on_change):
                called(document)
        document.version = params.text_document.version

    def close(self, uri: str) -> None:
        self._documents.pop(_key(uri), None)

    def get(self, uri: str) -> OpenDocument | None:
        return self._documents.get(_key(uri))

    def has(self, document: OpenDocument) -> bool:
        """Tell whether a document is still open, not closed meanwhile nor opened anew."""
        return self.get(document.uri) is document

    def rested_s(self, document: OpenDocument) -> float:
        """Return how long ago a document was changed."""
        return self._clock() - document.changed_at_s

    def all(self) -> tuple[OpenDocument, ...]:
        return tuple(self._documents.values())

    def texts_by_path(self) -> dict[str, str]:
        """Return the text of every open file by its path, for tools that must see unsaved text."""
        return {
            path: document.buffer.text for document in self._documents.values() if (path := file_path(document.uri))
        }

    def snapshot(self, uri: str, version: int | None, selection: tuple[Position, Position] | None) -> Snapshot:
        """Freeze a document as it is now.

        Raises ModelError (`invalid_request`) for a document that is not open and for a range outside of
        it, ContentModifiedError for a version that is not the current one.
        """
        document = self.get(uri)
        if document is None:
            raise ModelError(
                "invalid_request", f"{_shown(uri)} is not open in the editor. Open it there, or ask without a document."
            )
        if version is not None and version != document.version:
            raise ContentModifiedError(
                f"{_shown(uri)} is at version {document.version}, the request was made for {version}. Ask again."
            )
        span = None if selection is None else _span(document, *selection)
        return Snapshot(
            uri=document.uri,
            version=document.version,
            language_id=document.language_id,
            text=_without_lone_surrogates(document.buffer.text),
            span=span,
            path=file_path(document.uri),
        )


def file_path(uri: str) -> str | None:
    """Return the file system path of a `file:` URI, None for every other scheme and for what is no path."""
    if not uri.lower().startswith("file:"):
        return None
    try:
        path = to_fs_path(uri)
    except ValueError:  # such as a broken address of a host
        return None
    return None if path is None or "\0" in path else path


def _span(document: OpenDocument, start: Position, end: Position) -> Span:
    buffer = document.buffer
    if end < start:
        raise ModelError("invalid_request", "The range ends before it starts. Select the code again.")
    for position in (start, end):
        if not buffer.has_line(position.line):
            raise ModelError(
                "invalid_request",
                f"The range reaches line {position.line + 1}, but {_shown(document.uri)} has "
                f"{buffer.line_count} lines. Select the code again.",
            )
    return Span(buffer.offset_at(start), buffer.offset_at(end))


def _key(uri: str) -> str:
    key = unquote(uri)
    # Windows clients disagree on the case of the drive letter: file:///C:/ and file:///c%3A/ are one file.
    if key.startswith("file:///") and key[9:10] == ":":
        key = key[:8] + key[8].lower() + key[9:]
    return key


def _shown(uri: str) -> str:
    name = unquote(uri).rsplit("/", 1)[-1] or uri
    return "".join(character if character.isprintable() else "?" for character in name[:100])


def _without_lone_surrogates(text: str) -> str:
    """Replace halves of surrogate pairs, which JSON can carry and UTF-8 can't; offsets stay as they are."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return _SURROGATE.sub("\ufffd", text)
    return text
