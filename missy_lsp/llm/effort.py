"""How hard a model is to work at a request: its effort, whether it thinks first, and the room that this takes."""

from __future__ import annotations

import attrs

from missy_lsp.config.values import Routing
from missy_lsp.llm.catalogue import ModelFacts, ThinkingMode
from missy_lsp.llm.types import Thinking, Tier

THINKS = "the premium tier thinks first: what it thinks is billed as output"

# Output tokens beyond the answer, by effort: what a model thinks counts against the same limit.
_ROOM_TOKENS = {"low": 4096, "medium": 8192, "high": 16_384, "xhigh": 32_768, "max": 32_768}
_THINKING: tuple[ThinkingMode, ...] = ("adaptive", "enabled")
_NOT_THINKING: tuple[ThinkingMode, ...] = ("disabled", "between_tools")
# A model that nobody knows may think by itself, and can't be told not to: a short answer would come back empty.
_ROOM_OF_UNKNOWN_TOKENS = 2048
_MOST_WITHOUT_THINKING = "high"  # api.md A.10: a higher effort and `disabled` are refused together


@attrs.frozen
class Depth:
    """What a request says of it: only what its model accepts, and nothing where the model does so by itself.

    `room_tokens` is the output that thinking may take beside the answer; `is_asked` tells that the configuration
    wants the tier to think, and the model can.
    """

    effort: str | None
    thinking: Thinking | None
    room_tokens: int
    is_asked: bool


def depth_of(routing: Routing, facts: ModelFacts, tier: Tier, *, effort: str | None, is_quick: bool) -> Depth:
    """Return it for a request on a tier.

    `effort` is the action's own word, None or `auto` where it has none; `is_quick`: the user waits for it at the
    cursor, so nothing is thought where the model can do without.
    """
    by_tier = {"fast": routing.fast_effort, "primary": routing.primary_effort, "premium": routing.premium_effort}
    wanted = facts.accepted_effort(by_tier[tier] if effort in (None, "auto") else effort)
    is_off = is_quick or routing.thinking == "off"
    is_asked = not is_off and tier == "premium"
    mode = facts.thinking_default
    if is_off or is_asked:
        modes = _NOT_THINKING if is_off else _THINKING
        mode = next((mode for mode in modes if mode in facts.thinking), mode)
    room = _ROOM_TOKENS[wanted or facts.effort_default or _MOST_WITHOUT_THINKING] if mode in _THINKING else 0
    if mode is None and not facts.known:
        room = _ROOM_OF_UNKNOWN_TOKENS
    thinking = None if mode is None or mode == facts.thinking_default else Thinking(mode, room)
    if thinking is not None and mode == "disabled" and wanted in ("xhigh", "max"):
        wanted = facts.accepted_effort(_MOST_WITHOUT_THINKING)
    return Depth(wanted, thinking, room, is_asked and mode in _THINKING)
