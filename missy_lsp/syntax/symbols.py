"""What a text defines, in its order: by a grammar, else by the look of its lines; the headings of prose."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

import attrs

from missy_lsp.syntax.definition_nodes import definitions_in
from missy_lsp.syntax.grammars import parse_tree
from missy_lsp.syntax.headings import definition_name
from missy_lsp.syntax.indentation import Outline
from missy_lsp.syntax.languages import is_prose

_HEADING = re.compile(r"(#{1,6})[ \t]+(.+?)[ \t#]*$")
_FENCE = re.compile(r" {0,3}(?:`{3}|~{3})")


@attrs.frozen
class Symbol:
    """A definition or a heading: its lines counted from 0, both included, and how many others it lies in."""

    name: str
    first: int
    last: int
    depth: int


def symbols(text: str, language_id: str, most: int) -> tuple[Symbol, ...]:
    """Return the first `most` symbols of a text in the order of their lines."""
    if is_prose(language_id):
        found = _headings(text)
    elif (tree := parse_tree(text, language_id)) is not None:
        found = (Symbol(*each) for each in definitions_in(tree))
    else:
        found = _by_look(Outline.of(text, language_id))
    return tuple(islice(found, most))


def _headings(text: str) -> Iterator[Symbol]:
    in_fence = False
    for row, line in enumerate(text.splitlines()):
        if _FENCE.match(line):
            in_fence = not in_fence
        elif not in_fence and (match := _HEADING.match(line)):
            yield Symbol(match[2], row, row, len(match[1]) - 1)


def _by_look(outline: Outline) -> Iterator[Symbol]:
    around: list[int] = []  # the last lines of the blocks that a line lies in
    for row in range(len(outline.table.lines)):
        # What heads no block may be a call as well.
        if outline.is_aside(row) or not outline.heads_block(row):
            continue
        if not (name := definition_name(outline.table.head(row))):
            continue
        while around and around[-1] < row:
            around.pop()
        last = max(row, outline.last_of_block(row))
        yield Symbol(name, row, last, len(around))
        around.append(last)
