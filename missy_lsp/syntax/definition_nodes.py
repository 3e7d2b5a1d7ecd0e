"""Find definitions among the nodes of a parsed document. Rows are lines, columns UTF-8 bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import attrs

from missy_lsp.syntax.kinds import SEQUENCES, NodeKinds, is_likely_definition, is_statement, kinds_of

if TYPE_CHECKING:
    from tree_sitter import Node

    from missy_lsp.syntax.grammars import SyntaxTree

_MAX_NAME = 80
# How deep a wrapper may be nested around what it names: an export of a declaration of a declarator of a cast ...
_MAX_WRAPPING = 6
_NAMING_FIELDS = ("name", "declarator", "left", "property", "key", "declaration", "definition", "type")


@attrs.frozen(eq=False)
class Definition:
    """A definition with what is around it: `node` without and `outer` with it; rows are whole lines, both included."""

    node: Node
    outer: Node
    first: int
    last: int
    is_faulty: bool

    @property
    def rows(self) -> int:
        return self.last - self.first


def definitions_at(tree: SyntaxTree, row: int, column: int) -> list[Definition]:
    """Return the definitions that hold a place, the innermost first."""
    return _definitions_on(tree.path_to(row, column), kinds_of(tree.grammar))


def anonymous_at(tree: SyntaxTree, row: int, column: int) -> Definition | None:
    """Return the statement around the innermost function without a name, over several lines, that holds a place."""
    kinds = kinds_of(tree.grammar)
    if kinds is None:
        return None
    path = tree.path_to(row, column)
    for index in range(len(path) - 1, 0, -1):
        if path[index].type in kinds.anonymous and last_row(path[index]) > path[index].start_point.row:
            # Up through the call that it is an argument of, to the whole statement.
            while index > 1 and path[index - 1].type not in SEQUENCES and path[index - 1].parent is not None:
                index -= 1
                if is_statement(path[index].type):
                    break
            return _definition(path[index], path[: index + 1], kinds)
    return None


def definitions_in(tree: SyntaxTree) -> Iterator[tuple[str, int, int, int]]:
    """Yield every definition that has a name: the name, its first and last row, and how many others it lies in.

    What lies within one line is not looked into.
    """
    kinds = kinds_of(tree.grammar)
    waiting = [(child, tree.root, 0) for child in reversed(tree.root.children)]
    while waiting:
        node, parent, depth = waiting.pop()
        inner = _defined(node, parent, kinds)
        if inner is not None and (name := name_of(node, tree)):
            yield name, node.start_point.row, last_row(node), depth
            node, depth = inner, depth + 1
        if last_row(node) > node.start_point.row:
            waiting += [(child, node, depth) for child in reversed(node.children)]


def statement_at(tree: SyntaxTree, row: int, column: int) -> Node | None:
    """Return the outermost node that begins at a place and is more than a sequence of statements.

    Attributes lead on to what they belong to. None where the parser is lost there.
    """
    path = tree.path_to(row, column)
    kinds = kinds_of(tree.grammar) or NodeKinds(frozenset())
    for index, node in enumerate(path):
        if index == 0 or node.start_point != (row, column) or _is_sequence(node):
            continue
        if node.is_error or any(above.is_error for above in path[:index]):
            return None
        found: Node | None = node
        while found is not None and (found.type in kinds.leading or "comment" in found.type):
            found = found.next_named_sibling
        return found
    return None


def last_row(node: Node) -> int:
    """Return the last line that holds something of a node: some nodes end behind their line's end."""
    row, column = node.end_point
    return row - 1 if column == 0 and row > node.start_point.row else row


def name_of(node: Node, tree: SyntaxTree) -> str | None:
    """Return the name that a definition gives, at most 80 characters."""
    if node.type == "impl_item":
        return _name_of_impl(node, tree)
    at: Node | None = node
    for _ in range(2 * _MAX_WRAPPING):
        if at is None:
            return None
        if at.child_count == 0 or at.type.endswith(("identifier", "_name", "index_expression")) or at.type == "name":
            return _short_text(at, tree)
        if at.type in ("qualified_identifier", "operator_name", "member_expression", "string", "destructor_name"):
            return _short_text(at, tree)
        at = _naming_child(at)
    return None


def _naming_child(node: Node) -> Node | None:
    for field in _NAMING_FIELDS:
        found = node.child_by_field_name(field)
        if found is not None and field == "type" and node.type != "conversion_operator_declaration":
            found = found if found.child_by_field_name("body") is not None else None
        if found is not None:
            return found
    named = [child for child in node.named_children if "comment" not in child.type]
    # A wrapper without fields: what it holds comes last, the pointers of a declarator before it.
    return next((child for child in reversed(named) if child.type != "block" and not child.type.endswith("body")), None)


def _name_of_impl(node: Node, tree: SyntaxTree) -> str | None:
    trait, implemented = node.child_by_field_name("trait"), node.child_by_field_name("type")
    names = [name for part in (trait, implemented) if part is not None and (name := _short_text(part, tree))]
    return " for ".join(names) or None


def _short_text(node: Node, tree: SyntaxTree) -> str | None:
    if node.end_byte - node.start_byte > 4 * _MAX_NAME or node.end_point.row > node.start_point.row:
        return None
    name = tree.text_of(node).strip("\"'`")
    return name if name and len(name) <= _MAX_NAME else None


def _is_sequence(node: Node) -> bool:
    """Tell whether a node is only the statements in it, without a word or brace of its own."""
    return node.type in SEQUENCES and node.child_count > 0 and node.children[0].is_named


def _definitions_on(path: Sequence[Node], kinds: NodeKinds | None) -> list[Definition]:
    found: list[Definition] = []
    for index in range(len(path) - 1, 0, -1):
        inner = _defined(path[index], path[index - 1], kinds)
        if inner is not None:
            found.append(_definition(inner, path[: index + 1], kinds))
        elif kinds is not None and path[index].type in kinds.leading:
            found.extend(_led_by(path, index, kinds))
    return found


def _led_by(path: Sequence[Node], index: int, kinds: NodeKinds) -> Iterator[Definition]:
    """Yield the definition that an attribute stands above."""
    below = path[index].next_named_sibling
    while below is not None and (below.type in kinds.leading or "comment" in below.type):
        below = below.next_named_sibling
    if below is not None and (inner := _defined(below, path[index - 1], kinds)) is not None:
        yield _definition(inner, [*path[:index], below], kinds)


def _defined(node: Node, parent: Node, kinds: NodeKinds | None) -> Node | None:
    """Return the definition that a node is, or that it is only the wrapping of."""
    if not node.is_named:
        return None
    if kinds is None:
        return node if is_likely_definition(node.type) else None
    for _ in range(_MAX_WRAPPING):
        if node.type in kinds.tall and last_row(node) == node.start_point.row:
            return None
        if node.type in kinds.definitions or (node.type in kinds.tall and node.type not in kinds.wrappers):
            return node
        if node.type in kinds.bodied:
            return node if node.child_by_field_name("body") is not None else None
        if node.type in kinds.values:
            return node if parent.type in kinds.wrappers else None
        if node.type not in kinds.wrappers:
            return None
        parent, inside = node, _wrapped(node, kinds)
        if inside is None:
            return None
        node = inside
    return None


def _wrapped(node: Node, kinds: NodeKinds) -> Node | None:
    """Return the child through which a wrapper may define something."""
    able = kinds.definitions | kinds.bodied | kinds.values | kinds.wrappers
    # A wrapper holds few nodes; where it is a list of thousands, it is data.
    children = node.named_children if node.named_child_count <= 100 else []
    candidates = [child for child in children if child.type in able and child.type != "type_alias"]
    return candidates[-1] if candidates else None


def _definition(inner: Node, path: Sequence[Node], kinds: NodeKinds | None) -> Definition:
    """Return a definition with the wrappers around it and the attributes above it."""
    outer = path[-1]
    for around in reversed(path[1:-1]):
        if kinds is None:
            if around.type != "decorated_definition":
                break
        elif around.type not in kinds.wrappers or _defined(around, path[0], kinds) is None:
            break
        outer = around
    first = outer
    if kinds is not None and kinds.leading:
        above = first.prev_named_sibling
        while above is not None and (above.type in kinds.leading or "comment" in above.type):
            first = above
            above = above.prev_named_sibling
        # Of what stands above only attributes belong to it here; comments are looked at as lines.
        while "comment" in first.type and first.id != outer.id:
            first = first.next_named_sibling or outer
    is_faulty = outer.has_error or any(node.is_error for node in path)
    return Definition(inner, outer, first.start_point.row, max(last_row(outer), first.start_point.row), is_faulty)
