"""The calls of what is shown while one reads or types, an explanation or a suggestion: quick, or not at all."""

from __future__ import annotations

from typing import Literal

from missy_lsp.config.values import Config
from missy_lsp.llm.client import Call
from missy_lsp.llm.router import RouteInput
from missy_lsp.llm.types import Prompt


def quick_call(
    kind: Literal["hover", "completion"],
    prompt: Prompt,
    config: Config,
    max_output_tokens: int,
    *,
    provider: str | None,
    folder: str,
) -> Call:
    """Return the call: the fast tier, a short answer, nothing waited for and nothing tried again."""
    return Call(
        prompt=prompt,
        config=config,
        route=RouteInput(prompt="", kind=kind),
        provider=provider,
        tier="fast",
        max_output_tokens=max_output_tokens,
        effort="low",
        is_quick=True,
        folder=folder,
        interactive=False,
    )
