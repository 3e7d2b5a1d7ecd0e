"""Tell cheaply whether files have changed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

Fingerprint = tuple[tuple[int, int, int] | None, ...]


def fingerprint(paths: Iterable[Path]) -> Fingerprint:
    """Return time, size and file number of each path, None for one that can't be looked at."""
    return tuple(_of(path) for path in paths)


def _of(path: Path) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
