"""Characters that are not seen: which they are, where they are legitimate, and text without them (security.md)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

import attrs

# Control characters but tab, line ends and form feed; direction (Trojan Source), zero width, invisible operators, line
# separators that only some programs obey, tags, variation selectors of the supplement, fillers, halves of characters.
_CLASS = (
    "[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164"
    "\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
# A flag such as Scotland's needs its tags: a black flag, letters, the cancel tag.
_RUNS = re.compile(f"(?P<flag>\U0001f3f4[\U000e0020-\U000e007e]{{1,7}}\U000e007f)|{_CLASS}+")
_JOINERS = "\u200c\u200d"
# Symbols with a form as emoji that are not of category So.
_EMOJI_OF_OTHER_CATEGORIES = "#*0123456789\u203c\u2049\u2139\u2194\u3030\u303d"
# Scripts whose letters take a joiner or a non-joiner between them: Arabic and kin, the scripts of India, Mongolian.
_JOINING_SCRIPTS = (
    *("ARABIC", "SYRIAC", "MANDAIC", "MONGOLIAN", "DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI", "ORIYA", "TAMIL"),
    *("TELUGU", "KANNADA", "MALAYALAM", "SINHALA", "KHMER", "MYANMAR", "TIBETAN"),
)


@attrs.frozen
class InvisibleCharacter:
    """One that is not seen: its offset and its name, such as `U+202E RIGHT-TO-LEFT OVERRIDE`."""

    offset: int
    character: str

    @property
    def name(self) -> str:
        return f"U+{ord(self.character):04X} {unicodedata.name(self.character, 'unnamed')}"


def invisible_characters(text: str, *, whole_runs: bool = False) -> tuple[InvisibleCharacter, ...]:
    """Return the characters that nobody sees and that the text does not need.

    Not counted: joiners within emoji and between letters of scripts that need them, a variation selector behind a
    symbol, a byte order mark at the beginning. `whole_runs`: of several side by side all count where one does, for
    those who put something else in its place, so that the others have lost their neighbour.
    """
    found: list[InvisibleCharacter] = []
    for run in _RUNS.finditer(text):
        if run["flag"] is None:
            offsets: Sequence[int] = tuple(_not_needed(text, run.start(), run.end()))
            if offsets and whole_runs:
                offsets = range(run.start(), run.end())
            found += [InvisibleCharacter(offset, text[offset]) for offset in offsets]
    return tuple(found)


def _not_needed(text: str, start: int, end: int) -> Iterator[int]:
    """Yield the offsets of a run that the text does not need, by what stands beside it once they are gone."""
    before = text[start - 1 : start]
    after = text[end : end + 1]
    base: str | None = None
    for offset in range(start, end):
        character = text[offset]
        if character == "\u200d" and base is None:
            base = _base(text, start)
        if not _is_needed(character, offset, before, base or "", after):
            yield offset
            continue
        before = character
        if character in _JOINERS:
            base = character  # nothing is joined to it


def strip_invisible(text: str) -> tuple[str, int]:
    """Return a text without its invisible characters, and how many they were."""
    found = invisible_characters(text)
    if not found:
        return text, 0
    pieces, last = [], 0
    for invisible in found:
        pieces.append(text[last : invisible.offset])
        last = invisible.offset + 1
    return "".join([*pieces, text[last:]]), len(found)


def one_line(text: str, limit: int = 300) -> str:
    """Return a text for a plain field: one line, without control and invisible characters, at most `limit` long."""
    words = " ".join(text[: 8 * limit].split()) if len(text) <= 8 * limit else " ".join(text.split(maxsplit=limit))
    line = " ".join(strip_invisible(words.replace("\ufeff", ""))[0].split())
    return line if len(line) <= limit else f"{strip_invisible(line[: limit - 1])[0]}…"


def _is_needed(character: str, offset: int, before: str, base: str, after: str) -> bool:
    """Tell whether a character is: `before` is kept, `after` can be seen, `base` is what a joiner would join."""
    if character == "\ufeff":
        return offset == 0
    if character in _JOINERS:
        if character == "\u200d" and _is_emoji(base) and _is_emoji(after):
            return True
        return _is_of_joining_script(before) and (_is_of_joining_script(after) or not after.isalpha())
    if "\ufe00" <= character <= "\ufe0f":
        if character >= "\ufe0e":
            return _is_emoji(before)
        return _is_ideograph(before) or _is_of_joining_script(before) or (before > "\u2000" and _is_symbol(before))
    if "\U000e0100" <= character <= "\U000e01ef":
        return _is_ideograph(before)
    if character in "\u180b\u180c\u180d\u180e\u180f":
        return _is_of_joining_script(before)
    if character == "\u034f":
        return before != "" and unicodedata.category(before) in ("Mn", "Lo")
    return False


def _base(text: str, offset: int) -> str:
    """Return the character that a joiner joins: before it, past selectors and skin tones."""
    offset -= 1
    while offset > 0 and ("\ufe00" <= text[offset] <= "\ufe0f" or "\U0001f3fb" <= text[offset] <= "\U0001f3ff"):
        offset -= 1
    return text[offset] if offset >= 0 else ""


def _is_emoji(character: str) -> bool:
    return character != "" and (unicodedata.category(character) == "So" or character in _EMOJI_OF_OTHER_CATEGORIES)


def _is_symbol(character: str) -> bool:
    return unicodedata.category(character) in ("So", "Sm", "Po")


def _is_ideograph(character: str) -> bool:
    return character != "" and unicodedata.name(character, "").startswith("CJK")


def _is_of_joining_script(character: str) -> bool:
    return character != "" and unicodedata.name(character, "").startswith(_JOINING_SCRIPTS)
