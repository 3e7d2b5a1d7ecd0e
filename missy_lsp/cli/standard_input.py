"""What comes in through a pipe or a file; a descriptor that can't be read is told from an empty one."""

from __future__ import annotations

import os
import stat
import sys
from typing import BinaryIO

from missy_lsp.cli.output import Output
from missy_lsp.errors import MissyError, UsageError

MAX_INPUT_BYTES = 4 * 1024 * 1024


def is_readable() -> bool:
    """Tell whether standard input is there and open for reading; a closed pipe is, and is empty."""
    try:
        os.read(sys.stdin.fileno(), 0)
    except (OSError, ValueError, AttributeError):
        return False
    return True


def required_input(output: Output, what: str) -> BinaryIO:
    """Return the stream of bytes; on a terminal, say that `what` is waited for. Raises UsageError."""
    if not is_readable():
        raise UsageError(f"Standard input is not open for reading. Pipe {what} into this command.")
    if sys.stdin.isatty():
        output.note(f"reading {what} from the terminal; end with Ctrl-{'Z, Enter' if os.name == 'nt' else 'D'}", "dim")
    return sys.stdin.buffer


def read_input(output: Output, *, required: bool) -> str:
    """Return what was piped in; where it is not `required`, empty for a terminal and for what is no pipe or file."""
    if not required and not (_is_pipe_or_file() and is_readable()):
        return ""
    stream = required_input(output, "the text")
    try:
        if not sys.stdin.isatty() and not _has_input(stream.fileno()):
            output.note("waiting for standard input to end (redirect it from /dev/null if it is not meant)", "dim")
        data = stream.read(MAX_INPUT_BYTES + 1)
    except OSError as error:
        raise MissyError(f"Standard input can't be read: {error.strerror or error}.") from None
    if len(data) > MAX_INPUT_BYTES:
        raise UsageError(f"Standard input is larger than {MAX_INPUT_BYTES // 1024 // 1024} MiB. Send less of it.")
    return data.decode("utf-8", "replace")


def _is_pipe_or_file() -> bool:
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (OSError, ValueError, AttributeError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode) or stat.S_ISSOCK(mode)


def _has_input(descriptor: int) -> bool:
    """Tell whether something came soon; a pipe that a parent left open and silent puzzles its user."""
    if sys.platform == "win32":
        return True
    import select

    return bool(select.select([descriptor], [], [], 3.0)[0])
