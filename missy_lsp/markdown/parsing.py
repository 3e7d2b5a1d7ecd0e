"""Reading Markdown: the parser as we set it up, and what it makes of a text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_core import StateCore
    from markdown_it.token import Token

# Levels of tokens: a quote is one, an item of a list two. What is deeper the parser leaves out without a word.
MAX_NESTING = 30


@attrs.frozen
class Block:
    """One block of a document: its tokens are `tokens[first:last]`, its lines `lines[start:end]`."""

    kind: str
    first: int
    last: int
    start: int
    end: int


@attrs.frozen
class Document:
    """A text as the parser read it."""

    tokens: Sequence[Token]
    lines: Sequence[str]

    def blocks(self, first: int = 0, last: int | None = None) -> Iterator[Block]:
        """Yield the blocks that are not inside of another one, of all tokens or of `tokens[first:last]`."""
        last = len(self.tokens) if last is None else last
        at = first
        while at < last:
            token = self.tokens[at]
            end = at + 1
            if token.nesting == 1:
                while self.tokens[end].nesting != -1 or self.tokens[end].level != token.level:
                    end += 1
                end += 1
            start_line, end_line = token.map or (0, 0)
            yield Block(token.type, at, end, start_line, end_line)
            at = end

    def is_blank(self, line: int) -> bool:
        """Tell whether a line has nothing but the marks of quotes."""
        return 0 <= line < len(self.lines) and not self.lines[line].strip(" \t>")


def filtering_parser() -> MarkdownIt:
    """Return the parser of what a model writes: HTML is text, and no link is taken from a definition."""
    from markdown_it.rules_block import reference, table

    parser = checking_parser(html=False)

    def definition(state: StateBlock, start: int, end: int, silent: bool) -> bool:
        # `[^1]: Note` is a footnote, whose words stay.
        at = state.bMarks[start] + state.tShift[start]
        return not state.src.startswith("[^", at) and reference(state, start, end, silent)

    def table_with_bars(state: StateBlock, start: int, end: int, silent: bool) -> bool:
        # Within a paragraph a table begins only with a bar, so that a line can be shown before the next one is known.
        at = state.bMarks[start] + state.tShift[start]
        return (not silent or state.src.startswith("|", at)) and table(state, start, end, silent)

    def forget_definitions(state: StateCore) -> None:
        # A definition would change words that have been shown already.
        state.env.pop("references", None)

    parser.block.ruler.at("reference", definition)
    parser.block.ruler.at("late_table", table_with_bars, {"alt": ["paragraph", "reference"]})
    parser.core.ruler.after("block", "forget_definitions", forget_definitions)
    return parser


def checking_parser(*, html: bool = True) -> MarkdownIt:
    """Return a parser that sees all that a renderer could make live: HTML, and links and images of any scheme."""
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import table

    parser = MarkdownIt("commonmark", {"html": html, "maxNesting": MAX_NESTING}).enable("strikethrough")
    # Like GitHub's, and unlike this parser's own, after a heading, a list or a fence.
    parser.block.ruler.before("lheading", "late_table", table, {"alt": ["paragraph", "reference"]})
    parser.validateLink = lambda url: True  # type: ignore[method-assign]
    return parser


def read(parser: MarkdownIt, source: str) -> Document:
    """Return a text as a parser reads it; its lines end in line feeds only."""
    return Document(parser.parse(source), source.split("\n"))
