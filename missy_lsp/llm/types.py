"""What passes between features, the model client and the providers: frozen values, no I/O.

Shapes follow the Messages API, with its terms; a provider translates them at its own edge.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, get_args

import attrs

if TYPE_CHECKING:
    from missy_lsp.llm.catalogue import ModelFacts

Tier = Literal["fast", "primary", "premium"]
TIERS: tuple[Tier, ...] = get_args(Tier)
TierChoice = Literal["auto", "fast", "primary", "premium"]
TIER_CHOICES: tuple[TierChoice, ...] = get_args(TierChoice)

JsonObject = Mapping[str, object]


# --- what is asked -------------------------------------------------------------------------------


@attrs.frozen
class TextBlock:
    """A piece of text; `cache` marks the end of a prefix that later requests share."""

    text: str
    cache: bool = False


@attrs.frozen
class ToolUseBlock:
    """A tool call of the model's; `input` is its JSON object."""

    id: str
    name: str
    input: JsonObject


@attrs.frozen
class ToolResultBlock:
    """Our answer to the tool call `tool_use_id`."""

    tool_use_id: str
    text: str
    is_error: bool = False


@attrs.frozen
class OpaqueBlock:
    """A block that only goes back unchanged to the model it came from (thinking and its signature)."""

    value: JsonObject


Block = TextBlock | ToolUseBlock | ToolResultBlock | OpaqueBlock


@attrs.frozen
class Message:
    role: Literal["user", "assistant"]
    content: tuple[Block, ...]


@attrs.frozen
class ToolSpec:
    """A tool that the model may call; `input_schema` is a JSON Schema object."""

    name: str
    description: str
    input_schema: JsonObject


@attrs.frozen
class Prompt:
    """Everything that a feature wants said, in the order in which it is rendered: tools, system, messages."""

    system: tuple[TextBlock, ...]
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()


@attrs.frozen
class Thinking:
    """Whether a model thinks before it answers; `budget_tokens` is what it may take, for `enabled`."""

    mode: Literal["adaptive", "enabled", "disabled", "between_tools"]
    budget_tokens: int = 0


@attrs.frozen
class ModelRequest:
    """One model turn.

    `timeout_s` is seconds without a byte from upstream; `output_schema` is a JSON Schema object that the answer
    has to follow, for models with structured outputs. Without `effort` or `thinking` the model's own default holds.
    `facts` is what is known of the model at this provider's address, None where nobody has looked.
    """

    model: str
    prompt: Prompt
    max_output_tokens: int
    timeout_s: float
    effort: str | None = None
    thinking: Thinking | None = None
    output_schema: JsonObject | None = None
    facts: ModelFacts | None = attrs.field(default=None, repr=False)


@attrs.frozen
class Repair:
    """What is said to a model whose reply could not be used, once; `output_schema` is the form to answer in."""

    message: str
    output_schema: JsonObject | None = None


# --- what comes back -----------------------------------------------------------------------------


@attrs.frozen
class Usage:
    """Tokens as the API reports them: `input_tokens` counts neither cache reads nor cache writes.

    `kept_an_hour_tokens` is the part of `cache_creation_tokens` that is kept for an hour, which costs more.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_creation_tokens: int = 0
    kept_an_hour_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cache_read_tokens + other.cache_read_tokens,
            self.cache_creation_tokens + other.cache_creation_tokens,
            self.kept_an_hour_tokens + other.kept_an_hour_tokens,
        )

    def __sub__(self, other: Usage) -> Usage:
        """Return what this has more than `other`, nothing less than zero."""
        return Usage(
            max(0, self.input_tokens - other.input_tokens),
            max(0, self.output_tokens - other.output_tokens),
            max(0, self.cache_read_tokens - other.cache_read_tokens),
            max(0, self.cache_creation_tokens - other.cache_creation_tokens),
            max(0, self.kept_an_hour_tokens - other.kept_an_hour_tokens),
        )


@attrs.frozen
class TextDelta:
    text: str


@attrs.frozen
class ThinkingDelta:
    text: str


@attrs.frozen
class UsageSoFar:
    """The usage of the running turn as far as it is known; to a user, that of all turns and what they cost."""

    usage: Usage
    cost_usd: float = 0.0


@attrs.frozen
class TurnEnd:
    """The last event of a turn, sent only after the API's `message_stop`.

    `stop_reason` is the API's word (`end_turn`, `max_tokens`, `tool_use`, ... or one that we don't know).
    `content` holds every block as it has to be sent back.
    """

    stop_reason: str
    usage: Usage
    model: str
    content: tuple[Block, ...]
    request_id: str | None = None


ProviderEvent = TextDelta | ThinkingDelta | UsageSoFar | TurnEnd


# --- what a user sees of a running request (contract 3.2) -----------------------------------------


@attrs.frozen
class Started:
    provider: str
    model: str
    tier: Tier
    route_reasons: tuple[str, ...]


@attrs.frozen
class ToolCalled:
    """A tool ran; `summary` is one line without control characters."""

    name: str
    summary: str


@attrs.frozen
class Retrying:
    """Request number `attempt` follows in `in_seconds`, since the one before failed for `reason`."""

    attempt: int
    in_seconds: float
    reason: str


AnswerEvent = Started | TextDelta | ThinkingDelta | ToolCalled | Retrying | UsageSoFar


@attrs.frozen
class Completion:
    """A finished answer: `text` is every `TextDelta` joined, `usage` summed over turns, times in ms.

    `last_text` is the text of the last turn alone, `structured` whether that one followed a schema.
    """

    text: str
    provider: str
    model: str
    tier: Tier
    route_reasons: tuple[str, ...]
    stop_reason: str
    complete: bool
    usage: Usage
    cost_usd: float
    first_token_ms: float | None
    total_ms: float
    request_id: str | None = None
    last_text: str = ""
    structured: bool = False
