"""Markdown for what stands within a block, written from pieces: nothing of a text can become markup."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from missy_lsp.markdown.addresses import find_addresses
from missy_lsp.markdown.pieces import Break, Code, Mark, Piece, Text, clean_text, visible_code

_ASCII_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_SPECIAL = re.compile(r"[\\`*_~\[\]<&$]")
_ENTITY = re.compile("&(?:#|[A-Za-z][A-Za-z0-9]*;)")
# What makes a block where a line begins: quotes, headings, list items, rules, underlines, the second line of a table,
# and the imports and containers of some editors' previews. Fences and `*` are escaped wherever they are.
_BLOCK_START = re.compile(
    r">|@import|(?:#{1,6}|[-+:])(?=\s|$)|:::|=+\s*$|(?=[-:|\s]*-)[-:|][-:|\s]*$|\d{1,9}(?P<after>[.)])(?=\s|$)"
)
_MAX_PASSES = 4


def write_inline(
    pieces: Sequence[Piece], *, in_cell: bool = False, starts_line: bool = True, marks: bool = True
) -> str:
    """Write pieces as Markdown, a line feed between lines.

    A cell of a table is one line. Without `marks` all emphasis is left out.
    """
    dropped = set() if marks else _pairs(pieces)
    for left in range(_MAX_PASSES, -1, -1):
        laid = _laid_out(pieces, dropped, in_cell)
        broken = _broken_pairs(laid)
        if not broken:
            break
        dropped |= broken if left > 1 else _pairs(laid)
    return _written(laid, in_cell, starts_line)


def code_span(content: str) -> str:
    """Write code that stands in a line."""
    fence = "`" * (longest_run(content, "`") + 1)
    is_spaced = content.startswith(" ") and content.endswith(" ") and not content.isspace()
    pad = " " if is_spaced or content.startswith("`") or content.endswith("`") else ""
    return f"{fence}{pad}{content}{pad}{fence}"


def longest_run(text: str, character: str) -> int:
    """Return how many of a character stand next to each other at most."""
    return max(map(len, re.findall(f"{re.escape(character)}+", text)), default=0) if character in text else 0


def escaped(text: str) -> str:
    """Return a line's text so that it is only text wherever it stands in a line."""

    def escape(match: re.Match[str]) -> str:
        sign, at = match[0], match.start()
        before, after = text[at - 1 : at] if at else "", text[at + 1 : at + 2]
        match sign:
            case "\\":
                is_plain = after != "" and after not in _ASCII_PUNCTUATION
            case "*":
                is_plain = before.isspace() and after.isspace()
            case "_":
                is_plain = before.isalnum() and after.isalnum()
            case "~":
                is_plain = "~" not in (before, after)
            case "[":
                is_plain = after not in ("!", "^", "[")
            case "]":
                is_plain = after not in ("(", "[", ":")
            case "$":
                is_plain = after == "" or after.isspace() or after.isdigit()
            case "<":
                return "<" if not after or after.isspace() or text[at + 1 : at + 3] == "= " else "&lt;"
            case "&":
                return "&amp;" if _ENTITY.match(text, at) else "&"
            case _:
                is_plain = False
        return sign if is_plain else f"\\{sign}"

    return _SPECIAL.sub(escape, text)


def _laid_out(pieces: Sequence[Piece], dropped: set[int], in_cell: bool) -> list[Piece]:
    """Return the pieces that are written: joined texts, addresses as code, no blanks at the ends of lines."""
    laid: list[Piece] = []
    line_end: Break | None = None
    for piece in _joined(pieces, dropped, in_cell):
        is_first = not laid or line_end is not None
        if isinstance(piece, Break):
            _strip_end(laid)
            if laid and line_end is None:
                line_end = piece
            continue
        if isinstance(piece, Text) and is_first:
            if piece.content.isspace():
                continue
            piece = Text(piece.content.lstrip())
        if line_end is not None:
            laid.append(line_end)
            line_end = None
        for part in _with_addresses(piece, in_cell):
            if isinstance(part, Code) and laid and isinstance(laid[-1], Code):
                laid.append(Text(" "))  # two spans side by side would be one
            laid.append(part)
    _strip_end(laid)
    return laid


def _joined(pieces: Sequence[Piece], dropped: set[int], in_cell: bool) -> Iterator[Piece]:
    """Yield the pieces with neighbouring texts as one, as a renderer sees them, and without the dropped emphasis."""
    texts: list[str] = []
    for piece in pieces:
        match piece:
            case Text(content):
                texts.append(content)
                continue
            case Mark(_, _, pair) if pair in dropped:
                continue
            case Break() if in_cell:
                texts.append(" ")
                continue
        if texts:
            yield from _cleaned(texts)
            texts = []
        yield piece
    yield from _cleaned(texts)


def _cleaned(texts: list[str]) -> Iterator[Text]:
    content = clean_text("".join(texts))
    if content:
        yield Text(content)


def _strip_end(laid: list[Piece]) -> None:
    if laid and isinstance(last := laid[-1], Text):
        content = last.content.rstrip()
        laid[-1:] = [Text(content)] if content else []


def _with_addresses(piece: Piece, in_cell: bool) -> Iterator[Piece]:
    """Yield the pieces that stand for one; text that a renderer could make a link of is code."""
    if isinstance(piece, Code) and in_cell:
        # Parsers differ on a bar behind a backslash in the code of a table: for some it ends the cell.
        first, *others = piece.content.split("\\|")
        yield Code(first + "\\" if others else first)
        for number, other in enumerate(others, 1):
            yield Code(f"|{other}" + ("\\" if number < len(others) else ""))
    elif isinstance(piece, Text):
        last = 0
        for address in find_addresses(piece.content):
            if address.start > last:
                # Cut off from what followed, its end may be an address of its own.
                yield from _with_addresses(Text(piece.content[last : address.start]), in_cell)
            yield from _with_addresses(Code(visible_code(piece.content[address.start : address.end])), in_cell)
            last = address.end
        if last < len(piece.content):
            yield Text(piece.content[last:])
    else:
        yield piece


def _pairs(pieces: Iterable[Piece]) -> set[int]:
    return {piece.pair for piece in pieces if isinstance(piece, Mark)}


def _broken_pairs(laid: Sequence[Piece]) -> set[int]:
    """Return the emphases that a parser would not see as such where they now stand (CommonMark 6.2)."""
    broken: set[int] = set()
    end = 0
    for start, piece in enumerate(laid):
        if start < end or not isinstance(piece, Mark):
            continue
        end, run = start, []
        while end < len(laid) and isinstance(mark := laid[end], Mark):
            run.append(mark)
            end += 1
        if any(mark.is_open for mark in run) and not all(mark.is_open for mark in run):
            broken |= {mark.pair for mark in run if mark.is_open}
            continue
        before = _last_character(laid[start - 1]) if start else " "
        after = _first_character(laid[end]) if end < len(laid) else " "
        for number, mark in enumerate(run):
            left = _outside(run[:number], mark.marker[0], before, -1)
            right = _outside(run[number + 1 :], mark.marker[0], after, 0)
            is_mark = _can_open(left, right) if mark.is_open else _can_open(right, left)
            if not is_mark or (mark.marker == "~~" and "~" in (left, right)):
                broken.add(mark.pair)
    return broken


def _outside(marks: list[Mark], character: str, otherwise: str, side: int) -> str:
    """Return the neighbour of a run of one character, looking past the marks of the same one."""
    others = [mark.marker[0] for mark in marks if mark.marker[0] != character]
    return others[side] if others else otherwise


def _can_open(outer: str, inner: str) -> bool:
    if inner.isspace():
        return False
    # Parsers differ on symbols: they count as what is worse.
    is_letter = inner not in _ASCII_PUNCTUATION and unicodedata.category(inner)[0] not in "PS"
    return is_letter or outer.isspace() or outer in _ASCII_PUNCTUATION or unicodedata.category(outer)[0] == "P"


def _last_character(piece: Piece) -> str:
    match piece:
        case Text(content):
            return content[-1]
        case Code():
            return "`"
        case _:
            return " "


def _first_character(piece: Piece) -> str:
    match piece:
        case Text(content):
            return content[0]
        case Code():
            return "`"
        case _:
            return " "


def _written(laid: Iterable[Piece], in_cell: bool, starts_line: bool) -> str:
    raw: list[str] = []
    for piece in laid:
        match piece:
            case Text(content):
                raw.append(_line_start(content) if starts_line else escaped(content))
            case Code(content):
                raw.append(code_span(content))
            case Mark(marker):
                raw.append(marker)
            case Break(is_hard):
                raw.append("\\\n" if is_hard else "\n")
        starts_line = isinstance(piece, Break)
    text = "".join(raw)
    return text.replace("|", "\\|") if in_cell else text


def _line_start(content: str) -> str:
    """Return a text that begins a line, escaped so that it begins no block."""
    match = _BLOCK_START.match(content)
    if not match:
        return escaped(content)
    at = match.start("after") if match["after"] else 0
    return f"{escaped(content)[:at]}\\{escaped(content)[at:]}"
