"""What was spent, as it is told: the shape of the answer, bars for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from missy_lsp.features.answers import token_fields
from missy_lsp.llm.ledger import SpendingSum
from missy_lsp.llm.types import Usage

_BAR = 30


def sum_fields(entry: SpendingSum) -> dict[str, object]:
    """Return a sum with the names of the contract."""
    return {"key": entry.key, **_counts(entry.requests, entry.usage, entry.cost_usd)}


def total_fields(entries: Sequence[SpendingSum]) -> dict[str, object]:
    """Return everything together."""
    usage = sum((entry.usage for entry in entries), Usage())
    return _counts(sum(entry.requests for entry in entries), usage, sum(entry.cost_usd for entry in entries))


def _counts(requests: int, usage: Usage, cost_usd: float) -> dict[str, object]:
    return {"requests": requests, **token_fields(usage), "costUsd": cost_usd}


def bars(entries: Sequence[SpendingSum]) -> list[str]:
    """Return a bar for each sum, the longest for the dearest."""
    most = max((entry.cost_usd for entry in entries), default=0.0)
    return ["█" * max(1, round(_BAR * entry.cost_usd / most)) if entry.cost_usd else "" for entry in entries]
