"""missy.runAction, missy.listActions: from an action file and a place in a document to a call of the model client."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import attrs

from missy_lsp.config.actions import find_action
from missy_lsp.document import Position, Snapshot, Span
from missy_lsp.features.action_calls import call_of, prompt_of, redacted_input, with_staged_changes
from missy_lsp.features.actions import ActionInput, Diagnostic, title_of
from missy_lsp.features.offers import applies
from missy_lsp.features.targets import resolve_target
from missy_lsp.server.arguments import DiagnosticArgument, ListActionsArguments, RunActionArguments
from missy_lsp.server.confirming import with_questions
from missy_lsp.server.dispatch import Request
from missy_lsp.server.documents import file_path
from missy_lsp.server.model_requests import Job, start
from missy_lsp.server.proposals import EditJob
from missy_lsp.tools.staged_diff import staged_diff

if TYPE_CHECKING:
    from missy_lsp.config.values import Config
    from missy_lsp.llm.client import Call
    from missy_lsp.server.session import Session

_MAX_DIAGNOSTICS = 50


def list_actions(session: Session, arguments: ListActionsArguments, request: Request) -> list[dict[str, object]]:
    """List the actions, those that apply to a place where one is named."""
    document = arguments.text_document
    path = None if document is None else file_path(document.uri)
    actions = session.configuration.actions_for(path)
    if document is not None:
        snapshot = _snapshot(session, arguments)
        actions = tuple(action for action in actions if applies(action, snapshot, has_diagnostics=True))
    tiers = session.configuration.action_tiers_for(path)
    return [action.fields(tiers) for action in actions]


def run_action(
    session: Session, arguments: RunActionArguments, request: Request, replaces: Callable[[], None] | None = None
) -> object:
    """Run an action on a part of a document; what it comes to is an answer, or a change to be reviewed.

    `replaces` is called before a new change is kept, to let go of the one whose place it takes.
    """
    asked, config = action_input(session, arguments)
    call = action_call(session, asked, config, arguments)  # before the place is followed: it may refuse
    finish = None
    if asked.action.result != "answer":
        document = session.documents.get(asked.snapshot.uri)
        assert document is not None, "a snapshot is of an open document"
        finish = EditJob(session, asked, document, arguments, config.edits.review, replaces)
    job = Job(
        call=call,
        title=title_of(asked),
        question=asked.wish or asked.action.title,
        uri=asked.snapshot.uri,
        partial_token=arguments.partial_result_token,
        wait=arguments.wait,
        edit=finish,
        arguments=arguments if finish is None else None,
    )
    session.sent_texts.note(asked.snapshot)
    return start(session, job, request)


def action_input(session: Session, arguments: RunActionArguments) -> tuple[ActionInput, Config]:
    """Freeze what an action needs to know. Raises UsageError for an unknown one, ModelError for a bad place."""
    path = file_path(arguments.text_document.uri)
    action = find_action(session.configuration.actions_for(path), arguments.action)
    snapshot = session.sent_texts.with_base(_snapshot(session, arguments))
    diagnostics = tuple(_diagnostic(snapshot, session, given) for given in arguments.diagnostics[:_MAX_DIAGNOSTICS])
    config = session.configuration.config_for(path)
    folder = session.configuration.folder_of(path)
    asked = ActionInput(
        action=action,
        snapshot=snapshot,
        target=resolve_target(action, snapshot, tuple(diagnostic.span for diagnostic in diagnostics)),
        instruction=arguments.instruction,
        diagnostics=diagnostics,
        workspace_folder=None if folder is None else str(folder),
        card=session.configuration.card_for(path),
    )
    return (redacted_input(asked) if config.privacy.redact_secrets else asked), config


def action_call(
    session: Session, asked: ActionInput, config: Config, arguments: RunActionArguments
) -> Call | Awaitable[Call]:
    """Return the call; one that first has to look at what is staged is awaited."""
    provider = arguments.provider or session.provider_for(config)
    call = call_of(asked, config, provider=provider, model=arguments.model, tier=arguments.tier)
    call = with_questions(session, call)
    return _with_staged_diff(session, asked, config, call) if asked.action.when == "commit" else call


async def _with_staged_diff(session: Session, asked: ActionInput, config: Config, call: Call) -> Call:
    diff = await staged_diff(asked.snapshot.path, config.privacy.ignore)
    prompt, notes = prompt_of(with_staged_changes(asked, diff), config)
    return attrs.evolve(call, prompt=prompt, notes=notes)


def _snapshot(session: Session, arguments: RunActionArguments | ListActionsArguments) -> Snapshot:
    document = arguments.text_document
    assert document is not None, "checked by the caller"
    selection = (arguments.range.start, arguments.range.end) if arguments.range else None
    return session.documents.snapshot(document.uri, document.version, selection)


def _diagnostic(snapshot: Snapshot, session: Session, given: DiagnosticArgument) -> Diagnostic:
    document = session.documents.get(snapshot.uri)
    assert document is not None, "a snapshot is of an open document"
    buffer = document.buffer
    start = buffer.offset_at(Position(given.range.start.line, given.range.start.character))
    end = buffer.offset_at(Position(given.range.end.line, given.range.end.character))
    code = given.code.get("value") if isinstance(given.code, dict) else given.code
    return Diagnostic(
        Span(start, max(start, end)),
        given.message,
        given.severity,
        given.source or "",
        "" if code is None else str(code),
    )
