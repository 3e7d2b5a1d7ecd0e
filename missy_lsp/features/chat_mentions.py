"""What a question in a chat names with `@`: a file, the selection, diagnostics, a symbol, the changes."""

from __future__ import annotations

import re
from typing import Literal, cast

import attrs

from missy_lsp.document import Span, split_lines
from missy_lsp.features.chat_fences import Fence

MentionKind = Literal["file", "selection", "diagnostics", "symbol", "diff"]

MEANINGS: dict[MentionKind, str] = {
    "file": "the other document that was last opened, changed or asked about",
    "selection": "what was last selected when an action was looked for or a question asked",
    "diagnostics": "what the editor last said of that document",
    "symbol": "the definition around the last cursor or selection",
    "diff": "the staged changes of the repository",
}

_MENTION = re.compile(
    r"(?<![\w@`.])@(?:file:(?:\"(?P<quoted>[^\"\r\n]+)\"|(?P<path>[^\s\"]+))"
    r"|(?P<kind>file|selection|diagnostics|symbol|diff)(?![\w:]))"
)
_TYPED = re.compile(r"(?<![\w@`.])@(?P<word>[a-z]*|file:(?:\"(?P<quoted>[^\"\r\n]*)|(?P<path>[^\s\"]*)))$")
_CODE_SPAN = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)")
_PUNCTUATION = ".,;:!?)]}'*"


@attrs.frozen
class Mention:
    """One mention; `path` is empty but for `@file:PATH`, `span` is where it stands."""

    kind: MentionKind
    path: str
    span: Span

    @property
    def label(self) -> str:
        return f"@{self.kind}:{self.path}" if self.path else f"@{self.kind}"


@attrs.frozen
class Typed:
    """A mention that is being typed: `word` is what follows the `@`, `path` what follows `@file:`, None without it.

    `is_quoted` tells of a path behind a quotation mark.
    """

    start: int
    word: str
    path: str | None
    is_quoted: bool = False


def mentions(text: str, start: int = 0) -> tuple[Mention, ...]:
    """Return the mentions of a text that begins at the offset `start`, but for those in code."""
    found, fence = [], Fence()
    for line in split_lines(text):
        if not fence.takes(line.rstrip("\r\n")):
            plain = _CODE_SPAN.sub(lambda code: " " * len(code[0]), line)
            found += [_mention(match, start) for match in _MENTION.finditer(plain)]
        start += len(line)
    return tuple(found)


def typed_mention(before: str) -> Typed | None:
    """Return the mention at the end of what stands before the cursor on its line."""
    found = _TYPED.search(before)
    if found is None:
        return None
    is_quoted = found["quoted"] is not None
    return Typed(found.start(), found["word"], found["quoted"] if is_quoted else found["path"], is_quoted)


def _mention(match: re.Match[str], start: int) -> Mention:
    end = match.end()
    path = match["quoted"] or ""
    if match["path"]:
        path = match["path"].rstrip(_PUNCTUATION) or match["path"]
        end -= len(match["path"]) - len(path)
    kind = cast("MentionKind", match["kind"] or "file")
    return Mention(kind, path, Span(start + match.start(), start + end))
