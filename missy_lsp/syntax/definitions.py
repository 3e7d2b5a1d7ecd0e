"""The definition around a place, and the code that follows one: by a grammar, else by indentation."""

from __future__ import annotations

import attrs

from missy_lsp.document import Span
from missy_lsp.syntax.definition_nodes import Definition, anonymous_at, definitions_at, last_row, name_of, statement_at
from missy_lsp.syntax.grammars import SyntaxTree, parse_tree
from missy_lsp.syntax.headings import definition_name
from missy_lsp.syntax.indentation import Outline
from missy_lsp.syntax.kinds import kinds_of
from missy_lsp.syntax.languages import is_prose


def enclosing_definition(text: str, offset: int, language_id: str) -> Span | None:
    """Return the innermost function, method, class or the like around `offset`, in whole lines.

    Its decorators, attributes and the comments right above it belong to it; in prose it is the paragraph. None where
    no definition encloses the place.
    """
    outline = Outline.of(text, language_id)
    row = outline.table.row_of(offset)
    if is_prose(language_id):
        rows = outline.paragraph(row)
    elif (tree := parse_tree(text, language_id)) is not None:
        rows = _in_tree(_Place(outline, tree, row, max(0, offset - outline.table.starts[row])))
    else:
        rows = outline.block_around(row) or (outline.paragraph(row) if outline.is_flat else None)
    return None if rows is None else outline.table.whole(*rows)


def following_code(text: str, offset: int, language_id: str) -> Span | None:
    """Return the code that a comment before `offset` speaks of, in whole lines with the comments right above it.

    It is the definition, block or statement that begins at the next line of code. None at the end of the text, and
    where the block that the comment stands in ends before any code follows.
    """
    outline = Outline.of(text, language_id)
    table = outline.table
    row = table.row_of(offset)
    if table.lines[row][: offset - table.starts[row]].strip():
        row += 1
    first = table.next_filled(row)
    if first is None:
        return None
    if is_prose(language_id):
        return table.whole(first, outline.prose_at(first))
    code = outline.code_after(first)
    if code is None or _ends_block(outline, row, code):
        return None
    tree = parse_tree(text, language_id)
    node = None if tree is None else statement_at(tree, code, _first_column(outline, code))
    if node is None or node.has_error:
        return table.whole(first, outline.statement_at(code))
    return table.whole(first, max(first, last_row(node)))


def named_definition(text: str, span: Span, language_id: str) -> str | None:
    """Return the name of the definition that begins with `span`; None where it begins with none or holds more."""
    outline = Outline.of(text, language_id)
    table = outline.table
    first = table.next_filled(table.row_of(span.start))
    row = None if first is None or is_prose(language_id) else outline.code_after(first)
    if row is None or table.starts[row] >= max(span.end, span.start + 1):
        return None
    last = table.last_filled(table.row_of(max(span.start, span.end - 1))) or 0
    tree = parse_tree(text, language_id)
    if tree is None:
        head = outline.code_below_attributes(row)
        covers = outline.last_of_block(head) >= last
        return (definition_name(table.head(head)) or None) if covers else None
    found = definitions_at(tree, row, _first_column(outline, row))
    beginning = [each for each in found if each.first <= row <= each.node.start_point.row and each.last >= last]
    # Of several that begin in one line the outermost is what the span is about.
    return name_of(beginning[-1].outer, tree) if beginning else None


def syntax_faults(text: str, language_id: str) -> int | None:
    """Return how many faults the parser finds in a document, None where no grammar is at hand."""
    tree = parse_tree(text, language_id)
    if tree is None:
        return None
    faults, waiting = 0, [tree.root]
    while waiting:
        node = waiting.pop()
        faults += node.is_error or node.is_missing
        if node.has_error:
            waiting.extend(node.children)
    return faults


@attrs.frozen(eq=False)
class _Place:
    """A cursor in a parsed document; `column` is in code points of its line."""

    outline: Outline
    tree: SyntaxTree
    row: int
    column: int


def _in_tree(place: _Place) -> tuple[int, int] | None:
    outline, tree = place.outline, place.tree
    if (below := _headed_by_comment(place)) is not None:
        return _rows(outline, below)
    found = _candidates(place)
    best = found[0] if found else None
    if best is None:
        best = _innermost_anonymous(place)
    rows = None if best is None else _rows(outline, best)
    if not tree.has_faults or (best is not None and not best.is_faulty):
        return rows
    return _by_look(outline, place.row, rows)


def _by_look(outline: Outline, row: int, rows: tuple[int, int] | None) -> tuple[int, int] | None:
    """Correct by indentation what was found in a tree with faults: what is open in it swallows what follows."""
    guess = outline.block_around(row)
    if guess is not None:
        head = outline.code_below_attributes(guess[0])
        if definition_name(outline.table.head(outline.code_after(head) or head)) is None:
            guess = None
    if rows is None or guess is None:
        return guess or rows
    return guess if guess[1] - guess[0] < rows[1] - rows[0] or not rows[0] <= row <= rows[1] else rows


def _headed_by_comment(place: _Place) -> Definition | None:
    """Return the definition that begins right below the comment in which the cursor stands."""
    outline = place.outline
    if outline.table.is_blank(place.row):
        return None
    below = outline.code_below_comments(place.row)
    if below == place.row:
        return None
    found = definitions_at(place.tree, below, _first_column(outline, below))
    return next((each for each in found if place.row < each.first <= below), None)


def _candidates(place: _Place) -> list[Definition]:
    """Return the definitions around the cursor, the innermost first."""
    outline, table, row = place.outline, place.outline.table, place.row
    kinds = kinds_of(place.tree.grammar)
    is_aside = table.is_blank(row) or outline.is_comment(row)
    if is_aside:
        found = definitions_at(place.tree, row, _bytes(table.lines[row][: place.column]))
        if kinds is not None and kinds.is_indented:
            found.extend(_above(place))
        return sorted(found, key=lambda each: each.rows)
    line = table.lines[row].rstrip()
    start = len(line) - len(line.lstrip())
    column = max(start, min(place.column, len(line) - 1))
    found = definitions_at(place.tree, row, _bytes(line[:column]))
    # The whole line of a head counts, also where the cursor is behind all that belongs to it.
    heads = (each for each in definitions_at(place.tree, row, _bytes(line[:start])) if each.first == row)
    inner = next(heads, None)
    if inner is not None and (not found or found[0].rows > inner.rows):
        found.insert(0, inner)
    return found


def _above(place: _Place) -> list[Definition]:
    """Return the definitions whose body a blank line or a comment continues, by its indentation."""
    outline, table = place.outline, place.outline.table
    above = next((row for row in range(place.row - 1, -1, -1) if not outline.is_aside(row)), None)
    if above is None:
        return []
    depth = outline.virtual_indent(place.row)
    found = definitions_at(place.tree, above, _first_column(outline, above))
    return [each for each in found if table.indent(each.node.start_point.row) < depth]


def _innermost_anonymous(place: _Place) -> Definition | None:
    table = place.outline.table
    line = table.lines[place.row]
    start = len(line) - len(line.lstrip())
    column = place.column if table.is_blank(place.row) else max(start, min(place.column, len(line.rstrip()) - 1))
    found = anonymous_at(place.tree, place.row, _bytes(line[:column]))
    if found is None and not table.is_blank(place.row):
        # On the line that begins with it, wherever the cursor stands.
        found = anonymous_at(place.tree, place.row, _bytes(line.rstrip()[:-1]))
    return found


def _rows(outline: Outline, found: Definition) -> tuple[int, int]:
    last = found.last
    head = found.node.start_point.row
    if found.is_faulty and outline.heads_block(head):
        # What is open in it swallows what follows, or it ends where the parser lost it.
        last = outline.last_of_block(head)
    elif found.is_faulty:
        last = outline.last_before_definition(head, last)
    return outline.first_with_what_belongs(found.first), last


def _ends_block(outline: Outline, row: int, code: int) -> bool:
    """Tell whether the block in which the comment above `row` stands ends before a line of code."""
    if outline.ends_enclosing(code):
        return True
    comment = outline.comment_before(row)
    return comment is not None and outline.table.indent(code) < outline.table.indent(comment)


def _first_column(outline: Outline, row: int) -> int:
    line = outline.table.lines[row]
    return _bytes(line[: len(line) - len(line.lstrip())])


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
