"""Changes that a model proposed and the user has not decided on: where they stand now, and what they hold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from missy_lsp.document import Span
from missy_lsp.errors import ModelError
from missy_lsp.llm.types import TIERS, Tier

if TYPE_CHECKING:
    from missy_lsp.features.edits import Proposal
    from missy_lsp.server.arguments import RunActionArguments
    from missy_lsp.server.documents import OpenDocument
    from missy_lsp.tracking import TrackedSpan

KEPT_MOST = 100


@attrs.define(eq=False)
class PendingEdit:
    """A proposal for one place of one open document; `original` is the text that it was made for.

    `new_file` is where a new file would be written; such a proposal replaces nothing. `draft` is the file in which
    the user may edit the proposal before accepting it. `forget` stops the time-out. `group` is the id of the change of
    several files that it is one of; that one has the arguments.
    """

    id: str
    title: str
    document: OpenDocument
    tracked: TrackedSpan
    original: str
    proposal: Proposal
    tier: Tier
    provider: str
    arguments: RunActionArguments | None
    new_file: Path | None = None
    group: str | None = None
    draft: Path | None = None
    draft_text: str = ""
    is_landing: bool = False
    forget: Callable[[], None] = attrs.field(default=lambda: None)

    @property
    def uri(self) -> str:
        return self.document.uri

    @property
    def tier_above(self) -> Tier | None:
        place = TIERS.index(self.tier) + 1
        return TIERS[place] if place < len(TIERS) else None

    def place(self) -> Span | None:
        """Return where the text that the proposal replaces stands now; None where it is no longer there."""
        return self.tracked.locate(self.document.buffer.text, self.original)

    def was_applied(self) -> bool:
        """Tell whether the document has the proposed text in its place: an editor that applied it by itself."""
        if self.new_file is not None or self.is_landing or self.place() is not None:
            return False
        return self.tracked.locate_new(self.document.buffer.text, self.proposal.new_text) is not None

    def shown_at(self) -> Span:
        """Return where the proposal is shown to be: its place, or what is left of it."""
        return self.place() or self.tracked.span


class PendingEdits:
    """The proposals of one session by id."""

    def __init__(self) -> None:
        self._edits: dict[str, PendingEdit] = {}
        self._due: set[str] = set()

    def add(self, edit: PendingEdit) -> PendingEdit | None:
        """Keep a proposal; return the oldest one, of those that are not being applied, where it had to go for it."""
        self._edits[edit.id] = edit
        if len(self._edits) <= KEPT_MOST:
            return None
        oldest = next((kept for kept in self._edits.values() if not kept.is_landing), edit)
        self.remove(oldest)
        return oldest

    def get(self, edit_id: str) -> PendingEdit:
        """Return a proposal. Raises ModelError (`invalid_request`) for an id that is not among them."""
        edit = self._edits.get(edit_id)
        if edit is None:
            raise ModelError(
                "invalid_request",
                "There is no pending change with this id: it was accepted, discarded, or its document was closed. "
                "missy.result still has its text for an hour.",
            )
        return edit

    def has(self, edit: PendingEdit) -> bool:
        return self._edits.get(edit.id) is edit

    def remove(self, edit: PendingEdit) -> None:
        """Let go of a proposal and of what follows its document."""
        if self._edits.pop(edit.id, None) is not None:
            edit.document.untrack(edit.tracked)
            edit.forget()

    def marks_fall_due(self, document: OpenDocument) -> bool:
        """Note that the marks of a document have to move; return whether nobody had noted it yet."""
        if document.uri in self._due:
            return False
        self._due.add(document.uri)
        return True

    def marks_are_set(self, document: OpenDocument) -> None:
        self._due.discard(document.uri)

    def on_document(self, document: OpenDocument) -> list[PendingEdit]:
        return [edit for edit in self._edits.values() if edit.document is document]
