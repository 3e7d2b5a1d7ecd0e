"""The front matter of a chat: what it may set, and where it is wrong."""

from __future__ import annotations

import pytest

from missy_lsp.features.chat_document import parse_chat
from missy_lsp.features.chat_front_matter import ChatSettings, chat_settings


def test_tier_model_and_system_text_are_read() -> None:
    settings, problems = chat_settings(parse_chat("---\ntier: fast\nmodel: m\nsystem: |\n  Be brief.\n---\n## You\n"))
    assert settings == ChatSettings("fast", "m", "Be brief.\n")
    assert problems == ()


@pytest.mark.parametrize("text", ["## You\n", "---\n---\n## You\n", "---\nmodel:\n---\n"])
def test_nothing_needs_to_be_set(text: str) -> None:
    assert chat_settings(parse_chat(text)) == (ChatSettings(), ())


@pytest.mark.parametrize(
    ("front", "line", "said"),
    [
        ("tier: slow", 1, "tier: one of auto, fast, primary, premium"),
        ("model: m\nteir: fast", 2, "did you mean `tier`?"),
        ("system: [a]", 1, "system: a text is expected"),
        ("tier: &a fast", 1, "anchors"),
        ("- a", 1, "fields are expected"),
        ('tier: "fast', 1, ""),
        ("model: 12", 1, "model: a text is expected"),
        ("api_key: sk-ant-x", 1, "is not a field of a chat"),
    ],
)
def test_a_fault_is_told_with_its_line(front: str, line: int, said: str) -> None:
    settings, [problem] = chat_settings(parse_chat(f"---\n{front}\n---\n## You\n\nhello\n"))
    assert settings == ChatSettings()
    assert said in problem.message
    assert problem.place.line >= line


def test_a_front_matter_without_an_end_is_told() -> None:
    _, [problem] = chat_settings(parse_chat("---\ntier: fast\n\n## You\n\nhello\n"))
    assert "no end" in problem.message
