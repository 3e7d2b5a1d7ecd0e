"""The files of `tests/data/markdown`: hostile texts with what becomes of them, and ordinary answers."""

from __future__ import annotations

import re
from pathlib import Path

import attrs

DATA = Path(__file__).parents[1] / "data" / "markdown"
_SOURCE, _FILTERED = "%%%% source\n", "%%%% filtered\n"
# Characters that an editor would not show are written as ⟨U+202E⟩.
_NAMED = re.compile("⟨U\\+([0-9A-F]{4,6})⟩")


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
