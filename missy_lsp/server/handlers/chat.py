"""missy.chatSend and missy.chatFork: the last question of a chat document, a new chat from a part of one."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
from lsprotocol import types

from missy_lsp.document import Snapshot
from missy_lsp.errors import ModelError
from missy_lsp.features.chat_document import SUFFIX, YOU, ChatDocument, Turn, is_chat, parse_chat
from missy_lsp.features.chat_front_matter import ChatSettings, chat_settings
from missy_lsp.features.chat_history import ChatHistory, chat_ask, chat_history
from missy_lsp.features.chat_mentions import Mention, mentions
from missy_lsp.features.question_calls import call_of_question
from missy_lsp.llm.client import Call
from missy_lsp.outbound.redaction import redact_secrets
from missy_lsp.server.answer_documents import show_document
from missy_lsp.server.arguments import ChatArguments
from missy_lsp.server.chat_material import mention_sources
from missy_lsp.server.chat_reply import ChatReply
from missy_lsp.server.confirming import with_questions
from missy_lsp.server.dispatch import Request
from missy_lsp.server.handlers.ask import toolbox_of
from missy_lsp.server.model_requests import Job, start

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from missy_lsp.server.session import Session

_MOST_FORKS = 1000
NO_WRITING = (
    "Missy: this editor does not let a server write into a document, so the answer is shown in one of its own. Copy it "
    "below a heading ## Missy to go on with this chat."
)


def chat_send(session: Session, arguments: ChatArguments, request: Request) -> object:
    """Send the last question of a chat; the answer streams in below it.

    Raises ModelError (`invalid_request`) where there is nothing to send, an answer is still being written, or the
    front matter is broken.
    """
    snapshot = _snapshot(session, arguments)
    document = session.documents.get(snapshot.uri)
    assert document is not None, "a snapshot is of an open document"
    if session.running.on_document(document.uri) or document.uri in session.chats_in_writing:
        raise ModelError("invalid_request", "An answer is still coming in. Wait for its end, or stop it.")
    chat = parse_chat(snapshot.text)
    question = chat.question
    if question is None:
        raise ModelError("invalid_request", f"There is no question to send: write one below a last heading `{YOU}`.")
    settings = _settings(chat)
    config = session.configuration.config_for(snapshot.path)
    history = chat_history(chat, question, config.context.max_tokens)
    reply = ChatReply(session, document) if session.client.apply_edit else None
    if reply is None:
        session.show_message(types.MessageType.Info, NO_WRITING)
    job = Job(
        call=_call(session, snapshot, question, history, settings, reply),
        title="chat",
        question=question.text,
        uri=document.uri,
        partial_token=arguments.partial_result_token,
        wait=arguments.wait,
        chat=reply,
    )
    return start(session, job, request)


def chat_fork(session: Session, arguments: ChatArguments, request: Request) -> Awaitable[dict[str, object]]:
    """Write a new chat document with all up to one turn (the last one without a range), and show it.

    Raises ModelError (`invalid_request`) for a chat that is no file yet and for one without a turn there.
    """
    snapshot = _snapshot(session, arguments)
    if snapshot.path is None:
        raise ModelError("invalid_request", "Save this chat first: a fork is a file beside it.")
    chat = parse_chat(snapshot.text)
    turn = chat.turn_at(snapshot.span.start if snapshot.span else len(snapshot.text))
    if turn is None:
        raise ModelError("invalid_request", f"There is no turn to fork from: put the cursor below a heading `{YOU}`.")
    line_end = "\r\n" if "\r\n" in snapshot.text else "\n"
    text = snapshot.text[: turn.span.end] + line_end
    if turn.role == "assistant":
        text += f"{turn.closing}{line_end}" if turn.closing else ""
        text += f"\n{YOU}\n\n".replace("\n", line_end)
    return _fork(session, Path(snapshot.path), text)


def _snapshot(session: Session, arguments: ChatArguments) -> Snapshot:
    document = arguments.text_document
    if not is_chat(document.uri):
        raise ModelError("invalid_request", f"This is no chat: the name of a chat document ends in {SUFFIX}.")
    selection = (arguments.range.start, arguments.range.end) if arguments.range else None
    return session.documents.snapshot(document.uri, document.version, selection)


def _settings(chat: ChatDocument) -> ChatSettings:
    settings, problems = chat_settings(chat)
    if problems:
        line = problems[0].place.line + 1
        raise ModelError(
            "invalid_request", f"The front matter of this chat is broken, line {line}: {problems[0].message}."
        )
    return settings


def _call(
    session: Session,
    snapshot: Snapshot,
    question: Turn,
    history: ChatHistory,
    settings: ChatSettings,
    reply: ChatReply | None,
) -> Awaitable[Call]:
    """Freeze what the question needs now; what it names is read when the call is awaited.

    What does not go along is then said at the head of the `reply`.
    """
    path = snapshot.path
    config = session.configuration.config_for(path)
    folder = session.configuration.folder_of(path)
    card = session.configuration.card_for(path)
    named, named_before = mentions(question.text), _earlier_files(history)
    sources = mention_sources(session, path)
    provider = session.provider_for(config)
    toolbox = toolbox_of(session, config, None)

    async def call() -> Call:
        attachments, gone = await sources.attachments(named, named_before)
        system = redact_secrets(settings.system).text if config.privacy.redact_secrets else settings.system
        asked = attrs.evolve(
            chat_ask(question, history, attachments, card, system),
            workspace_folder=None if folder is None else str(folder),
        )
        made = call_of_question(
            asked,
            config,
            toolbox=toolbox,
            provider=provider,
            model=settings.model,
            tier=settings.tier,
        )
        notes = [said for said in (history.note, _gone_note(gone)) if said]
        if reply is not None:
            reply.opening_notes = tuple(notes)
        return with_questions(session, attrs.evolve(made, notes=(*made.notes, *notes)))

    return call()


def _earlier_files(history: ChatHistory) -> list[Mention]:
    """Return the files that earlier questions name by their paths; what else they name is another thing by now."""
    return [mention for turn in history.turns if turn.role == "user" for mention in mentions(turn.text) if mention.path]


def _gone_note(gone: Sequence[str]) -> str:
    """Say which files of earlier questions do not go along, empty where all do."""
    if not gone:
        return ""
    return f"{', '.join(gone)}: named in an earlier question, but gone or never sent by now, so left out"


async def _fork(session: Session, source: Path, text: str) -> dict[str, object]:
    try:
        path = await asyncio.to_thread(_write_beside, source, text)
    except OSError as error:
        raise ModelError(
            "invalid_request", f"The fork could not be written beside {source.name}: {error.strerror}."
        ) from None
    is_shown = session.client.show_document and await show_document(session, path, take_focus=True)
    if not is_shown:
        session.show_message(
            types.MessageType.Info, f"Missy: the fork is {path.name}, beside this chat. Open it there."
        )
    return {"uri": path.as_uri(), "shown": is_shown}


def _write_beside(source: Path, text: str) -> Path:
    """Write a new file beside another; an existing one, or a link, is never written to."""
    stem = source.name[: -len(SUFFIX)]
    for number in range(1, _MOST_FORKS):
        path = source.with_name(f"{stem}-fork-{number}{SUFFIX}")
        try:
            with path.open("x", encoding="utf-8", newline="") as file:
                file.write(text)
        except FileExistsError:
            continue
        return path
    raise FileExistsError(17, "there are too many forks of it already")
