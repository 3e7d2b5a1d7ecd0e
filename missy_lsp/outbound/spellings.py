"""Hide secrets that are known to the letter, in every form in which they may come back (security.md, KEY-01)."""

from __future__ import annotations

import base64
import html
import json
import re
from collections import deque
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from missy_lsp.secret import Secret

HIDDEN = "***"
_SHORTEST_SECRET = 8
_MOST_KNOWN = 64
# The part that all keys of a kind share says nothing.
_PUBLIC_PREFIX = re.compile(r"sk-ant-(?:[a-z]{2,8}[0-9]{2}-)?|sk-(?:proj-|svcacct-)?|gh[a-z]_|github_pat_")
# How long a piece has to be that gives the secret away; of an encoding, twice as long for twice the length.
_PIECE = 8
_ENCODED_PIECE = 12
_WIDE_PIECE = 24
_LONG_SECRET = 20


class KnownSecrets:
    """The newest secrets that were resolved, held as `Secret` and nowhere else; safe for several threads."""

    def __init__(self) -> None:
        self._secrets: deque[Secret] = deque(maxlen=_MOST_KNOWN)

    def add(self, secret: Secret) -> None:
        """Hide `secret` from now on. The sixty-fifth displaces the first."""
        if secret not in tuple(self._secrets):
            self._secrets.append(secret)

    def hide(self, text: str) -> str:
        """Return the text without any of the secrets."""
        return hide(text, tuple(self._secrets))


def hide(text: str, secrets: Iterable[Secret]) -> str:
    """Return the text with `***` where it has a secret, a piece of one, or an encoding of either.

    Hidden are: the secret as it is and backwards, in base64 (standard and URL alphabets, at any place of a longer
    encoded text), hexadecimal, URL, JSON and HTML escapes. Of a secret of twenty characters or more behind its public
    prefix, every piece of eight is hidden too, and of its encodings pieces of twice twelve or more, as cutting and
    masking leave them. What is shorter than eight is not hidden.
    """
    for secret in secrets:
        value = secret.reveal()
        if len(value) >= _SHORTEST_SECRET:
            text = _without(text, value)
    return text


def _without(text: str, value: str) -> str:
    prefix = _PUBLIC_PREFIX.match(value)
    own = prefix.end() if prefix else 0
    is_long = len(value) - own >= _LONG_SECRET
    hidden: list[tuple[int, int]] = []
    for form in (value, value[::-1]):
        first, last = (own, len(form)) if form is value else (0, len(form) - own)
        starts: Iterable[int] = range(first, last - _PIECE + 1) if is_long else (0,)
        hidden += _pieces_of(text, form, _PIECE if is_long else len(form), starts)
    for form, piece in _encodings(value):
        size = min(piece, len(form)) if is_long else len(form)
        starts = (*range(0, len(form) - size + 1, size), len(form) - size)
        hidden += _pieces_of(text, form, size, starts)
    return _blanked(text, hidden) if hidden else text


def _encodings(value: str) -> list[tuple[str, int]]:
    """Return the encodings, each with the length of the pieces of it that are looked for."""
    data = value.encode("utf-8", "surrogatepass")
    forms = [quote(value, safe="", errors="replace"), json.dumps(value)[1:-1], html.escape(value)]
    for alphabet in (base64.b64encode, base64.urlsafe_b64encode):
        for shift in range(3):
            # The characters at both ends depend on what stands beside the secret in the encoded text.
            encoded = alphabet(b"\0" * shift + data).decode("ascii")
            whole = len(data) + shift
            forms.append(encoded[(8 * shift + 5) // 6 : whole * 8 // 6])
    wide = [data.hex(), data.hex().upper(), *("".join(f"%{byte:{case}}" for byte in data) for case in ("02x", "02X"))]
    wide += ["".join(f"\\u{ord(character):04x}" for character in value)]
    wide += ["".join(f"&#{ord(character)};" for character in value)]
    lengths = dict.fromkeys(forms, _ENCODED_PIECE) | dict.fromkeys(wide, _WIDE_PIECE)
    lengths.pop(value, None)
    return list(lengths.items())


def _pieces_of(text: str, form: str, size: int, starts: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield where pieces of `form` of `size` characters stand in the text, as far as both agree around them."""
    for start in starts:
        at = text.find(form[start : start + size])
        while at >= 0:
            before, end, form_end = 0, at + size, start + size
            while before < min(at, start) and text[at - before - 1] == form[start - before - 1]:
                before += 1
            while end < len(text) and form_end < len(form) and text[end] == form[form_end]:
                end, form_end = end + 1, form_end + 1
            yield at - before, end
            at = text.find(form[start : start + size], end)


def _blanked(text: str, hidden: list[tuple[int, int]]) -> str:
    pieces: list[str] = []
    last = 0
    for start, end in sorted(hidden):
        if start > last or not pieces:
            pieces += (text[last:start], HIDDEN)
        last = max(last, end)
    return "".join([*pieces, text[last:]])
