"""Turn what a person typed into words that the vocabulary knows, in any script: pure.

Code, quoted text, identifiers, paths and addresses become `MENTION`: they are talked about and say nothing
about the kind of task. Punctuation that ends a clause becomes `BREAK`.
"""

# Quotation marks and letters of many scripts are meant as they stand here.
# ruff: noqa: RUF001

from __future__ import annotations

import re
import unicodedata

import attrs

MENTION = "\0"
BREAK = "."

# A decision must stay fast whatever is pasted: instructions stand at the head or the end of a long text.
_MAX_HEAD, _MAX_TAIL = 600, 300

_FENCE = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)", re.DOTALL)
_CODE_LINE = re.compile(
    r"^(?:\s*(?:def|class|return|const|let|var|func|fn|public|private|static|#include|use|if|for|while|at|File)\b"
    r".*[(){};=<>\"].*|\s*(?:import|from)\s[\w.]+(?:\s(?:import|as)\s.*)?|\s*[{}()\[\];]+|.*[;{}]|\s{4,}\S.*"
    r"|\s*[\w.\[\]]+\s*[-+*/|&]?=[^=].*)\s*$",
    re.MULTILINE,
)
_QUOTED = re.compile(
    r"`[^`\n]*`|\"[^\"\n]*\"|“[^”\n]*”|„[^“”\n]*[“”]|«[^»\n]*»|‹[^›\n]*›|「[^」\n]*」|『[^』\n]*』|‘[^’\n]*’(?!\w)"
    r"|(?<!\w)'[^'\n]+'(?!\w)"
)
_NAME = re.compile(
    r"\w+://\S+|(?:[\w.~-]+[/\\])+[\w.-]+\.\w+|(?<!\w)--?[a-zA-Z][\w-]*(?=\s|$)|\b\w+\(\)?"
    r"|\b[a-zA-Z]\w*_\w*\b|\b_\w+\b|\b[a-z]+[A-Z]\w*\b|\b[A-Z][a-z]+[A-Z]\w*\b|\b[a-zA-Z]\w*\.[a-zA-Z]\w*(?:\.\w+)*\b"
)
_NAME_STARTS = re.compile(r"[/\\(_]|\w\.\w|[a-z][A-Z]|(?:^|\s)-")
_TOKEN = re.compile(
    r"[\u0900-\u097f]+|[\u0e01-\u0e4e\u3005-\u3007\u3040-\u30ff\u3400-\u9fff]"
    r"|[^\W_\u0e01-\u0e4e\u3005-\u3007\u3040-\u30ff\u3400-\u9fff]+"
    r"|[.,;:?!()\n。，；：？！、¿¡।؟—–]|\0"
)
_MESSAGE = re.compile(
    r"\b[A-Z]\w*(?:Error|Exception|Warning|Panic|Fault)\b|\bTraceback\b|\bE\d{4}\b|\berror[:\[]|\berrno\b"
    r"|\bexpected\b.{1,40}\b(?:got|found|but)\b|\bexit code \d|\d+ != \d+|\bSIG[A-Z]{3,4}\b|\bfatal:"
    r"|\bundefined reference\b"
)
# Without one of these there is no message; to look for them alone takes a tenth of the time.
_MESSAGE_HINT = re.compile(
    r"Error|Exception|Warning|Panic|Fault|Traceback|E\d{4}|error|errno|expected|exit code|!=|SIG|fatal:|undefined"
)
_MEASURE = re.compile(
    r"\b\d+(?:[.,]\d+)?\s?(?:%|x\b|ms\b|µs|us\b|[KMGT]i?B\b|[kM]\b|ops|req|rps|qps|times\b|fps|Mbit|million\b|-fold)",
    re.IGNORECASE,
)

# Japanese, Korean and Hindi put the verb last.
_VERB_FINAL = re.compile("[\u0900-\u097f\u3040-\u30ff\uac00-\ud7a3]")
# Short vowels, doubling and lengthening, which few type, and the forms of alif that many leave bare.
_ARABIC = {**dict.fromkeys((*range(0x64B, 0x653), 0x640)), 0x622: "ا", 0x623: "ا", 0x625: "ا"}
_SPECIAL = {"ł": "l", "ø": "o", "đ": "d", "ı": "i", "œ": "oe", "æ": "ae", "\u0307": ""}


@attrs.frozen
class Words:
    """The words of an instruction, and what was seen in it that is no word."""

    tokens: tuple[str, ...]
    has_message: bool
    has_measure: bool
    has_code: bool
    ends_with_question: bool
    is_verb_final: bool

    @property
    def count(self) -> int:
        """Return the number of words; two Chinese or Japanese characters are taken for one, four Thai ones."""
        characters = sum(len(word) == 1 and word >= "\u3000" for word in self.tokens)
        thai = sum("\u0e01" <= word <= "\u0e4e" for word in self.tokens)
        others = sum(word not in (MENTION, BREAK) for word in self.tokens) - characters - thai
        return others + characters // 2 + thai // 4


def read(text: str) -> Words:
    """Return the words of what was typed."""
    if len(text) > _MAX_HEAD + _MAX_TAIL:
        text = _without_code(text[: 4 * _MAX_HEAD] + "\n" + text[4 * _MAX_HEAD :][-4 * _MAX_TAIL :])
        if len(text) > _MAX_HEAD + _MAX_TAIL:
            text = f"{text[:_MAX_HEAD]}\n{text[-_MAX_TAIL:]}"
        has_code = True
    else:
        has_code = "```" in text
        text = _without_code(text) if has_code or "\n" in text else text
    kept = _QUOTED.sub(" \0 ", text.replace("’", "'"))
    if _NAME_STARTS.search(kept):
        # A name has no space in it, and most pieces hold none: to look at each alone is much quicker.
        kept = " ".join(
            [_NAME.sub(" \0 ", piece) if _NAME_STARTS.search(piece) else piece for piece in kept.split(" ")]
        )
    tokens = tokenize(kept)
    if all(token in (MENTION, BREAK) for token in tokens):
        tokens = tokenize(text)
    return Words(
        tokens=tokens,
        has_message=_MESSAGE_HINT.search(text) is not None and _MESSAGE.search(text) is not None,
        has_measure=_MEASURE.search(text) is not None,
        has_code=has_code,
        is_verb_final=_VERB_FINAL.search(text) is not None,
        ends_with_question=text.rstrip().endswith(("?", "？", "؟", "吗", "嗎")),
    )


def tokenize(text: str) -> tuple[str, ...]:
    """Split into words: lower case, Latin letters without accents, each Chinese or Japanese character alone."""
    return tuple(split_into_words(fold(text)))


def split_into_words(folded: str) -> list[str]:
    """Return the words and marks of a text that was folded."""
    return [_word_or_mark(piece) for piece in _TOKEN.findall(folded)]


def _word_or_mark(piece: str) -> str:
    # A word of Devanagari and a character of Thai may be signs that are no letters.
    if piece.isalnum() or "\u0904" <= piece[0] <= "\u0961" or "\u0e01" <= piece[0] <= "\u0e4e":
        return piece
    return MENTION if piece == MENTION else BREAK


def fold(text: str) -> str:
    """Return a text in lower case, its Latin letters without accents."""
    if text.isascii():
        return text.casefold()
    text = unicodedata.normalize("NFC", text).casefold().replace("ё", "е")
    plain = {ord(letter): _plain(letter) for letter in set(text) if "\x7f" < letter < "\u1f00"}
    return text.translate(plain | _ARABIC)


def _plain(character: str) -> str:
    """Return an accented Latin letter without its accent, for those who type without accents."""
    if character in _SPECIAL:
        return _SPECIAL[character]
    base = unicodedata.normalize("NFD", character)[0]
    return base if base.isascii() else character


def _without_code(text: str) -> str:
    text = _FENCE.sub(" \0 ", text)
    return _CODE_LINE.sub(" \0 ", text) if "\n" in text else text
