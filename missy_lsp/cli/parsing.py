"""An argument parser that obeys nothing of what it repeats, and takes `--config` in every place."""

from __future__ import annotations

import argparse
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

    def error(self, message: str) -> NoReturn:
        super().error(without_controls(message))
