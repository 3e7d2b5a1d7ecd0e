"""YAML to nodes, event by event: nothing is constructed before the whole file was found harmless.

Scalars resolve by the YAML 1.2 core schema. Anchors, aliases and tags are refused: each is a way to make
a small file large or a value something else than it looks.
"""

from __future__ import annotations

import re
from typing import Any

from missy_lsp.config.nodes import ListNode, MapNode, Node, Place, Scalar, ScalarNode
from missy_lsp.config.problems import shown

MAX_BYTES = 256 * 1024
MAX_EVENTS = 20_000
MAX_DEPTH = 20
MAX_NUMBER_CHARACTERS = 40

_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_NAMED_FLOAT = re.compile(r"\.(inf|nan)", re.IGNORECASE)
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?")
_SEXAGESIMAL = re.compile(r"[-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?")
# What YAML 1.2 (5.1) leaves out of its printable characters, but for U+FEFF.
_NOT_PRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
_LINE_END = re.compile(r"\r\n?|\n")
_CONSTANTS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


class YamlFault(Exception):
    """The text is not YAML that we read; has the sentence and the place."""

    def __init__(self, message: str, place: Place = Place()) -> None:  # noqa: B008 - a frozen value
        super().__init__(message)
        self.message = message
        self.place = place


def read_yaml(data: bytes) -> Node | None:
    """Return the nodes of one document, None for an empty one. Raises YamlFault with the place."""
    if len(data) > MAX_BYTES:
        raise YamlFault(f"the file is larger than {MAX_BYTES // 1024} KiB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise YamlFault("the file is not UTF-8", _place_after(data[: error.start].decode("utf-8-sig"))) from None
    if (found := _NOT_PRINTABLE.search(text)) is not None:
        # The parsers refuse it too, but without a place.
        name = f"U+{ord(found.group()):04X}"
        raise YamlFault(f"the character {name} is not allowed here; take it out", _place_after(text[: found.start()]))
    import yaml  # about 15 ms, and a start without any file needs none of it

    try:
        return _Builder(yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))).document()
    except yaml.MarkedYAMLError as error:
        raise YamlFault(_explained(error), _at(error.problem_mark)) from None
    except (yaml.YAMLError, RecursionError, MemoryError, ValueError) as error:
        raise YamlFault(_first_line(str(error))) from None


class _Builder:
    """Turn events into nodes within the limits."""

    def __init__(self, events: Any) -> None:
        self._events = events
        self._count = 0

    def document(self) -> Node | None:
        root: Node | None = None
        documents = 0
        while (event := self._next()) is not None:
            kind = _kind(event)
            if kind == "DocumentStart":
                documents += 1
                if documents > 1:
                    raise YamlFault("the file holds more than one document", _place(event))
            elif kind in ("Scalar", "MappingStart", "SequenceStart"):
                root = self._node(event, 1)
        if isinstance(root, ScalarNode) and root.value is None:
            return None
        return root

    def _next(self) -> Any:
        event = next(self._events, None)
        self._count += 1
        if self._count > MAX_EVENTS:
            raise YamlFault(f"the file has more than {MAX_EVENTS} parts", _place(event))
        if event is None:
            return None
        if _kind(event) == "Alias" or getattr(event, "anchor", None) is not None:
            raise YamlFault("anchors and aliases (`&`, `*`) are not read here; write the value out", _place(event))
        if getattr(event, "tag", None) is not None:
            raise YamlFault("tags (`!`) are not read here; write a plain value", _place(event))
        return event

    def _node(self, event: Any, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise YamlFault(f"the file nests deeper than {MAX_DEPTH} levels", _place(event))
        kind = _kind(event)
        if kind == "Scalar":
            return _scalar(event)
        begin = _place(event)
        if kind == "SequenceStart":
            items = []
            while _kind(inner := self._next()) != "SequenceEnd":
                items.append(self._node(inner, depth + 1))
            return ListNode(tuple(items), _span(begin, inner))
        return self._mapping(begin, depth)

    def _mapping(self, begin: Place, depth: int) -> MapNode:
        entries: list[tuple[ScalarNode, Node]] = []
        seen: set[object] = set()
        while _kind(event := self._next()) != "MappingEnd":
            key = self._node(event, depth + 1)
            if not isinstance(key, ScalarNode):
                raise YamlFault("a key has to be a plain word", key.place)
            name = event.value
            if name in seen:
                raise YamlFault(f"the key `{shown(name)}` stands here twice; keep one of them", key.place)
            seen.add(name)
            entries.append((ScalarNode(name, key.place), self._node(self._next(), depth + 1)))
        return MapNode(tuple(entries), _span(begin, event))


def _scalar(event: Any) -> ScalarNode:
    text: str = event.value
    if event.style:  # quoted or a block; the plain style is None or empty, by parser
        return ScalarNode(text, _place(event))
    value, fault = _resolve(text)
    return ScalarNode(value, _place(event), fault)


def _resolve(text: str) -> tuple[Scalar, str | None]:
    """Resolve a plain scalar; what other readers of YAML take for something else is a fault."""
    if text in _CONSTANTS:
        return _CONSTANTS[text], None
    if _LEADING_ZERO.fullmatch(text):
        return text, "a number with a leading zero"
    if _SEXAGESIMAL.fullmatch(text):
        return text, "a number in base 60 to some readers of YAML"
    if _DATE.fullmatch(text):
        return text, "a date to some readers of YAML"
    if _INT.fullmatch(text) or _FLOAT.fullmatch(text):
        if len(text) > MAX_NUMBER_CHARACTERS:
            return text[:20], "a number of too many digits"
        if _INT.fullmatch(text):
            return int(text, 0), None
        return float(_NAMED_FLOAT.sub(r"\1", text)), None
    return text, None


def _explained(error: Any) -> str:
    """Say also where that began which is at fault: a quote that nobody closed is only missed at the end."""
    problem, begin = _first_line(error.problem or error.context), error.context_mark
    if begin is None or error.problem_mark is None or begin.line == error.problem_mark.line:
        return problem
    return f"{problem}, {_first_line(error.context)} that begins in line {begin.line + 1}"


def _kind(event: Any) -> str:
    return type(event).__name__.removesuffix("Event")


def _place(event: Any) -> Place:
    if event is None:
        return Place()
    start, end = event.start_mark, event.end_mark
    return Place(start.line, start.column, end.line, max(end.column, start.column + (start.line == end.line)))


def _span(begin: Place, end_event: Any) -> Place:
    end = end_event.end_mark
    return Place(begin.line, begin.column, end.line, end.column)


def _place_after(text: str) -> Place:
    """Return the place of the character that follows a text."""
    *lines, last = _LINE_END.split(text)
    return Place(len(lines), len(last), len(lines), len(last) + 1)


def _at(mark: Any) -> Place:
    return Place() if mark is None else Place(mark.line, mark.column, mark.line, mark.column + 1)


def _first_line(text: str | None) -> str:
    line = (text or "this is not YAML").splitlines()[0][:200]
    return "".join(character if character.isprintable() else "?" for character in line)
