"""Suggestions at the cursor: what the model is shown, what of its reply is suggested, where that ends.

A reply has the form of an edit (`replies.py`): it gives the whole line of the cursor, so that nothing has to be guessed
about where it begins and how deep it is indented. One that does not begin with what stands there is no suggestion.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from missy_lsp.characters import invisible_characters
from missy_lsp.document import Snapshot, Span, split_lines
from missy_lsp.features.context import excerpt, tagged
from missy_lsp.features.fitting import fit
from missy_lsp.features.material import system_blocks
from missy_lsp.features.outgoing import stretch_around, without_invisible
from missy_lsp.features.replies import ReplyFault, read_replacement
from missy_lsp.llm.types import Message, Prompt, TextBlock
from missy_lsp.outbound.redaction import Redacted, RestoreFault, restore
from missy_lsp.prompts.loading import load
from missy_lsp.syntax.indentation import Outline

MAX_SHOWN_TOKENS = 2_000
MAX_OUTPUT_TOKENS = 400
_AROUND_CHARACTERS = 1_000
_OPENERS = {")": "(", "]": "[", "}": "{"}


@attrs.frozen
class Suggestion:
    """A text to be inserted, empty where the model has none, and the place that it was made for.

    The place is told by what stands around it, as far as anybody looks: `before` and `after` are its nearest
    characters, `offset` and `behind` how many there are before and after it.
    """

    text: str
    model: str
    offset: int
    behind: int
    before: str
    after: str

    @classmethod
    def at(cls, text: str, model: str, document: str, offset: int) -> Suggestion:
        before = document[max(0, offset - _AROUND_CHARACTERS) : offset]
        after = document[offset : offset + _AROUND_CHARACTERS]
        return cls(text, model, offset, len(document) - offset, before, after)

    def rest(self, document: str, offset: int) -> str | None:
        """Return what is left of it where its beginning was typed, None where it is for another place or all typed."""
        typed = document[self.offset : offset]
        is_here = offset >= self.offset and len(document) - offset == self.behind
        if not is_here or not self.text.startswith(typed) or (typed and typed == self.text):
            return None
        if not document.startswith(self.after, offset) or not document.endswith(self.before, 0, self.offset):
            return None
        return self.text[len(typed) :]


@attrs.frozen
class CompletionTarget:
    """A cursor: the offset `at` in `text`, a stretch of the document; `shown` is what is sent, with `mark` there."""

    text: str
    at: int
    language_id: str
    shown: str
    mark: str
    redacted: Redacted

    @property
    def line(self) -> Span:
        """Return the line of the cursor, without its end."""
        ends = [place for end in "\r\n" if (place := self.text.find(end, self.at)) >= 0]
        start = max(self.text.rfind("\n", 0, self.at), self.text.rfind("\r", 0, self.at)) + 1
        return Span(start, min(ends, default=len(self.text)))

    @property
    def head(self) -> str:
        """Return what stands before the cursor on its line."""
        return self.text[self.line.start : self.at]

    @property
    def tail(self) -> str:
        """Return what stands behind the cursor on its line."""
        return self.text[self.at : self.line.end]


def completion_target(snapshot: Snapshot, offset: int, *, redact: bool = True) -> CompletionTarget | None:
    """Return what there is to complete at a place of a document; None where nothing is suggested.

    That is in front of a word or of all code of a line, within or right behind a secret, on a line too long to be sent,
    and in a document without text.
    """
    stretch = stretch_around(snapshot.text, Span(offset, offset), redact=redact)
    at, sent, place = stretch.span.start, stretch.redacted.text, stretch.sent_span.start
    is_in_secret = any(secret.start < at <= secret.end for secret in stretch.redacted.replacements)
    if is_in_secret or not stretch.text.strip():
        return None
    mark = "<|cursor|>"
    while mark in sent:
        mark = mark.replace("|>", "-|>")
    marked = attrs.evolve(snapshot, text=sent[:place] + mark + sent[place:], span=Span(place, place))
    shown = excerpt(marked, MAX_SHOWN_TOKENS).text
    target = CompletionTarget(stretch.text, at, snapshot.language_id, shown, mark, stretch.redacted)
    is_before_code = target.tail.strip() and not target.head.strip()
    is_before_word = target.tail[:1].isalnum() or target.tail[:1] == "_"
    return None if is_before_code or is_before_word or mark not in shown else target


def completion_prompt(target: CompletionTarget, max_lines: int) -> Prompt:
    """Return what is asked of the model. The project's conventions are left out: it would cost more than all else."""
    lines = "Only this one line." if target.tail.strip() else f"At most {max_lines} lines."
    asked = f"{load('completion')}\n\nThe mark: `{target.mark}`. {lines}"
    blocks = (TextBlock(tagged("document", target.shown, language=target.language_id)), TextBlock(asked))
    return without_invisible(Prompt(system=system_blocks(""), messages=(Message("user", blocks),)))[0]


def read_completion(target: CompletionTarget, reply: str, max_lines: int) -> str:
    """Return what is to be inserted at the cursor, empty where a reply gives nothing that can be."""
    found = read_replacement(reply, original=target.text[target.line.start : target.line.end])
    if isinstance(found, ReplyFault):
        return ""
    text = restore(found.text, target.redacted)
    if isinstance(text, RestoreFault) or target.mark in text:
        return ""
    said = _behind_head(target, text)
    if said is None or invisible_characters(said):
        return ""
    if target.tail.strip():
        said = _without_tail(split_lines(said)[0].rstrip("\r\n"), target.tail)
        return said if said.strip() else ""
    return "".join(_first_piece(target, said, max_lines)).rstrip()


def _behind_head(target: CompletionTarget, text: str) -> str | None:
    """Return what a reply adds to the beginning of the line, fitted to the document; None where it begins otherwise."""
    if target.head.strip():
        fitted = fit(target.text, target.line.start, target.line.end, text)
        return fitted[len(target.head) :] if fitted.startswith(target.head) else None
    lines = text.lstrip("\r\n").split("\n")
    given = lines[0][: len(lines[0]) - len(lines[0].lstrip())]
    if given != target.head and target.head.startswith(given):
        lines[0] = lines[0].lstrip()  # the cursor stands deeper already
    return fit(target.text, target.at, target.at, "\n".join(lines))


def _without_tail(said: str, tail: str) -> str:
    """Return what a reply adds before the end of the line, which it has repeated.

    What closes a bracket that the addition opens is not that end, though it may look like it.
    """
    for repeated in (tail.rstrip(), tail.strip()):
        if said.rstrip().endswith(repeated):
            cut = said.rstrip()[: -len(repeated)]
            return said if _unclosed(cut) > _unclosed(said) else cut
    return said


def _first_piece(target: CompletionTarget, said: str, max_lines: int) -> Sequence[str]:
    """Return the lines up to a sensible end: of the statement or block that the line begins, before a blank line.

    Behind a line that is whole already, say a comment, that is the statement or the lines which follow it.
    """
    outline = Outline.of(target.head + said, target.language_id)
    rows, added = outline.table.lines, split_lines(said)
    goes_on = target.head.strip() and (added[0].strip() or outline.heads_block(0))
    first = 0 if goes_on or not target.head.strip() else 1
    if first >= len(rows) or (first == 1 and outline.table.is_blank(1)):
        return ()
    last = outline.last_of_block(0) if goes_on else outline.statement_at(first)
    end = next((row for row in range(max(first, 1), last + 1) if outline.table.is_blank(row)), last + 1)
    below = [line.rstrip() for line in split_lines(target.text[target.line.end :])[1:]]
    while below and not below[0]:
        below.pop(0)
    for row in range(1 if target.head.strip() else 0, min(end, max_lines)):
        # What it goes on with stands there already.
        repeated = [line.rstrip() for line in rows[row : min(end, max_lines)]][: len(below)]
        if repeated and repeated == below[: len(repeated)]:
            end = row
            break
    return added[: min(end, max_lines)]


def _unclosed(text: str) -> int:
    """Count the brackets that a text opens and does not close."""
    opened: list[str] = []
    for character in text:
        if character in _OPENERS.values():
            opened.append(character)
        elif opened and opened[-1] == _OPENERS.get(character):
            opened.pop()
    return len(opened)
