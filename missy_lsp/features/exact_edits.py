"""Put a text into the place of another one that must stand exactly once in a file (api.md, C.4)."""

from __future__ import annotations

import re

import attrs

from missy_lsp.features.fitting import dominant_line_end

_ENDS = re.compile(r"\r\n|\r|\n")


@attrs.frozen
class ExactFault:
    """Why a text can't be put in, said to the model."""

    for_model: str


def edited(text: str, old: str, new: str) -> str | ExactFault:
    """Return `text` with `old` replaced by `new`; the line ends stay those of the text, however `old` is written."""
    folded, old, new = _ENDS.sub("\n", text), _ENDS.sub("\n", old), _ENDS.sub("\n", new)
    at = folded.find(old)
    if at < 0:
        return ExactFault(
            "old_text does not stand in the file. Copy it exactly as read_file shows it, without the numbers of the "
            "lines and the tab behind them."
        )
    if folded.find(old, at + 1) >= 0:
        return ExactFault("old_text stands in the file more than once. Give more of the lines around it.")
    start, end = _offset(text, at), _offset(text, at + len(old))
    replaced = text[start:end]
    line_end = dominant_line_end(replaced if _ENDS.search(replaced) else text)
    result = text[:start] + new.replace("\n", line_end) + text[end:]
    return ExactFault("new_text is the same as old_text.") if result == text else result


def _offset(text: str, folded_offset: int) -> int:
    """Return the offset in a text of one in it with every line end of two characters folded into one."""
    offset = folded_offset
    for match in re.finditer("\r\n", text):
        if match.start() >= offset:
            break
        offset += 1
    return offset
