"""What can be done about a problem in a configuration file with one click, and about a key that stands in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from missy_lsp.config.nodes import ListNode, MapNode, Node, Place, ScalarNode
from missy_lsp.config.problems import Problem, shown
from missy_lsp.config.values import KeyReference
from missy_lsp.config.yaml_reading import YamlFault, read_yaml
from missy_lsp.features.config_outline import last_line_of_entry


@attrs.frozen
class Fix:
    """A change of one place, with lines and columns as problems have them; `name` ends the code action's kind."""

    title: str
    name: str
    place: Place
    new_text: str


@attrs.frozen
class LiteralKey:
    """A key that stands in the file itself: where, and the vault entry that it would become. Never the key."""

    place: Place
    entry: str


def fixes_for(problem: Problem, lines: Sequence[str]) -> Iterator[Fix]:
    """Yield the changes that would end a problem."""
    place = Place(problem.line, problem.column, problem.end_line, problem.end_column)
    if problem.suggestion is not None:
        yield Fix(f"Change it to {problem.suggestion}", "did-you-mean", place, problem.suggestion)
    if problem.code == "not-allowed" and problem.line < len(lines):
        yield Fix("Remove what a workspace file may not set", "remove", _entry_at(place, lines), "")


def literal_keys(text: str) -> tuple[LiteralKey, ...]:
    """Return the keys that a user's file holds itself; none where the file can't be read."""
    try:
        root = read_yaml(text.encode("utf-8", "replace"))
    except YamlFault:
        return ()
    found: list[LiteralKey] = []
    for name, provider in _entries(_child(root, "providers")):
        single, several = _child(provider, "api_key"), _child(provider, "api_keys")
        if shown(name) != name:
            continue
        if single is not None and _is_literal(single):
            found.append(LiteralKey(single.place, f"{name}_api_key"))
        items = several.items if isinstance(several, ListNode) else ()
        found += [
            LiteralKey(item.place, f"{name}_api_key_{number}")
            for number, item in enumerate(items, 1)
            if _is_literal(item)
        ]
    return tuple(found)


def _is_literal(node: Node | None) -> bool:
    if not isinstance(node, ScalarNode) or not isinstance(node.value, str) or not node.value.strip():
        return False
    # A key of several lines is none; a reference with a fault is not to be put away as if it were a key.
    return node.place.line == node.place.end_line and KeyReference.parse(node.value).kind == "literal"


def _child(node: Node | None, name: str) -> Node | None:
    return dict(_entries(node)).get(name)


def _entries(node: Node | None) -> Iterator[tuple[str, Node]]:
    if isinstance(node, MapNode):
        yield from ((str(key.value), value) for key, value in node.entries)


def _entry_at(place: Place, lines: Sequence[str]) -> Place:
    """Return the whole entry whose key, or item, stands at a place: its lines, or its part of a flow collection."""
    before = lines[place.line][: place.column]
    if not before.strip(" -"):
        last = last_line_of_entry(lines, place.line)
        if last + 1 < len(lines):
            return Place(place.line, 0, last + 1, 0)
        return Place(place.line, 0, last, len(lines[last].rstrip("\r\n")))
    end, has_comma = _flow_end(lines[place.line], place.column)
    start = place.column
    if not has_comma and before.rstrip().endswith(","):
        start = len(before.rstrip()) - 1
    return Place(place.line, start, place.line, end)


def _flow_end(text: str, start: int) -> tuple[int, bool]:
    """Return where an entry of a flow collection ends, its comma and the space behind it counted in."""
    depth, quote = 0, ""
    for index in range(start, len(text)):
        character = text[index]
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character in "{[":
            depth += 1
        elif character in "}]":
            if depth == 0:
                return index, False
            depth -= 1
        elif character == "," and depth == 0:
            rest = text[index + 1 :]
            return index + 1 + len(rest) - len(rest.lstrip(" ")), True
    return len(text.rstrip("\r\n")), False
