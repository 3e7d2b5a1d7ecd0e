"""What was spent, as it is told: the shape of the answer, bars for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from missy_lsp.llm.ledger import SpendingSum

_BAR = 30


def sum_fields(entry: SpendingSum) -> dict[str, object]:
    """Return a sum with the names of the contract."""
    usage = entry.usage
    return {
        "key": entry.key,
        "requests": entry.requests,
        "inputTokens": usage.input_tokens,
        "outputTokens": usage.output_tokens,
        "cacheReadTokens": usage.cache_read_tokens,
        "cacheCreationTokens": usage.cache_creation_tokens,
        "costUsd": entry.cost_usd,
    }


def bars(entries: Sequence[SpendingSum]) -> list[str]:
    """Return a bar for each sum, the longest for the dearest."""
    most = max((entry.cost_usd for entry in entries), default=0.0)
    return ["█" * max(1, round(_BAR * entry.cost_usd / most)) if entry.cost_usd else "" for entry in entries]
