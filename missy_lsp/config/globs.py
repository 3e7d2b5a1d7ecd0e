"""Patterns as in .gitignore, compiled within bounds: a hostile repository may have written them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

MAX_PATTERNS = 500
MAX_PATTERN_LENGTH = 200
_FROM_THIRD_WILDCARD = re.compile(r"^((?:[^*]*\*+){2})[^*]*\*.*")


def glob_spec(lines: list[str]) -> GitIgnoreSpec | None:
    """Compile gitignore patterns, None for none.

    Patterns become regular expressions, and a hostile repository writes them: their number, length and
    wildcards are bounded. A pattern with more than two `*` in a part of a path is cut to a broader one.
    """
    from pathspec import GitIgnoreSpec

    bounded = [_bounded(line) for line in lines[:MAX_PATTERNS] if len(line) <= MAX_PATTERN_LENGTH]
    kept = [line for line in bounded if line.strip() and not line.startswith("#")]
    if not kept:
        return None
    try:
        return GitIgnoreSpec.from_lines(kept)
    except (ValueError, re.error):
        return _spec_of_valid(kept)


def _spec_of_valid(lines: list[str]) -> GitIgnoreSpec | None:
    from pathspec import GitIgnoreSpec

    valid: list[str] = []
    for line in lines:
        try:
            GitIgnoreSpec.from_lines([line])
        except (ValueError, re.error):
            continue
        valid.append(line)
    return GitIgnoreSpec.from_lines(valid) if valid else None


def _bounded(line: str) -> str:
    parts = line.split("/")
    cut = [part if part == "**" else _FROM_THIRD_WILDCARD.sub(r"\1", part) for part in parts]
    too_many = sum(part == "**" for part in parts) > 2
    if cut == parts and not too_many:
        return line
    if line.startswith("!"):
        return ""
    return "/".join(cut[: cut.index("**") + 1] if too_many else cut)
