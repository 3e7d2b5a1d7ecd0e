"""The one place that writes to a terminal, a pipe or a file for the command line.

What comes from outside (a model, a file name, an error of upstream) is shown without a single control
sequence: a terminal would obey it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import unicodedata
from collections.abc import Container, Mapping, Sequence
from typing import TextIO

import attrs

_KEPT = frozenset("\n\t")
_STYLES: Mapping[str, str] = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33"}


def without_controls(text: str) -> str:
    """Return a text in which every control or direction-changing character is shown instead of obeyed."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_shown, text.replace("\r\n", "\n")))


def one_line(text: str) -> str:
    """Return a text without control characters and line breaks."""
    return without_controls(" ".join(text.split()))


def aligned(rows: Sequence[Sequence[str]], numbers: Container[int] = ()) -> list[str]:
    """Return the rows of a table as lines of equal length; the columns `numbers` stand at their right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if column in numbers else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


@attrs.define
class Output:
    """Standard output for results, standard error for everything else.

    `has_failed` tells that one of the two could not be written.
    """

    out: TextIO | None = attrs.field(factory=lambda: sys.stdout)
    err: TextIO | None = attrs.field(factory=lambda: sys.stderr)
    environ: Mapping[str, str] = attrs.field(factory=lambda: os.environ)
    has_failed: bool = attrs.field(default=False, init=False)
    _held: str = attrs.field(default="", init=False)  # a \r whose \n may follow in the next piece
    _inside_line: bool = attrs.field(default=False, init=False)

    @property
    def is_live(self) -> bool:
        """Tell whether standard error is a terminal that can show a status line."""
        return _is_terminal(self.err) and self.environ.get("TERM") != "dumb"

    @property
    def is_terminal(self) -> bool:
        """Tell whether standard output is a terminal."""
        return _is_terminal(self.out)

    @property
    def columns(self) -> int:
        """Return how many columns the terminal of standard output has, 0 where it is none."""
        return shutil.get_terminal_size().columns if self.is_terminal else 0

    def result(self, text: str = "", end: str = "\n") -> None:
        """Write a result; untrusted parts are made harmless."""
        self._write(self.out, without_controls(text) + end)

    def piece(self, text: str) -> None:
        """Write a piece of a result as it comes; a line break that two pieces share stays one."""
        text, self._held = self._held + text, ""
        if text.endswith("\r"):
            text, self._held = text[:-1], "\r"
        if text:
            self._write(self.out, without_controls(text))
            self._inside_line = not text.endswith("\n")

    def end_pieces(self) -> None:
        """Write what is held back and end the line that the last piece left open."""
        held, self._held = self._held, ""
        if held or self._inside_line:
            self._inside_line = False
            self._write(self.out, without_controls(held) + "\n")

    def document(self, value: object) -> None:
        """Write one JSON document."""
        self._write(self.out, json.dumps(value, indent=2, ensure_ascii=True) + "\n")

    def line(self, value: object) -> None:
        """Write one JSON value on a line of its own, at once."""
        self._write(self.out, json.dumps(value, ensure_ascii=True) + "\n")

    def note(self, text: str, style: str = "") -> None:
        """Write a line to standard error, coloured only on a terminal."""
        text = without_controls(text)
        if style and self._has_colour(self.err):
            text = f"\x1b[{_STYLES[style]}m{text}\x1b[0m"
        if self._inside_line and _is_terminal(self.out) and _is_terminal(self.err):
            text, self._inside_line = f"\n{text}", False  # one screen: not behind half a line of the answer
        self._write(self.err, text + "\n")

    def styled(self, text: str, style: str) -> str:
        """Return words of ours for `raw`, coloured where standard output takes colours."""
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self._has_colour(self.out) else text

    def raw(self, text: str) -> None:
        """Write words of ours that may hold our own colours."""
        self._write(self.out, text + "\n")

    def _has_colour(self, stream: TextIO | None) -> bool:
        return _is_terminal(stream) and not self.environ.get("NO_COLOR") and self.environ.get("TERM") != "dumb"

    def _write(self, stream: TextIO | None, text: str) -> None:
        if stream is None:  # the caller closed it, or there is none (pythonw)
            return
        try:
            try:
                stream.write(text)
            except UnicodeEncodeError:
                encoding = stream.encoding or "ascii"
                stream.write(text.encode(encoding, "replace").decode(encoding))
            stream.flush()
        except OSError:
            self.has_failed = True
            raise


def silence_broken_pipe() -> None:
    """Point standard output to nowhere, so that the interpreter's last flush has nobody to complain to."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # it is closed
        return False


def _shown(character: str) -> str:
    if character in _KEPT or character.isprintable():
        return character
    category = unicodedata.category(character)
    if category in ("Zs", "Mn") or character in "\u200c\u200d":  # spaces; joiners that scripts and emoji need
        return character
    return f"\\x{ord(character):02x}" if ord(character) < 0x100 else f"\\u{ord(character):04x}"
