"""The files of `tests/data/markdown`: hostile texts with what becomes of them, and ordinary answers.

For random texts there are the pieces that hostile ones are made of.
"""

from __future__ import annotations

import re
from pathlib import Path

import attrs

DATA = Path(__file__).parents[1] / "data" / "markdown"
_SOURCE, _FILTERED = "%%%% source\n", "%%%% filtered\n"
# Characters that an editor would not show are written as ⟨U+202E⟩.
_NAMED = re.compile("⟨U\\+([0-9A-F]{4,6})⟩")

# What random texts are made of.
_MARKUP = (
    *("*", "**", "_", "__", "~~", "~", "`", "``", "```", "~~~", "[", "]", "(", ")", "![", "](", "<", ">", "</", "<!--"),
    *(
        "&",
        "&lt;",
        "&#106;",
        "&#x202e;",
        "&nbsp;",
        ";",
        "\\",
        "|",
        "---",
        "|-|-|",
        "===",
        "- ",
        "+ ",
        "* ",
        "1. ",
        "2) ",
    ),
    *("> ", "# ", "#", ":", "$", "!", "@", "=", '"', "'", ".", ",", "{", "}"),
)
_BLANKS = (
    " ",
    " ",
    "  ",
    "    ",
    "\t",
    "\n",
    "\n",
    "\n\n",
    "\n- ",
    "\n> ",
    "\n  ",
    "\n    ",
    "\r",
    "\r\n",
    "\u2028",
    "\x0c",
)
_WORDS = (
    "a",
    "b",
    "foo",
    "x",
    "1",
    "é",
    "漢",
    "😀",
    "।",
    "e.g.",
    "main.py",
    "evil.com",
    "www.",
    "https://",
    "//",
    "mailto:",
)
_WHOLE = (
    *("[a]: /u", "[^1]: n", "a@b.co", "<a href=x>", "<img src=x>", "<https://e.com>", "![x](https://X/?d=S)"),
    *("[ok](command:x)", "```py\n", "\n```\n", "|a|b|\n|-|-|\n", "x|y\n-|-\n", "_b_", "**b**", "javascript:x"),
)
ATOMS = (*_MARKUP, *_BLANKS, *_WORDS, *_WHOLE)
UNSEEN_ATOMS = (
    "\u200b",
    "\u202e",
    "\u200d",
    "\ufe0f",
    "\u3164",
    "\ufeff",
    "\U000e0041",
    "\x1b[31m",
    "\0",
    "\x9b",
    "\ud800",
)


@attrs.frozen
class HostileText:
    name: str
    source: str
    filtered: str


def hostile_texts() -> list[HostileText]:
    return [_hostile_text(file) for file in sorted((DATA / "hostile").glob("*.md"))]


def ordinary_answers() -> dict[str, str]:
    return {file.stem: file.read_text(encoding="utf-8") for file in sorted((DATA / "ordinary").glob("*.md"))}


def _hostile_text(file: Path) -> HostileText:
    text = file.read_bytes().decode("utf-8").replace("\r\n", "\n")  # as git may have checked it out
    source, _, filtered = text.partition(_SOURCE)[2].rpartition(_FILTERED)
    return HostileText(file.stem, _with_characters(source), _with_characters(filtered.removesuffix("\n")))


def _with_characters(text: str) -> str:
    return _NAMED.sub(lambda match: chr(int(match[1], 16)), text)
