"""Put placeholders in the place of secrets before a text is sent, and the secrets back into a reply that is an edit.

A placeholder is `[secret:KIND:NUMBER]`. Numbers count from 1 for each kind; the same secret has the same
placeholder wherever it stands in one request. What the text itself holds of that form is never used.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

import attrs

from missy_lsp.document import Span
from missy_lsp.outbound.secrets import FoundSecret, find_secrets
from missy_lsp.secret import Secret

_PLACEHOLDER = re.compile(r"\[secret:[a-z0-9-]{1,40}:[0-9]{1,6}\]")
# A secret this long or longer, and no mere word, is hidden wherever else the text has it, say in a comment.
_SHORTEST_REPEAT = 10
_LONGEST_REPEAT = 4_000
_MOST_REPEATS_SOUGHT = 64


@attrs.frozen
class Replacement:
    """One secret and its placeholder: `start` and `end` in the original text, `at` in the redacted one.

    `indent` is the white space before it where it begins a line, else None.
    """

    start: int
    end: int
    at: int
    kind: str
    placeholder: str
    secret: Secret
    indent: str | None = None

    @property
    def end_at(self) -> int:
        return self.at + len(self.placeholder)


@attrs.frozen
class Redacted:
    """A text as it may be sent; the secrets are held in `Secret`, so that no representation shows them.

    `literals` are texts of a placeholder's form that the original holds itself.
    """

    text: str
    replacements: tuple[Replacement, ...] = ()
    literals: frozenset[str] = frozenset()

    @property
    def count(self) -> int:
        """Return how many stretches were replaced."""
        return len(self.replacements)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Return what was replaced, each kind once, in the order of the text."""
        return tuple(dict.fromkeys(replacement.kind for replacement in self.replacements))

    def widened(self, span: Span) -> Span:
        """Return a span of the original text that cuts no secret in two: one that it touches is in it as a whole."""
        start, end = span.start, span.end
        for replacement in self.replacements:
            if replacement.start < start < replacement.end:
                start = replacement.start
            if replacement.start < end < replacement.end:
                end = replacement.start if span.is_empty else replacement.end
        return Span(start, max(start, end))

    def span_of(self, span: Span) -> Span:
        """Return where a span of the original text is in the redacted one, widened as `widened` does."""
        whole = self.widened(span)
        return Span(self._offset_of(whole.start), self._offset_of(whole.end))

    def _offset_of(self, offset: int) -> int:
        before = bisect_right(self.replacements, offset, key=lambda replacement: replacement.end)
        if before == 0:
            return offset
        last = self.replacements[before - 1]
        return last.end_at + offset - last.end


@attrs.frozen
class RestoreFault:
    """Why an edit with placeholders can't be applied: a sentence for the user, one for the model to mend it."""

    placeholders: tuple[str, ...]
    sentence: str
    for_model: str


def redact(text: str, found: Sequence[FoundSecret], earlier: Iterable[Redacted] = ()) -> Redacted:
    """Replace what was found, and what else of the text is the same as it.

    `earlier` are the texts that stand before this one in the same request: a secret that is in one of them keeps its
    placeholder. The same arguments give the same bytes, so that the text can be the prefix of a cached prompt.
    """
    literals = frozenset(_PLACEHOLDER.findall(text))
    names = _Names(literals, earlier)
    pieces: list[str] = []
    replacements: list[Replacement] = []
    last = length = 0
    for secret in _with_repeats(text, found, names):
        value = text[secret.start : secret.end]
        kind, placeholder = names.name_of(value, secret.kind)
        before = text[last : secret.start]
        pieces += (before, placeholder)
        at = length + len(before)
        indent = _indent_before(text, secret.start)
        replacements.append(Replacement(secret.start, secret.end, at, kind, placeholder, Secret(value), indent))
        length = at + len(placeholder)
        last = secret.end
    if not replacements:
        return Redacted(text, (), literals)
    return Redacted("".join([*pieces, text[last:]]), tuple(replacements), literals)


def redact_secrets(text: str, earlier: Iterable[Redacted] = ()) -> Redacted:
    """Find and replace the secrets of a text; see `redact`."""
    return redact(text, find_secrets(text), earlier)


def placeholders(text: str) -> tuple[str, ...]:
    """Return what has the form of a placeholder, each once: what must not go into a file as it is."""
    return tuple(dict.fromkeys(_PLACEHOLDER.findall(text)))


def restore(text: str, redacted: Redacted) -> str | RestoreFault:
    """Put the secrets back where the model's replacement for (a part of) `redacted.text` has their placeholders.

    One that was moved, doubled or dropped is as the model meant it. One that stands for nothing in this text, or that
    was changed so that nobody can tell what it stands for, makes the edit unusable: it would destroy a secret.
    """
    originals: dict[str, list[Replacement]] = {}
    for replacement in redacted.replacements:
        originals.setdefault(replacement.placeholder, []).append(replacement)
    strange = [name for name in placeholders(text) if name not in originals and name not in redacted.literals]
    strange += _altered(text, redacted)
    if strange:
        return _fault(strange, originals)

    def original(match: re.Match[str]) -> str:
        if match[0] not in originals:
            return match[0]
        return _indented(originals[match[0]], _indent_before(text, match.start()))

    return _PLACEHOLDER.sub(original, text)


class _Names:
    """The placeholders of one request, given out while its texts are redacted one after the other."""

    def __init__(self, literals: frozenset[str], earlier: Iterable[Redacted]) -> None:
        self._taken = set(literals)
        self._last: dict[str, int] = {}
        self._by_value: dict[str, tuple[str, str]] = {}
        for redacted in earlier:
            for replacement in redacted.replacements:
                self._by_value.setdefault(replacement.secret.reveal(), (replacement.kind, replacement.placeholder))
                self._taken.add(replacement.placeholder)

    def name_of(self, value: str, kind: str) -> tuple[str, str]:
        """Return kind and placeholder of a secret, new ones where it has none yet."""
        if value not in self._by_value:
            number = self._last.get(kind, 0) + 1
            while f"[secret:{kind}:{number}]" in self._taken:
                number += 1
            self._last[kind] = number
            self._by_value[value] = (kind, f"[secret:{kind}:{number}]")
        return self._by_value[value]

    def known(self) -> Iterator[tuple[str, str]]:
        """Yield the secrets that earlier texts hold, with their kinds."""
        yield from ((value, kind) for value, (kind, _) in self._by_value.items())


def _with_repeats(text: str, found: Sequence[FoundSecret], names: _Names) -> list[FoundSecret]:
    """Return what was found and the other places of the same secrets, in their order, without overlaps."""
    kinds = {text[secret.start : secret.end]: secret.kind for secret in reversed(found)}
    kinds |= dict(names.known())
    sought = [value for value in kinds if _is_worth_seeking(value)][:_MOST_REPEATS_SOUGHT]
    starts = {secret.start for secret in found}
    repeats = [
        FoundSecret(at, at + len(value), kinds[value])
        for value in sorted(sought, key=len, reverse=True)
        for at in _places(text, value)
        if at not in starts
    ]
    kept: list[FoundSecret] = []
    for secret in sorted([*found, *repeats], key=lambda each: (each.start, -each.end)):
        if not kept or secret.start >= kept[-1].end:
            kept.append(secret)
        elif secret.end > kept[-1].end:
            kept[-1] = attrs.evolve(kept[-1], end=secret.end)
    return kept


def _is_worth_seeking(value: str) -> bool:
    return _SHORTEST_REPEAT <= len(value) <= _LONGEST_REPEAT and any(character.isdigit() for character in value)


def _places(text: str, value: str) -> Iterator[int]:
    at = text.find(value)
    while at >= 0:
        yield at
        at = text.find(value, at + len(value))


def _altered(text: str, redacted: Redacted) -> list[str]:
    """Return what the model seems to have meant as a placeholder: in other brackets or letters, without its number."""
    if not redacted.replacements:
        return []
    kinds = "|".join(re.escape(kind) for kind in sorted(redacted.kinds, key=len, reverse=True))
    like = re.compile(
        rf"\\?[\[(<{{]?\bsecret\s?\\?:\s?(?:{kinds})\s?\\?:\s?#?[0-9]{{1,6}}\s?\\?[\])>}}]?|\[secret:(?:{kinds})\]",
        re.IGNORECASE,
    )
    of_the_text = _PLACEHOLDER.sub("", redacted.text)
    return [match[0] for match in like.finditer(_PLACEHOLDER.sub("", text)) if match[0] not in of_the_text]


def _fault(strange: list[str], originals: Iterable[str]) -> RestoreFault:
    named = ", ".join(dict.fromkeys(name[:60] for name in strange))
    known = ", ".join(originals) or "none"
    return RestoreFault(
        tuple(dict.fromkeys(strange)),
        f"The change names a secret that is not in this text ({named}), so it could not be put back; nothing was "
        "changed. Ask again, or change the lines with secrets by hand.",
        f"Your replacement has {named}, which stands for no secret of this text. Copy the placeholders exactly as they "
        f"stand there, or leave the line as it is; there are: {known}.",
    )


def _indent_before(text: str, offset: int) -> str | None:
    """Return the white space from the line's start to `offset`, None where something else stands there."""
    before = text[max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1 : offset]
    return before if before.strip(" \t") == "" else None


def _indented(places: list[Replacement], indent: str | None) -> str:
    """Return the secret of these places, its further lines moved with the first where the model moved that."""
    value = places[0].secret.reveal()
    indents = {place.indent for place in places}
    if indent is None or indent in indents or "\n" not in value:
        return value
    first, *lines = value.split("\n")
    filled = [line for line in lines if line.strip()]
    was = max(
        (known for known in indents if known is not None and all(line.startswith(known) for line in filled)),
        key=len,
        default=None,
    )
    if was is None:
        return value
    return "\n".join([first, *(indent + line[len(was) :] if line.strip() else line for line in lines)])
