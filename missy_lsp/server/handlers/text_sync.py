"""Documents that the client opens, changes and closes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from missy_lsp.server.dispatch import Request

if TYPE_CHECKING:
    from missy_lsp.server.session import Session


def did_open(session: Session, params: types.DidOpenTextDocumentParams, request: Request) -> None:
    session.documents.open(params.text_document)


def did_change(session: Session, params: types.DidChangeTextDocumentParams, request: Request) -> None:
    session.documents.change(params)


def did_close(session: Session, params: types.DidCloseTextDocumentParams, request: Request) -> None:
    session.documents.close(params.text_document.uri)


def did_save(session: Session, params: types.DidSaveTextDocumentParams, request: Request) -> None:
    """Look at the configuration again: the saved document may be one of its files."""
    session.publish_problems()
