"""One text in several forms: an editor keeps a byte order mark out of it, and may have line ends of its own. Pure."""

from __future__ import annotations

import re

BYTE_ORDER_MARK = "\ufeff"
_ENDS = re.compile(r"\r\n|\r|\n")


def adapted(before: str, after: str, text: str) -> tuple[str, str]:
    """Return a change from `before` to `after` as it is for another form of the text that it was made for.

    It has a byte order mark where `text` has one, and its line ends, where those are all of one kind. Both come back
    equal where the change is of nothing but that form.
    """
    if before == text:
        return before, after
    if text.startswith(BYTE_ORDER_MARK) != before.startswith(BYTE_ORDER_MARK):
        mark = text[:1] if text.startswith(BYTE_ORDER_MARK) else ""
        before, after = (mark + one.removeprefix(BYTE_ORDER_MARK) for one in (before, after))
    return with_line_ends_of(text, before, after)


def with_line_ends_of(text: str, before: str, after: str) -> tuple[str, str]:
    """Return a change with the line ends of `text`; as it is where those are of several kinds, or the same as its own.

    Both come back equal where it changes nothing but line ends.
    """
    end = _line_end(text)
    if end is not None and end != _line_end(before):
        return _ENDS.sub(end, before), _ENDS.sub(end, after)
    return before, after


def is_same_text(one: str, other: str) -> bool:
    """Tell whether two texts differ in nothing but their form."""
    return _plain(one) == _plain(other)


def _line_end(text: str) -> str | None:
    """Return the line end of a text, None where it has none, or several kinds."""
    both = text.count("\r\n")
    counts = {"\n": text.count("\n") - both, "\r\n": both, "\r": text.count("\r") - both}
    kinds = [end for end, count in counts.items() if count]
    return kinds[0] if len(kinds) == 1 else None


def _plain(text: str) -> str:
    return _ENDS.sub("\n", text.removeprefix(BYTE_ORDER_MARK))
