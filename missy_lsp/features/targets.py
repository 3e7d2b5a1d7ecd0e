"""What an action works on: the selection, else the definition around the cursor, else what its kind takes."""

from __future__ import annotations

import re

import attrs

from missy_lsp.config.actions import Action
from missy_lsp.document import Snapshot, Span, split_lines
from missy_lsp.errors import ModelError, UsageError
from missy_lsp.syntax.comments import CommentInstruction, instructions_in
from missy_lsp.syntax.definitions import enclosing_definition, following_code, named_definition

_WORD = re.compile(r"\w+")


@attrs.frozen
class Target:
    """A part of a document.

    `span` is what an edit replaces, `shown` what the model is told that the request is about (None: the whole
    document); they differ where a comment that gives the instruction goes away with the change, and where the new
    text is inserted. `name` is the definition's, for titles. `instruction` is the comment's.
    """

    span: Span
    shown: Span | None
    name: str | None = None
    instruction: str = ""

    @property
    def is_insertion(self) -> bool:
        return self.span.is_empty


def resolve_target(action: Action, snapshot: Snapshot, diagnostics: tuple[Span, ...] = ()) -> Target:
    """Return what `action` works on in a document; `snapshot.span` is the user's selection or cursor.

    Raises ModelError (`invalid_request`) where there is nothing for it to work on.
    """
    if "\0" in snapshot.text:
        raise ModelError("invalid_request", "The document is not text, so there is nothing to ask about or to change.")
    if action.result == "insert above":
        return _insertion_above(action, snapshot)
    selection = _meant(action, snapshot)
    snapshot = attrs.evolve(snapshot, span=selection)
    if selection is not None and not selection.is_empty:
        return _without_comment(action, snapshot, selection)
    if action.result == "answer" and selection is not None:
        commented = commented_target(snapshot, selection)
        if commented is not None and commented.shown is not None:
            return commented
    if selection is None and not diagnostics and action.result == "replace":
        return _whole(snapshot)
    cursor = _cursor(snapshot, diagnostics)
    if action.when == "instruction":
        commented = None if selection is None else commented_target(snapshot, selection)
        return commented or Target(Span(cursor, cursor), Span(cursor, cursor))
    if action.kind == "source" and action.result == "replace":
        return _whole(snapshot)
    found = enclosing_definition(snapshot.text, cursor, snapshot.language_id) if selection or diagnostics else None
    if found is not None and snapshot.text[found.start : found.end].strip():
        return Target(found, found, named_definition(snapshot.text, found, snapshot.language_id))
    if action.result in ("answer", "new file"):
        return Target(Span(0, len(snapshot.text)), None)
    if diagnostics:
        return _lines_of(snapshot, diagnostics)
    raise ModelError(
        "invalid_request",
        "There is no definition around the cursor. Select the code to change, or put the cursor into a function.",
    )


def commented_target(snapshot: Snapshot, selection: Span) -> Target | None:
    """Return the code that a comment instruction at `selection` speaks of, None where there is no such comment.

    The comment goes away with the change; at the end of a document the new text takes its place.
    """
    found = instructions_in(snapshot.text, selection, snapshot.language_id)
    if not found:
        return None
    comment = found[0]
    code = following_code(snapshot.text, comment.span.end, snapshot.language_id)
    if comment.is_question:
        return Target(code or comment.span, code, instruction=comment.instruction)
    if code is None:
        return Target(comment.span, Span(comment.span.end, comment.span.end), instruction=comment.instruction)
    name = named_definition(snapshot.text, code, snapshot.language_id)
    return Target(Span(comment.span.start, code.end), code, name, comment.instruction)


def _meant(action: Action, snapshot: Snapshot) -> Span | None:
    """Return the selection, as a cursor where an editor only says in this way where its cursor is.

    In Helix and Kakoune a cursor is one character wide, ALE sends the word under it. A word that was selected to be
    edited by an instruction is taken as it is.
    """
    span = snapshot.span
    if span is None or span.is_empty:
        return span
    selected = snapshot.selected
    if len(selected) == 1 or selected == "\r\n":
        return Span(span.start, span.start)
    before = snapshot.text[max(0, span.start - 1) : span.start]
    after = snapshot.text[span.end : span.end + 1]
    is_word = _WORD.fullmatch(selected) and not _WORD.match(before) and not _WORD.match(after)
    if is_word and action.when != "instruction":
        return Span(span.start, span.start)
    return span


def _without_comment(action: Action, snapshot: Snapshot, selection: Span) -> Target:
    """Take the selection; a comment instruction at its head is no part of what is shown."""
    name = named_definition(snapshot.text, selection, snapshot.language_id)
    if action.when == "instruction":
        for comment in instructions_in(snapshot.text, selection, snapshot.language_id):
            if _heads(comment, snapshot, selection):
                if comment.span.end >= selection.end:
                    return commented_target(snapshot, selection) or Target(selection, selection)
                code = Span(comment.span.end, selection.end)
                return Target(Span(comment.span.start, selection.end), code, name, comment.instruction)
    if not snapshot.selected.strip() and action.result == "replace" and action.when != "instruction":
        raise UsageError("The selection is blank. Select the code to change.")
    return Target(selection, selection, name)


def _heads(comment: CommentInstruction, snapshot: Snapshot, selection: Span) -> bool:
    before = snapshot.text[min(selection.start, comment.span.start) : max(selection.start, comment.span.start)]
    return comment.span.start <= selection.end and not before.strip()


def _insertion_above(action: Action, snapshot: Snapshot) -> Target:
    if action.when == "commit":
        return Target(Span(0, 0), None)
    selection = snapshot.span or Span(0, 0)
    found = selection
    if selection.is_empty:
        found = enclosing_definition(snapshot.text, selection.start, snapshot.language_id) or selection
    start = _line_start(snapshot.text, found.start)
    shown = found if not found.is_empty else None
    return Target(Span(start, start), shown, named_definition(snapshot.text, found, snapshot.language_id))


def _whole(snapshot: Snapshot) -> Target:
    if not snapshot.text.strip() and snapshot.span is not None:
        raise ModelError("invalid_request", "The document is empty: there is nothing to change.")
    return Target(Span(0, len(snapshot.text)), Span(0, len(snapshot.text)))


def _cursor(snapshot: Snapshot, diagnostics: tuple[Span, ...]) -> int:
    if snapshot.span is not None and not diagnostics:
        return snapshot.span.start
    return min((span.start for span in diagnostics), default=0)


def _lines_of(snapshot: Snapshot, spans: tuple[Span, ...]) -> Target:
    """Take the whole lines from the first to the last of some places."""
    start = _line_start(snapshot.text, min(span.start for span in spans))
    last = max(span.end for span in spans)
    rest = split_lines(snapshot.text[max(start, last) :])[0] if last < len(snapshot.text) else ""
    if last > start and snapshot.text[last - 1] == "\n":
        rest = ""
    whole = Span(start, max(start, last) + len(rest))
    return Target(whole, whole)


def _line_start(text: str, offset: int) -> int:
    return max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1
