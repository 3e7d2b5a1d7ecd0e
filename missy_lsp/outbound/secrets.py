"""Find secrets in a text: keys by their shape, passwords by the place they stand in.

Precise rather than greedy: what is taken for a secret is missing from what the model reads. A text that has the
exact shape of a provider's key counts as one whatever its characters say; literals without a shape have to look
random, and plain fakes (`changeme`, `<your-key>`, `EXAMPLE`) stay. The time is linear in the length of the text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import attrs

from missy_lsp.outbound.assignments import assigned_secrets
from missy_lsp.outbound.contexts import aws_secrets_near, headers, login_lines, url_passwords
from missy_lsp.outbound.private_keys import private_key_spans

_DATA_FILE = "secret_patterns.json"
_TOKEN_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
_ESCAPE_BEFORE = re.compile(r"(?:\\[nrtbfv]|%[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2})\Z")
_MASKED = re.compile(r"[xX*•]{6,}")
_CUT_OFF = re.compile(r"\.\.\.|…|\*\*\*|<")
_INSTRUCTION = re.compile(r"(?i)\byour[-_]|[-_]here\b")
_LONGEST_CUT = 40


@attrs.frozen
class FoundSecret:
    """A secret in a text: half-open offsets in code points, and what it is, such as `github-token` or `password`."""

    start: int
    end: int
    kind: str


@attrs.frozen
class _Pattern:
    kind: str
    marker: str
    shape: re.Pattern[str]
    before: int
    is_free_on_the_left: bool


def find_secrets(text: str) -> tuple[FoundSecret, ...]:
    """Return the secrets in their order; they don't overlap."""
    return _merged(list(_all_places(text)))


def provider_keys(text: str) -> tuple[FoundSecret, ...]:
    """Return only what has the shape of a provider's key or of a private key, for texts such as log lines."""
    return _merged([*_private_keys(text), *_shaped(text)])


def _all_places(text: str) -> Iterator[FoundSecret]:
    """Yield every finding, the surest first: where two overlap, the first one names them."""
    lowered = _ascii_lowered(text)
    yield from _private_keys(text)
    for found in _shaped(text):
        yield found
        if found.kind == "aws-key-id":
            yield from (FoundSecret(*place) for place in aws_secrets_near(text, found.start, found.end))
    for places in (url_passwords(text), headers(text, lowered), login_lines(text), assigned_secrets(text, lowered)):
        yield from (FoundSecret(*place) for place in places)


def _private_keys(text: str) -> Iterator[FoundSecret]:
    yield from (FoundSecret(start, end, "private-key") for start, end in private_key_spans(text))


def _shaped(text: str) -> Iterator[FoundSecret]:
    for pattern in _patterns():
        at = text.find(pattern.marker)
        while at >= 0:
            found = _shape_at(text, at, pattern)
            if found is not None:
                yield found
            at = text.find(pattern.marker, max(at + len(pattern.marker), found.end if found else 0))


def _shape_at(text: str, marker: int, pattern: _Pattern) -> FoundSecret | None:
    start = marker - pattern.before
    if start < 0 or not (pattern.is_free_on_the_left or _starts_a_word(text, start)):
        return None
    match = pattern.shape.match(text, start)
    if match is None or _is_stand_in(text, match):
        return None
    group = 1 if pattern.shape.groups else 0
    return FoundSecret(match.start(group), match.end(group), pattern.kind)


def _starts_a_word(text: str, start: int) -> bool:
    if start == 0 or text[start - 1] not in _TOKEN_CHARACTERS:
        return True
    # `\nghp_...` in a literal, `%3Dghp_...` in a URL
    before = text[max(0, start - 6) : start]
    return ("\\" in before or "%" in before) and _ESCAPE_BEFORE.search(before) is not None


def _is_stand_in(text: str, match: re.Match[str]) -> bool:
    """Tell whether it is a documented placeholder: only x's, cut off with dots, `your-key-here`."""
    value = match[0]
    if _MASKED.search(value):
        return True
    if len(value) >= _LONGEST_CUT:
        return False
    if _CUT_OFF.match(text, match.end()):
        return True
    return _INSTRUCTION.search(value) is not None and not re.search(r"[0-9]", value[12:])


def _merged(found: list[FoundSecret]) -> tuple[FoundSecret, ...]:
    """Join what overlaps; the kind is that of the surest finding, which comes first in the list."""
    merged: list[FoundSecret] = []
    surest = 0
    for rank, secret in sorted(enumerate(found), key=lambda item: (item[1].start, item[0])):
        if merged and secret.start < merged[-1].end:
            last = merged[-1]
            kind = secret.kind if rank < surest else last.kind
            merged[-1] = FoundSecret(last.start, max(last.end, secret.end), kind)
            surest = min(surest, rank)
        else:
            merged.append(secret)
            surest = rank
    return tuple(merged)


def _ascii_lowered(text: str) -> str:
    """Lower A to Z and leave every offset where it is; `str.lower` makes some letters longer."""
    if text.isascii():
        return text.lower()
    return text.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")


@cache  # the file is part of the package and never changes while it runs
def _patterns() -> tuple[_Pattern, ...]:
    document = json.loads(Path(__file__).with_name(_DATA_FILE).read_text(encoding="utf-8"))
    return tuple(
        _Pattern(
            entry["kind"],
            entry["marker"],
            re.compile(entry["shape"]),
            entry.get("before", 0),
            entry.get("left") == "any",
        )
        for entry in document["patterns"]
    )
