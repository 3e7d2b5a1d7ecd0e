"""Writing blocks, and reading what was written with a second parser before anybody gets it."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from missy_lsp.markdown.parsing import Block, Document, checking_parser, filtering_parser, read
from missy_lsp.markdown.writing import BlockWriter, Written, fenced

_LIVE = frozenset(("html_block", "html_inline", "link_open", "image"))


@attrs.frozen
class CheckedBlock:
    """A block as it is given out: `mark` is that of a list's items, `is_continued` that it goes on with one before."""

    text: str
    mark: str
    is_continued: bool


class CheckedWriter:
    """Writes blocks so that a parser that takes everything for live finds nothing, and would write the same again.

    The writer alone should see to that. Where it did not, a block is written without emphasis, or else shown as code.
    """

    def __init__(self) -> None:
        self._parser = filtering_parser()
        self._checker = checking_parser()

    def read(self, source: str) -> Document:
        return read(self._parser, source)

    def write(self, document: Document, blocks: Sequence[Block], context: str, mark: str) -> list[CheckedBlock]:
        """Write blocks that follow each other in a document.

        `context` is the source in front of them that stands for what was given out before, `mark` that of a list
        which the first one goes on with or comes after.
        """
        written = _write_all(BlockWriter(document), blocks, context, mark)
        texts = [block.text for block in written if block.text]
        is_whole = not any(map(BlockWriter(document).is_too_deep, blocks))
        if not is_whole or not self._is_stable("\n\n".join(texts)):
            written = []
            for number, block in enumerate(blocks):
                before = written[-1].markup if written else mark
                written.append(self._write_alone(document, block, "" if number else context, before))
        return [_without_context(block, "" if number else context) for number, block in enumerate(written)]

    def _write_alone(self, document: Document, block: Block, context: str, mark: str) -> Written:
        if not BlockWriter(document).is_too_deep(block):
            for marks in (True, False):
                (written,) = _write_all(BlockWriter(document, marks), [block], context, mark)
                if self._is_stable(written.text):
                    return written
        source = "\n".join(document.lines[block.start : block.end]).removeprefix(context)
        return Written(fenced(source.rstrip()), is_source=True)

    def _is_stable(self, text: str) -> bool:
        """Tell whether nothing in a text is live, and whether it would be written as it is."""
        document = read(self._checker, text)
        blocks = list(document.blocks())
        writer = BlockWriter(document)
        for token in document.tokens:
            if token.type in _LIVE or any(child.type in _LIVE for child in token.children or ()):
                return False
        if any(map(writer.is_too_deep, blocks)):
            return False
        return "\n\n".join(written.text for written in _write_all(writer, blocks, "", "") if written.text) == text


def _write_all(writer: BlockWriter, blocks: Sequence[Block], context: str, mark: str) -> list[Written]:
    written: list[Written] = []
    is_same_list = context.endswith("\n")
    for block in blocks:
        one = writer.write(block, "" if is_same_list else mark, mark if is_same_list else "")
        is_same_list = False
        mark = one.markup if one.text else mark
        written.append(one)
    return written


def _without_context(written: Written, context: str) -> CheckedBlock:
    """Return a block without what stands for the part of it that was given out before."""
    if not context or written.is_source:
        return CheckedBlock(written.text, written.markup, is_continued=False)
    if context.endswith("\n"):
        return CheckedBlock(written.text.partition("\n")[2], written.markup, is_continued=True)
    text = written.text.removeprefix(context.rstrip(" ")).removeprefix(" ")
    return CheckedBlock(text, written.markup, is_continued=True)
