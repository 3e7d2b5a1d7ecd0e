"""What a tool call gives back to the model and tells the user."""

from __future__ import annotations

import unicodedata

import attrs

_UNSHOWN_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"}
_MAX_SHOWN = 200


@attrs.frozen
class ToolOutcome:
    """The result of one tool call.

    `text` goes to the model, `is_error` marks it as a refusal or a failure, `summary` is one line without
    control characters for the user.
    """

    text: str
    is_error: bool
    summary: str


class ToolRefusedError(Exception):
    """A tool call that is answered with its reason instead of a result."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def shown(text: str) -> str:
    r"""Return a name or another foreign text as one line: what can't be seen or breaks a line becomes `\uXXXX`."""
    pieces = [_escaped(character) for character in text[:_MAX_SHOWN]]
    return "".join(pieces) + ("…" if len(text) > _MAX_SHOWN else "")


def _escaped(character: str) -> str:
    if character == " ":
        return character
    if character == "\\" or unicodedata.category(character) in _UNSHOWN_CATEGORIES:
        code = ord(character)
        return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
    return character
