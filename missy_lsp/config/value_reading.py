"""From one node to the value of a declared field: its type, its limits, and what is expected instead."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from missy_lsp.config.nodes import ListNode, Node, ScalarNode
from missy_lsp.config.values import KeyKind, KeyReference, reference_fault

# Control characters would reach a terminal, lone surrogates can't be sent.
_UNSENDABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_MAX_WHOLE_NUMBER = 2**31 - 1
# More or longer ones are not compiled (tools/rules.py), and a pattern left out would let a file out.
MAX_ENTRIES = 500
_MAX_PATTERN_CHARACTERS = 200
_ACTION_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_MAX_ACTION_ID = 40
_ANCHORED = re.compile(r"~$|~[/\\]|/|[A-Za-z]:[/\\]|\\\\")


def read_value(field: attrs.Attribute[Any], node: Node) -> object:
    """Return what a node says for a declared field, for a map's of one of its values.

    Raises ValueError with what is expected instead.
    """
    value = _READERS[str(field.type)](node)
    _check_limits(field, value)
    return value


def key_fault(kind: KeyKind, key: str) -> str | None:
    """Say what is wrong with a key of a map, None where nothing is."""
    if kind == "action" and (not _ACTION_ID.fullmatch(key) or len(key) > _MAX_ACTION_ID):
        return "the id of an action is expected: small letters, digits and hyphens, such as `explain`; or `ask`"
    if kind == "folder" and (_UNSENDABLE.search(key) or not _ANCHORED.match(key)):
        return "a folder is expected, from the root or from `~` on, such as `~/clients/acme`"
    if kind == "pattern":
        if not key.strip() or key.startswith("!") or key.lstrip().startswith("#"):
            return "a pattern that names files is expected, such as `docs/**`"
        return pattern_fault(key)
    return None


def read_text(node: Node) -> str:
    """Return the text that a node says. Raises ValueError with what is expected instead."""
    value = _scalar_of(node, "a text")
    if not isinstance(value, str):
        raise ValueError(f"a text is expected, this is {_kind(value)}; quote it if you mean its letters")
    if _UNSENDABLE.search(value):
        raise ValueError("the text holds a line break or another character that can't be shown; take it out")
    return value


def pattern_fault(pattern: str) -> str | None:
    """Say what is wrong with a pattern as .gitignore has them, None where nothing is."""
    if len(pattern) > _MAX_PATTERN_CHARACTERS:
        return f"a pattern has at most {_MAX_PATTERN_CHARACTERS} characters"
    from pathspec import GitIgnoreSpec  # only those who have patterns wait for it

    try:
        GitIgnoreSpec.from_lines([pattern])
    except (ValueError, re.error):
        return "this is no pattern as .gitignore has them; write it anew"
    return None


def _check_limits(field: attrs.Attribute[Any], value: object) -> None:
    choices = field.metadata["choices"]
    if choices and value not in choices:
        near = difflib.get_close_matches(str(value), choices, n=1)
        raise ValueError(f"one of {', '.join(choices)} is expected" + (f"; did you mean `{near[0]}`?" if near else ""))
    if field.metadata["required"] and isinstance(value, str) and not value.strip():
        raise ValueError("a text is expected, this is empty; write a value or leave the line away")
    longest = field.metadata["max_characters"]
    if longest is not None and isinstance(value, str) and len(value) > longest:
        raise ValueError(f"at most {longest} characters are expected")
    minimum = field.metadata["minimum"]
    if minimum is not None and isinstance(value, int | float) and value < minimum:
        raise ValueError(f"at least {minimum:g} is expected")


def _scalar_of(node: Node, expected: str) -> object:
    if not isinstance(node, ScalarNode):
        raise ValueError(f"{expected} is expected")
    if node.fault is not None:
        quoting = "; quote it if you mean its letters" if expected == "a text" else ""
        raise ValueError(f"{expected} is expected, this is {node.fault}{quoting}")
    return node.value


def _whole_number(node: Node) -> int:
    value = _scalar_of(node, "a whole number")
    if type(value) is not int:
        raise ValueError(f"a whole number is expected, this is {_kind(value)}")
    if value > _MAX_WHOLE_NUMBER:
        raise ValueError(f"at most {_MAX_WHOLE_NUMBER} is expected")
    return value


def _amount(node: Node) -> float:
    value = _scalar_of(node, "a number")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"a number is expected, this is {_kind(value)}")
    if not math.isfinite(value):
        raise ValueError("a finite number is expected; for no cap at all write null, or leave the line away")
    return float(value)


def _truth(node: Node) -> bool:
    value = _scalar_of(node, "true or false")
    if not isinstance(value, bool):
        raise ValueError(f"true or false is expected, this is {_kind(value)}")
    return value


def _texts(node: Node) -> tuple[str, ...]:
    if not isinstance(node, ListNode):
        raise ValueError("a list of texts is expected")
    if len(node.items) > MAX_ENTRIES:
        raise ValueError(f"at most {MAX_ENTRIES} entries are read")
    return tuple(read_text(item) for item in node.items)


def _reference(node: Node) -> KeyReference:
    if isinstance(node, ScalarNode) and not isinstance(node.value, str):
        raise ValueError("a text is expected: the key, `vault://NAME` or `$ENV_NAME`")
    reference = KeyReference.parse(read_text(node))
    fault = reference_fault(reference)
    if fault is not None:
        raise ValueError(fault)
    return reference


def _reference_or_null(node: Node) -> KeyReference | None:
    # An empty text is how people leave the key to the environment.
    if isinstance(node, ScalarNode) and node.fault is None and (node.value is None or node.value == ""):
        return None
    return _reference(node)


def _references(node: Node) -> tuple[KeyReference, ...]:
    if not isinstance(node, ListNode):
        raise ValueError("a list of keys is expected")
    if any(isinstance(item, ScalarNode) and item.value == "" for item in node.items):
        raise ValueError("one of the keys is empty; take it out")
    return tuple(_reference(item) for item in node.items)


def _or_null(read: Callable[[Node], object]) -> Callable[[Node], object]:
    def check(node: Node) -> object:
        if isinstance(node, ScalarNode) and node.value is None and node.fault is None:
            return None
        return read(node)

    return check


_READERS: Mapping[str, Callable[[Node], object]] = {
    "str": read_text,
    "int": _whole_number,
    "bool": _truth,
    "str | None": _or_null(read_text),
    "int | None": _or_null(_whole_number),
    "float | None": _or_null(_amount),
    "tuple[str, ...]": _texts,
    "KeyReference | None": _reference_or_null,
    "tuple[KeyReference, ...]": _references,
    "Mapping[str, str]": read_text,
}


def _kind(value: object) -> str:
    match value:
        case None:
            return "empty"
        case bool():
            return "true or false"
        case int():
            return "a whole number"
        case float():
            return "a number with a fraction or exponent"
        case _:
            return "a text"
