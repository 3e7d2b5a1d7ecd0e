"""What filtering a text costs, before it is parsed: some characters take a parser a hundred times as long as others."""

from __future__ import annotations

import attrs

# In microseconds of a busy machine, for parsing, writing and checking together. A third of a megabyte of ordinary
# Markdown, which is more than nearly any answer of a model, stays below the whole.
WHOLE_COST = 800_000
_LINE = 35.0
_BLOCK_LINE = 60.0
_BLOCK_STARTS = frozenset("-+*>#0123456789")
_CHARACTER = 0.2
_BRACKET = 80.0
_SIGN = 20.0
_SIGNS = "*_`~<&\\]:@\u200c\u200d\ufe0f"
_CELL = 60.0


@attrs.define
class LineCosts:
    """Sums the cost of lines; a row of a table costs what its columns do, however short it is."""

    total: float = 0.0
    _columns: int = 0

    def add(self, line: str) -> None:
        """Count one line more."""
        bars = line.count("|")
        if not line or line.isspace():
            self._columns = 0
        elif bars > self._columns and not line.strip("|-: \t>"):
            self._columns = bars
        self.total += line_cost(line) + _CELL * max(bars, self._columns)


def line_cost(line: str) -> float:
    """Return what a line costs outside of a table."""
    start = line.lstrip(" \t")[:1]
    if not start:
        return 1.0
    signs = sum(map(line.count, _SIGNS))
    line_start = _BLOCK_LINE if start in _BLOCK_STARTS else 0.0
    return _LINE + line_start + _CHARACTER * len(line) + _BRACKET * line.count("[") + _SIGN * signs
