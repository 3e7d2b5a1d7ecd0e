"""From a file's bytes to text."""

from __future__ import annotations

import codecs

UTF_16_MARKS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


def is_binary(head: bytes) -> bool:
    """Tell from a file's first bytes whether it holds something other than text."""
    return b"\0" in head and head[:2] not in UTF_16_MARKS


def decoded(data: bytes) -> tuple[str, bool]:
    """Return bytes as text and whether something was lost; a character cut off at the end is not counted."""
    encoding = UTF_16_MARKS.get(data[:2])
    if encoding is None:
        encoding, data = "utf-8", data.removeprefix(codecs.BOM_UTF8)
    else:
        data = data[2:]
    try:
        return codecs.getincrementaldecoder(encoding)().decode(data), False
    except UnicodeDecodeError:
        return data.decode(encoding, "replace"), True
