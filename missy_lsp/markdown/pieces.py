"""What stands within a block: the parser's tokens as text, code, line ends and emphasis, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

import attrs

from missy_lsp.characters import invisible_characters, strip_invisible
from missy_lsp.markdown.addresses import named_target

if TYPE_CHECKING:
    from markdown_it.token import Token

IMAGE_REMOVED = "[image removed]"
_MARKERS = {"em": "*", "strong": "**", "s": "~~"}
_LINE_ENDS = re.compile("[\n\r\x0b\x0c\u2028\u2029]")
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# More than any visible thing needs in a row; the longest is a flag with seven.
_INVISIBLE_RUN = re.compile(
    "[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]{9,}"
)


@attrs.frozen
class Text:
    content: str


@attrs.frozen
class Code:
    content: str


@attrs.frozen
class Break:
    """The end of a line within a block."""

    is_hard: bool


@attrs.frozen
class Mark:
    """One side of an emphasis; its two sides share a `pair`."""

    marker: str
    is_open: bool
    pair: int


Piece = Text | Code | Break | Mark


def pieces_of(tokens: Iterable[Token]) -> list[Piece]:
    """Return the pieces of an inline token's children: a link is its label and its host, an image a note."""
    pieces: list[Piece] = []
    open_marks: list[int] = []
    links: list[tuple[str, bool, int]] = []
    for token in tokens:
        kind = token.type
        if kind == "code_inline":
            pieces.append(Code(visible_code(token.content.replace("\n", " "))))
        elif kind in ("softbreak", "hardbreak"):
            pieces.append(Break(kind == "hardbreak"))
        elif kind.removesuffix("_open") in _MARKERS:
            open_marks.append(len(pieces))
            pieces.append(Mark(_MARKERS[kind.removesuffix("_open")], True, len(pieces)))
        elif kind.removesuffix("_close") in _MARKERS:
            pieces.append(Mark(_MARKERS[kind.removesuffix("_close")], False, open_marks.pop()))
        elif kind == "link_open":
            links.append((str(token.attrs.get("href", "")), token.info == "auto", len(pieces)))
        elif kind == "link_close":
            href, is_bare, start = links.pop()
            pieces[start:] = _without_link(href, is_bare, pieces[start:])
        elif kind == "image":
            described = " ".join(plain_words(pieces_of(token.children or ())).split())
            pieces.append(Text(f"{IMAGE_REMOVED} ({described})" if described else IMAGE_REMOVED))
        else:
            pieces.append(Text(token.content))
    return pieces


def plain_words(pieces: Iterable[Piece]) -> str:
    """Return the text of pieces without markup; line ends are spaces."""
    words = []
    for piece in pieces:
        match piece:
            case Text(content):
                words.append(clean_text(content))
            case Code(content):
                words.append(content)
            case Break():
                words.append(" ")
    return "".join(words)


def clean_text(text: str) -> str:
    """Return text on one line without control and invisible characters."""
    text = _CONTROLS.sub("", _LINE_ENDS.sub(" ", text))
    return text if text.isascii() else strip_invisible(_INVISIBLE_RUN.sub("", text))[0]


def visible_code(text: str) -> str:
    """Return code in which control and invisible characters are shown as escapes; line feeds and tabs are kept."""
    if not text.isascii():
        text = _INVISIBLE_RUN.sub(_as_escapes, text)
        shown, last = [], 0
        for invisible in invisible_characters(text, whole_runs=True):
            shown += [text[last : invisible.offset], _as_escape(invisible.character)]
            last = invisible.offset + 1
        text = "".join([*shown, text[last:]])
    return _CONTROLS.sub(_as_escapes, text)


def _without_link(href: str, is_bare: bool, label: list[Piece]) -> list[Piece]:
    """Return what stands for a link: its label and where it led, or the address alone where that was its label."""
    words = plain_words(label).strip()
    if is_bare:
        return [Code(visible_code(words if words.isascii() else href))]
    target = visible_code(named_target(href))
    if not target or words in (href, target, href.rstrip("/")):
        return label
    return [*label, Text(" ("), Code(target), Text(")")] if words else [*label, Code(target)]


def _as_escapes(match: re.Match[str]) -> str:
    return "".join(map(_as_escape, match[0]))


def _as_escape(character: str) -> str:
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
