"""A chat as a Markdown document: its turns by the headings `## You` and `## Missy` (contract 3.3).

The document is the whole history. What a model writes can't make a turn of its own: a line of its that would be
one of the headings is written with a backslash, which Markdown does not show.
"""

from __future__ import annotations

import re
from typing import Literal

import attrs

from missy_lsp.document import Span, split_lines
from missy_lsp.features.chat_fences import Fence

Role = Literal["user", "assistant"]

SUFFIX = ".missy.md"
YOU = "## You"
MISSY = "## Missy"

# In ASCII: else the long s (U+017F) is an s where case does not matter.
_PLAIN = re.IGNORECASE | re.ASCII
_HEADING = re.compile(r" {0,3}##[ \t]+(you|missy)[ \t]*(?:[ \t]#+[ \t]*)?", _PLAIN)
_ESCAPED = re.compile(r"( {0,3})\\(\\*##[ \t]+(?:you|missy)[ \t]*(?:[ \t]#+[ \t]*)?|\\*\*\(missy: .*)", _PLAIN)
_BLANK_START = re.compile(r"\A(?:[ \t]*(?:\r\n|\r|\n))+")
_NOTE = re.compile(r"\*\(missy: (.*)\)\*[ \t]*")
_ROLES: dict[str, Role] = {"you": "user", "missy": "assistant"}


@attrs.frozen
class Turn:
    """One turn: `span` goes from its heading to the last of its text, `heading` is the heading's line without its end.

    `text` is what goes to a model: without our notes and without backslashes of ours. `notes` are what we have
    written about it. `closing` is the line that ends a fence which the turn leaves open, empty where there is none.
    """

    role: Role
    heading: Span
    span: Span
    body: Span
    text: str
    notes: tuple[str, ...] = ()
    closing: str = ""

    @property
    def is_refused(self) -> bool:
        return any(note.startswith("refused") for note in self.notes)


@attrs.frozen
class ChatDocument:
    """What a chat document holds; `front` is the text between the two lines `---` at its head, None without them.

    `front_line` is the line on which `front` begins; `unclosed_front` tells of a first line `---` that nothing ends.
    """

    turns: tuple[Turn, ...]
    front: str | None = None
    front_span: Span | None = None
    unclosed_front: bool = False

    @property
    def question(self) -> Turn | None:
        """Return the turn that can be sent: the user's last one, where no answer follows it."""
        for turn in reversed(self.turns):
            if turn.role == "user" and turn.text:
                return turn
            if turn.role == "assistant" and turn.text:
                return None
        return None

    def turn_at(self, offset: int) -> Turn | None:
        """Return the turn that an offset is in or behind."""
        before = [turn for turn in self.turns if turn.heading.start <= offset]
        return before[-1] if before else None


def is_chat(uri: str) -> bool:
    """Tell whether a document is a chat, by its name."""
    return uri.lower().endswith(SUFFIX)


def parse_chat(text: str) -> ChatDocument:
    """Read a chat document; never fails. Text above the first heading belongs to no turn."""
    lines = split_lines(text)
    front, front_end, first = _front(lines)
    starts: list[int] = []
    offset = sum(map(len, lines[:first]))
    headings: list[tuple[int, Role]] = []
    fence = Fence()
    for number, raw in enumerate(lines[first:], first):
        starts.append(offset)
        line = raw.rstrip("\r\n")
        if not fence.takes(line) and (found := _HEADING.fullmatch(line)):
            headings.append((number, _ROLES[found[1].lower()]))
            fence = Fence()
        offset += len(raw)
    starts.append(offset)
    turns = []
    for index, (number, role) in enumerate(headings):
        following = headings[index + 1][0] if index + 1 < len(headings) else len(lines)
        turns.append(_turn(role, text, starts[number - first], starts[following - first], lines[number]))
    front_span = Span(0, front_end) if front is not None else None
    return ChatDocument(tuple(turns), front, front_span, unclosed_front=front is None and first > 0)


def escaped_line(line: str) -> str:
    """Return a line of a model's so that it is neither a heading of ours nor a note of ours."""
    content = line.rstrip("\r\n")
    if _HEADING.fullmatch(content) or _NOTE.fullmatch(content) or _ESCAPED.fullmatch(content):
        indent = len(content) - len(content.lstrip(" "))
        return f"{line[:indent]}\\{line[indent:]}"
    return line


def note(sentence: str) -> str:
    """Return a line that tells the user something about a turn; it never goes to a model."""
    return f"*(missy: {' '.join(sentence.split()).replace(')*', ') *')})*"


class ReplyLines:
    """A model's text as lines of a chat document, piece by piece: nothing in it can be a heading of ours.

    The start of a line that may still become a heading, a note or a fence is held back.
    """

    def __init__(self) -> None:
        self._fence = Fence()
        self._rest = ""
        self._line = ""
        self._carriage = ""

    def feed(self, text: str) -> str:
        """Take more text and return what can be written now."""
        text = self._carriage + text
        self._carriage = "\r" if text.endswith("\r") else ""  # a line feed may follow, and they are one line end
        return self._take(text.removesuffix("\r").replace("\r\n", "\n").replace("\r", "\n"))

    def _take(self, text: str) -> str:
        *whole, self._rest = split_lines(self._rest + text)
        written = []
        for line in whole:
            written.append(self._finished(line))
        if self._rest and (self._line or self._is_plain(self._rest)):
            self._line += self._rest
            written.append(self._rest)
            self._rest = ""
        return "".join(written)

    def finish(self) -> str:
        """Return what was held back; an open fence is closed, or it would hold all that follows it."""
        last = self._take("\n") if self._carriage else ""
        last += self._finished(self._rest) if self._rest or self._line else ""
        self._rest = self._carriage = ""
        return f"{last}\n{self._fence.closing}" if self._fence.closing else last

    def _finished(self, line: str) -> str:
        whole = self._line + line
        is_begun, self._line = bool(self._line), ""
        if self._fence.takes(whole.rstrip("\n")) or is_begun:
            return line
        return escaped_line(line)

    def _is_plain(self, begun: str) -> bool:
        head = begun.lstrip(" \t>")
        return len(head) > 12 and not re.match(r"[#`~*\\+\-\d]", head)


def _turn(role: Role, text: str, start: int, end: int, heading: str) -> Turn:
    body_start = start + len(heading)
    body = text[body_start:end]
    last = body_start + len(body.rstrip()) if body.strip() else start + len(heading.rstrip("\r\n"))
    notes: list[str] = []
    kept, fence = [], Fence()
    for line in split_lines(body):
        content = line.rstrip("\r\n")
        is_ours = not fence.takes(content) and role == "assistant"
        if is_ours and (found := _NOTE.fullmatch(content)):
            notes.append(found[1])
        elif is_ours and (unescaped := _ESCAPED.fullmatch(content)):
            kept.append(f"{unescaped[1]}{unescaped[2]}{line[len(content) :]}")
        else:
            kept.append(line)
    heading_span = Span(start, start + len(heading.rstrip("\r\n")))
    return Turn(
        role,
        heading_span,
        Span(start, last),
        Span(min(body_start, last), last),
        _BLANK_START.sub("", "".join(kept)).rstrip(),
        tuple(notes),
        fence.closing,
    )


def _front(lines: list[str]) -> tuple[str | None, int, int]:
    """Return the front matter, the offset of its end and the number of the first line behind it."""
    if lines[0].rstrip() != "---":
        return None, 0, 0
    for number, line in enumerate(lines[1:], 1):
        if line.rstrip() == "---":
            return "".join(lines[1:number]), sum(map(len, lines[: number + 1])), number + 1
        if _HEADING.fullmatch(line.rstrip("\r\n")):
            break
    return None, 0, 1
