"""The renderers of VS Code's hovers and preview agree that nothing is live (security.md, G6)."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from missy_lsp.markdown.filtering import MarkdownFilter
from tests.support.markdown_cases import ATOMS, hostile_texts, ordinary_answers

ROOT = Path(__file__).parents[2]
PACKAGES = ROOT / "editors" / "vscode" / "node_modules"
ORACLE = ROOT / "tests" / "support" / "markdown_oracle.mjs"
RANDOM_TEXTS = 100_000 if os.environ.get("MISSY_SOAK") else 100


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js")
@pytest.mark.skipif(not (PACKAGES / "marked").is_dir(), reason="needs the packages of the VS Code extension")
def test_other_renderers_find_nothing_live_at_any_moment() -> None:
    shown = [text for source in _sources() for text in _moments(source)]
    given = "".join(json.dumps(text) + "\n" for text in shown)
    told = subprocess.run(
        ["node", str(ORACLE), str(PACKAGES)], input=given, capture_output=True, text=True, check=True, encoding="utf-8"
    )
    found = [json.loads(line) for line in told.stdout.splitlines()]
    assert len(found) == len(shown)
    assert [(text, live) for text, live in zip(shown, found, strict=True) if live] == []


def _sources() -> Iterator[str]:
    yield from (case.source for case in hostile_texts())
    yield from ordinary_answers().values()
    chosen = random.Random(4)
    for _ in range(RANDOM_TEXTS):
        yield "".join(chosen.choices(ATOMS, k=chosen.randint(2, 30)))


def _moments(source: str) -> Iterator[str]:
    """Yield what a reader has seen after each piece of a stream."""
    stream, shown = MarkdownFilter(), ""
    for start in range(0, len(source), 9):
        if piece := stream.feed(source[start : start + 9]):
            shown += piece
            yield shown
    yield shown + stream.finish()
