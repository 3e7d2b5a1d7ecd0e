"""A configuration as it was written: values with their places, before anything is made of them."""

from __future__ import annotations

import attrs

Scalar = str | int | float | bool | None


@attrs.frozen
class Place:
    """Where something stands: 0-based lines and columns in code points, the end exclusive."""

    line: int = 0
    column: int = 0
    end_line: int = 0
    end_column: int = 0


@attrs.frozen
class ScalarNode:
    """A scalar; `fault` says why it is no value of the YAML core schema that we take (a date, `012`)."""

    value: Scalar
    place: Place
    fault: str | None = None


@attrs.frozen
class MapNode:
    entries: tuple[tuple[ScalarNode, Node], ...]
    place: Place


@attrs.frozen
class ListNode:
    items: tuple[Node, ...]
    place: Place


Node = ScalarNode | MapNode | ListNode

MAX_JSON_NODES = 2_000
MAX_JSON_DEPTH = 20


def from_json(value: object) -> Node | None:
    """Make nodes of an editor's settings; None where they are too many, too deep or no JSON."""
    budget = [MAX_JSON_NODES]

    def convert(item: object, depth: int) -> Node:
        budget[0] -= 1
        if budget[0] < 0 or depth > MAX_JSON_DEPTH:
            raise ValueError("too large")
        if item is None or isinstance(item, str | int | float | bool):
            return ScalarNode(item, Place())
        if isinstance(item, dict):
            entries = ((ScalarNode(str(key), Place()), convert(entry, depth + 1)) for key, entry in item.items())
            return MapNode(tuple(entries), Place())
        if isinstance(item, list | tuple):
            return ListNode(tuple(convert(entry, depth + 1) for entry in item), Place())
        raise ValueError("not JSON")

    try:
        return convert(value, 0)
    except ValueError:
        return None
