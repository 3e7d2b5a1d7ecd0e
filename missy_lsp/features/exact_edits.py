"""Put a text into the place of another one that must stand exactly once in a file (api.md, C.4)."""

from __future__ import annotations

import re

import attrs

from missy_lsp.characters import invisible_characters, strip_invisible
from missy_lsp.document import Span
from missy_lsp.features.fitting import dominant_line_end, with_hidden_characters_of, with_line_ends_of
from missy_lsp.features.text_forms import BYTE_ORDER_MARK

_ENDS = re.compile(r"\r\n|\r|\n")


@attrs.frozen
class ExactFault:
    """Why a text can't be put in, said to the model."""

    for_model: str


def edited(text: str, old: str, new: str) -> str | ExactFault:
    """Return `text` with `old` replaced by `new`, however the line ends of `old` are written.

    Characters that nobody sees, which no model is shown, need not stand in `old`. Lines that stay keep them and their
    line ends; new lines take the line end of those that they replace. A byte order mark stays.
    """
    mark = BYTE_ORDER_MARK if text.startswith(BYTE_ORDER_MARK) else ""
    body, old, new = text[len(mark) :], old.removeprefix(BYTE_ORDER_MARK), new.removeprefix(BYTE_ORDER_MARK)
    if not old:
        return ExactFault("old_text holds nothing but a byte order mark, which stays. Give the text to be replaced.")
    span = _span(body, old)
    if isinstance(span, ExactFault):
        return span
    replaced = body[span.start : span.end]
    line_end = dominant_line_end(replaced if _ENDS.search(replaced) else body)
    fitted = with_line_ends_of(replaced, _ENDS.sub(line_end, new))
    result = body[: span.start] + with_hidden_characters_of(replaced, fitted) + body[span.end :]
    return ExactFault("new_text is the same as old_text.") if result == body else mark + result


def _span(body: str, old: str) -> Span | ExactFault:
    """Return where `old` stands, which it does once: in the text as it is shown, unless it has what is not shown."""
    hidden = [] if invisible_characters(old) else [found.offset for found in invisible_characters(body)]
    shown = strip_invisible(body)[0] if hidden else body
    folded, old = _ENDS.sub("\n", shown), _ENDS.sub("\n", old)
    at = folded.find(old)
    if at < 0:
        return ExactFault(
            "old_text does not stand in the file. Copy it exactly as read_file shows it, without the numbers of the "
            "lines and the tab behind them."
        )
    if folded.find(old, at + 1) >= 0:
        return ExactFault("old_text stands in the file more than once. Give more of the lines around it.")
    start, end = _offset(shown, at), _offset(shown, at + len(old))
    return Span(_unstripped(hidden, start), _unstripped(hidden, end - 1) + 1)


def _unstripped(hidden: list[int], offset: int) -> int:
    """Return where a character stands in a text that has others, at the offsets `hidden`, which are not counted."""
    for place in hidden:
        if place > offset:
            break
        offset += 1
    return offset


def _offset(text: str, folded_offset: int) -> int:
    """Return the offset in a text of one in it with every line end of two characters folded into one."""
    offset = folded_offset
    for match in re.finditer("\r\n", text):
        if match.start() >= offset:
            break
        offset += 1
    return offset
