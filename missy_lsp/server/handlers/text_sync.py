"""Documents that the client opens, changes and closes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import unquote

from lsprotocol import types

from missy_lsp.features.chat_document import is_chat
from missy_lsp.server.dispatch import Request

if TYPE_CHECKING:
    from missy_lsp.server.documents import OpenDocument
    from missy_lsp.server.session import Session


MARK_WITHIN_S = 0.2


def did_open(session: Session, params: types.DidOpenTextDocumentParams, request: Request) -> None:
    session.stop_unasked(params.text_document.uri)  # some clients open a document again without closing it
    session.documents.open(params.text_document)
    document = session.documents.get(params.text_document.uri)
    if document is not None and session.groups.all():
        from missy_lsp.server.change_groups import attach_document  # loaded with the commands

        attach_document(session, document)
    _mark_config_soon(session, params.text_document.uri)
    _notice(session, params.text_document.uri)


def did_change(session: Session, params: types.DidChangeTextDocumentParams, request: Request) -> None:
    session.documents.change(params)
    _notice(session, params.text_document.uri)
    document = session.documents.get(params.text_document.uri)
    waiting = [] if document is None else session.pending.on_document(document)
    for edit in waiting:
        if not session.client.apply_edit and edit.was_applied():
            session.pending.remove(edit)  # the code action Accept carried it
            _mark(session, edit.document)
            if edit.group is not None:
                from missy_lsp.server.change_groups import applied_by_editor

                applied_by_editor(session, edit)
    if document is not None and waiting:
        _mark_soon(session, document)
    _mark_config_soon(session, params.text_document.uri)


def did_close(session: Session, params: types.DidCloseTextDocumentParams, request: Request) -> None:
    """Forget a document; changes that waited for review end with it, and their text stays with missy.result."""
    document = session.documents.get(params.text_document.uri)
    session.stop_unasked(params.text_document.uri)
    session.documents.close(params.text_document.uri)
    _mark_config_soon(session, params.text_document.uri)
    session.attention.on_close(params.text_document.uri)
    session.chat_checks.forget(session, params.text_document.uri)
    if document is None:
        return
    session.sent_texts.forget(document.uri)
    waiting = session.pending.on_document(document)
    for edit in waiting:
        session.pending.remove(edit)
    if waiting:
        _mark(session, document)


def did_save(session: Session, params: types.DidSaveTextDocumentParams, request: Request) -> None:
    """Look at the configuration again: the saved document may be one of its files."""
    session.publish_problems()


def _mark_config_soon(session: Session, uri: str) -> None:
    """Look at a configuration file as it is shown now, not at every key; what it may be is told by its name alone."""
    if ("/.missy/" not in unquote(uri) and not session.is_named_config(uri)) or session.config_marks_are_due:
        return
    session.config_marks_are_due = True
    asyncio.get_running_loop().call_later(MARK_WITHIN_S, _mark_config, session)


def _mark_config(session: Session) -> None:
    session.config_marks_are_due = False
    session.mark_config_files()


def _notice(session: Session, uri: str) -> None:
    if is_chat(uri):
        session.chat_checks.fall_due(session, uri)
    else:
        session.attention.on_document(uri)


def _mark_soon(session: Session, document: OpenDocument) -> None:
    """Move the marks of pending changes along, not at every key."""
    if session.pending.marks_fall_due(document):
        asyncio.get_running_loop().call_later(MARK_WITHIN_S, _mark, session, document)


def _mark(session: Session, document: OpenDocument) -> None:
    from missy_lsp.server.proposals import publish  # loaded with the commands, after `initialize`

    session.pending.marks_are_set(document)
    publish(session, document)
