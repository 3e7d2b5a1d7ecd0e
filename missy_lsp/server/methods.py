"""Every LSP method that this server handles, one line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from missy_lsp.features.chat_document import is_chat
from missy_lsp.server.dispatch import Request
from missy_lsp.server.handlers import (
    chat_views,
    code_actions,
    completion,
    config_documents,
    hover,
    inline_completion,
    lifecycle,
    progress,
    settings,
    text_sync,
)
from missy_lsp.server.protocol import Handler, MissyProtocol

if TYPE_CHECKING:
    from missy_lsp.server.session import Session

# Named here as well as in handlers/commands.py, which is imported after `initialize` was answered.
COMMAND_NAMES = (
    "missy.accept",
    "missy.ask",
    "missy.chatFork",
    "missy.chatSend",
    "missy.discard",
    "missy.editProposal",
    "missy.listActions",
    "missy.listProviders",
    "missy.moveKeyToVault",
    "missy.preview",
    "missy.result",
    "missy.retry",
    "missy.route",
    "missy.runAction",
    "missy.showDiff",
    "missy.status",
    "missy.stop",
    "missy.switchProvider",
    "missy.trustWorkspace",
    "missy.usage",
)


def execute_command(session: Session, params: types.ExecuteCommandParams, request: Request) -> object:
    """Hand over to the commands, which are imported when the first of them comes, or before."""
    from missy_lsp.server.handlers import commands

    return commands.execute_command(session, params, request)


def hover_by_document(session: Session, params: types.HoverParams, request: Request) -> object:
    """Explain by the kind of the document: configuration files have an explanation of their own."""
    if config_documents.is_config_document(session, params.text_document.uri):
        return config_documents.config_hover(session, params, request)
    return hover.hover(session, params, request)


def completion_by_document(session: Session, params: types.CompletionParams, request: Request) -> object:
    """Complete by the kind of the document."""
    if is_chat(params.text_document.uri):
        return completion.completion(session, params, request)
    if config_documents.is_config_document(session, params.text_document.uri):
        return config_documents.config_completion(session, params, request)
    return inline_completion.listed_completion(session, params, request)


HANDLERS: dict[str, Handler] = {
    types.INITIALIZE: lifecycle.initialize,
    types.INITIALIZED: lifecycle.initialized,
    types.SHUTDOWN: lifecycle.shutdown,
    types.TEXT_DOCUMENT_DID_OPEN: text_sync.did_open,
    types.TEXT_DOCUMENT_DID_CHANGE: text_sync.did_change,
    types.TEXT_DOCUMENT_DID_CLOSE: text_sync.did_close,
    types.TEXT_DOCUMENT_DID_SAVE: text_sync.did_save,
    types.TEXT_DOCUMENT_COMPLETION: completion_by_document,
    types.TEXT_DOCUMENT_INLINE_COMPLETION: inline_completion.inline_completion,
    types.TEXT_DOCUMENT_CODE_ACTION: code_actions.code_actions,
    types.TEXT_DOCUMENT_HOVER: hover_by_document,
    types.TEXT_DOCUMENT_CODE_LENS: chat_views.code_lenses,
    types.TEXT_DOCUMENT_DOCUMENT_SYMBOL: chat_views.document_symbols,
    types.TEXT_DOCUMENT_FOLDING_RANGE: chat_views.folding_ranges,
    types.WORKSPACE_EXECUTE_COMMAND: execute_command,
    types.WORKSPACE_DID_CHANGE_CONFIGURATION: settings.did_change,
    types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS: lifecycle.change_folders,
    types.WINDOW_WORK_DONE_PROGRESS_CANCEL: progress.cancel,
}

# The roots of our kinds (contract 3.4): clients ask only servers that have what they look for.
CODE_ACTION_KINDS = ("quickfix", "refactor.rewrite", "source.missy", "missy")

_OPTIONS = {
    types.TEXT_DOCUMENT_DID_SAVE: types.SaveOptions(include_text=False),
    types.TEXT_DOCUMENT_CODE_ACTION: types.CodeActionOptions(code_action_kinds=list(CODE_ACTION_KINDS)),
    types.TEXT_DOCUMENT_COMPLETION: types.CompletionOptions(trigger_characters=["@"]),
    types.TEXT_DOCUMENT_INLINE_COMPLETION: types.InlineCompletionOptions(),
}


def register(server: LanguageServer, protocol: MissyProtocol) -> None:
    """Give the protocol its handlers, and pygls the names from which it computes the capabilities."""
    protocol.handlers = dict(HANDLERS)
    for method in HANDLERS:
        if method not in protocol.fm.builtin_features:
            server.feature(method, _OPTIONS.get(method))(_handled_by_dispatch)
    for name in COMMAND_NAMES:
        server.command(name)(_handled_by_dispatch)


def _handled_by_dispatch(*_: object) -> None:
    raise AssertionError("messages are handled by MissyProtocol, not by pygls' feature manager")
