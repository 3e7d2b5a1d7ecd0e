"""What a model wrote, as Markdown in which nothing is live: no link, no image, no HTML, at any moment of a stream."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from missy_lsp.characters import strip_invisible
from missy_lsp.markdown.checking import CheckedWriter
from missy_lsp.markdown.cost import WHOLE_COST, LineCosts, line_cost
from missy_lsp.markdown.parsing import Block, Document
from missy_lsp.markdown.pieces import Text, clean_text, pieces_of, plain_words, visible_code
from missy_lsp.markdown.writing import OpenFence

_SURROGATES = re.compile("[\ud800-\udfff]")
# They stand for what was given out of the open block: words of a first line, of a later one, an item of a list.
_FIRST_LINE = "x "
_LATER_LINE = "x\nx "
_ITEM = "x\n"
_OPEN_SIGNS = re.compile(r"[`~|]|(?<! )\*|\*(?! )|(?<![^\W_])_|_(?![^\W_])")
# A word that begins a line of text, not a rule, an underline or the mark of a list with nothing behind it.
_FIRST_WORD = re.compile(r"\s*(?!\d+[.)]\s*$)\S*[^\W_]")
_ALWAYS_SHOWN = frozenset("!\"#$%'()+,-./:;<=>?@]^`{|}")
_MAX_PREVIEW_COST = 20_000
_ALWAYS_TRIED = 1_000
_GROWTH = 2.0
_UNPARSED_FENCE = "`" * 8


def filter_markdown(text: str, limit: int | None = None) -> str:
    """Return a model's Markdown without links, images and HTML; of a longer text the first `limit` characters.

    Filtering the result again changes nothing. What `MarkdownFilter` gives out piece by piece is the same text.
    """
    stream = MarkdownFilter()
    if limit is None or len(text) <= limit:
        return stream.feed(text) + stream.finish()
    return f"{stream.feed(text[:limit])}{stream.finish()}\n\n…"


class MarkdownFilter:
    """Filters Markdown while it arrives: what has been given out is safe at any moment, and is never taken back.

    A block is given out when its end is known; a fence by lines, a list by items, a paragraph by words until one
    has a mark whose meaning is still open. Text beyond `WHOLE_COST`, more than a model's longest answer, is shown as
    code and not parsed.
    """

    def __init__(self) -> None:
        self._writer = CheckedWriter()
        self._costs = LineCosts()
        self._lines: list[str] = []  # complete lines from the beginning of the open block on, without their ends
        self._partial: list[str] = []  # pieces of the line that has not ended
        self._size = 0  # of `_lines` and `_partial`
        self._retry_size = 0  # from which on it is worthwhile to look at them again
        self._held = ""  # a \r whose \n may follow
        self._has_begun = False
        self._separator = ""  # what stands between what was given out and the next block
        self._context = ""  # stands for the part of the open block that was given out
        self._is_paragraph = True  # whether the open block may be one
        self._list_mark = ""  # the mark of the list that was written last, if nothing followed it
        self._fence: OpenFence | None = None
        self._is_spent = False  # what follows is shown without being parsed
        self._is_unparsed = False  # and its fence is open

    def feed(self, text: str) -> str:
        """Take the next piece of a text and return what can be given out now."""
        text = self._held + text
        self._held = "\r" if text.endswith("\r") else ""
        text = _normalized(text.removesuffix("\r"))
        *lines, partial = text.split("\n")
        self._size += len(text)
        if not lines:
            self._partial.append(partial)
            return self._words()
        lines[0] = "".join([*self._partial, lines[0]])
        self._partial = [partial]
        return self._take(lines, is_final=False) + self._words()

    def finish(self) -> str:
        """Return the rest; nothing may be fed after it."""
        partial = "".join(self._partial)
        self._partial = []
        given = self._take([partial] if partial else [], is_final=True)
        if self._fence is not None:
            return f"{given}\n{self._fence.marker}"
        return f"{given}\n{_UNPARSED_FENCE}" if self._is_unparsed else given

    def _take(self, lines: list[str], is_final: bool) -> str:
        """Take complete lines; from where they get too costly on they are not parsed."""
        number = 0
        while not self._is_spent and number < len(lines):
            self._costs.add(lines[number])
            self._is_spent = self._costs.total > WHOLE_COST
            number += not self._is_spent
        self._lines += lines[:number]
        if not self._is_spent:
            return self._settle(is_final)
        given = self._settle(is_final=True)
        self._lines += lines[number:]
        if self._fence is not None:
            given += self._fence_lines()
        return given if self._fence is not None else given + self._unparsed()

    def _settle(self, is_final: bool) -> str:
        """Return what of the complete lines can be given out."""
        given = self._fence_lines() if self._fence is not None else ""
        while self._lines and self._fence is None and (is_final or self._size >= self._retry_size):
            before = len(self._lines)
            given += self._blocks(is_final)
            self._size = sum(map(len, self._lines)) + sum(map(len, self._partial))
            if self._fence is not None:
                given += self._fence_lines()
            elif len(self._lines) == before:
                self._wait()
                break
            elif not is_final:
                break
        return given

    def _wait(self) -> None:
        """Look again after some more text, so that the time for a long block stays in proportion to its length."""
        self._retry_size = 0 if self._size < _ALWAYS_TRIED else int(self._size * _GROWTH)

    def _blocks(self, is_final: bool) -> str:
        """Give out the blocks that are closed and keep the lines from the open one on."""
        document = self._writer.read(self._context + "\n".join(self._lines))
        added = self._context.count("\n")
        blocks = list(document.blocks())
        self._retry_size = 0
        if not blocks:
            if is_final or not self._lines[-1].strip():
                self._lines = []
            return ""
        last = blocks[-1]
        self._is_paragraph = last.kind == "paragraph_open"
        if last.kind == "fence":
            given = self._give(document, blocks[:-1])
            fence = OpenFence.of(document.lines[last.start], document.tokens[last.first])
            given += self._separator + fence.opening
            self._fence, self._separator, self._list_mark = fence, "\n\n", ""
            self._lines = self._lines[last.start + 1 - added :]
            return given
        if is_final or _is_closed(last, document):
            given = self._give(document, blocks)
            self._lines = [] if is_final else _without_blank_start(self._lines[last.end - added :])
            self._is_paragraph = True
            return given
        if last.kind in ("bullet_list_open", "ordered_list_open"):
            return self._items(document, blocks, added)
        if len(blocks) > 1:
            given = self._give(document, blocks[:-1])
            self._lines = self._lines[last.start - added :]
            return given
        return ""

    def _items(self, document: Document, blocks: list[Block], added: int) -> str:
        """Give out the blocks before a list that is open, and its items but the last."""
        whole = blocks[-1]
        items = list(document.blocks(whole.first + 1, whole.last - 1))
        is_continued = len(blocks) == 1 and self._context != ""
        if len(items) < 2 + is_continued:
            if len(blocks) == 1:
                return ""
            given = self._give(document, blocks[:-1])
            self._lines = self._lines[whole.start - added :]
            return given
        last = items[-1]
        closed = Block(whole.kind, whole.first, last.first + 1, whole.start, last.start)
        given = self._give(document, [*blocks[:-1], closed])
        mark = document.tokens[whole.first].markup
        self._context = f"{'1' if whole.kind == 'ordered_list_open' else ''}{mark} {_ITEM}"
        self._separator = "\n\n" if document.is_blank(last.start - 1) else "\n"
        self._lines = self._lines[last.start - added :]
        return given

    def _give(self, document: Document, blocks: Sequence[Block]) -> str:
        """Write blocks, the first of which may go on with what was given out before."""
        if not blocks:
            return ""
        given: list[str] = []
        context, self._context = self._context, ""
        for written in self._writer.write(document, blocks, context, self._list_mark):
            if written.text:
                if not written.is_continued or context.endswith("\n"):
                    given.append(self._separator)
                given.append(written.text)
            if written.text or written.is_continued:
                self._separator = "\n\n"
                self._list_mark = written.mark
        return "".join(given)

    def _fence_lines(self) -> str:
        """Give out the lines of the open fence."""
        fence, given = self._fence, []
        for number, line in enumerate(self._lines):
            if fence is None:
                break
            if fence.is_closed_by(line):
                given.append(f"\n{fence.marker}")
                self._fence = fence = None
                self._lines = _without_blank_start(self._lines[number + 1 :])
                self._is_paragraph = True
            else:
                given.append(f"\n{fence.content(line)}")
        if fence is not None:
            self._lines = []
        self._size = sum(map(len, self._lines)) + sum(map(len, self._partial))
        return "".join(given)

    def _words(self) -> str:
        """Give out the words of an open paragraph up to the last whole one, unless one has a mark that is open."""
        is_other = self._fence is not None or self._is_spent or not self._is_paragraph or self._context.endswith(_ITEM)
        if is_other or self._size < self._retry_size:
            return ""
        partial = "".join(self._partial)
        self._partial = [partial]
        cut = _last_word(partial)
        words = partial[:cut].rstrip()
        if not words or not self._is_settled(words):
            self._wait()
            return ""
        document = self._writer.read(self._context + "\n".join([*self._lines, words]))
        blocks = list(document.blocks())
        # Words behind a definition may be its title yet.
        is_paragraph = [(block.kind, block.start) for block in blocks] == [("paragraph_open", 0)]
        if not is_paragraph or not _is_given_early(document):
            self._wait()
            return ""
        is_later = self._context == _LATER_LINE
        given = self._give(document, blocks) + clean_text(partial[len(words) : cut])
        self._context = _LATER_LINE if self._lines or is_later else _FIRST_LINE
        self._lines, self._partial, self._size, self._retry_size = [], [partial[cut:]], len(partial) - cut, 0
        return given

    def _is_settled(self, words: str) -> bool:
        """Tell whether words that begin the open line can't become something else than text by what follows."""
        starts_line = bool(self._lines) or not self._context
        seen = clean_text(html.unescape(words))
        if "|" in words or seen.endswith("\\"):
            return False
        if starts_line and not _FIRST_WORD.match(seen):
            return False
        return sum(map(line_cost, [*self._lines, words])) <= _MAX_PREVIEW_COST

    def _unparsed(self) -> str:
        """Give out lines that are not parsed, in a fence of their own."""
        lines, self._lines = self._lines, []
        if not lines:
            return ""
        opening = "" if self._is_unparsed else ("\n\n" if self._context else self._separator) + _UNPARSED_FENCE
        self._is_unparsed = True
        shown = "\n".join(line.replace("`", "'") if _UNPARSED_FENCE in line else line for line in lines)
        return f"{opening}\n{visible_code(shown)}"


def _normalized(text: str) -> str:
    """Return text with line feeds as its line ends and without what a parser or an encoder changes or refuses."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = text.replace("\0", "\ufffd")
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text.replace("\ufeff", ""))


def _is_closed(block: Block, document: Document) -> bool:
    """Tell whether no further line can be a part of a block that is the last one."""
    if block.kind == "hr" or (block.kind == "heading_open" and document.tokens[block.first].markup.startswith("#")):
        return True
    is_short = block.kind in ("paragraph_open", "heading_open", "table_open", "blockquote_open")
    return is_short and block.end < len(document.lines)


def _without_blank_start(lines: list[str]) -> list[str]:
    start = 0
    while start < len(lines) and not lines[start].strip():
        start += 1
    return lines[start:]


def _last_word(text: str) -> int:
    """Return where the last word that follows a space begins and of which something will be seen, 0 without one."""
    at = len(text)
    while (at := text.rfind(" ", 0, at)) >= 0:
        first = text[at + 1 : at + 2]
        is_shown = first.isalnum() and not strip_invisible(first)[1]
        if is_shown or first in _ALWAYS_SHOWN:
            return at + 1
    return 0


def _is_given_early(document: Document) -> bool:
    """Tell whether a paragraph ends in a word and has no sign that may be half of a mark still to be completed."""
    pieces = pieces_of(document.tokens[1].children or ())
    words = plain_words(pieces)
    text = "".join(piece.content for piece in pieces if isinstance(piece, Text))
    if not words or words[-1].isspace() or _OPEN_SIGNS.search(text):
        return False
    # Without escapes and entities, brackets in the text are what the source has.
    is_plain = not any("\\" in line or "&" in line for line in document.lines)
    return "[" not in text or (is_plain and _has_only_closed_brackets(text))


def _has_only_closed_brackets(text: str) -> bool:
    """Tell whether all brackets are closed and none goes on to an address."""
    depth = 0
    for sign, following in zip(text, f"{text[1:]} ", strict=True):
        depth = depth + (sign == "[") - (sign == "]" and depth > 0)
        if sign == "]" and following in "([:":
            return False
    return depth == 0
