"""What a chat document sets for itself, in YAML between two lines `---` at its head: tier, model, system text."""

from __future__ import annotations

import difflib
from typing import cast, get_args

import attrs

from missy_lsp.config.nodes import MapNode, Node, Place, ScalarNode
from missy_lsp.config.problems import shown
from missy_lsp.config.yaml_reading import YamlFault, read_yaml
from missy_lsp.features.chat_document import ChatDocument
from missy_lsp.llm.types import TierChoice

_FIELDS = ("tier", "model", "system")


@attrs.frozen
class ChatSettings:
    tier: TierChoice | None = None
    model: str | None = None
    system: str = ""


@attrs.frozen
class ChatProblem:
    """What is wrong with the front matter; lines and columns of the document, 0-based and in code points."""

    place: Place
    message: str


def chat_settings(chat: ChatDocument) -> tuple[ChatSettings, tuple[ChatProblem, ...]]:
    """Read the front matter; with a problem the settings are the default ones."""
    if chat.unclosed_front:
        message = "the front matter has no end: write a second line `---` below it"
        return ChatSettings(), (ChatProblem(Place(0, 0, 0, 3), message),)
    if chat.front is None:
        return ChatSettings(), ()
    try:
        root = read_yaml(chat.front.encode("utf-8", "replace"))
    except YamlFault as fault:
        return ChatSettings(), (ChatProblem(_below(fault.place), fault.message),)
    if root is None:
        return ChatSettings(), ()
    if not isinstance(root, MapNode):
        return ChatSettings(), (ChatProblem(_below(root.place), "fields are expected: `tier: premium`"),)
    problems: list[ChatProblem] = []
    values: dict[str, str] = {}
    for key, node in root.entries:
        value = _value(str(key.value), key, node, problems)
        if value is not None:
            values[str(key.value)] = value
    if problems:
        return ChatSettings(), tuple(problems)
    tier = cast("TierChoice | None", values.get("tier"))
    return ChatSettings(tier, values.get("model") or None, values.get("system", "")), ()


def _value(name: str, key: ScalarNode, node: Node, problems: list[ChatProblem]) -> str | None:
    if name not in _FIELDS:
        near = difflib.get_close_matches(name[:40], _FIELDS, n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(_FIELDS)}"
        problems.append(ChatProblem(_below(key.place), f"{shown(name)} is not a field of a chat; {hint}"))
        return None
    if isinstance(node, ScalarNode) and node.value is None:
        return None
    if not isinstance(node, ScalarNode) or not isinstance(node.value, str) or node.fault:
        problems.append(ChatProblem(_below(node.place), f"{name}: a text is expected"))
        return None
    if name == "tier" and node.value not in get_args(TierChoice):
        expected = ", ".join(get_args(TierChoice))
        problems.append(ChatProblem(_below(node.place), f"tier: one of {expected} is expected"))
        return None
    return node.value


def _below(place: Place) -> Place:
    """Return a place of the front matter as one of the document, whose first line is the mark above it."""
    return Place(place.line + 1, place.column, place.end_line + 1, place.end_column)
