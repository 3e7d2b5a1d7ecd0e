"""missy.ask and missy.route: from the arguments and the open documents to a call of the model client."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from missy_lsp.document import Snapshot
from missy_lsp.features.ask import AskInput, ChatTurn
from missy_lsp.features.question_calls import call_of_question
from missy_lsp.llm.client import Call
from missy_lsp.server.arguments import AskArguments
from missy_lsp.server.confirming import with_questions
from missy_lsp.server.dispatch import Request
from missy_lsp.server.model_requests import Job, start
from missy_lsp.tools.redacting import RedactingToolbox
from missy_lsp.tools.toolbox import Toolbox

if TYPE_CHECKING:
    from missy_lsp.config.values import Config
    from missy_lsp.server.session import Session

_TOOL_LEVELS = ("off", "read", "edit")


def ask(session: Session, arguments: AskArguments, request: Request) -> object:
    """Answer a question, about a document where one is named."""
    call, snapshot = ask_call(session, arguments)
    job = Job(
        call=call,
        title="ask",
        question=arguments.prompt,
        uri=snapshot.uri if snapshot else None,
        partial_token=arguments.partial_result_token,
        wait=arguments.wait,
    )
    return start(session, job, request)


def route(session: Session, arguments: AskArguments, request: Request) -> dict[str, object]:
    """Tell where a question would go and why, and what it may cost; no model is called."""
    call, _ = ask_call(session, arguments)
    estimate = session.models.estimate(call)
    return {
        "tier": estimate.decision.tier,
        "model": estimate.decision.model,
        "provider": estimate.provider,
        "score": estimate.decision.score,
        "reasons": list(estimate.decision.reasons),
        "estimate": {"inputTokens": estimate.input_tokens, "maxUsd": estimate.max_usd},
    }


def ask_call(session: Session, arguments: AskArguments) -> tuple[Call, Snapshot | None]:
    """Freeze the document and the configuration of a question; return the call with what it saw."""
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
    call = call_of_question(
        ask_input,
        config,
        toolbox=toolbox_of(session, config, arguments.tools),
        guard=RedactingToolbox,
        provider=arguments.provider or session.default_provider,
        model=arguments.model,
        tier=arguments.tier,
    )
    return with_questions(session, call), snapshot


def _snapshot(session: Session, arguments: AskArguments) -> Snapshot | None:
    document = arguments.text_document
    if document is None:
        return None
    selection = (arguments.range.start, arguments.range.end) if arguments.range else None
    return session.documents.snapshot(document.uri, document.version, selection)


def toolbox_of(session: Session, config: Config, wanted: str | None) -> Toolbox | None:
    """Return the tools of a request: what it asks for, never more than `tools.mode` allows."""
    allowed = _TOOL_LEVELS.index(config.tools.mode)
    level = allowed if wanted is None else min(_TOOL_LEVELS.index(wanted), allowed)
    roots: tuple[Path, ...] = session.configuration.folders
    if level == 0 or not roots:
        return None
    return Toolbox(roots, config.privacy.ignore, session.documents.texts_by_path)
