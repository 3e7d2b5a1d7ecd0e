"""What is wrong with a configuration, each with its place."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import attrs

Severity = Literal["error", "warning", "information"]

_MAX_SHOWN = 60
_SUGGESTION = re.compile(r"did you mean `([^`]+)`\?")
_KEY_LIKE = re.compile(r"sk-[A-Za-z0-9]", re.IGNORECASE)


@attrs.frozen
class Problem:
    """One problem; lines and columns are 0-based and in code points, the end is exclusive."""

    path: Path | None
    line: int
    column: int
    end_line: int
    end_column: int
    severity: Severity
    code: str
    message: str

    @property
    def suggestion(self) -> str | None:
        """Return what probably was meant in the place of what stands there."""
        found = _SUGGESTION.search(self.message)
        return None if found is None else found.group(1)

    def __str__(self) -> str:
        place = "editor settings" if self.path is None else f"{self.path}:{self.line + 1}:{self.column + 1}"
        return f"{place}: {self.message}"


def shown(text: str) -> str:
    """Return a piece of a file as a message may quote it: short, printable, and never what may be a key.

    A key ends up as a name where a space is missing (`{api_key:sk-ant-...}`), so names are looked at too.
    """
    if _KEY_LIKE.search(text):
        return "(a text that looks like a key)"
    return "".join(character if character.isprintable() else "?" for character in text[:_MAX_SHOWN])
