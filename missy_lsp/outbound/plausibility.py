"""Tell a secret from a placeholder, a word or an identifier by its characters alone."""

from __future__ import annotations

import math
import re
from collections import Counter
from itertools import pairwise

SHORTEST_PASSWORD = 8
SHORTEST_KEY = 16

# What stands for a secret instead of being one: templates, variables, cut or masked texts.
_TEMPLATE = re.compile(
    r"\$\{|\$\(|\{\{|%\(|#\{|<[^>]*>|\.\.\.|…|\[secret:|^\$[A-Za-z_]\w*$|^%\w+%$|^@\w+@$|\{[^}]+\}|^%[sdr]$|a-z|A-Z"
    r"|\bos\.environ|process\.env|getenv|(?i:^(?:none|null|nil|true|false|undefined)$)"
)
_MASK = re.compile(r"[xX*•]{4,}|(.)\1{5,}")
# A literal with one of these is meant to be read as no real one.
_FAKE_WORD = re.compile(
    r"(?i)example|sample|placeholder|change[-_ ]?(?:me|it|this)|replace|dummy|fake|mock|your|insert|todo|fixme"
    r"|redacted|hidden|masked|hunter2|foobar|lorem|letmein|qwerty|swordfish|correct[-_ ]?horse|deadbeef|cafebabe"
)
# Words that say nothing by themselves: what is left without them has to look like a secret.
_PLAIN_WORD = re.compile(
    r"(?i)passphrase|password|passwd|passwort|pass|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|credential"
    r"|test(?:ing)?|demo|default|admin|root|guest|user|value|string|welcome|localhost|local|devel(?:opment)?|postgres"
    r"|mysql|xyz|rabbitmq|redis|minio|mongo|12345678|1234567|123456|12345|1234|123|abcdef|abc|key|^pwd?$|^p$"
)
_RUN = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_VOWEL = re.compile(r"[aeiouyAEIOUY]")
_CONSONANTS = re.compile(r"(?i)[bcdfghjklmnpqrstvwxz]{5}")
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_DATE_OR_VERSION = re.compile(r"\d{4}-\d\d-\d\d\b|^[\^~<>=v]{0,3}\d{1,3}(?:\.\d{1,3}){2}")
_BASE32 = re.compile(r"[A-Z0-9]+")
_SEPARATORS = frozenset("._-/:+=, ")


def is_placeholder(value: str) -> bool:
    """Tell whether a text plainly stands for a secret without being one: `changeme`, `<your-key>`, `${VAR}`, `xxxx`."""
    return (
        _TEMPLATE.search(value) is not None
        or _MASK.search(value) is not None
        or _FAKE_WORD.search(value) is not None
        or len(_PLAIN_WORD.sub("", value).strip("_-.!@#")) <= 2
        or _is_sequence(value)
    )


def is_key(value: str) -> bool:
    """Tell whether a literal looks like a random key: long, mixed, not made of words."""
    if len(value) < SHORTEST_KEY or is_placeholder(value) or not value.isascii():
        return False
    if is_uuid(value):
        return True
    core = _PLAIN_WORD.sub("", value)
    if len(core) < SHORTEST_KEY or " " in core or "://" in core or _DATE_OR_VERSION.search(core):
        return False
    letters = {character for character in core if character.isalpha()}
    has_digit = any(character.isdigit() for character in core)
    if len(letters) < 3 or entropy(core) < (2.8 if len(core) < 20 else 3.0):
        return False
    if has_digit and _BASE32.fullmatch(core) and len(_RUN.findall(core)) >= len(core) / 5:
        return True
    mixes_case = any(character.islower() for character in core) and any(character.isupper() for character in core)
    digits = sum(character.isdigit() for character in core)
    most_in_words = 0.6 if digits >= 0.15 * len(core) else 0.4
    return (digits > 0 or (mixes_case and len(core) >= 24)) and _share_in_words(core) < most_in_words


def is_password(value: str) -> bool:
    """Tell whether a literal looks like a password that somebody chose: short, but of several classes of characters."""
    if len(value) < SHORTEST_PASSWORD or " " in value or "://" in value or is_placeholder(value):
        return False
    core = _PLAIN_WORD.sub("", value)
    if len(core) < SHORTEST_PASSWORD:
        return False
    has_digit = any("0" <= character <= "9" for character in core)
    has_lower = any("a" <= character <= "z" for character in core)
    has_upper = any("A" <= character <= "Z" for character in core)
    has_symbol = any(not character.isalnum() and character not in _SEPARATORS for character in core)
    if not has_digit or not (has_lower or has_upper) or entropy(core) < 2.5:
        return False
    if sum(core.count(separator) for separator in ".-/:") >= 2 and _share_in_words(core) >= 0.4:
        return False  # a dotted name, a path, a version
    in_words = _share_in_words(core)
    return (has_lower + has_upper + has_symbol >= 2 and in_words < 0.7) or in_words < 0.4


def is_uuid(value: str) -> bool:
    return _UUID.fullmatch(value) is not None


def entropy(text: str) -> float:
    """Return the Shannon entropy of the characters, in bits each."""
    length = len(text)
    return -sum(count / length * math.log2(count / length) for count in Counter(text).values())


def _share_in_words(text: str) -> float:
    """Return which part of the text lies in what could be words: letters of one case, with vowels, sayable."""
    runs = (match[0] for match in _RUN.finditer(text))
    words = (run for run in runs if len(run) >= 4 and run.isalpha() and _is_sayable(run))
    return sum(map(len, words)) / len(text)


def _is_sayable(run: str) -> bool:
    return 4 * len(_VOWEL.findall(run)) >= len(run) and _CONSONANTS.search(run) is None


def _is_sequence(value: str) -> bool:
    """Tell whether the text counts up or down (`0123456789abcdef`), or is one short piece over and over."""
    if len(value) < 6:
        return False
    steps = sum(abs(ord(after) - ord(before)) <= 1 for before, after in pairwise(value))
    if 2 * steps > len(value):
        return True
    period = (value + value).find(value, 1)
    return period <= len(value) // 3
