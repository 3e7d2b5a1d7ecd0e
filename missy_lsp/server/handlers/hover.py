"""textDocument/hover: what the symbol under the cursor is (contract 3.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from missy_lsp.document import Position
from missy_lsp.errors import ConfigError
from missy_lsp.server.dispatch import Request

if TYPE_CHECKING:
    from missy_lsp.server.session import Session


def hover(session: Session, params: types.HoverParams, request: Request) -> object:
    """Explain the symbol at a place, or say nothing; never an error, which editors would show at each rest."""
    document = session.documents.get(params.text_document.uri)
    if document is None:
        return None
    try:
        return session.hovering.hover(document, Position(params.position.line, params.position.character))
    except ConfigError:
        return None  # it stands as a diagnostic in its file
