"""Read one action file: YAML front matter between two lines `---`, then the instruction in Markdown."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from missy_lsp.config.nodes import ListNode, MapNode, Node, Place, ScalarNode
from missy_lsp.config.problems import Problem, shown
from missy_lsp.config.text_files import HIDDEN, LINE_END, decoded, hidden_at, not_text, problem_at
from missy_lsp.config.value_reading import read_value
from missy_lsp.config.yaml_reading import YamlFault, read_yaml

MAX_BYTES = 64 * 1024
_MAX_NAME = 40
_NEAR = 0.6
_START = Place(0, 0, 0, 3)

Fields = Mapping[str, "attrs.Attribute[Any]"]


@attrs.frozen
class ActionText:
    """What a file says: the values of the fields that it has, and the instruction with plain line ends."""

    values: Mapping[str, Any]
    instruction: str


def read_action_text(data: bytes, path: Path, fields: Fields) -> tuple[ActionText | None, tuple[Problem, ...]]:
    """Read a file by the declared fields; with any problem there is no text."""
    reader = _Reader(path, fields)
    text = reader.read(data)
    return None if reader.problems else text, tuple(reader.problems)


class _Reader:
    def __init__(self, path: Path, fields: Fields) -> None:
        self._path = path
        self._fields = fields
        self.problems: list[Problem] = []

    def read(self, data: bytes) -> ActionText | None:
        if len(data) > MAX_BYTES:
            self._report(_START, "unreadable", f"the file is larger than {MAX_BYTES // 1024} KiB; shorten it")
            return None
        try:
            text = decoded(data)
        except UnicodeDecodeError as error:
            self.problems.append(not_text(self._path, data, error))
            return None
        if (hidden := hidden_at(text)) is not None:
            name, place = hidden
            self._report(place, "hidden", f"the character {name} can't be seen, but a model reads it; take it out")
            return None
        parts = _split(text)
        if parts is None:
            message = "the file has to begin with a line `---`, then its fields, then a second line `---`"
            self._report(_START, "type", message)
            return None
        front, instruction, last_line = parts
        values = self._values(front)
        if not instruction:
            message = "the instruction is missing: below the second `---`, say what the model is to do"
            self._report(Place(last_line, 0, last_line, 3), "type", message)
        return ActionText(values, instruction)

    def _values(self, front: str) -> dict[str, Any]:
        try:
            root = read_yaml(front.encode())
        except YamlFault as fault:
            self._report(_below_start(fault.place), "unreadable", fault.message)
            return {}
        if root is not None and not isinstance(root, MapNode):
            self._report(_below_start(root.place), "type", "fields are expected, each with its value: `title: ...`")
            return {}
        values = {}
        for key, node in root.entries if root is not None else ():
            name = str(key.value)
            if name in self._fields:
                values[name] = self._value(self._fields[name], node)
            else:
                self._unknown(key, name)
        for name, field in self._fields.items():
            if field.metadata["required"] and name not in values:
                self._report(_START, "type", f"{name}: this is missing; add a line `{name}: ...` below the first `---`")
        return values

    def _value(self, field: attrs.Attribute[Any], node: Node) -> object:
        if str(field.type) == "tuple[str, ...]" and isinstance(node, ScalarNode):
            node = ListNode((node,), node.place)  # `languages: python`
        try:
            value = read_value(field, node)
            texts = value if isinstance(value, tuple) else (value,)
            if any(HIDDEN.search(str(text)) for text in texts):  # written as an escape
                raise ValueError("a character that can't be seen is in it; take it out")
            if not all(str(text).strip() for text in texts):
                raise ValueError("one of the texts is empty; take it out")
        except ValueError as error:
            self._report(_below_start(node.place), "type", f"{field.name}: {error}")
            return None
        return value

    def _unknown(self, key: ScalarNode, name: str) -> None:
        near = difflib.get_close_matches(name[:_MAX_NAME], self._fields, n=1, cutoff=_NEAR)
        hint = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(self._fields)}"
        self._report(_below_start(key.place), "unknown-key", f"{shown(name)} is not a field of an action; {hint}")

    def _report(self, place: Place, code: str, message: str) -> None:
        self.problems.append(problem_at(self._path, place, code, message))


def _split(text: str) -> tuple[str, str, int] | None:
    """Return the front matter, the instruction and the line of the mark between them; None without both marks."""
    first, *lines = LINE_END.split(text)
    mark = next((number for number, line in enumerate(lines) if line.rstrip() == "---"), None)
    if first.rstrip() != "---" or mark is None:
        return None
    return "\n".join(lines[:mark]), "\n".join(lines[mark + 1 :]).strip(), mark + 1


def _below_start(place: Place) -> Place:
    return Place(place.line + 1, place.column, place.end_line + 1, place.end_column)
