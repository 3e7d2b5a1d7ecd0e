"""What was spent, as it is told: the shape of the answer, bars for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from missy_lsp.features.answers import token_fields
from missy_lsp.llm.ledger import SpendingSum
from missy_lsp.llm.types import Usage

_LONGEST_BAR = 30
_SHORTEST_BAR = 5


def sum_fields(entry: SpendingSum) -> dict[str, object]:
    """Return a sum with the names of the contract."""
    return {"key": entry.key, **_counts(entry.requests, entry.usage, entry.cost_usd)}


def total_fields(entries: Sequence[SpendingSum]) -> dict[str, object]:
    """Return everything together."""
    usage = sum((entry.usage for entry in entries), Usage())
    return _counts(sum(entry.requests for entry in entries), usage, sum(entry.cost_usd for entry in entries))


def _counts(requests: int, usage: Usage, cost_usd: float) -> dict[str, object]:
    return {"requests": requests, **token_fields(usage), "costUsd": cost_usd}


def bars(entries: Sequence[SpendingSum], columns: int) -> list[str]:
    """Return a bar for each sum, the longest for the dearest; empty ones where there is no room for a picture."""
    longest = min(columns, _LONGEST_BAR)
    most = max((entry.cost_usd for entry in entries), default=0.0)
    if longest < _SHORTEST_BAR or not most:
        return [""] * len(entries)
    return ["█" * max(1, round(longest * entry.cost_usd / most)) if entry.cost_usd else "" for entry in entries]
