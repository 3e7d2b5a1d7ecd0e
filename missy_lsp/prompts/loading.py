"""Read the prompts that are installed with the package."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache  # the files are part of the package and never change while it runs
def load(name: str) -> str:
    """Return the prompt `name`, the text of `NAME.md` beside this file, without its last line end."""
    return Path(__file__).with_name(f"{name}.md").read_text(encoding="utf-8").rstrip("\n")
