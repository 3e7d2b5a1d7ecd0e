"""What of a text a model may see: secrets are found in the whole of it, and only then are lines chosen and cut.

The other way round a secret would lose what it is known by: its beginning, its end, the name before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import attrs

from missy_lsp.characters import strip_invisible
from missy_lsp.document import Span, split_lines
from missy_lsp.features.text_forms import BYTE_ORDER_MARK
from missy_lsp.outbound.redaction import Redacted, Replacement, redact_secrets

# A secret that an excerpt cuts is known where this much of the text around it is looked at as well: the longest kind is
# a private key (outbound/private_keys.py).
MARGIN = 64 * 1024


class Line(NamedTuple):
    """One line to show, without its end: it stands for the lines `first` to `last` (1-based) of the original."""

    first: int
    last: int
    text: str


@attrs.frozen
class Covered:
    """A text with placeholders for its secrets, by lines; `keep` it in the veil if any of them is shown."""

    redacted: Redacted
    lines: list[Line]

    def between(self, first: int, last: int | None) -> list[Line]:
        """Return the lines that stand for any of the original's lines from `first` to `last`."""
        return [line for line in self.lines if line.last >= first and (last is None or line.first <= last)]


class Veil:
    """The placeholders of one request: `done` are the texts that went out with some, the same secret keeps its own.

    One that hides nothing is for requests that the user wants as they are (`privacy.redact_secrets`).
    """

    def __init__(self, earlier: tuple[Redacted, ...] = (), *, hides: bool = True) -> None:
        self.done = earlier
        self._hides = hides

    def keep(self, redacted: Redacted) -> None:
        """Note that a text is shown, so that its placeholders keep their meaning."""
        if redacted.replacements:
            self.done = (*self.done, redacted)

    def cover(self, text: str, start: int = 0, end: int | None = None, number: int = 1) -> Covered:
        """Return the lines from the offset `start`, where the line `number` begins, to `end`, of a text seen whole.

        A secret that begins before `start` brings its lines along; one that goes on behind `end` is left out.
        """
        redacted, at = self._redacted(text), 0
        if start or end is not None:  # offsets in the text without what nobody sees
            start, end = self._length(text, start), self._length(text, len(text) if end is None else end)
            at = redacted.span_of(Span(start, max(start, end))).start
            at = max(redacted.text.rfind("\n", 0, at), redacted.text.rfind("\r", 0, at)) + 1
            stop = redacted.span_of(Span(end, end)).start
        else:
            stop = len(redacted.text)
        replacements = [each for each in redacted.replacements if at <= each.at < stop]
        cut = (each for each in replacements if each.start < start)
        number -= sum(_line_ends(each.secret.reveal()[: start - each.start]) for each in cut)
        return Covered(redacted, list(_lines(redacted.text[at:stop], at, replacements, number)))

    def in_place(self, text: str) -> str:
        """Return a text of as many lines as the original, to be looked at and not to be edited."""
        redacted = self._redacted(text)
        self.keep(redacted)
        pieces: list[str] = []
        last = 0
        for each in redacted.replacements:
            pieces += (redacted.text[last : each.end_at], "\n" * _line_ends(each.secret.reveal()))
            last = each.end_at
        return "".join([*pieces, redacted.text[last:]])

    def _redacted(self, text: str) -> Redacted:
        if not self._hides:
            return Redacted(text)
        return redact_secrets(strip_invisible(text.removeprefix(BYTE_ORDER_MARK))[0], self.done)

    def _length(self, text: str, end: int) -> int:
        return len(strip_invisible(text[:end].removeprefix(BYTE_ORDER_MARK))[0]) if self._hides else end


def _lines(text: str, offset: int, replacements: list[Replacement], number: int) -> Iterator[Line]:
    """Yield the lines of a redacted text that begins at `offset` of the whole one."""
    lines = split_lines(text)
    if lines[-1] == "":
        lines.pop()
    waiting = iter(replacements)
    following = next(waiting, None)
    for line in lines:
        offset += len(line)
        last = number
        while following is not None and following.at < offset:
            last += _line_ends(following.secret.reveal())
            following = next(waiting, None)
        yield Line(number, last, line.rstrip("\r\n"))
        number = last + 1


def _line_ends(text: str) -> int:
    return len(split_lines(text)) - 1
