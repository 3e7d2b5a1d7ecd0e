"""Choose the tier of a request from what is asked: pure, no model call, the same answer every time.

An instruction is read into words, the vocabulary finds what they name, and each observation adds its weight to
one sum. Two thresholds part the tiers. Vocabulary and weights are data; how the weights were found is in
`benchmarks/fit_router.py`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, cast

import attrs

from missy_lsp.llm.routing_features import Circumstances, features
from missy_lsp.llm.routing_rules import model_of
from missy_lsp.llm.routing_text import Words, read
from missy_lsp.llm.routing_vocabulary import Hit, Vocabulary
from missy_lsp.llm.types import TIERS, Tier

if TYPE_CHECKING:
    from missy_lsp.config.values import ProviderConfig, Routing

_WEIGHTS_FILE = "routing_weights.json"
_MAX_REASONS = 3
_LEAST_CONTRIBUTION = 0.2
_MAX_SHOWN_WORDS = 60
_DIRECTIONS: dict[Tier, int] = {"fast": -1, "primary": 0, "premium": 1}


@attrs.frozen
class RouteInput:
    """What a decision looks at.

    `selection_chars` is the size of the code sent along, `tool_count` the tools that the caller asks for,
    `history_length` the number of earlier turns; `kind` is `ask` or the id of an action, `action_tier` the tier that
    the action's file names. `path` is the document's below its folder, empty without one.
    """

    prompt: str
    selection_chars: int = 0
    tool_count: int = 0
    history_length: int = 0
    kind: str = "ask"
    language_id: str = ""
    path: str = ""
    action_tier: str = "auto"


@attrs.frozen
class RouteDecision:
    """Where a request goes and why: `score` is 0 for the plainest look-up and 1 for the deepest reasoning.

    `tier` is the tier decided on, also where its model is not configured and `model` is the primary one.
    """

    tier: Tier
    model: str
    score: float
    reasons: tuple[str, ...]


class _Observation(TypedDict):
    weight: float
    reason: str


class _WeightsDocument(TypedDict):
    thresholds: list[float]
    concepts: Mapping[str, float]
    groups: Mapping[str, float]
    leads: Mapping[str, float]
    observations: Mapping[str, _Observation]
    kinds: Mapping[str, str]


@attrs.frozen
class Weights:
    """How much each observation counts, the reasons to give for it, and where the tiers part."""

    thresholds: tuple[float, float]
    values: Mapping[str, float]
    reasons: Mapping[str, str]
    kinds: Mapping[str, str]

    @classmethod
    def load(cls) -> Weights:
        """Read the data file that is installed with the package."""
        text = Path(__file__).with_name(_WEIGHTS_FILE).read_text(encoding="utf-8")
        document = cast("_WeightsDocument", json.loads(text))
        values = {f"concept:{name}": weight for name, weight in document["concepts"].items()}
        values |= {f"group:{name}": weight for name, weight in document["groups"].items()}
        values |= document["leads"]
        values |= {name: entry["weight"] for name, entry in document["observations"].items()}
        reasons = {name: entry["reason"] for name, entry in document["observations"].items()}
        low, high = document["thresholds"]
        return cls((low, high), values, reasons, document["kinds"])


@attrs.frozen
class RoutingKnowledge:
    """The data of the router; a process reads it once, which takes some ten milliseconds."""

    vocabulary: Vocabulary
    weights: Weights

    @staticmethod
    @cache
    def load() -> RoutingKnowledge:
        return RoutingKnowledge(Vocabulary.load(), Weights.load())


class ModelRouter:
    """Decide for the models of one provider."""

    def __init__(self, provider: ProviderConfig, routing: Routing, knowledge: RoutingKnowledge | None = None) -> None:
        self._provider = provider
        self._mode = routing.mode
        self._knowledge = knowledge or RoutingKnowledge.load()

    def decide(self, request: RouteInput) -> RouteDecision:
        """Return the tier and the model for a request, with one to four reasons."""
        weights = self._knowledge.weights
        reading = observe(request, self._knowledge)
        score = score_of(reading.total(weights), weights.thresholds)
        for fixed in TIERS:
            if self._mode == fixed:
                reasons = (f"routing.mode is {fixed}", *self._missing(fixed))
                return RouteDecision(fixed, self.model_of(fixed), score, reasons)
        tier: Tier = "fast" if score < 1 / 3 else "primary" if score <= 2 / 3 else "premium"
        reasons = (*_reasons(tier, reading, request, weights), *self._missing(tier))
        return RouteDecision(tier, self.model_of(tier), score, reasons)

    def model_of(self, tier: Tier) -> str:
        """Return the model that serves a tier, the primary one where none is configured."""
        return model_of(self._provider, tier)

    def _missing(self, tier: Tier) -> tuple[str, ...]:
        if tier == "primary" or {"fast": self._provider.fast_model, "premium": self._provider.premium_model}[tier]:
            return ()
        return (f"no {tier}_model is configured: the primary model serves this tier",)


@attrs.frozen
class Reading:
    """What was seen in a request."""

    words: Words
    hits: list[Hit]
    found: Mapping[str, float]

    def total(self, weights: Weights) -> float:
        return sum(weights.values.get(name, 0.0) * value for name, value in self.found.items())


def observe(request: RouteInput, knowledge: RoutingKnowledge) -> Reading:
    """Return the observations on a request."""
    words = read(request.prompt)
    hits = knowledge.vocabulary.find(words.tokens)
    kind = knowledge.weights.kinds.get(request.kind)
    if kind is not None:
        hits.append(Hit(knowledge.vocabulary.concepts[kind], request.kind, len(words.tokens), counts=True))
    around = Circumstances(request.selection_chars, request.tool_count, request.history_length)
    return Reading(words, hits, features(words, hits, around))


def score_of(total: float, thresholds: tuple[float, float]) -> float:
    """Map the sum to 0..1 so that the tiers part at 1/3 and 2/3."""
    low, high = thresholds
    place = (total - low) / (high - low)
    if place < 0:
        return math.exp(place) / 3
    return 1 - math.exp(1 - place) / 3 if place > 1 else (1 + place) / 3


def _reasons(tier: Tier, reading: Reading, request: RouteInput, weights: Weights) -> tuple[str, ...]:
    """Return what counted most for the decision, in plain sentences."""
    direction = _DIRECTIONS[tier]
    weighed = [
        (contribution * direction if direction else abs(contribution), sentence)
        for sentence, contribution in _contributions(reading, request, weights).items()
    ]
    strongest = sorted(weighed, key=lambda pair: -pair[0])[:_MAX_REASONS]
    reasons = tuple(sentence for strength, sentence in strongest if strength >= _LEAST_CONTRIBUTION)
    if reasons:
        return reasons
    return ("nothing in it points to a look-up or to deep reasoning: everyday work",)


def _contributions(reading: Reading, request: RouteInput, weights: Weights) -> dict[str, float]:
    sentences: dict[str, float] = {}
    named: set[str] = set()
    is_about_topic = weights.values.get("topic_alone", 0.0) if "topic_alone" in reading.found else 0.0
    for hit in reading.hits:
        name = f"concept:{hit.concept.name}"
        if not hit.counts or name not in reading.found or name in named:
            continue
        named.add(name)
        group_weight = weights.values.get(f"group:{hit.concept.group}", 0.0)
        topic_weight = is_about_topic if hit.concept.group == "topic" else 0.0
        sentences[_sentence(hit)] = weights.values.get(name, 0.0) + group_weight + topic_weight
    numbers = {
        "turns": request.history_length,
        "tools": request.tool_count,
        "characters": request.selection_chars,
        "words": reading.words.count,
    }
    for name, reason in weights.reasons.items():
        if name in reading.found and reason:
            sentence = reason.format(**numbers)
            sentences[sentence] = sentences.get(sentence, 0.0) + weights.values[name]
    return sentences


def _sentence(hit: Hit) -> str:
    words = hit.words if hit.words.isascii() or " " not in hit.words else _joined(hit.words)
    shown = words[:_MAX_SHOWN_WORDS].replace("\0", "…")
    if hit.concept.group in ("topic", "wide"):
        return f'mentions "{shown}": {hit.concept.reason}'
    return f'"{shown}": {hit.concept.reason}'


def _joined(words: str) -> str:
    """Join the characters of Chinese and Japanese, which are words of their own to the vocabulary."""
    parts = words.split(" ")
    return "".join(parts) if all(len(part) == 1 and part >= "\u3000" for part in parts) else words
