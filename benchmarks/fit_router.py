"""Fit the router's weights to labelled prompts, and say how well they do on prompts they were not fitted to.

    python -m benchmarks.fit_router            measure: cross-validation, held-out set, time of a decision
    python -m benchmarks.fit_router --write    fit on all of the tuned prompts and write the weights

The model is one sum of weights with two thresholds (ordinal logistic regression), held small by a penalty on
squares, so that a concept seldom seen in the prompts counts as its group does. Fitting is deterministic.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import attrs

from missy_lsp.config.values import ProviderConfig, Routing
from missy_lsp.llm.router import ModelRouter, RouteInput, RoutingKnowledge, Weights, observe
from missy_lsp.llm.types import TIERS

ROOT = Path(__file__).parents[1]
DATA = ROOT / "tests" / "data" / "routing"
WEIGHTS = ROOT / "missy_lsp" / "llm" / "routing_weights.json"
FITTED = ("examples", "tuned", "blind_a", "blind_c", "blind_d", "blind_e", "blind_h", "blind_i", "blind_j", "blind_k")
NOT_FITTED = ("held_out", "fresh", "unseen", "blind_b", "blind_f", "blind_g", "blind_l")
FOLDS = 10
EPOCHS = 250
PENALTY = 0.001
STEP = 0.08
# Words of thanks are never more than that; the prompts need not teach it.
CHAT = -6.0


class Case(NamedTuple):
    """A labelled prompt: its observations and the place of its tier in `TIERS`."""

    id: str
    prompt: str
    found: dict[str, float]
    tier: int


class Fit(NamedTuple):
    weights: dict[str, float]
    low: float
    high: float

    def tier(self, found: dict[str, float]) -> int:
        total = sum(self.weights.get(name, 0.0) * value for name, value in found.items())
        return (total >= self.low) + (total > self.high)


def cases(file: Path, knowledge: RoutingKnowledge) -> list[Case]:
    """Read labelled prompts, one JSON object a line."""
    result = []
    for line in file.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        request = RouteInput(row["prompt"], row["selection_chars"], row["tool_count"], row["history_length"])
        found = dict(observe(request, knowledge).found)
        result.append(Case(row["id"], row["prompt"], found, TIERS.index(row["tier"])))
    return result


def fit(train: list[Case]) -> Fit:
    """Minimise the loss of the proportional-odds model by Adam over the whole set."""
    names = sorted({name for case in train for name in case.found})
    index = {name: place for place, name in enumerate(names)}
    rows = [([(index[name], value) for name, value in case.found.items()], case.tier) for case in train]
    size = len(names)
    values = [0.0] * size + [-1.0, math.log(2.0)]
    first, second = [0.0] * (size + 2), [0.0] * (size + 2)
    for epoch in range(1, EPOCHS + 1):
        gradient = _gradient(rows, values, size)
        for place, slope in enumerate(gradient):
            first[place] = 0.9 * first[place] + 0.1 * slope
            second[place] = 0.999 * second[place] + 0.001 * slope * slope
            mean, spread = first[place] / (1 - 0.9**epoch), second[place] / (1 - 0.999**epoch)
            values[place] -= STEP * mean / (math.sqrt(spread) + 1e-8)
    low = values[size]
    weights = dict(zip(names, values, strict=False)) | {"chat": CHAT}
    return Fit(weights, low, low + math.exp(values[size + 1]))


def _gradient(rows: list[tuple[list[tuple[int, float]], int]], values: list[float], size: int) -> list[float]:
    low, gap = values[size], math.exp(values[size + 1])
    gradient = [2 * PENALTY * value for value in values[:size]] + [0.0, 0.0]
    count = len(rows)
    for row, tier in rows:
        total = sum(values[place] * value for place, value in row)
        below_low, below_high = _logistic(low - total), _logistic(low + gap - total)
        # The loss is -log P(tier); its slopes by the two cumulative arguments.
        if tier == 0:
            by_low, by_high = -(1 - below_low), 0.0
        elif tier == 2:
            by_low, by_high = 0.0, below_high
        else:
            chance = max(below_high - below_low, 1e-9)
            by_low = below_low * (1 - below_low) / chance
            by_high = -below_high * (1 - below_high) / chance
        slope = -(by_low + by_high) / count
        for place, value in row:
            gradient[place] += slope * value
        gradient[size] += (by_low + by_high) / count
        gradient[size + 1] += by_high * gap / count
    return gradient


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, value))))


def outcome(fitted: Fit, test: list[Case]) -> tuple[Counter[tuple[int, int]], list[Case]]:
    """Count (right tier, decided tier) and list the wrong ones."""
    table = Counter((case.tier, fitted.tier(case.found)) for case in test)
    return table, [case for case in test if fitted.tier(case.found) != case.tier]


def report(name: str, table: Counter[tuple[int, int]]) -> None:
    total = sum(table.values())
    right = sum(count for (tier, decided), count in table.items() if tier == decided)
    far = sum(count for (tier, decided), count in table.items() if abs(tier - decided) == 2)
    print(f"{name:<34} {right}/{total} = {right / total:.1%} right, {far} two tiers off")


def cross_validated(all_cases: list[Case]) -> tuple[Counter[tuple[int, int]], list[Case]]:
    table: Counter[tuple[int, int]] = Counter()
    wrong: list[Case] = []
    for fold in range(FOLDS):
        fitted = fit([case for place, case in enumerate(all_cases) if place % FOLDS != fold])
        part, missed = outcome(fitted, [case for place, case in enumerate(all_cases) if place % FOLDS == fold])
        table += part
        wrong += missed
    return table, wrong


def write(fitted: Fit) -> None:
    """Put the weights into the data file; its reasons and kinds stay."""
    document = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    document["thresholds"] = [round(fitted.low, 3), round(fitted.high, 3)]
    for part in ("groups", "concepts"):
        prefix = part.removesuffix("s") + ":"
        document[part] = {
            name.removeprefix(prefix): round(weight, 3)
            for name, weight in fitted.weights.items()
            if name.startswith(prefix)
        }
    document["leads"] = {
        name: round(weight, 3) for name, weight in fitted.weights.items() if name.startswith(("lead", "topic_led_by"))
    }
    for name, entry in document["observations"].items():
        if name != "chat":
            entry["weight"] = round(fitted.weights.get(name, 0.0), 3)
    text = json.dumps(document, indent=2, ensure_ascii=False)
    WEIGHTS.write_text(text + "\n", encoding="utf-8")


def current(knowledge: RoutingKnowledge) -> Fit:
    weights: Weights = knowledge.weights
    return Fit(dict(weights.values), *weights.thresholds)


def decision_ms(prompts: list[str]) -> tuple[float, float]:
    """Return the median and the 99th percentile of the time of a decision, reasons included, in milliseconds."""
    router = ModelRouter(ProviderConfig(), Routing())
    times = []
    for prompt in prompts:
        request = RouteInput(prompt, 1_500)
        start = time.process_time_ns()
        router.decide(request)
        times.append((time.process_time_ns() - start) / 1e6)
    times.sort()
    return times[len(times) // 2], times[len(times) * 99 // 100]


def main(arguments: list[str]) -> None:
    knowledge = RoutingKnowledge.load()
    tuned = [case for name in FITTED for case in cases(DATA / f"{name}.jsonl", knowledge)]
    if "--write" in arguments:
        write(fit(tuned))
        knowledge = attrs.evolve(knowledge, weights=Weights.load())
    table, wrong = cross_validated(tuned)
    report(f"tuned prompts, {FOLDS}-fold", table)
    report("tuned prompts, shipped weights", outcome(current(knowledge), tuned)[0])
    for name in NOT_FITTED:
        unseen = cases(DATA / f"{name}.jsonl", knowledge)
        report(f"{name} prompts, shipped weights", outcome(current(knowledge), unseen)[0])
    if "--wrong" in arguments:
        for case in wrong:
            print(TIERS[case.tier], case.id, case.prompt, sorted(case.found))
    prompts = [case.prompt for case in tuned]
    # Prompts of other lengths: neighbours joined, cut to the length.
    joined = {size: [" ".join(prompts[place:] + prompts)[:size] for place in range(300)] for size in (500, 5_000)}
    for name, some in {"as labelled": prompts, **{f"{size} characters": part for size, part in joined.items()}}.items():
        print("{:<34} {:.3f} ms at the median, {:.3f} ms at the 99th percentile".format(name, *decision_ms(some)))


if __name__ == "__main__":
    main(sys.argv[1:])
