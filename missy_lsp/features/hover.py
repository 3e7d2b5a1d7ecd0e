"""Explanations of what is under the cursor: which symbol, what the model is shown, what becomes of its words."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from functools import lru_cache

import attrs

from missy_lsp.characters import one_line
from missy_lsp.document import Snapshot, Span
from missy_lsp.features.context import tagged
from missy_lsp.features.material import system_blocks
from missy_lsp.features.outgoing import LARGEST_SEARCHED_CHARACTERS, stretch_around, without_invisible
from missy_lsp.llm.types import Message, Prompt, TextBlock
from missy_lsp.markdown.filtering import filter_markdown
from missy_lsp.markdown.plain import plain_text
from missy_lsp.prompts.loading import load
from missy_lsp.syntax.definitions import enclosing_definition

MAX_OUTPUT_TOKENS = 300
# What a hover may cost: the definition around the symbol, or of a long one the lines around it.
MAX_SHOWN_CHARACTERS = 8_000
_MAX_SYMBOL_CHARACTERS = 100
_MAX_ANSWER_CHARACTERS = 4_000
_SHOWN_AGAIN = 64
# A name as most languages have them; a number is none. In Lisp, CSS and shells names go on behind a hyphen.
_NAME = re.compile(r"[^\W\d][\w$]*(?:-\w+)*|\$\w+")
_WITH_HYPHENS = {
    "clojure",
    "commonlisp",
    "css",
    "elisp",
    "emacs-lisp",
    "html",
    "less",
    "lisp",
    "racket",
    "scheme",
    "scss",
}
_MARKS = ("Mn", "Mc")
_WORD = re.compile(r"[^\W\d][\w$]*|\$\w+")


@attrs.frozen
class HoverTarget:
    """What is under the cursor: `symbol` at `span`, and the code around it that explains it."""

    symbol: str
    span: Span
    shown: str
    language_id: str


def hover_target(snapshot: Snapshot, offset: int, *, redact: bool = True) -> HoverTarget | None:
    """Return the symbol at a place of a document, None where there is none: blanks, numbers, punctuation.

    With `redact`, what is shown of the code holds no secrets, and there is no symbol within one.
    """
    text = snapshot.text
    start = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", offset)
    line = text[start : len(text) if end < 0 else end]
    pattern = _NAME if snapshot.language_id in _WITH_HYPHENS else _WORD
    # A cursor behind the last letter is on the word too; long lines are looked at near the cursor alone.
    first = max(0, offset - start - 2 * _MAX_SYMBOL_CHARACTERS)
    near = _without_marks(line[first : offset - start + 2 * _MAX_SYMBOL_CHARACTERS])
    for match in pattern.finditer(near):
        span = Span(start + first + match.start(), start + first + match.end())
        if span.start <= offset <= span.end:
            if span.end - span.start > _MAX_SYMBOL_CHARACTERS:
                return None
            shown = _shown(snapshot, span, redact=redact)
            symbol = text[span.start : span.end]
            return None if shown is None else HoverTarget(symbol, span, shown, snapshot.language_id)
    return None


def hover_prompt(target: HoverTarget, card: str) -> Prompt:
    """Return what is asked of the model; the same target gives the same prompt."""
    asked = f"{load('hover')}\n\nThe symbol: `{target.symbol}`"
    blocks = (TextBlock(tagged("document", target.shown, language=target.language_id)), TextBlock(asked))
    return without_invisible(Prompt(system=system_blocks(card), messages=(Message("user", blocks),)))[0]


def cache_key(prompt: Prompt, provider_id: str, base_url: str | None, model: str) -> str:
    """Return the name of an explanation: the same code, prompt, model and address have the same one."""
    said = [provider_id, base_url, model, attrs.asdict(prompt)]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()


@lru_cache(maxsize=_SHOWN_AGAIN)  # the same words give the same; filtering them takes longer than all else of a hover
def hover_markdown(text: str, model: str) -> str:
    """Return an explanation as it is shown: nothing live in it, and told to be a model's."""
    return filter_markdown(f"**Missy** ({one_line(model, _MAX_SYMBOL_CHARACTERS)})\n\n{text[:_MAX_ANSWER_CHARACTERS]}")


@lru_cache(maxsize=_SHOWN_AGAIN)
def hover_plain(text: str, model: str) -> str:
    """Return an explanation for a client that shows no Markdown, a line a paragraph."""
    paragraphs = (plain_text(paragraph) for paragraph in text[:_MAX_ANSWER_CHARACTERS].split("\n\n"))
    return "\n".join([f"Missy ({plain_text(model, _MAX_SYMBOL_CHARACTERS)})", *filter(None, paragraphs)])


def _without_marks(line: str) -> str:
    """Put digits in the place of combining marks, which a name goes on with as well and a pattern knows no class of."""
    if line.isascii():
        return line
    return "".join("0" if unicodedata.category(character) in _MARKS else character for character in line)


def _shown(snapshot: Snapshot, span: Span, *, redact: bool) -> str | None:
    """Return the code around a symbol; None where the symbol is part of a secret that is not to be sent."""
    stretch = stretch_around(snapshot.text, span, redact=redact)
    symbol, text, span = snapshot.text[span.start : span.end], stretch.redacted.text, stretch.sent_span
    if text[span.start : span.end] != symbol:
        return None
    if len(text) <= LARGEST_SEARCHED_CHARACTERS:
        found = enclosing_definition(text, span.start, snapshot.language_id)
        if found is not None and found.end - found.start <= MAX_SHOWN_CHARACTERS:
            return text[found.start : found.end]
    half = MAX_SHOWN_CHARACTERS // 2
    first = text.find("\n", max(0, span.start - half)) + 1 if span.start > half else 0
    last = text.rfind("\n", 0, span.end + half) + 1 if span.end + half < len(text) else len(text)
    return text[min(first, span.start) : max(last, span.end)]
