"""Markdown as plain words, for the fields of an editor that show no markup."""

from __future__ import annotations

from missy_lsp.characters import one_line
from missy_lsp.markdown.cost import LineCosts
from missy_lsp.markdown.parsing import filtering_parser, read
from missy_lsp.markdown.pieces import clean_text, pieces_of, plain_words

_MAX_READ = 20_000
_MAX_COST = 200_000


def plain_text(text: str, limit: int | None = None) -> str:
    """Return what Markdown says on one line without markup, of at most `limit` characters.

    Code keeps its words, a link is its label and its host, an image a note. No more than the first 20,000 characters
    are read.
    """
    limit = _MAX_READ if limit is None else limit
    text = text[: min(_MAX_READ, 8 * limit + 200)].replace("\r\n", "\n").replace("\r", "\n")
    costs = LineCosts()
    for line in text.split("\n"):
        costs.add(line)
    words = clean_text(text if costs.total > _MAX_COST else _words(text))
    # VS Code makes links of `[label](address)` in its notifications.
    return one_line(words.replace("](", "] ("), limit=limit)


def _words(text: str) -> str:
    words: list[str] = []
    for token in read(filtering_parser(), text).tokens:
        if token.type == "inline":
            words.append(plain_words(pieces_of(token.children or ())))
        elif token.type in ("fence", "code_block"):
            words.append(token.content)
    return " ".join(words)
