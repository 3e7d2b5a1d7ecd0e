"""Addresses in plain text that some renderer would make a link of, and how a link's target is named without one."""

from __future__ import annotations

import re
from collections.abc import Iterator

import attrs

# What ends an address in running text: blanks, angle brackets, quotation marks, the full stops and commas of Chinese
# and Japanese.
_ENDS = (
    r"\s<>\"\u201c\u201d\u2018\u2019\xab\xbb\u2026"
    r"\u3001\u3002\u3008-\u3011\u3014-\u301f\uff01\uff08\uff09\uff0c\uff1a\uff1b\uff1f\uff5c"
)
_SCHEME = r"A-Za-z0-9+.\-"
_LOCAL = r"\w.!#$%&'*+/=?^{|}~\-"
_LABEL = rf"{_ENDS}!#$%&'()*+,./:;=?@\[\\\]^{{|}}~"
_COUNTRIES = (
    "a[cdefgilmnoqrstuwxz]|b[abdefghijmnorstvwyz]|c[acdfghiklmnoruvwxyz]|d[ejkmoz]|e[cegrstu]|f[ijkmor]|"
    "g[abdefghilmnpqrstuwy]|h[kmnrtu]|i[delmnoqrst]|j[emop]|k[eghimnprwyz]|l[abcikrstuvy]|m[acdeghk-z]|"
    "n[acefgilopruz]|om|p[aefghklmnrstwy]|qa|r[eosuw]|s[a-eg-ort-vx-z]|t[cdfghjklmnortvwz]|u[agksyz]|v[aceginu]|"
    "w[fs]|y[et]|z[amw]",
)
_GENERIC = "biz|com|edu|gov|net|org|pro|web|xxx|aero|asia|coop|info|museum|name|shop|рф"
# Wider than what GitHub, marked (VS Code's hovers) and linkify-it (VS Code's preview) make live, taken together: with a
# scheme, relative to one, www, mailto, an e-mail address, a host that ends in a top-level domain.
_ADDRESS = re.compile(
    rf"(?<![{_SCHEME}])[{_SCHEME}]++://[^{_ENDS}]*"
    rf"|://[^{_ENDS}]*"
    rf"|//[^\s<>/][^{_ENDS}]*"
    rf"|www\.[\w-][^{_ENDS}]*"
    rf"|(?:mailto|xmpp):[^{_ENDS}]+"
    rf"|(?<![{_LOCAL}])[{_LOCAL}]++@[^{_ENDS}@.]+(?:\.[^{_ENDS}.]|:)[^{_ENDS}]*"
    rf"|(?<![^{_LABEL}])(?<!\.)(?:[^{_LABEL}]++\.)+(?:{_COUNTRIES}|{_GENERIC}|xn--[a-z0-9\-]+)"
    rf"(?![^\W_]|-)(?!\.[^\W_])(?:[:/?#_][^{_ENDS}]*)?",
    re.IGNORECASE,
)
_TRAILING = ".,;:!?'*_~"
_PAIRS = {")": "(", "]": "[", "}": "{"}
_MAX_SHOWN = 100


@attrs.frozen
class Address:
    """A stretch of text, `start` to `end`, that must not stand as text."""

    start: int
    end: int


def find_addresses(text: str) -> Iterator[Address]:
    """Yield what a renderer that makes links of bare addresses could take for one, from left to right."""
    if not any(sign in text for sign in (".", "@", "//", ":")):
        return
    position = 0
    while match := _ADDRESS.search(text, position):
        end = match.start() + len(_without_trailing_punctuation(match[0]))
        yield Address(match.start(), end)
        position = match.end()


def named_target(href: str) -> str:
    """Return what a reader is told of a link's target: its host, an e-mail address, a relative path, or a scheme.

    `href` is normalized by the parser: percent-encoded, its host in ASCII. Nothing comes back for a place in the
    same text.
    """
    scheme, colon, rest = href.partition(":")
    if not colon or not scheme.isascii() or not scheme.replace("+", "").replace("-", "").replace(".", "").isalnum():
        scheme, rest = "", href
    scheme = scheme.lower()
    # Browsers read a backslash as a slash, so a name before one is not the host.
    plain = rest.replace("%5C", "/").replace("%5c", "/").replace("\\", "/")
    if scheme == "mailto":
        return _shortened(plain.partition("?")[0])
    if scheme in ("http", "https", "ftp") or (not scheme and plain.startswith("//")):
        authority = re.split("[/?#]", plain.lstrip("/"), maxsplit=1)[0]
        return _shortened(authority.rpartition("@")[2]) or scheme
    if scheme:
        return f"{scheme}:"
    path, _, _ = rest.partition("?")
    return "" if path.startswith("#") else _shortened(path)


def _shortened(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 1]}…"


def _without_trailing_punctuation(address: str) -> str:
    """Return an address without what belongs to the sentence around it; a bracket that it opened is its own."""
    surplus = {close: address.count(close) - address.count(opening) for close, opening in _PAIRS.items()}
    end = len(address)
    while end and (address[end - 1] in _TRAILING or surplus.get(address[end - 1], 0) > 0):
        end -= 1
        if address[end] in surplus:
            surplus[address[end]] -= 1
    return address[:end]
