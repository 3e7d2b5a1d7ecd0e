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
