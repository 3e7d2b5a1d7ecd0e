"""An upstream with a prompt cache as the Messages API describes it: exact prefixes, up to marked blocks.

cache = PromptCache()
api.respond = cache.respond
cache.shares                    # of each request: how much of its prompt was read from the cache
"""

from __future__ import annotations

import json
from typing import Any

from tests.support.fake_api import (
    Reply,
    Request,
    block_start,
    block_stop,
    message_delta,
    message_start,
    message_stop,
    stream,
    text_delta,
)

# The shortest prefix that is cached, in tokens, as it is published. Not taken from our catalogue.
FLOORS = {"claude-haiku-4-5": 4_096, "claude-sonnet-4-6": 1_024, "claude-opus-4-6": 4_096, "claude-sonnet-5-5": 512}
_CHARACTERS_PER_TOKEN = 4
_BLOCKS_LOOKED_BACK = 20


class PromptCache:
    """Answer every request with `reply`, and with the usage that such a cache makes of it."""

    def __init__(self, reply: str = "Fine.") -> None:
        self.reply = reply
        self.shares: list[float] = []
        self.marks: list[int] = []
        self._kept: set[tuple[str, str]] = set()

    def respond(self, request: Request) -> Reply:
        body = request.json
        model = str(body["model"])
        blocks, marks = _rendered(body)
        ends = [sum(map(len, blocks[: number + 1])) for number in range(len(blocks))]
        read = kept = 0
        for mark in marks:
            for number in range(mark, max(-1, mark - _BLOCKS_LOOKED_BACK), -1):
                if (model, "".join(blocks[: number + 1])) in self._kept:
                    read = max(read, ends[number])
        for mark in marks:
            if ends[mark] >= FLOORS[model] * _CHARACTERS_PER_TOKEN:
                self._kept.add((model, "".join(blocks[: mark + 1])))
                kept = max(kept, ends[mark] - read)
        self.shares.append(read / ends[-1])
        self.marks.append(len(marks))
        usage = {
            "input_tokens": (ends[-1] - read - kept) // _CHARACTERS_PER_TOKEN,
            "cache_read_input_tokens": read // _CHARACTERS_PER_TOKEN,
            "cache_creation_input_tokens": kept // _CHARACTERS_PER_TOKEN,
            "output_tokens": 1,
        }
        events = [block_start(), text_delta(self.reply), block_stop(), message_delta(), message_stop()]
        return stream(message_start(model, usage), *events)


def _rendered(body: dict[str, Any]) -> tuple[list[str], list[int]]:
    """Return the blocks in the order in which the API reads them, and the numbers of those that are marked."""
    blocks: list[str] = []
    marks: list[int] = []
    turns = [(message["role"], message["content"]) for message in body["messages"]]
    for part, content in [("tools", body.get("tools", [])), ("system", body.get("system", [])), *turns]:
        for block in content:
            if "cache_control" in block:
                marks.append(len(blocks))
            plain = {name: value for name, value in block.items() if name != "cache_control"}
            blocks.append(part + json.dumps(plain, ensure_ascii=False, sort_keys=True))
    return blocks, marks
