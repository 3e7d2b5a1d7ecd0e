"""What a command of the command line gave back."""

from __future__ import annotations

from collections.abc import Callable

import attrs


@attrs.frozen
class Run:
    """The exit code and what was written to each stream."""

    code: int
    out: str
    err: str


Missy = Callable[..., Run]
