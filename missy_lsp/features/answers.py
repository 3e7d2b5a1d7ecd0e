"""An answer as it is told to the outside (contract 3.1, Answer)."""

from __future__ import annotations

from missy_lsp.llm.types import Completion, Usage


def answer_fields(answer_id: str, completion: Completion) -> dict[str, object]:
    """Return the Answer: camelCase names, times in milliseconds, the price in USD."""
    first_ms = completion.first_token_ms
    return {
        "id": answer_id,
        "text": completion.text,
        "model": completion.model,
        "provider": completion.provider,
        "tier": completion.tier,
        "routeReasons": list(completion.route_reasons),
        "stopReason": completion.stop_reason,
        "complete": completion.complete,
        "usage": usage_fields(completion),
        "timing": {
            "firstTokenMs": None if first_ms is None else round(first_ms, 1),
            "totalMs": round(completion.total_ms, 1),
        },
    }


def usage_fields(completion: Completion) -> dict[str, object]:
    """Return the usage of an answer with its price."""
    return {**token_fields(completion.usage), "costUsd": completion.cost_usd}


def token_fields(usage: Usage) -> dict[str, object]:
    """Return the counts of tokens with the names of the contract."""
    return {
        "inputTokens": usage.input_tokens,
        "outputTokens": usage.output_tokens,
        "cacheReadTokens": usage.cache_read_tokens,
        "cacheCreationTokens": usage.cache_creation_tokens,
    }
