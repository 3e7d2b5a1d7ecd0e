"""`python -I -m missy_lsp`: the same as the `missy` command."""

from __future__ import annotations

import os
import sys


def _refusal() -> str | None:
    """Say why this start is refused: with the current folder on the path, that folder's modules would run."""
    if sys.flags.isolated:  # `-P` alone is not enough: PYTHONPATH may name the folder all the same
        return None
    try:
        here = os.path.realpath(os.getcwd())
    except OSError:  # it was deleted, and has no modules any more
        return None
    unsafe = [entry for entry in sys.path if entry in ("", ".") or os.path.realpath(entry) == here]
    if not unsafe:
        return None
    return (
        "missy: `python -m missy_lsp` would run modules that lie in the current folder. "
        "Start the installed command `missy` or `missy-lsp`, or `python -I -m missy_lsp`."
    )


if __name__ == "__main__":
    refusal = _refusal()
    if refusal is not None:
        sys.stderr.write(refusal + "\n")
        sys.exit(2)
    from missy_lsp.cli.main import main

    sys.exit(main())
