"""Places and edits in the shapes of the protocol, in the units that were agreed on (LSP 3.17, WorkspaceEdit)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from missy_lsp.document import Position, Span, TextBuffer, units_before

if TYPE_CHECKING:
    from lsprotocol import types

    from missy_lsp.features.hunks import Hunk
    from missy_lsp.server.client_features import ClientFeatures
    from missy_lsp.server.documents import OpenDocument

Json = dict[str, object]


def range_of(buffer: TextBuffer, span: Span) -> Json:
    """Return a span as a Range."""
    return {"start": _position(buffer.position_at(span.start)), "end": _position(buffer.position_at(span.end))}


def range_at(buffer: TextBuffer, line: int, column: int, end_line: int, end_column: int) -> Json:
    """Return a place that was told in code points, as problems of files have it, as a Range that lies in the text."""
    start = position_at(buffer, line, column)
    return {"start": _position(start), "end": _position(max(start, position_at(buffer, end_line, end_column)))}


def position_at(buffer: TextBuffer, line: int, column: int) -> Position:
    """Return a place that was told in code points in the client's units; lines behind the last one count as that."""
    line = min(line, buffer.line_count - 1)
    return Position(line, units_before(buffer.lines[line], column, buffer.encoding))


def text_edits(buffer: TextBuffer, start: int, hunks: Sequence[Hunk]) -> list[Json]:
    """Return hunks of a text that begins at the offset `start` as TextEdits of the document."""
    return [
        {"range": range_of(buffer, Span(start + hunk.start, start + hunk.end)), "newText": hunk.new_text}
        for hunk in hunks
    ]


def workspace_edit(client: ClientFeatures, document: OpenDocument, edits: list[Json]) -> Json:
    """Return one WorkspaceEdit for one document, bound to its version where the client can tell versions apart.

    Neovim honours `documentChanges` without saying so (editors.md, 3.3).
    """
    if client.document_changes or client.is_neovim:
        identifier = {"uri": document.uri, "version": document.version}
        return {"documentChanges": [{"textDocument": identifier, "edits": edits}]}
    return {"changes": {document.uri: edits}}


def diagnostic_json(diagnostic: types.Diagnostic) -> Json:
    """Return a diagnostic as JSON, as far as a model can make use of it."""
    start, end = diagnostic.range.start, diagnostic.range.end
    shape: Json = {
        "range": {
            "start": {"line": start.line, "character": start.character},
            "end": {"line": end.line, "character": end.character},
        },
        "message": diagnostic.message,
    }
    if diagnostic.severity is not None:
        shape["severity"] = int(diagnostic.severity)
    if diagnostic.source is not None:
        shape["source"] = diagnostic.source
    if isinstance(diagnostic.code, str | int):
        shape["code"] = diagnostic.code
    return shape


def _position(position: Position) -> Json:
    return {"line": position.line, "character": position.character}
