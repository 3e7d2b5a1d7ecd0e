"""missy.ask and missy.route: from the arguments and the open documents to a call of the model client."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
from lsprotocol import types

from missy_lsp.config.trust import MAY_EDIT
from missy_lsp.document import Snapshot
from missy_lsp.features.ask import AskInput, ChatTurn
from missy_lsp.features.question_calls import call_of_question
from missy_lsp.llm.client import Call
from missy_lsp.server.arguments import AskArguments
from missy_lsp.server.change_groups import GroupJob, real_path_of
from missy_lsp.server.confirming import with_questions
from missy_lsp.server.dispatch import Request
from missy_lsp.server.documents import file_path
from missy_lsp.server.landing import TrackedText
from missy_lsp.server.model_requests import Job, start
from missy_lsp.tools.overlay import Overlay
from missy_lsp.tools.toolbox import Toolbox

if TYPE_CHECKING:
    from missy_lsp.config.values import Config
    from missy_lsp.server.pending_groups import GroupFile
    from missy_lsp.server.session import Session

_TOOL_LEVELS = ("off", "read", "edit")
_EDIT = 2
_ONLY_READS = (
    "The model may read files and edit none: `tools: edit` needs tools.mode: edit in your own configuration, a "
    "workspace folder, and your trust in every one of them."
)


def ask(
    session: Session,
    arguments: AskArguments,
    request: Request,
    replaces: Callable[[tuple[GroupFile, ...]], None] | None = None,
) -> object:
    """Answer a question, about a document where one is named.

    `replaces` is told of the files of a new change before it is kept, to let go of the one whose place it takes.
    """
    call, snapshot, overlay = ask_call(session, arguments)
    if arguments.tools == "edit" and overlay is None:
        session.show_message(types.MessageType.Warning, f"Missy: {_ONLY_READS}")
    change = None
    if overlay is not None:
        review = call.config.edits.review
        change = GroupJob(session, overlay, arguments, review, _followed(session, snapshot), replaces)
    job = Job(
        call=call,
        title="ask",
        question=arguments.prompt,
        uri=snapshot.uri if snapshot else None,
        partial_token=arguments.partial_result_token,
        wait=arguments.wait,
        edit=change,
        arguments=arguments if overlay is None else None,
    )
    if snapshot is not None:
        session.sent_texts.note(snapshot)
    return start(session, job, request)


def route(session: Session, arguments: AskArguments, request: Request) -> dict[str, object]:
    """Tell where a question would go and why, and what it may cost; no model is called."""
    call, _, _ = ask_call(session, arguments)
    estimate = session.models.estimate(call)
    return {
        "tier": estimate.decision.tier,
        "model": estimate.decision.model,
        "provider": estimate.provider,
        "score": estimate.decision.score,
        "reasons": list(estimate.decision.reasons),
        "estimate": {"inputTokens": estimate.input_tokens, "maxUsd": estimate.max_usd},
    }


def ask_call(session: Session, arguments: AskArguments) -> tuple[Call, Snapshot | None, Overlay | None]:
    """Freeze the document and the configuration of a question; return the call with what it saw, and its draft."""
    snapshot = _snapshot(session, arguments)
    path = snapshot.path if snapshot else None
    config = session.configuration.config_for(path)
    folder = session.configuration.folder_of(path)
    ask_input = AskInput(
        prompt=arguments.prompt,
        history=tuple(ChatTurn(turn.role, turn.content) for turn in arguments.history),
        snapshot=snapshot,
        workspace_folder=None if folder is None else str(folder),
        card=session.configuration.card_for(path),
    )
    overlay = _overlay(session, config, arguments.tools, snapshot)
    call = call_of_question(
        ask_input,
        config,
        toolbox=toolbox_of(session, config, arguments.tools, overlay),
        tools_asked_for=arguments.tools is not None,
        provider=arguments.provider or session.provider_for(config),
        model=arguments.model,
        tier=arguments.tier,
    )
    if overlay is None and _level(config, arguments.tools) == _EDIT:
        call = attrs.evolve(call, notes=(*call.notes, _ONLY_READS))
    return with_questions(session, call), snapshot, overlay


def _followed(session: Session, snapshot: Snapshot | None) -> TrackedText | None:
    """Follow the range of a question from now on, so that it can be asked again about the same lines."""
    document = session.documents.get(snapshot.uri) if snapshot is not None else None
    if snapshot is None or document is None or snapshot.span is None:
        return None
    span = snapshot.span
    return TrackedText(document, document.track(span), document.buffer.text[span.start : span.end], "ask")


def _snapshot(session: Session, arguments: AskArguments) -> Snapshot | None:
    document = arguments.text_document
    if document is None:
        return None
    selection = (arguments.range.start, arguments.range.end) if arguments.range else None
    return session.sent_texts.with_base(session.documents.snapshot(document.uri, document.version, selection))


def toolbox_of(session: Session, config: Config, wanted: str | None, overlay: Overlay | None = None) -> Toolbox | None:
    """Return the tools of a request: what it asks for, never more than `tools.mode` allows; to edit in an overlay."""
    roots = _roots(session, config)
    if _level(config, wanted) == 0 or not roots:
        return None
    texts = session.documents.texts_by_path
    return Toolbox(roots, config.privacy.ignore, texts, lambda: _said_by_path(session), overlay)


def _level(config: Config, wanted: str | None) -> int:
    allowed = _TOOL_LEVELS.index(config.tools.mode)
    return allowed if wanted is None else min(_TOOL_LEVELS.index(wanted), allowed)


def _overlay(session: Session, config: Config, wanted: str | None, snapshot: Snapshot | None) -> Overlay | None:
    """Return a draft for the edits of a request; None where it may make none: not asked for, or not trusted."""
    states = session.configuration.trust_states().values() if _level(config, wanted) == _EDIT else ()
    if not states or any(state not in MAY_EDIT for state in states):
        return None
    overlay = Overlay()
    if snapshot is not None and (path := real_path_of(snapshot.uri)) is not None:
        overlay.saw(path, snapshot.text)  # the question shows it to the model
    return overlay


def _said_by_path(session: Session) -> dict[str, tuple[str, ...]]:
    """Return what the editor has passed on of other checkers, by the path of the document."""
    said = session.attention.said_by_uri()
    return {path: lines for uri, lines in said.items() if (path := file_path(uri))}


def _roots(session: Session, config: Config) -> tuple[Path, ...]:
    """Return the workspace folders that may be read: not those that the user has given to another provider."""
    known = session.configuration
    return tuple(
        folder for folder in known.folders if known.config_for(str(folder)).folder_provider == config.folder_provider
    )
