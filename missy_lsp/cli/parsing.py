"""An argument parser that obeys nothing of what it repeats, and takes `--config` in every place."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from missy_lsp.cli.output import without_controls


class CommandParser(argparse.ArgumentParser):
    """Parse strictly: no abbreviations, no control sequences in its messages.

    Parsers below take the same `--config`; left away there, it never overwrites the one given before.
    """

    def __init__(self, *, prog: str | None = None, description: str | None = None, **_: object) -> None:
        super().__init__(prog=prog, description=description, allow_abbrev=False)
        self.add_argument(
            "--config", metavar="PATH", type=Path, default=argparse.SUPPRESS, help="your configuration file"
        )

    def parse(self, arguments: Sequence[str] | None) -> argparse.Namespace:
        """Parse all arguments; the words of a `prompt` may stand before, between and behind the options."""
        options, rest = self.parse_known_args(arguments)
        if rest:
            words = _words(rest)
            if words is None or getattr(options, "prompt", None) is None:
                self.error(f"unrecognized arguments: {' '.join(rest)}")
            options.prompt = [*options.prompt, *words]
        return options

    def error(self, message: str) -> NoReturn:
        super().error(without_controls(message))


def _words(rest: Sequence[str]) -> list[str] | None:
    """Return what argparse left over if all of it is words; None where an unknown option is among it."""
    at = rest.index("--") if "--" in rest else len(rest)
    before, after = rest[:at], rest[at + 1 :]
    if any(word.startswith("-") and word != "-" and " " not in word for word in before):
        return None
    return [*before, *after]
