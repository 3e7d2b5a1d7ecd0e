"""Write an answer into a chat document while it streams, at its own place, and lose nothing where that fails."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lsprotocol import types

from missy_lsp.document import Span
from missy_lsp.errors import MissyError, ModelError
from missy_lsp.features.chat_document import MISSY, YOU, ReplyLines, Turn, note, parse_chat
from missy_lsp.features.hunks import Hunk
from missy_lsp.llm.types import AnswerEvent, Started, TextDelta
from missy_lsp.server.answer_documents import show_answer
from missy_lsp.server.landing import TrackedText, land
from missy_lsp.server.protocol import ClientRefused

if TYPE_CHECKING:
    from missy_lsp.server.documents import OpenDocument
    from missy_lsp.server.running import Answer
    from missy_lsp.server.session import Session
    from missy_lsp.tracking import TrackedSpan

EDIT_EVERY_S = 1.0
REFRESH_WITHIN_S = 10.0
_TAIL_CHARACTERS = 200
_TRIES = 3
_MOST_COLLISIONS = 10  # flushes in a row that met with changes of the document; with the last the answer is lost
_GONE = "Its place is gone: the heading was deleted, or the document was closed."
TAKEN_BACK = "a part of this answer was taken back while it came in, as by an undo"


class _Tail(TrackedText):
    """The end of what stands in the document: the next piece goes behind it."""

    def move(self, span: Span) -> None:
        """Follow another place from now on."""
        start = max(span.start, span.end - _TAIL_CHARACTERS)
        self.document.untrack(self.tracked)
        self.original = self.document.buffer.text[start : span.end]
        self.tracked = self.document.track(Span(start, span.end))


class ChatReply:
    """One answer on its way into a chat document: at most one edit a second, one at a time.

    Every edit is for the version of its moment and is verified by the text that comes back. Whatever can't be written
    is shown with the whole answer in an answer document.
    """

    def __init__(self, session: Session, document: OpenDocument, opening_notes: Sequence[str] = ()) -> None:
        from missy_lsp.markdown.filtering import MarkdownFilter  # its parser is loaded when it is needed

        text = document.buffer.text
        last = parse_chat(text).turns[-1]
        end = last.span.end
        start = max(0, end - _TAIL_CHARACTERS)
        self._session = session
        self._document = document
        self._line_end = "\r\n" if "\r\n" in text else "\n"
        self._tail = _Tail(document, document.track(Span(start, end)), text[start:end], "chat")
        self._role = last.role
        self._heading: TrackedSpan | None = None
        self._filter = MarkdownFilter()
        self._lines = ReplyLines()
        self._waiting = ""
        self._written = ""
        # What stands in the document of it: less than was written where a part was taken back.
        self._standing = ""
        self._is_taken_back = False
        self._collisions = 0
        self._begun = False
        self._lost = ""
        self._wake = asyncio.Event()
        self.opening_notes = tuple(opening_notes)

    def on_event(self, event: AnswerEvent) -> None:
        """Take one event of the model client's."""
        if isinstance(event, Started) and not self._begun:
            self._begun = True
            self._waiting = "".join([f"\n\n{MISSY}\n\n", *(f"{note(said)}\n\n" for said in self.opening_notes)])
        elif isinstance(event, TextDelta):
            self._waiting += self._lines.feed(self._filter.feed(event.text))
        self._wake.set()

    async def write(self, task: asyncio.Task[Answer]) -> None:
        """Write until the answer has ended; then say how it ended, and begin the user's next turn."""
        task.add_done_callback(lambda _: self._wake.set())
        self._session.chats_in_writing.add(self._document.uri)
        self._refresh_lenses()
        try:
            while not task.done():
                await self._wake.wait()
                self._wake.clear()
                if not task.done():
                    await self._flush()
                    await asyncio.wait([task], timeout=EDIT_EVERY_S)
                    if self._waiting:  # the user's typing was in its way
                        self._wake.set()
            await self._end(task)
        finally:
            self._session.chats_in_writing.discard(self._document.uri)
            self._document.untrack(self._tail.tracked)
            if self._heading is not None:
                self._document.untrack(self._heading)
            self._refresh_lenses()

    def _refresh_lenses(self) -> None:
        """Let the editor ask again whether there is Send or Stop."""
        if self._session.client.code_lens_refresh:
            self._session.keep(asyncio.ensure_future(self._ask_for_refresh()))

    async def _ask_for_refresh(self) -> None:
        with contextlib.suppress(ClientRefused):  # its lenses are old until the next change of the document
            await self._session.protocol.request(types.WORKSPACE_CODE_LENS_REFRESH, None, REFRESH_WITHIN_S)

    async def _end(self, task: asyncio.Task[Answer]) -> None:
        if not self._begun:
            return
        self._waiting += self._lines.feed(self._filter.finish()) + self._lines.finish()
        if self._tail.place() is None:
            self._notice_undo()
        for said in (_ending(task), TAKEN_BACK if self._is_taken_back else ""):
            if said:
                self._waiting += f"{_gap(self._standing + self._waiting)}{note(said)}"
        everything = self._written + self._waiting
        if not self._is_followed():
            self._waiting += f"{_gap(self._standing + self._waiting)}{YOU}\n\n"
        else:
            self._waiting += _gap(self._standing + self._waiting, self._behind())
        await self._flush()
        while self._waiting and not self._lost:
            await asyncio.sleep(EDIT_EVERY_S)
            await self._flush()
        if self._lost:
            self._session.show_message(
                types.MessageType.Warning,
                f"Missy: the answer could not be written into the chat. {self._lost} "
                "It is shown in a document of its own.",
            )
            await show_answer(self._session, "chat", "Chat", _answer_of(task, everything))

    async def _flush(self) -> None:
        piece = self._waiting
        if not piece or self._lost:
            return
        self._waiting = ""
        if await self._append(piece):
            self._collisions = 0
            self._written += piece
            self._standing += piece
        else:
            self._waiting = piece + self._waiting

    async def _append(self, piece: str) -> bool:
        """Write a piece behind the tail; False where that can't be now, or never, and then `_lost` says why."""
        why = ""
        for _ in range(_TRIES):
            moved = self._find_tail()
            if moved is None:
                self._lost = why or _GONE
                return False
            text = (moved + piece).replace("\n", self._line_end)
            before, version = self._document.buffer.text, self._document.version
            end = len(self._tail.original)
            landing = await land(self._session, self._tail, [Hunk(end, end, text)])
            if landing.status == "applied" or self._has_arrived(text):
                place = self._tail.tracked.span
                if self._heading is None:
                    self._follow_heading(place.end - len(text))
                self._tail.move(place)
                return True
            why = landing.message
            words = text.strip()
            is_elsewhere = bool(words) and self._document.buffer.text.count(words) > before.count(words)
            if is_elsewhere or self._document.version == version:
                self._lost = why  # a second copy would not help, and who refuses without a reason does so again
                return False
        self._collisions += 1
        if self._collisions >= _MOST_COLLISIONS:
            self._lost = why
        return False

    def _has_arrived(self, text: str) -> bool:
        """Tell whether a piece stands behind the tail, among other changes of the same moment."""
        place = self._tail.place()
        if place is None or not self._document.buffer.text.startswith(text, place.end):
            return False
        self._tail.move(Span(place.start, place.end + len(text)))
        return True

    def _find_tail(self) -> str | None:
        """Make sure of the place for the next piece: behind the tail, else at the end of the answer's own turn.

        Before the answer has a heading it is the end of the turn that was the last one at Send, as it reads now.
        Return what has to be written there first, None where there is no place any more.
        """
        if self._session.documents.get(self._document.uri) is not self._document:
            return None
        if self._heading is None:
            turn = parse_chat(self._document.buffer.text).turn_at(self._tail.tracked.span.end)
            if turn is None or turn.role != self._role:
                return None
            self._tail.move(turn.span)
            return f"\n{turn.closing}" if turn.closing else ""
        turn = self._turn()
        if turn is None:
            return None
        tail = self._tail.place()
        if tail is not None and tail.end >= turn.heading.end:
            return ""
        self._notice_undo()
        return self._go_to_end(turn)

    def _turn(self) -> Turn | None:
        """Return the answer's own turn as it stands in the document, None where its heading is gone."""
        text = self._document.buffer.text
        place = None if self._heading is None else self._heading.locate(text, MISSY)
        return next((turn for turn in parse_chat(text).turns if turn.heading == place), None)

    def _go_to_end(self, turn: Turn) -> str:
        """Move the tail behind all of the answer that stands there; return the blanks that it ended with and lost."""
        ended = self._standing.rstrip()
        if turn.span.end == turn.heading.end:
            ended = ended[: ended.find(MISSY) + len(MISSY)]
        written = self._standing[len(ended) :]
        blanks = written[: len(written) - len(written.lstrip())].replace("\n", self._line_end)
        behind = self._document.buffer.text[turn.span.end : turn.span.end + len(blanks)]
        kept = next(number for number in range(len(blanks), -1, -1) if behind.startswith(blanks[:number]))
        self._tail.move(Span(turn.span.start, turn.span.end + kept))
        return blanks[kept:].replace("\r\n", "\n")

    def _notice_undo(self) -> None:
        """See whether the answer in the document is but the beginning of what was written there."""
        turn = self._turn()
        if turn is None:
            return
        text = self._document.buffer.text[turn.heading.start : turn.span.end].replace("\r\n", "\n")
        start = self._standing.find(MISSY)
        rest = self._standing[start + len(text) :]
        if self._standing.startswith(text, start) and rest.strip():
            self._is_taken_back = True
            self._standing = self._standing[: start + len(text)] + rest[: len(rest) - len(rest.lstrip())]

    def _follow_heading(self, start: int) -> None:
        text = self._document.buffer.text
        found = text.find(MISSY, start)
        if found >= 0:
            self._heading = self._document.track(Span(found, found + len(MISSY)))

    def _behind(self) -> str:
        """Return the line ends right behind the tail, as line feeds."""
        text = self._document.buffer.text[self._tail.tracked.span.end :].replace("\r\n", "\n")
        return text[: len(text) - len(text.lstrip("\n"))]

    def _is_followed(self) -> bool:
        """Tell whether the user has begun the next turn already, behind what stands there and what is to come."""
        text, end = self._document.buffer.text, self._tail.tracked.span.end
        turns = parse_chat(f"{text[:end]}{self._waiting}{text[end:]}").turns
        return any(turn.heading.start >= end + len(self._waiting) for turn in turns)


def _ending(task: asyncio.Task[Answer]) -> str:
    """Say how an answer ended that is not whole, empty for one that is."""
    if task.cancelled():
        return "stopped before its end"
    error = task.exception()
    if isinstance(error, ModelError) and error.kind == "refused":
        return f"refused, and left out of what is sent from now on: {error.message}"
    if error is not None:
        return f"failed: {error.message if isinstance(error, MissyError) else 'the log has the details'}"
    answer = task.result()
    if answer["complete"]:
        return ""
    return "stopped before its end" if answer["stopReason"] == "cancelled" else f"cut off: {answer['stopReason']}"


def _answer_of(task: asyncio.Task[Answer], text: str) -> Answer:
    if not task.cancelled() and task.exception() is None:
        return task.result()
    shown = text.split(MISSY, 1)[-1].removesuffix(f"{YOU}\n\n")
    return {
        "id": f"chat-{id(task):x}",
        "text": shown,
        "model": "",
        "tier": "",
        "complete": False,
        "stopReason": "error",
    }


def _gap(text: str, behind: str = "") -> str:
    """Return the line ends that make a blank line behind a text, before those that stand there already."""
    return "\n" * max(0, 2 - (len(text) - len(text.rstrip("\n"))) - len(behind))
