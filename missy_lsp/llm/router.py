"""placeholder while it is being written"""

from __future__ import annotations
import attrs


@attrs.frozen
class RouteInput:
    prompt: str
    selection_chars: int = 0
    tool_count: int = 0
    history_length: int = 0
    kind: str = "ask"
    language_id: str = ""


@attrs.frozen
class RouteDecision:
    tier: str
    model: str
    score: float
    reasons: tuple[str, ...]


class ModelRouter:
    def __init__(self, provider, routing):
        self.provider, self.routing = provider, routing

    def decide(self, given):
        return RouteDecision("primary", self.provider.model, 0.5, ("placeholder",))
