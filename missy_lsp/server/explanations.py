"""Explanations that were generated before, on disk and in memory: bounded, expiring, never more than a convenience."""

from __future__ import annotations

import json
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import attrs

from missy_lsp.config.files import keep_newest, write_atomically
from missy_lsp.credentials.private_files import read_private
from missy_lsp.errors import CredentialError

logger = logging.getLogger(__name__)

KEPT = 1_000
KEPT_BYTES = 8 * 1024**2
KEPT_IN_MEMORY = 200
EXPIRES_AFTER_S = 30 * 24 * 3600.0
_MAX_BYTES = 64 * 1024


@attrs.frozen
class Explanation:
    """What a model said, as it said it, and which model."""

    text: str
    model: str


class ExplanationCache:
    """One file per explanation below `folder`, which is read and written in threads; `clock` is the time of day."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._clock = clock
        self._known: OrderedDict[str, tuple[float, Explanation]] = OrderedDict()

    def remembered(self, key: str) -> Explanation | None:
        """Return what this process has seen before, without looking at the disk."""
        made_at, found = self._known.get(key, (0.0, None))
        if found is None or made_at + EXPIRES_AFTER_S < self._clock():
            return None
        self._known.move_to_end(key)
        return found

    def read(self, key: str) -> Explanation | None:
        """Return what any process has kept. A file that is too old or spoilt is none."""
        try:
            data = read_private(self._path(key), _MAX_BYTES)
            if data is None:
                return None
            kept = json.loads(data)
            made_at, found = float(kept["madeAt"]), Explanation(str(kept["text"]), str(kept["model"]))
        except (CredentialError, ValueError, TypeError, KeyError, RecursionError):
            return None
        if not 0 <= self._clock() - made_at <= EXPIRES_AFTER_S:
            return None
        self._remember(key, made_at, found)
        return found

    def write(self, key: str, explanation: Explanation) -> None:
        """Keep an explanation; where the disk refuses, this process still knows it."""
        now = self._clock()
        self._remember(key, now, explanation)
        kept = {"madeAt": now, "model": explanation.model, "text": explanation.text}
        try:
            write_atomically(self._path(key), json.dumps(kept).encode())
            # All that lies there, also what a crash left half written.
            since = now - EXPIRES_AFTER_S
            keep_newest(self._folder.iterdir(), KEPT, most_bytes=KEPT_BYTES, since=since)
        except OSError as error:
            logger.warning("an explanation could not be kept: %s", error.strerror)

    def _remember(self, key: str, made_at: float, explanation: Explanation) -> None:
        self._known[key] = (made_at, explanation)
        self._known.move_to_end(key)
        while len(self._known) > KEPT_IN_MEMORY:
            self._known.popitem(last=False)

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.json"
