"""missy.retry: a change or an answer once more, on the same tier or another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import attrs

from missy_lsp.errors import MissyError, ModelError
from missy_lsp.server.arguments import AskArguments, Range, RetryArguments, RunActionArguments, TextDocument
from missy_lsp.server.change_groups import discard
from missy_lsp.server.dispatch import Request
from missy_lsp.server.documents import file_path
from missy_lsp.server.handlers.actions import run_action
from missy_lsp.server.handlers.ask import ask
from missy_lsp.server.landing import refuse_while_landing
from missy_lsp.server.proposals import publish

if TYPE_CHECKING:
    from missy_lsp.server.pending_edits import PendingEdit
    from missy_lsp.server.pending_groups import ChangeGroup, GroupFile
    from missy_lsp.server.running import Asked
    from missy_lsp.server.session import Session

Question = TypeVar("Question", AskArguments, RunActionArguments)


def retry(session: Session, arguments: RetryArguments, request: Request) -> object:
    """Ask again, on another tier where one is named: for a pending change, or for an answer of the last hour.

    A change waits until there is a new one. Raises ModelError (`invalid_request`) for an id that is neither, and where
    what was asked about can no longer be told: the document of an answer has changed since, that of a change is closed.
    """
    if (found := session.groups.find(arguments.id)) is not None:
        return _retry_group(session, *found, arguments, request)
    asked = session.running.asked(arguments.id)
    if asked is None:
        return _retry_change(session, session.pending.get(arguments.id), arguments, request)
    if not is_as_it_was(session, asked):
        message = "The document has changed since this was asked, or was closed. Ask anew, about what it says now."
        raise ModelError("invalid_request", message)
    provider = _answered_by(session, arguments.id)
    if isinstance(asked.arguments, AskArguments):
        return ask(session, _again(session, asked.arguments, arguments, provider), request)
    return run_action(session, _again(session, asked.arguments, arguments, provider), request)


def is_as_it_was(session: Session, asked: Asked) -> bool:
    """Tell whether the document of a question still is the one that was asked about; yes where there was none."""
    if asked.uri is None:
        return True
    document = session.documents.get(asked.uri)
    return document is not None and document.version == asked.version


def _retry_change(session: Session, edit: PendingEdit, arguments: RetryArguments, request: Request) -> object:
    """Run the action of a pending change again, where its code stands now; a new change takes its place."""
    assert edit.arguments is not None, "one of a group was found there"
    refuse_while_landing(edit)
    shown = edit.shown_at()
    buffer = edit.document.buffer
    place = Range(buffer.position_at(shown.start), buffer.position_at(shown.end))
    again = attrs.evolve(
        _again(session, edit.arguments, arguments, edit.provider),
        text_document=TextDocument(edit.uri, None),
        range=place,
        # What the checkers said stands where the code stands now.
        diagnostics=tuple(attrs.evolve(said, range=place) for said in edit.arguments.diagnostics),
    )

    def let_go() -> None:
        if not edit.is_landing:  # the user accepted it meanwhile
            session.pending.remove(edit)
            publish(session, edit.document)

    return run_action(session, again, request, let_go)


def _retry_group(
    session: Session, group: ChangeGroup, named: tuple[GroupFile, ...], arguments: RetryArguments, request: Request
) -> object:
    """Ask the question of a change of several files again; what it comes to takes the place of the group.

    With the id of one file it takes the place of that file and of those that it changes as well; the others wait on.
    """
    refuse_while_landing(group)
    again = _again(session, group.arguments, arguments, group.provider)
    if again.text_document is not None:
        document = attrs.evolve(again.text_document, version=None)
        again = attrs.evolve(again, text_document=document, range=_range_now(session, group))

    def let_go(new: tuple[GroupFile, ...]) -> None:
        if not group.is_landing:  # the user accepted it meanwhile
            paths = {file.change.path for file in (*named, *new)}
            discard(session, group, tuple(file for file in group.waiting if file.change.path in paths))

    return ask(session, again, request, let_go)


def _range_now(session: Session, group: ChangeGroup) -> Range | None:
    """Return where the lines stand now that a question was about. Raises ModelError where they are gone."""
    asked_at = group.asked_at
    if asked_at is None:
        return None
    span = asked_at.place() or asked_at.tracked.span
    is_gone = span.start == span.end and asked_at.original
    if is_gone or session.documents.get(asked_at.uri) is not asked_at.document:
        message = "The lines that this was asked about are gone, or their document was closed. Ask anew."
        raise ModelError("invalid_request", message)
    buffer = asked_at.document.buffer
    return Range(buffer.position_at(span.start), buffer.position_at(span.end))


def _again(session: Session, asked: Question, arguments: RetryArguments, provider: str | None) -> Question:
    """Return what was asked as it is asked now; a tier that is named takes the place of a model that was.

    Such a tier is one of the `provider` that answered, whichever is the default one by now; but what the user has since
    given to a provider of its own, by `folders`, goes there and nowhere else.
    """
    if asked.provider is None and arguments.tier is not None and provider is not None:
        uri = asked.text_document.uri if asked.text_document is not None else None
        config = session.configuration.config_for(None if uri is None else file_path(uri))
        known = config.providers.get(provider)
        if config.folder_provider is None and known is not None and known.enabled:
            asked = attrs.evolve(asked, provider=provider)
    return attrs.evolve(
        asked,
        tier=arguments.tier or asked.tier,
        model=None if arguments.tier else asked.model,
        partial_result_token=arguments.partial_result_token,
        wait=arguments.wait,
    )


def _answered_by(session: Session, run_id: str) -> str | None:
    """Return the provider of an answer, None for a request that came to none."""
    try:
        return str(session.running.result(run_id)["provider"])
    except MissyError:
        return None
