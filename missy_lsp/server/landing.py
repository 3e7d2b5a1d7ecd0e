"""Put a proposed change into the editor's document, and find out whether it is there.

What the editor says of it is not believed: Neovim says yes to an edit that it refused, others apply one that is
out of date (editors.md, 3.2). The text that comes back decides. Nothing is sent unless the text that the proposal
was made for stands at its place at that moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

import attrs
from lsprotocol import types

from missy_lsp.document import Span
from missy_lsp.errors import ModelError
from missy_lsp.features.hunks import Hunk, apply
from missy_lsp.server.edit_shapes import text_edits, workspace_edit
from missy_lsp.server.protocol import ClientRefused

if TYPE_CHECKING:
    from missy_lsp.server.documents import OpenDocument
    from missy_lsp.server.session import Session
    from missy_lsp.tracking import TrackedSpan

Outcome = TypeVar("Outcome")
LandingStatus = Literal["applied", "refused", "conflict"]

REPLY_WITHIN_S = 20.0
TEXT_WITHIN_S = 3.0
REFUSED_TEXT_WITHIN_S = 0.2  # an editor that says no may have applied it all the same
_TRIES = 3

CLOSED = "The document was closed, so nothing was applied. The result is kept: missy.result has its text for an hour."
OVERLAP = (
    "The code that this change was made for has changed meanwhile, so nothing was applied. The result is kept: look at "
    "the diff, undo your change to accept it, or retry."
)
NO_APPLY = (
    "The editor does not let a server change a document. Choose Accept from the code actions there, which carries the "
    "change itself."
)


class Landable(Protocol):
    """A text at a followed place of an open document, to which hunks can be applied."""

    tracked: TrackedSpan
    original: str

    @property
    def title(self) -> str: ...

    @property
    def uri(self) -> str: ...

    @property
    def document(self) -> OpenDocument: ...

    def place(self) -> Span | None: ...


@attrs.define(eq=False)
class TrackedText:
    """A text that is followed from now on: for a change of it that nobody reviews, or to ask about it again."""

    document: OpenDocument
    tracked: TrackedSpan
    original: str
    title: str

    @property
    def uri(self) -> str:
        return self.document.uri

    def place(self) -> Span | None:
        return self.tracked.locate(self.document.buffer.text, self.original)

    def let_go(self) -> None:
        """Follow it no longer."""
        self.document.untrack(self.tracked)


@attrs.frozen
class Landing:
    """What became of a change, with a sentence for the user where it did not go as wanted."""

    status: LandingStatus
    message: str = ""


class Lands(Protocol):
    """A change that is applied at this moment, or not."""

    @property
    def is_landing(self) -> bool: ...


def refuse_while_landing(change: Lands) -> None:
    """Raise ModelError (`invalid_request`, retryable) for a change that is being applied: it is decided on already."""
    if change.is_landing:
        raise ModelError(
            "invalid_request",
            "This change is being applied at this moment. Wait until that has ended; undo takes it back.",
            retryable=True,
        )


async def to_its_end(session: Session, work: Coroutine[Any, Any, Outcome]) -> Outcome:
    """Do what must not be left half done, and return what came of it, whatever cancels the request meanwhile.

    What has begun to change the editor's text can't be taken back, so that its answer is what really happened. Only
    the end of the server ends it: then CancelledError is raised.
    """
    task = asyncio.get_running_loop().create_task(work)
    session.keep(task)
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            continue
    return task.result()


async def land(session: Session, edit: Landable, chosen: Sequence[Hunk]) -> Landing:
    """Apply hunks of a proposal to its document and verify it by the text that the editor sends back.

    A later change of the document is no obstacle while it does not touch the place. What was applied becomes the
    text that the rest of the proposal stands on.
    """
    if not session.client.apply_edit:
        return Landing("refused", NO_APPLY)
    landing = Landing("refused")
    for _ in range(_TRIES):
        place = edit.place()
        if session.documents.get(edit.uri) is not edit.document:
            return Landing("conflict", CLOSED)
        if place is None:
            return Landing("conflict", OVERLAP)
        version = edit.document.version
        landing = await _Attempt(session, edit, place, chosen).run()
        # An editor that said no, and for a document that has moved on since, is asked again with the new version.
        if landing.status != "refused" or edit.document.version == version:
            break
    return landing


class _Attempt:
    """One workspace/applyEdit for one version of the document."""

    def __init__(self, session: Session, edit: Landable, place: Span, chosen: Sequence[Hunk]) -> None:
        self._session = session
        self._edit = edit
        self._place = place
        self._chosen = chosen
        self._result = apply(edit.original, chosen)
        self._before = edit.document.buffer.text
        self._expected = self._before[: place.start] + self._result + self._before[place.end :]
        self._arrived: asyncio.Event = asyncio.Event()

    async def run(self) -> Landing:
        document = self._edit.document
        params = {
            "label": f"Missy: {self._edit.title}",
            "edit": workspace_edit(
                self._session.client, document, text_edits(document.buffer, self._place.start, self._chosen)
            ),
        }
        document.on_change.append(self._look)
        try:
            refusal = await self._reply_or_text(params)
            await self._wait_for_text(TEXT_WITHIN_S if refusal is None else REFUSED_TEXT_WITHIN_S)
            return self._verdict(refusal)
        finally:
            document.on_change.remove(self._look)

    async def _reply_or_text(self, params: object) -> str | None:
        """Return what the editor says, or None as soon as its text says that the change is there: some never answer."""
        asked = asyncio.ensure_future(self._ask(params))
        arrived = asyncio.ensure_future(self._arrived.wait())
        try:
            await asyncio.wait([asked, arrived], return_when=asyncio.FIRST_COMPLETED)
            return asked.result() if asked.done() else None
        finally:
            asked.cancel()
            arrived.cancel()

    async def _ask(self, params: object) -> str | None:
        """Return None where the editor says that it applied the edit, else why it did not."""
        try:
            reply = await self._session.protocol.request(types.WORKSPACE_APPLY_EDIT, params, REPLY_WITHIN_S)
        except ClientRefused as refusal:
            return str(refusal)
        if not isinstance(reply, dict):
            return None if reply is None else "its answer has no known shape"
        if reply.get("applied") is True:
            return None
        return str(reply.get("failureReason") or "it gave no reason")[:200]

    async def _wait_for_text(self, within_s: float) -> None:
        try:
            await asyncio.wait_for(self._arrived.wait(), within_s)
        except TimeoutError:
            return

    def _look(self, document: OpenDocument) -> None:
        """See whether the change has arrived; from that moment on the rest of the proposal stands on it."""
        if self._arrived.is_set() or document.buffer.text != self._expected:
            return
        self._arrived.set()
        self._settle(Span(self._place.start, self._place.start + len(self._result)))

    def _settle(self, place: Span) -> None:
        edit = self._edit
        edit.document.untrack(edit.tracked)
        edit.tracked = edit.document.track(place)
        edit.original = self._result

    def _is_untouched(self) -> bool:
        return self._edit.document.buffer.text == self._before

    def _verdict(self, refusal: str | None) -> Landing:
        if self._arrived.is_set():
            return Landing("applied")
        if self._session.documents.get(self._edit.uri) is not self._edit.document:
            return Landing("conflict", CLOSED)
        found = self._edit.tracked.locate_new(self._edit.document.buffer.text, self._result)
        if self._edit.place() is None and found is not None and self._result != self._edit.original:
            # Something else was typed in the same moment; the change itself is where it belongs.
            self._settle(found)
            return Landing("applied")
        if self._edit.place() is not None and refusal is None and not self._is_untouched():
            return Landing(
                "conflict",
                "The editor changed the document, but not where this change belongs. Look at it: one undo takes that "
                "back. The result is kept; accept it again.",
            )
        if self._edit.place() is not None:
            why = refusal or "it said that the change was applied, but its text is as before"
            return Landing(
                "refused", f"The editor did not apply the change: {why}. The result is kept; accept it again."
            )
        return Landing(
            "conflict",
            "The document changed in the same moment, and its text is not what was expected. Look at it: one undo "
            "takes the change back. The result is kept.",
        )
