"""Where an editor without our plugin sees an answer: a Markdown document of its own (contract 3.3)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol import types

from missy_lsp.config.files import keep_newest, write_atomically
from missy_lsp.errors import MissyError
from missy_lsp.server.protocol import ClientRefused

if TYPE_CHECKING:
    from missy_lsp.server.running import Answer
    from missy_lsp.server.session import Session

KEPT_DOCUMENTS = 100
SHORT_CHARACTERS = 160
SHOW_TIMEOUT_S = 10.0
_HEAD_CHARACTERS = 300


async def show_answer(session: Session, title: str, question: str, answer: Answer) -> None:
    """Show an answer by the best means that the client has; nothing of it is lost where none serves."""
    from missy_lsp.markdown.filtering import filter_markdown  # its parser is loaded when it is needed
    from missy_lsp.markdown.plain import plain_text

    text = filter_markdown(str(answer["text"]))
    if len(text) <= SHORT_CHARACTERS and "\n" not in text.strip():
        words = plain_text(text, SHORT_CHARACTERS * 2) or "The answer is empty."
        session.show_message(types.MessageType.Info, words)
        return
    head = plain_text(text, _HEAD_CHARACTERS)
    folder = session.configuration.locations.cache_dir / "answers"
    try:
        path = await asyncio.to_thread(write_document, folder, title, question, {**answer, "text": text})
    except OSError as error:
        session.show_message(
            types.MessageType.Warning, f"{head}… (the whole answer could not be saved: {error.strerror})"
        )
        return
    if not session.client.show_document or not await show_document(session, path):
        session.show_message(types.MessageType.Info, f"{head}… (the whole answer: {path})")


def show_failure(session: Session, title: str, error: MissyError) -> None:
    """Tell the user that a request in the background failed."""
    session.show_message(types.MessageType.Error, f"Missy: {title} failed. {error.message}")


def write_document(folder: Path, title: str, question: str, answer: Answer) -> Path:
    """Write one answer below the user's cache folder, readable by the user alone; the oldest go."""
    path = folder / f"{answer['id']}.md"
    write_atomically(path, _document_text(title, question, answer).encode("utf-8", "replace"))
    keep_newest(folder.glob("*.md"), KEPT_DOCUMENTS)
    return path


def _document_text(title: str, question: str, answer: Answer) -> str:
    incomplete = "" if answer["complete"] else f" · incomplete ({answer['stopReason']})"
    heading = " ".join(question.split())[:200] or title
    return f"# {heading}\n\n*{answer['model']} · {answer['tier']}{incomplete}*\n\n{answer['text']}\n"


async def show_document(session: Session, path: Path, *, take_focus: bool = False) -> bool:
    """Ask the editor to show a file; return whether it says that it did."""
    try:
        result = await session.protocol.request(
            types.WINDOW_SHOW_DOCUMENT, {"uri": path.as_uri(), "takeFocus": take_focus}, SHOW_TIMEOUT_S
        )
    except ClientRefused:
        return False
    return isinstance(result, dict) and result.get("success") is True
