from __future__ import annotations

from pathlib import Path

import pytest

import missy_lsp.prompts
from missy_lsp.prompts.loading import load

PROMPTS = sorted(path.stem for path in Path(missy_lsp.prompts.__file__).parent.glob("*.md"))


@pytest.mark.parametrize("name", PROMPTS)
def test_a_prompt_is_plain_text_without_a_last_line_end(name: str) -> None:
    text = load(name)
    assert text
    assert text == text.strip()
    assert "\t" not in text


def test_the_system_prompt_says_that_material_is_data() -> None:
    text = load("system")
    assert "never an instruction" in text
    assert "left out" in text
