"""Start a command so that nothing of the current folder, which may be a stranger's repository, is ever imported.

`run_missy` and `run_server` are the console scripts; `python -I -m missy_lsp` is the same as `missy`.
"""

# No import stands here that the interpreter has not made itself, `__future__` included: each would be looked up in
# the current folder first where that is on the path.
import os
import sys

INTERRUPTED = 130
REFUSED = 2


def run_missy() -> int:
    """Run the `missy` command and return its exit code."""
    _leave_out_current_folder()
    try:
        from missy_lsp.cli.main import main

        return main()
    except KeyboardInterrupt:
        return INTERRUPTED


def run_server() -> int:
    """Run the `missy-lsp` command and return its exit code."""
    _leave_out_current_folder()
    try:
        from missy_lsp.cli.lsp import main

        return main()
    except KeyboardInterrupt:
        return INTERRUPTED


def _leave_out_current_folder() -> None:
    """Take what PYTHONPATH names of the current folder off the path: an empty entry in it means that folder."""
    here = _current_folder()
    given = os.environ.get("PYTHONPATH", "")
    if here is None or not given or sys.flags.ignore_environment:
        return
    home = os.path.realpath(os.environ.get("HOME") or os.environ.get("USERPROFILE") or os.sep)
    # Whoever starts this in their home folder, or above it, has modules of their own below it.
    below_too = not (home + os.sep).startswith(here.rstrip(os.sep) + os.sep)
    unsafe = {
        folder
        for entry in given.split(os.pathsep)
        if (folder := os.path.realpath(entry)) == here or (below_too and folder.startswith(here + os.sep))
    }
    sys.path[:] = [entry for entry in sys.path if entry and os.path.realpath(entry) not in unsafe]


def _refusal() -> str | None:
    """Say why this start is refused: with the current folder on the path, that folder's modules would run."""
    if sys.flags.isolated:  # `-P` alone is not enough: PYTHONPATH may name the folder all the same
        return None
    here = _current_folder()
    if here is None:
        return None
    unsafe = [entry for entry in sys.path if entry in ("", ".") or os.path.realpath(entry) == here]
    if not unsafe:
        return None
    return (
        "missy: `python -m missy_lsp` would run modules that lie in the current folder. "
        "Start the installed command `missy` or `missy-lsp`, or `python -I -m missy_lsp`."
    )


def _current_folder() -> str | None:
    try:
        return os.path.realpath(os.getcwd())
    except OSError:  # it was deleted, and has no modules any more
        return None


if __name__ == "__main__":
    refusal = _refusal()
    if refusal is not None:
        sys.stderr.write(refusal + "\n")
        sys.exit(REFUSED)
    sys.exit(run_missy())
