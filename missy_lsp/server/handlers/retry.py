"""missy.retry: a change or an answer once more, on the same tier or another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import attrs

from missy_lsp.errors import ModelError
from missy_lsp.server.arguments import AskArguments, Range, RetryArguments, RunActionArguments, TextDocument
from missy_lsp.server.change_groups import discard
from missy_lsp.server.dispatch import Request
from missy_lsp.server.handlers.actions import run_action
from missy_lsp.server.handlers.ask import ask
from missy_lsp.server.proposals import publish

if TYPE_CHECKING:
    from missy_lsp.server.pending_edits import PendingEdit
    from missy_lsp.server.pending_groups import ChangeGroup
    from missy_lsp.server.running import Asked
    from missy_lsp.server.session import Session

Question = TypeVar("Question", AskArguments, RunActionArguments)


def retry(session: Session, arguments: RetryArguments, request: Request) -> object:
    """Ask again, on another tier where one is named: for a pending change, or for an answer of the last hour.

    Raises ModelError (`invalid_request`) for an id that is neither, and where the answer's document has changed since.
    """
    if (found := session.groups.find(arguments.id)) is not None:
        return _retry_group(session, found[0], arguments, request)
    asked = session.running.asked(arguments.id)
    if asked is None:
        return _retry_change(session, session.pending.get(arguments.id), arguments, request)
    if not is_as_it_was(session, asked):
        message = "The document has changed since this was asked, or was closed. Ask anew, about what it says now."
        raise ModelError("invalid_request", message)
    if isinstance(asked.arguments, AskArguments):
        return ask(session, _again(asked.arguments, arguments), request)
    return run_action(session, _again(asked.arguments, arguments), request)


def is_as_it_was(session: Session, asked: Asked) -> bool:
    """Tell whether the document of a question still is the one that was asked about; yes where there was none."""
    if asked.uri is None:
        return True
    document = session.documents.get(asked.uri)
    return document is not None and document.version == asked.version


def _retry_change(session: Session, edit: PendingEdit, arguments: RetryArguments, request: Request) -> object:
    """Run the action of a pending change again, where its code stands now; the new change takes its place."""
    assert edit.arguments is not None, "one of a group was found there"
    shown = edit.shown_at()
    buffer = edit.document.buffer
    place = Range(buffer.position_at(shown.start), buffer.position_at(shown.end))
    again = attrs.evolve(
        _again(edit.arguments, arguments),
        text_document=TextDocument(edit.uri, None),
        range=place,
        # What the checkers said stands where the code stands now.
        diagnostics=tuple(attrs.evolve(said, range=place) for said in edit.arguments.diagnostics),
    )
    outcome = run_action(session, again, request)
    session.pending.remove(edit)
    publish(session, edit.document)
    return outcome


def _retry_group(session: Session, group: ChangeGroup, arguments: RetryArguments, request: Request) -> object:
    """Ask the question of a change of several files again; what it comes to takes the place of the group."""
    again = _again(group.arguments, arguments)
    if again.text_document is not None:
        again = attrs.evolve(again, text_document=attrs.evolve(again.text_document, version=None))
    outcome = ask(session, again, request)
    discard(session, group, group.waiting)
    return outcome


def _again(asked: Question, arguments: RetryArguments) -> Question:
    """Return what was asked as it is asked now; a tier that is named takes the place of a model that was."""
    return attrs.evolve(
        asked,
        tier=arguments.tier or asked.tier,
        model=None if arguments.tier else asked.model,
        partial_result_token=arguments.partial_result_token,
        wait=arguments.wait,
    )
