"""What is wrong with a configuration, each with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import attrs

Severity = Literal["error", "warning"]


@attrs.frozen
class Problem:
    """One problem; lines and columns are 0-based and in code points, the end is exclusive."""

    path: Path | None
    line: int
    column: int
    end_line: int
    end_column: int
    severity: Severity
    code: str
    message: str

    def __str__(self) -> str:
        place = "editor settings" if self.path is None else f"{self.path}:{self.line + 1}:{self.column + 1}"
        return f"{place}: {self.message}"
