"""Diagnostics of chat documents: a broken front matter, mentions of what is missing or never sent."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from lsprotocol import types

from missy_lsp.errors import ConfigError
from missy_lsp.server.edit_shapes import range_at, range_of

if TYPE_CHECKING:
    from missy_lsp.document import TextBuffer
    from missy_lsp.features.chat_front_matter import ChatProblem
    from missy_lsp.features.chat_mentions import Mention
    from missy_lsp.server.session import Session

CHECK_WITHIN_S = 0.3
Json = dict[str, object]


class ChatChecks:
    """Check a chat document soon after it, or what it may name, changed; not at every key."""

    def __init__(self) -> None:
        self._due: set[str] = set()
        self._running: dict[str, asyncio.Future[None]] = {}

    def fall_due(self, session: Session, uri: str) -> None:
        if uri not in self._due and session.client.diagnostics:
            self._due.add(uri)
            asyncio.get_running_loop().call_later(CHECK_WITHIN_S, self._start, session, uri)

    def forget(self, session: Session, uri: str) -> None:
        """Take back what was said of a chat that was closed."""
        self._due.discard(uri)
        session.diagnostics.set(uri, "chat", [])

    def _start(self, session: Session, uri: str) -> None:
        self._due.discard(uri)
        if (older := self._running.get(uri)) is not None:
            older.cancel()  # it may know less than this one, and end later
        check = self._running[uri] = asyncio.ensure_future(_check(session, uri))
        check.add_done_callback(lambda ended: self._running.get(uri) is ended and self._running.pop(uri))
        session.keep(check)


async def _check(session: Session, uri: str) -> None:
    # Loaded when the first chat is open: `initialize` needs none of it.
    from missy_lsp.features.chat_document import parse_chat
    from missy_lsp.features.chat_front_matter import chat_settings
    from missy_lsp.features.chat_mentions import mentions
    from missy_lsp.server.chat_material import mention_sources
    from missy_lsp.server.documents import file_path

    document = session.documents.get(uri)
    if document is None:
        session.diagnostics.set(uri, "chat", [])
        return
    text, version = document.buffer.text, document.version
    chat = parse_chat(text)
    found = [_of_front_matter(document.buffer, problem) for problem in chat_settings(chat)[1]]
    question = chat.question
    named = mentions(text[question.body.start : question.body.end], question.body.start) if question else ()
    if named:
        try:
            sources = mention_sources(session, file_path(uri))
        except ConfigError:
            return  # it is told as a diagnostic of its own file
        problems = await asyncio.to_thread(lambda: [sources.problem(mention) for mention in named])
        if session.documents.get(uri) is not document or document.version != version:
            return  # the change that came meanwhile has its own check
        pairs = zip(named, problems, strict=True)
        found += [_of_mention(document.buffer, mention, problem) for mention, problem in pairs if problem]
    session.diagnostics.set(uri, "chat", found)


def _of_front_matter(buffer: TextBuffer, problem: ChatProblem) -> Json:
    place = problem.place
    return _diagnostic(
        range_at(buffer, place.line, place.column, place.end_line, place.end_column),
        types.DiagnosticSeverity.Error,
        "front-matter",
        f"{problem.message}. Nothing is sent until this is mended.",
    )


def _of_mention(buffer: TextBuffer, mention: Mention, problem: str) -> Json:
    return _diagnostic(range_of(buffer, mention.span), types.DiagnosticSeverity.Warning, "mention", problem)


def _diagnostic(place: Json, severity: types.DiagnosticSeverity, code: str, message: str) -> Json:
    return {
        "range": place,
        "severity": severity.value,
        "source": "missy",
        "code": code,
        "message": message,
    }
