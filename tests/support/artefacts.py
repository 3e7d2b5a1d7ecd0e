"""What the tests of a run saw of the product, gathered on disk beside what it left there, to be searched at the end."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

# Where tests write keys down, as users do; whatever else holds one has leaked it.
_KEY_FILES = {"config.yaml", "missy.yaml"}
_LARGEST = 4 * 1024 * 1024  # what is larger are files that tests made to be too large
_folder: list[Path] = []


def keep_in(folder: Path) -> None:
    """Gather into this folder from now on."""
    folder.mkdir(exist_ok=True)
    _folder[:] = [folder]


def record(name: str, *seen: object) -> None:
    """Keep bytes and texts as they are, anything else as JSON. Nothing is kept outside of a run of pytest."""
    if not _folder:
        return
    with (_folder[0] / name).open("ab") as file:
        for one in seen:
            text = one if isinstance(one, str | bytes) else json.dumps(one, ensure_ascii=False)
            file.write((text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")) + b"\n")


def left_on_disk(folder: Path) -> Iterator[Path]:
    """Yield every file below a folder that no test writes a key into."""
    for place, _, names in os.walk(folder):
        for path in (Path(place, name) for name in names if name not in _KEY_FILES):
            if path.is_symlink() or path.stat().st_size <= _LARGEST or path.parent.name == "seen":
                yield path
