"""Make a model's text fit where it goes: line ends, indentation and the final newline are the document's."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from missy_lsp.characters import invisible_characters, strip_invisible
from missy_lsp.document import split_lines

_ENDS = re.compile(r"\r\n|\r|\n")
_QUOTES = re.compile("\"{3}|'{3}|`")
_DEFAULT_INDENT = 4


def fit(document: str, start: int, end: int, text: str, *, on_lines_of_its_own: bool = False) -> str:
    """Return `text` as it goes into `document` in place of what stands from `start` to `end`.

    `on_lines_of_its_own`: it is put above the line at `start`, and takes its indentation.
    """
    line_end = dominant_line_end(document)
    text = _ENDS.sub("\n", text)
    old = _ENDS.sub("\n", document[start:end])
    before = document[_line_start(document, start) : start]
    after = document[end : _line_end(document, end)]
    text = _with_tabs_or_spaces(text, document)
    if on_lines_of_its_own:
        indent = _indent(document[start : _line_end(document, start)])
        text = _shifted(text.strip("\n"), indent) + "\n"
    elif start == end:
        text = _inserted(text, before, after, is_last=end + len(after) == len(document))
    else:
        text = _replacing(text, old, before)
    text = text.replace("\n", line_end)
    replaced = document[start:end]
    return with_hidden_characters_of(replaced, with_line_ends_of(replaced, text))


def dominant_line_end(text: str) -> str:
    """Return the line end that a text uses most, a line feed where it has none."""
    both = text.count("\r\n")
    counts = {"\n": text.count("\n") - both, "\r\n": both, "\r": text.count("\r") - both}
    return max(counts, key=lambda end: counts[end])


def _replacing(text: str, old: str, before: str) -> str:
    lead = old[: len(old) - len(old.lstrip("\n"))]
    trail = old[len(old.rstrip("\n")) :]
    core = text.strip("\n")
    if not core.strip():
        return "" if not before.strip() else core
    return lead + _indented_as(core, old.strip("\n"), before) + trail


def _indented_as(text: str, old: str, before: str) -> str:
    """Give a block the indentation of the one that it replaces; how its lines stand to each other stays."""
    if before:
        return _behind(text, old, before)
    lines, old_lines = text.split("\n"), old.split("\n")
    wanted, given = _common_indent(old_lines), _common_indent(lines)
    first, rest = _indent(lines[0]), _common_indent(lines[1:])
    old_first = _indent(old_lines[0])
    old_rest = _common_indent(old_lines[1:])
    if first == "" and old_first and rest is not None:
        keeps_its_own = rest.startswith(old_rest) if old_rest is not None else len(rest) > len(old_first)
        if keeps_its_own and rest.startswith(old_first):
            return old_first + text  # only the first line lost its indentation
    if wanted == given == "" and first == "" and old_first:
        # A string at the margin hides that the block lost its indentation; the string itself stays where it is.
        inside = _inside_strings(lines)
        return "\n".join(
            old_first + line if line.strip() and not is_inside else line
            for line, is_inside in zip(lines, inside, strict=True)
        )
    if wanted is None or given is None or wanted == given:
        return text
    if wanted.startswith(given):
        missing = wanted[len(given) :]
        return "\n".join(missing + line if line.strip() else line for line in lines)
    if given.startswith(wanted) and first == given:
        extra = len(given) - len(wanted)
        return "\n".join(line[extra:] if line.strip() else line for line in lines)
    return text


def _inside_strings(lines: Sequence[str]) -> list[bool]:
    """Tell of each line whether it begins inside a string of several lines."""
    inside, quote = [], ""
    for line in lines:
        inside.append(quote != "")
        for mark in _QUOTES.findall(line):
            if not quote or mark == quote:
                quote = "" if quote else mark
    return inside


def _behind(text: str, old: str, before: str) -> str:
    """Fit a block that begins within a line: what stands before it there is its indentation already."""
    lines = text.split("\n")
    if not old[:1].isspace():
        lines[0] = lines[0].lstrip(" \t")
    if before.strip() or len(lines) == 1:
        return "\n".join(lines)
    rest = _common_indent(lines[1:])
    old_rest = _common_indent(old.split("\n")[1:])
    first_given = _indent(text)
    lost_all = first_given == "" and rest is not None and (not rest.startswith(before) or _is_body_at(before, lines))
    if lost_all and (old_rest is None or old_rest.startswith(before)):
        lines[1:] = [before + line if line.strip() else line for line in lines[1:]]
    return "\n".join(lines)


def _is_body_at(indent: str, lines: Sequence[str]) -> bool:
    """Tell whether what the first line opens stands no deeper than at `indent`, where that line itself goes."""
    following = next((line for line in lines[1:] if line.strip()), "")
    is_deeper = _indent(following) != indent or following.lstrip()[:1] in ("}", ")", "]")
    return lines[0].rstrip().endswith((":", "{", "(", "[")) and not is_deeper


def _inserted(text: str, before: str, after: str, *, is_last: bool) -> str:
    """Fit new text at a cursor: on a blank line it takes that line, in front of code it gets lines of its own."""
    text = text.lstrip("\n") if not before.strip() else text
    if not before.strip():
        lines = text.split("\n")
        if before and not lines[0].startswith(before) and lines[0][:1] not in (" ", "\t"):
            text = "\n".join([lines[0], *(before + line if line.strip() else line for line in lines[1:])])
        elif before:
            text = text.removeprefix(before)
        if not after.strip() and not is_last:
            return text.rstrip("\n")
        if after.strip():
            return text if text.endswith("\n") or before else f"{text}\n"
        return text
    return text.rstrip("\n") if text.count("\n") <= 1 or not after.strip() else text


def _shifted(text: str, indent: str) -> str:
    lines = text.split("\n")
    if not indent or _common_indent(lines) != "":
        return text
    return "\n".join(indent + line if line.strip() else line for line in lines)


def _with_tabs_or_spaces(text: str, document: str) -> str:
    """Indent as the document does where the text does it with the other character throughout."""
    theirs, ours = _indents(document), _indents(text)
    if not theirs or not ours:
        return text
    if all(indent[0] == "\t" for indent in theirs) and all(set(indent) == {" "} for indent in ours):
        unit = min(len(indent) for indent in ours)
        return _reindented(text, " " * unit, "\t")
    if all(indent[0] == " " for indent in theirs) and all(set(indent) == {"\t"} for indent in ours):
        unit = min((len(indent) for indent in theirs), default=_DEFAULT_INDENT)
        return _reindented(text, "\t", " " * unit)
    return text


def _reindented(text: str, unit: str, wanted: str) -> str:
    lines = []
    for line in text.split("\n"):
        indent = _indent(line)
        levels, rest = divmod(len(indent), len(unit))
        lines.append(wanted * levels + indent[:rest] + line[len(indent) :])
    return "\n".join(lines)


def _indents(text: str) -> list[str]:
    return [indent for line in text.splitlines()[:2000] if line.strip() and (indent := _indent(line))]


def _common_indent(lines: Sequence[str]) -> str | None:
    """Return the indentation that all lines with content share, None where there are none."""
    indents = [_indent(line) for line in lines if line.strip()]
    if not indents:
        return None
    shortest, longest = min(indents), max(indents)  # what these two share, all share
    size = next((at for at, (one, other) in enumerate(zip(shortest, longest, strict=False)) if one != other), None)
    return shortest[: len(shortest) if size is None else size]


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]


def _line_start(text: str, offset: int) -> int:
    return max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1


def _line_end(text: str, offset: int) -> int:
    """Return the offset of the end of the line at `offset`, before its line end."""
    match = _ENDS.search(text, offset)
    return match.start() if match else len(text)


def with_line_ends_of(old: str, text: str) -> str:
    """Keep the line ends of unchanged lines where the replaced text mixes them."""
    old_lines = split_lines(old)
    if len({line[len(line.rstrip("\r\n")) :] for line in old_lines[:-1]}) < 2:
        return text
    lines = split_lines(text)
    contents, old_contents = ([line.rstrip("\r\n") for line in some] for some in (lines, old_lines))
    return _with_lines_of(old_lines, old_contents, lines, contents)


def with_hidden_characters_of(old: str, text: str) -> str:
    """Keep lines as they were that differ only by characters which the model was not shown (features/outgoing.py)."""
    if not invisible_characters(old):
        return text
    old_lines, lines = split_lines(old), split_lines(text)
    shown, given = [strip_invisible(line)[0] for line in old_lines], [strip_invisible(line)[0] for line in lines]
    return _with_lines_of(old_lines, shown, lines, given)


def _with_lines_of(old_lines: list[str], old_keys: list[str], lines: list[str], keys: list[str]) -> str:
    """Join `lines`, those of `old_lines` that have the same keys in their places; no line end is lost or made."""
    for first, second, size in difflib.SequenceMatcher(None, old_keys, keys, autojunk=False).get_matching_blocks():
        for old, new in zip(range(first, first + size), range(second, second + size), strict=True):
            if (old == len(old_lines) - 1) == (new == len(lines) - 1):  # only the last one has no end
                lines[new] = old_lines[old]
    return "".join(lines)
