"""The text of a document and places in it: line-indexed, split only where the protocol splits.

Offsets are Python string indices (code points). Positions are (line, character) with the character
counted in the client's units: see `PositionEncoding`.
"""

from __future__ import annotations

import attrs


@attrs.frozen
class Span:
    """A half-open stretch of text: `start` and `end` are offsets in code points, start <= end."""

    start: int
    end: int

    @property
    def is_empty(self) -> bool:
        return self.start == self.end


@attrs.frozen
class Snapshot:
    """What a request sees of a document, taken before its first await and never changed.

    `path` is the file's path where the URI is a `file:` one; `span` is the selection, None where the
    request named none; `version` is the client's number.
    """

    uri: str
    version: int | None
    language_id: str
    text: str
    span: Span | None = None
    path: str | None = None

    @property
    def selected(self) -> str:
        """Return the selected text, empty without a selection."""
        return "" if self.span is None else self.text[self.span.start : self.span.end]
