"""An upstream that knows what it would charge: usage of its own choice, prices as they are published."""

from __future__ import annotations

import random
import threading

from tests.support.fake_api import (
    Reply,
    Request,
    WaitFor,
    block_start,
    block_stop,
    message_delta,
    message_start,
    message_stop,
    stream,
    text_delta,
)

# USD per million tokens: read anew, written, read from the cache, kept in it. Not taken from our catalogue.
PRICES = {
    "claude-haiku-4-5": (1.0, 5.0, 0.1, 1.25),
    "claude-sonnet-4-6": (3.0, 15.0, 0.3, 3.75),
    "claude-opus-4-6": (5.0, 25.0, 0.5, 6.25),
}
# Fewer tokens than there are: English and code have 3.3 to 4 bytes a token.
_BYTES_PER_TOKEN = 4


class Biller:
    """Answer each request with usage below what it asked for, and add up its price.

    `hold`, where it is given, is waited for in the middle of every answer.
    """

    def __init__(self, seed: int, hold: threading.Event | None = None) -> None:
        self.usd = 0.0
        self.dearest_usd = 0.0
        self._random = random.Random(seed)
        self._hold = hold
        self._lock = threading.Lock()

    def respond(self, request: Request) -> Reply:
        """Return the answer; its text is its price, to compare with what a client says that it cost."""
        asked = request.json
        model, most = str(asked["model"]), asked["max_tokens"]
        assert isinstance(most, int)
        with self._lock:
            prompt = len(request.body) // _BYTES_PER_TOKEN
            read = self._random.randint(0, prompt)
            kept = self._random.randint(0, prompt - read) if b"cache_control" in request.body else 0
            written = self._random.randint(most // 4, most)
            counts = (prompt - read - kept, written, read, kept)
            usd = sum(count * price for count, price in zip(counts, PRICES[model], strict=True)) / 1_000_000
            self.usd += usd
            self.dearest_usd = max(self.dearest_usd, usd)
        usage = {
            "input_tokens": counts[0],
            "cache_read_input_tokens": read,
            "cache_creation_input_tokens": kept,
            "output_tokens": 1,
        }
        held = [] if self._hold is None else [WaitFor(self._hold)]
        return stream(
            message_start(model, usage),
            block_start(),
            *held,
            text_delta(repr(usd)),
            block_stop(),
            message_delta(usage={"output_tokens": written}),
            message_stop(),
        )
