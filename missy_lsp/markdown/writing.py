"""Markdown written from a parser's tokens: only what is named here is written, everything else is text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import attrs

from missy_lsp.markdown.inline import longest_run, write_inline
from missy_lsp.markdown.parsing import MAX_NESTING, Block, Document
from missy_lsp.markdown.pieces import pieces_of, visible_code

if TYPE_CHECKING:
    from markdown_it.token import Token

RULE = "___"  # never the mark of a list, an underline or front matter, as the other two rules can be
# Languages that a preview draws instead of showing: diagrams and formulas, some of them with links and pictures.
_DRAWN = frozenset(
    (
        *("abc", "actdiag", "asciimath", "blockdiag", "bpmn", "bytefield", "chart", "chartjs", "d2", "dbml", "ditaa"),
        *("dot", "echarts", "erd", "excalidraw", "flow", "flowchart", "geojson", "graphviz", "katex", "kroki"),
        *("latex", "markmap", "math", "mathjax", "mermaid", "mmd", "mscgen", "nomnoml", "nwdiag", "packetdiag"),
        *("pikchr", "plantuml", "puml", "rackdiag", "railroad", "seqdiag", "sequence", "smiles", "stl"),
        *("structurizr", "svg", "svgbob", "symbolator", "tex", "tikz", "topojson", "uml", "umlet", "vega"),
        *("vega-lite", "vegalite", "viz", "wavedrom", "wireviz"),
    )
)
_MAX_LANGUAGE = 32
_ALIGNED = {"left": ":--", "right": "--:", "center": ":-:"}


@attrs.frozen
class Written:
    """A block as Markdown.

    `markup` is the mark that the items of a list have been written with, `is_source` tells that it is shown as code.
    """

    text: str
    markup: str = ""
    is_source: bool = False


@attrs.frozen
class BlockWriter:
    """Writes the blocks of one document; without `marks`, without emphasis."""

    document: Document
    marks: bool = True

    def write(self, block: Block, list_before: str = "", markup: str = "") -> Written:
        """Write a block that is in no other one; it is empty if nothing of it can be seen.

        `list_before` is the mark of a list that stands right before it, `markup` the one to write a list with.
        """
        return self._write(block, list_before, markup, is_inner=False)

    def is_too_deep(self, block: Block) -> bool:
        """Tell whether the parser may have left out what is too deep in a block."""
        tokens = self.document.tokens[block.first : block.last]
        return any(token.level >= MAX_NESTING - 1 for token in tokens)

    def _write(self, block: Block, list_before: str, markup: str, is_inner: bool) -> Written:
        token = self.document.tokens[block.first]
        match block.kind:
            case "paragraph_open":
                return Written(self._inline(block.first + 1))
            case "heading_open":
                return Written(self._heading(block, token))
            case "hr":
                return Written(RULE)
            case "fence":
                language = shown_language(token.info)
                inner = fenced(token.content.removesuffix("\n"), language) if token.content else f"```{language}\n```"
                return Written(inner if is_inner else self._fence(block, token))
            case "code_block":
                return Written(fenced(token.content.removesuffix("\n")))
            case "blockquote_open":
                inner = self._inner(block.first + 1, block.last - 1, in_item=False)
                return Written("\n".join(f"> {line}".rstrip(" ") for line in inner.split("\n")) if inner else "")
            case "bullet_list_open" | "ordered_list_open":
                markup = markup or _other_than(list_before, token.markup)
                return Written(self._list(block, markup), markup)
            case "table_open":
                return Written(self._table(block, is_inner))
            case _:
                return Written(fenced(token.content)) if token.content else Written("")

    def _inline(self, at: int, *, in_cell: bool = False, starts_line: bool = True) -> str:
        pieces = pieces_of(self.document.tokens[at].children or ())
        return write_inline(pieces, in_cell=in_cell, starts_line=starts_line, marks=self.marks)

    def _heading(self, block: Block, token: Token) -> str:
        if not token.markup.startswith("#"):
            text = self._inline(block.first + 1)
            # With a bar above it, a longer underline is the second line of a table for some.
            underline = token.markup if "|" in text else token.markup * 3
            return f"{text}\n{underline}" if text else ""
        text = self._inline(block.first + 1, starts_line=False)
        if text.endswith("#"):
            text = f"{text[:-1]}\\#"
        return f"{token.markup} {text}".rstrip()

    def _fence(self, block: Block, token: Token) -> str:
        fence = OpenFence.of(self.document.lines[block.start], token)
        lines = [fence.opening]
        for line in self.document.lines[block.start + 1 : block.end]:
            if fence.is_closed_by(line):
                break
            lines.append(fence.content(line))
        return "\n".join([*lines, fence.marker])

    def _inner(self, first: int, last: int, *, in_item: bool) -> str:
        """Write the blocks within another; in an item of a list they stay as close together as they were."""
        text, kind, markup = "", "", ""
        for block in self.document.blocks(first, last):
            written = self._write(block, markup, "", is_inner=True)
            if not written.text:
                continue
            if text:
                is_apart = not in_item or self.document.is_blank(block.start - 1) or _would_join(kind, block, self)
                text += "\n\n" if is_apart else "\n"
            text += written.text
            kind, markup = block.kind, written.markup
        return text

    def _list(self, block: Block, markup: str) -> str:
        tokens = self.document.tokens
        pieces: list[str] = []
        for item in self.document.blocks(block.first + 1, block.last - 1):
            if pieces:
                pieces.append("\n\n" if self.document.is_blank(item.start - 1) else "\n")
            number = str(int(tokens[item.first].info)) if tokens[item.first].info else ""
            mark = f"{number}{markup}"
            first, *others = self._inner(item.first + 1, item.last - 1, in_item=True).split("\n")
            indent = " " * (len(mark) + 1)
            lines = [f"{mark} {first}".rstrip(), *(f"{indent}{line}" if line else "" for line in others)]
            pieces.append("\n".join(lines))
        return "".join(pieces)

    def _table(self, block: Block, is_inner: bool) -> str:
        rows: list[str] = []
        has_bar = is_inner or self.document.lines[block.start].lstrip().startswith("|")
        for row in _cells(self.document, block):
            cells: list[str] = []
            for at in row:
                is_first = not rows and not cells
                cells.append(self._inline(at + 1, in_cell=True, starts_line=is_first and not has_bar))
            line = " | ".join(cells)
            if rows or has_bar or not cells[0]:
                rows.append(f"| {line} |")
            else:
                rows.append(line if len(cells) > 1 and cells[-1] else f"{line} |")
            if len(rows) == 1:
                alignments = [_alignment(self.document.tokens[at]) for at in row]
                rows.append(f"| {' | '.join(alignments)} |")
        return "\n".join(rows)


@attrs.frozen
class OpenFence:
    """A fence around code that is not in another block, which is given out before its end is known."""

    marker: str
    indent: int
    language: str

    @classmethod
    def of(cls, opening: str, token: Token) -> OpenFence:
        return cls(token.markup, len(opening) - len(opening.lstrip(" ")), shown_language(token.info))

    @property
    def opening(self) -> str:
        return f"{self.marker}{self.language}"

    def is_closed_by(self, line: str) -> bool:
        text = line.lstrip(" ")
        rest = text.lstrip(self.marker[0])
        return len(line) - len(text) < 4 and len(text) - len(rest) >= len(self.marker) and not rest.strip(" \t")

    def content(self, line: str) -> str:
        """Return a line of the code without the indent of its fence, unless it would then close the fence."""
        column, at = 0, 0
        while at < len(line) and column < self.indent and line[at] in " \t":
            column += 4 - column % 4 if line[at] == "\t" else 1
            at += 1
        content = " " * max(0, column - self.indent) + line[at:]
        return visible_code(line if self.is_closed_by(content) else content)


def fenced(content: str, language: str = "") -> str:
    """Return code, without its last line end, in a fence that nothing in it can close."""
    marker = "`" * max(3, longest_run(content, "`") + 1)
    return f"{marker}{language}\n{visible_code(content)}\n{marker}"


def shown_language(info: str) -> str:
    """Return the language of a code block for its fence, empty for one that a preview draws or runs."""
    word = info.split(maxsplit=1)[0] if info.split() else ""
    is_name = word.isascii() and word[:1].isalnum() and all(sign.isalnum() or sign in "_+#.-" for sign in word)
    return word if is_name and len(word) <= _MAX_LANGUAGE and word.lower() not in _DRAWN else ""


def _other_than(before: str, markup: str) -> str:
    """Return a mark for a list that does not make one list of it and the one before."""
    if markup != before:
        return markup
    return {"-": "*", "*": "-", "+": "-", ".": ")", ")": "."}[markup]


def _would_join(kind: str, block: Block, writer: BlockWriter) -> bool:
    """Tell whether a block would be a part of the one before if it stood on the next line."""
    if kind in ("heading_open", "hr", "fence", "code_block"):
        return False
    token = writer.document.tokens[block.first]
    match block.kind:
        case "paragraph_open" | "table_open":
            return True
        case "heading_open":
            return not token.markup.startswith("#")
        case "ordered_list_open":
            return writer.document.tokens[block.first + 1].info.lstrip("0") != "1"
        case "bullet_list_open":
            return writer.document.tokens[block.first + 2].nesting == -1
        case _:
            return False


def _cells(document: Document, block: Block) -> Iterator[list[int]]:
    """Yield for each row of a table where its cells begin."""
    row: list[int] = []
    for at in range(block.first, block.last):
        match document.tokens[at].type:
            case "th_open" | "td_open":
                row.append(at)
            case "tr_close":
                yield row
                row = []


def _alignment(token: Token) -> str:
    return _ALIGNED.get(str(token.attrs.get("style", "")).removeprefix("text-align:"), "---")
