"""How much of a document a request carries, and in which form: pure, no I/O.

A piece of material is put between tags whose name ends in a nonce. The nonce comes from the material itself,
so that the same file gives the same bytes (a prefix that the API can cache), and it never occurs within the
material, so that nothing in there can look like the end of it (security.md, INJ-02).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from itertools import chain

import attrs

from missy_lsp.document import Snapshot, split_lines
from missy_lsp.llm.estimating import about_tokens

_NONCE_LENGTH = 8
_MAX_IMPORT_LINES = 60
# A document that is too long is shown around one of its stretches of so many lines, not around each selection.
_STEADY_STEP = 200
_LINES_BESIDE = 50
_UNSAFE_IN_ATTRIBUTE = re.compile(r"[^\w .,:;+=@~#()\[\]{}/\\-]")
_IMPORT = re.compile(
    r"\s*(?:import\b|from\s+\S+\s+import\b|#\s*include\b|using\s|use\s|require\b|package\s|module\s|extern\s|@import\b"
    r"|(?:const|let|var)\s.*\brequire\()"
)


@attrs.frozen
class Excerpt:
    """What of a document is sent: `text` with a mark for each gap; line numbers are 1-based.

    `has_selection` tells whether the selected text stands in it.
    """

    text: str
    line_count: int
    left_out: tuple[tuple[int, int], ...]
    has_selection: bool


def excerpt(snapshot: Snapshot, max_tokens: int) -> Excerpt:
    """Choose what of a document is sent within `max_tokens`.

    The whole text where it fits; else the imports at its head and the lines around the selection, or from the
    top without one. They are the same lines for selections near each other, as far as the budget lets them: then the
    API's cache has them. A selection that would take more than half of the budget is left out here: it is sent beside.
    """
    lines = split_lines(snapshot.text)
    if lines[-1] == "":
        lines.pop()
    if about_tokens(snapshot.text) <= max_tokens:
        return Excerpt(snapshot.text, len(lines), (), has_selection=True)
    first, last = _selected_lines(snapshot)
    fits_beside = about_tokens(snapshot.selected) <= max_tokens / 2
    if fits_beside and (steady := _steady_lines(lines, first, last, max_tokens)):
        text, left_out = _with_marks(lines, steady, set())
        return Excerpt(text, len(lines), left_out, has_selection=True)
    kept = set(range(first, last + 1)) if snapshot.span and not snapshot.span.is_empty else set()
    budget = max_tokens - sum(about_tokens(lines[number]) for number in kept)
    has_selection = budget >= max_tokens / 2
    hidden = set() if has_selection else kept
    budget = max(0, max_tokens - about_tokens(snapshot.selected)) if hidden else budget
    budget = _add_imports(kept, lines, budget)
    _add_around(kept, lines, first, last, budget)
    text, left_out = _with_marks(lines, kept - hidden, hidden)
    return Excerpt(text, len(lines), left_out, has_selection)


def shorten(text: str, max_tokens: int) -> Excerpt:
    """Keep the first and the last lines of a text that belongs to no document (a log, a pipe)."""
    lines = split_lines(text)
    if lines[-1] == "":
        lines.pop()
    if about_tokens(text) <= max_tokens:
        return Excerpt(text, len(lines), (), has_selection=False)
    kept: set[int] = set()
    budget = max_tokens
    for step in range(len(lines)):
        number = step // 2 if step % 2 == 0 else len(lines) - 1 - step // 2
        budget -= about_tokens(lines[number])
        if budget < 0:
            break
        kept.add(number)
    marked, left_out = _with_marks(lines, kept, set())
    return Excerpt(marked, len(lines), left_out, has_selection=False)


def tagged(kind: str, text: str, **attributes: str | int) -> str:
    """Put material between tags that nothing within it can forge; `kind` is the first part of their name."""
    label = "".join(f' {name}="{_attribute(value)}"' for name, value in attributes.items() if value != "")
    name = f"{kind}-{_nonce(label, text)}"
    line_end = "" if text.endswith("\n") or not text else "\n"
    return f"<{name}{label}>\n{text}{line_end}</{name}>"


def selection_place(snapshot: Snapshot) -> str:
    """Say where the selection or the cursor is, with lines and columns from 1."""
    if snapshot.span is None:
        return ""
    first_line, first_column = _line_and_column(snapshot.text, snapshot.span.start)
    if snapshot.span.is_empty:
        return f"line {first_line}, column {first_column}"
    last_line, last_column = _line_and_column(snapshot.text, snapshot.span.end)
    if first_column == 1 and last_column == 1:
        return f"lines {first_line}-{last_line - 1}"
    return f"line {first_line}, column {first_column} to line {last_line}, column {last_column}"


def _selected_lines(snapshot: Snapshot) -> tuple[int, int]:
    """Return the first and last line that the selection touches, 0-based."""
    if snapshot.span is None:
        return 0, 0
    start, end = snapshot.span.start, snapshot.span.end
    first = _line_and_column(snapshot.text, start)[0] - 1
    last = _line_and_column(snapshot.text, max(start, end - 1))[0] - 1
    return first, last


def _line_and_column(text: str, offset: int) -> tuple[int, int]:
    before = split_lines(text[:offset])
    return len(before), len(before[-1]) + 1


def _steady_lines(lines: list[str], first: int, last: int, max_tokens: int) -> set[int]:
    """Return lines around the selection that selections nearby get too; none where it has too few around it there."""
    middle = (first + last) // 2 // _STEADY_STEP * _STEADY_STEP + _STEADY_STEP // 2
    middle = min(middle, len(lines) - 1)
    kept: set[int] = set()
    _add_around(kept, lines, middle, middle, _add_imports(kept, lines, max_tokens))
    wanted = range(max(0, first - _LINES_BESIDE), min(len(lines), last + 1 + _LINES_BESIDE))
    return kept if kept.issuperset(wanted) else set()


def _add_imports(kept: set[int], lines: list[str], budget: int) -> int:
    """Keep the head of the file down to its last import, if it is short enough; return what is left."""
    end = max((number + 1 for number, line in enumerate(lines[:_MAX_IMPORT_LINES]) if _IMPORT.match(line)), default=0)
    added = set(range(end)) - kept
    cost = sum(about_tokens(lines[number]) for number in added)
    if cost > budget / 4:
        return budget
    kept |= added
    return budget - cost


def _add_around(kept: set[int], lines: list[str], first: int, last: int, budget: int) -> None:
    """Keep `first` to `last` and the lines around them, the nearest first, while the budget lasts."""
    for number in chain(range(first, last + 1), _outwards(first, last, len(lines))):
        if number in kept:
            continue
        budget -= about_tokens(lines[number])
        if budget < 0:
            return
        kept.add(number)


def _outwards(first: int, last: int, line_count: int) -> Iterator[int]:
    for distance in range(1, line_count + 1):
        if first - distance >= 0:
            yield first - distance
        if last + distance < line_count:
            yield last + distance


def _with_marks(lines: list[str], kept: set[int], beside: set[int]) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Join the kept lines; a gap becomes a mark with its line numbers, `beside` those that are sent elsewhere."""
    pieces: list[str] = []
    left_out: list[tuple[int, int]] = []
    number = 0
    while number < len(lines):
        if number in kept:
            pieces.append(lines[number])
            number += 1
            continue
        start, is_beside = number, number in beside
        while number < len(lines) and number not in kept and (number in beside) == is_beside:
            number += 1
        word = "stand in the selection below" if is_beside else "are left out here"
        pieces.append(f"[lines {start + 1}-{number} {word}]\n")
        if not is_beside:
            left_out.append((start + 1, number))
    return "".join(pieces), tuple(left_out)


def _nonce(label: str, text: str) -> str:
    digest = hashlib.sha256(f"{label}\n{text}".encode("utf-8", "surrogatepass"))
    while (nonce := digest.hexdigest()[:_NONCE_LENGTH]) in text or nonce in label:
        digest.update(b"again")
    return nonce


def _attribute(value: str | int) -> str:
    return _UNSAFE_IN_ATTRIBUTE.sub("?", str(value))
