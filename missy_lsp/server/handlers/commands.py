"""workspace/executeCommand: the table of our commands (contract 3.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import attrs
from lsprotocol import types

from missy_lsp.errors import UsageError
from missy_lsp.server.arguments import (
    AcceptArguments,
    AskArguments,
    ChatArguments,
    EditArguments,
    ListActionsArguments,
    MoveKeyArguments,
    NameArguments,
    NoArguments,
    PreviewArguments,
    Range,
    ResultArguments,
    RetryArguments,
    RunActionArguments,
    ShowDiffArguments,
    StopArguments,
    TextDocument,
    TrustArguments,
    UsageArguments,
    read_arguments,
)
from missy_lsp.server.attention import diagnostic_line
from missy_lsp.server.dispatch import Request
from missy_lsp.server.handlers.actions import list_actions, run_action
from missy_lsp.server.handlers.ask import ask, route
from missy_lsp.server.handlers.chat import chat_fork, chat_send
from missy_lsp.server.handlers.config_documents import move_key_to_vault
from missy_lsp.server.handlers.pending import accept, discard, edit_proposal, show_diff
from missy_lsp.server.handlers.preview import preview
from missy_lsp.server.handlers.providers import list_providers, switch_provider
from missy_lsp.server.handlers.retry import retry
from missy_lsp.server.handlers.status import status
from missy_lsp.server.handlers.trust import trust_workspace
from missy_lsp.server.handlers.usage import usage

if TYPE_CHECKING:
    from missy_lsp.server.session import Session


@attrs.frozen
class Command:
    arguments: type[Any]
    run: Callable[[Session, Any, Request], object]


def stop(session: Session, arguments: StopArguments, request: Request) -> dict[str, object]:
    return {"stopped": session.stop(arguments.id)}


def result(session: Session, arguments: ResultArguments, request: Request) -> dict[str, object]:
    return session.running.result(arguments.id)


def trust(session: Session, arguments: TrustArguments, request: Request) -> dict[str, object]:
    return trust_workspace(session, arguments)


COMMANDS: Mapping[str, Command] = {
    "missy.accept": Command(AcceptArguments, accept),
    "missy.ask": Command(AskArguments, ask),
    "missy.chatFork": Command(ChatArguments, chat_fork),
    "missy.chatSend": Command(ChatArguments, chat_send),
    "missy.discard": Command(EditArguments, discard),
    "missy.editProposal": Command(EditArguments, edit_proposal),
    "missy.listActions": Command(ListActionsArguments, list_actions),
    "missy.listProviders": Command(NoArguments, list_providers),
    "missy.moveKeyToVault": Command(MoveKeyArguments, move_key_to_vault),
    "missy.preview": Command(PreviewArguments, preview),
    "missy.result": Command(ResultArguments, result),
    "missy.retry": Command(RetryArguments, retry),
    "missy.route": Command(AskArguments, route),
    "missy.runAction": Command(RunActionArguments, run_action),
    "missy.showDiff": Command(ShowDiffArguments, show_diff),
    "missy.status": Command(NoArguments, status),
    "missy.stop": Command(StopArguments, stop),
    "missy.switchProvider": Command(NameArguments, switch_provider),
    "missy.trustWorkspace": Command(TrustArguments, trust),
    "missy.usage": Command(UsageArguments, usage),
}


def execute_command(session: Session, params: types.ExecuteCommandParams, request: Request) -> object:
    """Run one of our commands; it reads documents and configuration before anything else is read."""
    command = COMMANDS.get(params.command)
    if command is None:
        raise UsageError(f"{params.command[:100]} is not a command of this server; it has {', '.join(COMMANDS)}.")
    arguments = read_arguments(session.arguments, command.arguments, params.arguments)
    _notice(session, arguments)
    return command.run(session, arguments, request)


def _notice(session: Session, arguments: object) -> None:
    """Remember the document and the range of a request, for what a chat names later."""
    named, place = getattr(arguments, "text_document", None), getattr(arguments, "range", None)
    document = session.documents.get(named.uri) if isinstance(named, TextDocument) else None
    if document is None:
        return
    session.attention.on_document(document.uri)
    if isinstance(place, Range):
        session.attention.on_range(document, place.start, place.end)
    said = getattr(arguments, "diagnostics", ())
    session.attention.on_diagnostics(
        document.uri, [diagnostic_line(given.range.start.line, given.message, given.source) for given in said]
    )
