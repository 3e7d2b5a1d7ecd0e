"""What is known of each model: prices, sizes, and what it refuses. The facts are in `models.json`.

An id that is not there is still used as written; it gets the most careful facts, and the highest price
that we know of, so that a budget is never exceeded for want of a fact. Models that only a cloud still serves
are there too: their prices are part of that bound.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypedDict, cast

import attrs

from missy_lsp.config.values import EFFORTS
from missy_lsp.llm.types import Usage

ThinkingMode = Literal["adaptive", "enabled", "disabled", "between_tools"]
ModelStatus = Literal["current", "legacy", "deprecated", "retired", "unknown"]

_DATA_FILE = "models.json"
_TOKENS_PER_PRICE = 1_000_000
_HOUR_FACTOR = 2
# A catalogue id inside the spellings of gateways and clouds: "anthropic/claude-sonnet-4.6",
# "us.anthropic.claude-haiku-4-5-20251001-v1:0", "claude-opus-4-6@20260101", "claude-sonnet-4-6[1m]"; the first of a
# line has no minor version: "claude-opus-4-20250514", "claude-opus-5".
_SPELLING = re.compile(
    r"""(?: ^ | [/.] ) (?P<family> claude-[a-z]+ ) - (?P<major> \d{1,2} ) (?: [-.] (?P<minor> \d{1,2} ) )? (?! \d )
        (?: [-@] (?: \d{8} | latest | default ) )? (?: -v\d+ )? (?: [:\[] .* )? $""",
    re.VERBOSE,
)


@attrs.frozen
class Price:
    """USD per million tokens; `cache_write` is for the five-minute cache, an hour's costs twice the input."""

    input: float
    output: float
    cache_read: float
    cache_write: float


@attrs.frozen
class ModelFacts:
    """Facts about one model; sizes in tokens.

    `id` is the catalogue's, or the asked one where `known` is false. `price_above` is the price of a whole
    request whose prompt is longer than `long_prompt_tokens`. `min_cache_tokens` is the shortest prefix that
    the API caches. `thinking` and `efforts` are the values that the model accepts, none where it refuses the
    field. `retires` is an ISO date; `successor` is the id of the newer model of its family, None where there is none.
    """

    id: str
    name: str
    known: bool
    context_tokens: int
    max_output_tokens: int
    min_cache_tokens: int
    price: Price
    long_prompt_tokens: int | None
    price_above: Price | None
    thinking: tuple[ThinkingMode, ...]
    thinking_default: ThinkingMode | None
    efforts: tuple[str, ...]
    effort_default: str | None
    prefill: bool
    forced_tool: bool
    structured_outputs: bool
    status: ModelStatus
    retires: str | None
    successor: str | None

    def accepted_effort(self, wanted: str | None) -> str | None:
        """Return the highest accepted effort that is not above `wanted`, None where there is none to send."""
        if wanted is None or wanted not in EFFORTS:
            return None
        not_above = EFFORTS[: EFFORTS.index(wanted) + 1]
        return next((effort for effort in reversed(not_above) if effort in self.efforts), None)

    def cost_usd(self, usage: Usage) -> float:
        """Return the price of one request with this usage."""
        prompt_tokens = usage.input_tokens + usage.cache_read_tokens + usage.cache_creation_tokens
        price = self.price
        if self.price_above and self.long_prompt_tokens is not None and prompt_tokens > self.long_prompt_tokens:
            price = self.price_above
        return (
            usage.input_tokens * price.input
            + usage.output_tokens * price.output
            + usage.cache_read_tokens * price.cache_read
            + (usage.cache_creation_tokens - usage.kept_an_hour_tokens) * price.cache_write
            + usage.kept_an_hour_tokens * price.input * _HOUR_FACTOR
        ) / _TOKENS_PER_PRICE


@attrs.frozen
class Catalogue:
    """Every known model by its id, and what stands in for an unknown one."""

    models: Mapping[str, ModelFacts]
    careful: ModelFacts

    @classmethod
    def load(cls) -> Catalogue:
        """Read the data file that is installed with the package."""
        text = Path(__file__).with_name(_DATA_FILE).read_text(encoding="utf-8")
        document = cast("_Document", json.loads(text))
        models = {entry["id"]: _facts(entry) for entry in document["models"]}
        dearest = Price(
            *(max(getattr(facts.price, field.name) for facts in models.values()) for field in attrs.fields(Price))
        )
        unknown = cast("_Entry", {**document["unknown"], "id": "", "name": "", "price": attrs.asdict(dearest)})
        return cls(models, attrs.evolve(_facts(unknown), known=False))

    def facts(self, model_id: str) -> ModelFacts:
        """Return what is known of `model_id`, however a gateway or a date suffix spells it."""
        known = self.models.get(model_id) or self.models.get(catalogue_id(model_id))
        return known or attrs.evolve(self.careful, id=model_id, name=model_id)

    def cost_usd(self, model_id: str, usage: Usage) -> float:
        """Return the price of one request; for an unknown model the highest that it could be."""
        return self.facts(model_id).cost_usd(usage)


def catalogue_id(model_id: str) -> str:
    """Return the id under which the catalogue would know `model_id`, in lower case."""
    lowered = model_id.strip().lower()
    match = _SPELLING.search(lowered)
    if match is None:
        return lowered
    minor = int(match["minor"] or 0)  # "claude-opus-4-0" is another name of "claude-opus-4"
    return f"{match['family']}-{match['major']}" + (f"-{minor}" if minor else "")


def model_name(model_id: str) -> str:
    """Return the name that every spelling and dated version of a Claude model counts under; others keep their own."""
    return catalogue_id(model_id) if _SPELLING.search(model_id.strip().lower()) else model_id


class _PriceEntry(TypedDict):
    input: float
    output: float
    cache_read: float
    cache_write: float


class _LongPrompt(TypedDict):
    above_tokens: int
    price: _PriceEntry


class _OptionalFields(TypedDict, total=False):
    long_prompt: _LongPrompt


class _Entry(_OptionalFields):
    id: str
    name: str
    context_tokens: int
    max_output_tokens: int
    min_cache_tokens: int
    price: _PriceEntry
    thinking: list[ThinkingMode]
    thinking_default: ThinkingMode | None
    efforts: list[str]
    effort_default: str | None
    prefill: bool
    forced_tool: bool
    structured_outputs: bool
    status: ModelStatus
    retires: str | None
    successor: str | None


class _Document(TypedDict):
    unknown: Mapping[str, object]
    models: list[_Entry]


def _facts(entry: _Entry) -> ModelFacts:
    above = entry.get("long_prompt")
    return ModelFacts(
        id=entry["id"],
        name=entry["name"],
        known=True,
        context_tokens=entry["context_tokens"],
        max_output_tokens=entry["max_output_tokens"],
        min_cache_tokens=entry["min_cache_tokens"],
        price=Price(**entry["price"]),
        long_prompt_tokens=above["above_tokens"] if above else None,
        price_above=Price(**above["price"]) if above else None,
        thinking=tuple(entry["thinking"]),
        thinking_default=entry["thinking_default"],
        efforts=tuple(entry["efforts"]),
        effort_default=entry["effort_default"],
        prefill=entry["prefill"],
        forced_tool=entry["forced_tool"],
        structured_outputs=entry["structured_outputs"],
        status=entry["status"],
        retires=entry["retires"],
        successor=entry["successor"],
    )
