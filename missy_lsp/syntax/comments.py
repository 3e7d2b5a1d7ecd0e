"""Comments in lines of their own, and the instructions that stand in them: `# missy: make this iterative`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

import attrs

from missy_lsp.document import Span, split_lines
from missy_lsp.syntax.grammars import parse_tree
from missy_lsp.syntax.languages import CommentMarks, comment_marks

__all__ = [
    "CommentInstruction",
    "CommentMarks",
    "LineInstruction",
    "comment_line",
    "comment_marks",
    "instructions_in",
    "instructions_near",
]

MAX_BLOCK_LINES = 50
MAX_SELECTED_LINES = 2_000
_MAX_LINE = 4_000
_NEAR = MAX_BLOCK_LINES + 2

_CALL = "missy:"
# Latin, full width, Arabic, Armenian, Ethiopic, doubled and joined ones, reversed, Vai.
_QUESTION_MARKS = ("?", *"\uff1f\u061f\u055e\u1367\u2047\u2048\u2049\u203d\u2e2e\ua60f")
_AFTER_A_QUESTION = " \t\"'\u201d\u2019\xbb)]}\uff09\u300d\u300f*_`"
_GREEK = re.compile(r"[\u0370-\u03ff\u1f00-\u1fff]")
_DECORATION = re.compile(r"^[ \t]*\*+[ \t]?")


@attrs.frozen
class LineInstruction:
    """An instruction in comment lines; lines are 0-based, both included."""

    first_line: int
    last_line: int
    instruction: str
    is_question: bool


@attrs.frozen
class CommentInstruction:
    """An instruction in a comment; `span` is its whole lines with the last one's end."""

    span: Span
    instruction: str
    is_question: bool


def comment_line(text: str, language_id: str, indent: str = "") -> str:
    """Return `text` as one line of comment, without a line end; `#` where the language is not known.

    Line ends in it become spaces, and what would end the comment early is parted.
    """
    marks = comment_marks(language_id)
    content = re.sub(r"\s*[\r\n]+\s*", " ", text)
    if marks.line and not marks.is_markup:
        return f"{indent}{marks.line[0]} {content}"
    opening, closing = marks.block[0]
    content = content.replace(closing, " ".join(closing)).rstrip()
    return f"{indent}{opening} {content} {closing}"


def instructions_near(
    lines: Sequence[str], first_line: int, last_line: int, language_id: str
) -> tuple[LineInstruction, ...]:
    """Return the instructions in comments that some lines touch, without a grammar.

    Only those lines (the first 2,000 of them) and their neighbours are looked at. Lines that follow each other and
    each begin with `missy:` are one instruction, one sentence; those of a block
    comment stay lines.
    """
    first = max(0, first_line)
    last = min(last_line, len(lines) - 1, first + MAX_SELECTED_LINES)
    found: list[LineInstruction] = []
    for start, end, text in _joined(_comments_between(lines, first, last, comment_marks(language_id))):
        if end >= first and start <= last and text:
            found.append(LineInstruction(start, end, text, _is_question(text)))
    return tuple(found)


def instructions_in(text: str, span: Span, language_id: str) -> tuple[CommentInstruction, ...]:
    """Return the instructions in comments that `span` touches; a cursor anywhere on a line touches it.

    Where a grammar is at hand, what stands in a string is no comment.
    """
    first = _line_start(text, span.start)
    above = first
    for _ in range(_NEAR):
        above = _line_start(text, above - 1) if above > 0 else 0
    last = _line_start(text, span.start if span.is_empty else span.end - 1)
    below = last
    for _ in range(_NEAR):
        below = _next_line(text, below)
    window = split_lines(text[above:below])
    starts = [above]
    for line in window:
        starts.append(starts[-1] + len(line))
    rows = (starts.index(first), starts.index(last))
    found = instructions_near(window, *rows, language_id)
    if not found:
        return ()
    places = [Span(starts[each.first_line], starts[each.last_line + 1]) for each in found]
    real = _in_comments(text, places, language_id)
    return tuple(
        CommentInstruction(place, each.instruction, each.is_question)
        for each, place, is_real in zip(found, places, real, strict=True)
        if is_real
    )


def is_comment(line: str, marks: CommentMarks) -> bool:
    """Tell whether a line is nothing but a comment that is complete in it."""
    content = line[:_MAX_LINE].strip()
    if _begins_with(content, marks.line) and not content.startswith("#!"):
        return True
    return any(
        content.startswith(opening) and content.find(closing, len(opening)) == len(content) - len(closing)
        for opening, closing in marks.block
    )


def comment_from(lines: Sequence[str], row: int, marks: CommentMarks) -> int | None:
    """Return the last line of the comment that begins in `row`, None where none does or code follows it."""
    if is_comment(lines[row], marks):
        return row
    content = lines[row][:_MAX_LINE].lstrip()
    opened = (_closing_below(lines, row, closing) for opening, closing in marks.block if content.startswith(opening))
    return next((last for last in opened if last is not None), None)


def comment_around(lines: Sequence[str], row: int, marks: CommentMarks) -> tuple[int, int] | None:
    """Return the first and last line of the comment that `row` is a part of, where the comment has its lines alone."""
    if is_comment(lines[row], marks):
        return row, row
    for opening, closing in marks.block:
        first = _opening_above(lines, row, opening, closing)
        if first is None:
            continue
        last = _closing_below(lines, first, closing)
        if last is not None and last >= row:
            return first, last
    return None


@attrs.frozen
class _Comment:
    first: int
    last: int
    text: str


def _comments_between(lines: Sequence[str], first: int, last: int, marks: CommentMarks) -> Iterator[_Comment]:
    """Yield the comments that begin with `missy:` in some lines and, as far as they could reach into them, around."""
    pattern = _line_pattern(marks.line)
    row = max(0, first - _NEAR)
    end = min(last + _NEAR, len(lines) - 1)
    while row <= end:
        line = lines[row]
        comment = None
        # The costly part is only for lines that say so.
        if len(line) <= _MAX_LINE and _CALL in line.casefold():
            if match := pattern.match(line.strip()):
                comment = _Comment(row, row, match[1].strip())
            else:
                comment = _block_at(lines, row, marks)
        if comment is not None:
            yield comment
            row = comment.last
        row += 1


def _joined(comments: Iterator[_Comment]) -> Iterator[tuple[int, int, str]]:
    """Join comments of one line each that follow each other."""
    run: list[_Comment] = []
    for comment in comments:
        is_next = run and run[-1].last + 1 == comment.first and comment.first == comment.last
        if run and not (is_next and run[-1].first == run[-1].last):
            yield _run_of(run)
            run = []
        run.append(comment)
    if run:
        yield _run_of(run)


def _run_of(run: list[_Comment]) -> tuple[int, int, str]:
    return run[0].first, run[-1].last, " ".join(comment.text for comment in run if comment.text)


@lru_cache(maxsize=256)  # a compiled pattern for each set of marks
def _line_pattern(marks: tuple[str, ...]) -> re.Pattern[str]:
    """Return what a comment line with an instruction looks like; a mark may be repeated (`##`, `///`, `//!`)."""
    if not marks:
        return re.compile(r"(?!)()")
    ways = "|".join(
        rf"{re.escape(mark)}\s" if mark[-1].isalnum() else rf"{re.escape(mark)}[{re.escape(mark[-1])}!]*"
        for mark in marks
    )
    return re.compile(rf"(?:{ways})\s*{_CALL}(.*)", re.IGNORECASE | re.DOTALL)


def _block_at(lines: Sequence[str], row: int, marks: CommentMarks) -> _Comment | None:
    """Return the block comment whose text begins in this line, its mark here or alone in the line above."""
    for opening, closing in marks.block:
        first = row
        if not lines[row].lstrip().startswith(opening):
            if row == 0 or lines[row - 1].strip().rstrip("*!") != opening.rstrip("*!"):
                continue
            first = row - 1
        last = _closing_below(lines, first, closing)
        if last is None:
            continue
        inner = "".join(lines[first : last + 1]).strip()[len(opening) : -len(closing)].lstrip("*!")
        parts = [_DECORATION.sub("", part).strip() for part in re.split(r"\r\n|\r|\n", inner)]
        text = "\n".join(part for part in parts if part)
        if text.casefold().startswith(_CALL):
            return _Comment(first, last, text[len(_CALL) :].strip())
    return None


def _opening_above(lines: Sequence[str], row: int, opening: str, closing: str) -> int | None:
    for at in range(row, max(-1, row - 10 * MAX_BLOCK_LINES), -1):
        line = lines[at][:_MAX_LINE]
        if line.lstrip().startswith(opening):
            return at
        if at < row and closing in line:
            return None
    return None


def _closing_below(lines: Sequence[str], first: int, closing: str) -> int | None:
    """Return the line that ends a block comment begun in `first`; None where code follows in that line."""
    for at in range(first, min(len(lines), first + 10 * MAX_BLOCK_LINES)):
        line = lines[at][:_MAX_LINE].strip()
        place = line.find(closing, 1)
        if place >= 0:
            return at if place == len(line) - len(closing) else None
        if at > first and line.startswith(closing):
            return at if line == closing else None
    return None


def _begins_with(content: str, marks: tuple[str, ...]) -> bool:
    lowered = content[:8].casefold()
    for mark in marks:
        if mark[-1].isalnum():
            if lowered == mark.casefold() or lowered.startswith(f"{mark.casefold()} "):
                return True
        elif content.startswith(mark) and not (mark == "#" and "//" in marks and content.startswith("#[")):
            return True  # what is left out is an attribute of PHP
    return False


def _is_question(text: str) -> bool:
    """Tell whether a text ends in a question mark of some script; Greek writes it like a semicolon."""
    ending = text.rstrip(_AFTER_A_QUESTION)
    return ending.endswith(_QUESTION_MARKS) or (ending.endswith((";", "\u037e")) and _GREEK.search(text) is not None)


def _in_comments(text: str, places: Sequence[Span], language_id: str) -> list[bool]:
    """Tell for each place whether its `missy:` is in a comment, as far as a grammar can tell."""
    tree = parse_tree(text, language_id)
    if tree is None:
        return [True for _ in places]
    answers: list[bool] = []
    before, row = 0, 0
    for place in places:
        at = place.start + text[place.start : place.end].casefold().find(_CALL)
        row += len(split_lines(text[before:at])) - 1
        before = _line_start(text, at)
        kinds = [node.type for node in tree.path_to(row, len(text[before:at].encode("utf-8", "replace")))]
        is_string = any("string" in kind or "heredoc" in kind or "template" in kind for kind in kinds)
        is_html = "text" in kinds and text[place.start : place.end].lstrip().startswith("<!--")
        answers.append(any("comment" in kind for kind in kinds) or is_html or (tree.has_faults and not is_string))
    return answers


def _line_start(text: str, offset: int) -> int:
    """Return where the line of an offset starts; between carriage return and line feed nothing starts."""
    if 0 < offset < len(text) and text[offset] == "\n" and text[offset - 1] == "\r":
        offset -= 1
    feed = text.rfind("\n", 0, max(0, offset))
    return max(feed, text.rfind("\r", feed + 1, max(0, offset))) + 1


def _next_line(text: str, offset: int) -> int:
    """Return where the line after that of an offset starts, the end of the text in its last line."""
    feed = text.find("\n", offset)
    end = len(text) if feed < 0 else feed
    lone = text.find("\r", offset, end)
    if lone < 0 or lone == feed - 1:
        return len(text) if feed < 0 else feed + 1
    return lone + 1
