"""Explanations that were generated before, on disk and in memory: bounded, expiring, never more than a convenience."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import attrs

from missy_lsp.config.files import CLOCKS_DIFFER_S, keep_newest, write_atomically
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


@attrs.frozen
class _Known:
    """An explanation in memory, from when it is (Unix seconds), and whether it has a file, whose end is its own."""

    made_at: float
    explanation: Explanation
    has_file: bool


class ExplanationCache:
    """One file per explanation below `folder`, which is read and written in threads; `clock` is the time of day."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._clock = clock
        self._known: OrderedDict[str, _Known] = OrderedDict()

    def remembered(self, key: str) -> Explanation | None:
        """Return what this process has seen before, as long as its file is there, which is not read again."""
        known = self._known.get(key)
        if known is None or not self._is_current(known.made_at):
            return None
        if known.has_file and not os.path.exists(self._path(key)):
            self._known.pop(key, None)  # somebody has cleared the cache
            return None
        with contextlib.suppress(KeyError):  # a thread may have put it out meanwhile
            self._known.move_to_end(key)
        return known.explanation

    def read(self, key: str) -> Explanation | None:
        """Return what any process has kept. A file that is too old, from the future or spoilt is none."""
        try:
            data = read_private(self._path(key), _MAX_BYTES)
            if data is None:
                return None
            known = _known(data)
        except (CredentialError, ValueError, TypeError, KeyError, ArithmeticError, RecursionError):
            return None
        if not self._is_current(known.made_at):
            return None
        self._remember(key, known)
        return known.explanation

    def write(self, key: str, explanation: Explanation) -> None:
        """Keep an explanation; where the disk refuses, this process still knows it."""
        now = self._clock()
        known = _Known(now, explanation, has_file=False)
        self._remember(key, known)
        kept = {"madeAt": now, "model": explanation.model, "text": explanation.text}
        try:
            write_atomically(self._path(key), json.dumps(kept).encode())
            self._remember(key, attrs.evolve(known, has_file=True))
            # All that lies there, also what a crash left half written.
            since = now - EXPIRES_AFTER_S
            keep_newest(self._folder.iterdir(), KEPT, most_bytes=KEPT_BYTES, since=since)
        except OSError as error:
            logger.warning("an explanation could not be kept: %s", error.strerror)

    def _is_current(self, made_at: float) -> bool:
        return -CLOCKS_DIFFER_S <= self._clock() - made_at <= EXPIRES_AFTER_S

    def _remember(self, key: str, known: _Known) -> None:
        self._known[key] = known
        self._known.move_to_end(key)
        while len(self._known) > KEPT_IN_MEMORY:
            self._known.popitem(last=False)

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.json"


def _known(data: bytes) -> _Known:
    """Read a file's bytes. Spoilt ones raise ValueError, TypeError, KeyError, ArithmeticError or RecursionError."""
    kept = json.loads(data)
    text, model = kept["text"], kept["model"]
    if not isinstance(text, str) or not isinstance(model, str):
        raise TypeError
    f"{text}{model}".encode()  # half of a surrogate pair can't be sent
    return _Known(float(kept["madeAt"]), Explanation(text, model), has_file=True)
