"""Every file in tests/data/edits: a document, a model's reply, what becomes of the document or why nothing does.

The way is the one of a real edit: read the reply, fit it, check it, cut it into hunks, apply them. In a source `«` and
`»` stand around what is replaced and `‸` at a cursor. `␍` at the end of a line is a carriage return before its line
feed, `␃` says that no line end follows, `→` is a tab and `⟦202E⟧` the character with that number. The head may say
`form: tags | structured | new file`, `above: yes`, `may shrink: yes`, `remarks: WORDS` and `warns: CODE`. What is
expected is the new document, `refused: CODE`, or `new file PATH:` before its content.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from missy_lsp.features.edit_checks import check_edit
from missy_lsp.features.fitting import fit
from missy_lsp.features.hunks import apply, hunks, unified_diff
from missy_lsp.features.replies import (
    NewFile,
    Replacement,
    ReplyFault,
    read_new_file,
    read_replacement,
    read_structured,
)

CASES = sorted((Path(__file__).parents[1] / "data" / "edits").glob("*.txt"))
HEAD_NAMES = {"form", "above", "may shrink", "remarks", "warns"}


def read(case: Path) -> dict[str, str]:
    head, *sections = re.split(
        r"^=== (?=(?:source|reply|expected|end)$)", case.read_bytes().decode("utf-8"), flags=re.MULTILINE
    )
    fields = dict(line.split(": ", 1) for line in head.splitlines() if line)
    assert set(fields) <= HEAD_NAMES, f"unknown words at the head: {set(fields) - HEAD_NAMES}"
    for section in sections:
        name, _, body = section.partition("\n")
        body = body.replace("␍\n", "\r\n").replace("␃\n", "").replace("→", "\t")
        fields[name] = re.sub("⟦([0-9A-F]+)⟧", lambda match: chr(int(match[1], 16)), body)
    return fields


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_a_reply_becomes_what_its_case_says(case: Path) -> None:
    fields = read(case)
    assert outcome(fields) == fields["expected"]


def test_there_are_cases() -> None:
    assert len(CASES) >= 60


def outcome(fields: dict[str, str]) -> str:
    source = fields["source"]
    start, end = place(source)
    document = re.sub("[«»‸]", "", source)
    old = document[start:end]
    reply = reading(fields, old)
    if isinstance(reply, ReplyFault):
        assert reply.sentence.endswith(".")
        assert reply.for_model.endswith(".")
        return f"refused: {reply.code}\n"
    if isinstance(reply, NewFile):
        new = reply.text
    else:
        new = fit(document, start, end, reply.text, on_lines_of_its_own=fields.get("above") == "yes")
    findings = check_edit(old, new, may_shrink=fields.get("may shrink") == "yes")
    if blocking := [finding.code for finding in findings if finding.blocks]:
        return f"refused: {', '.join(blocking)}\n"
    assert ", ".join(finding.code for finding in findings) == fields.get("warns", "")
    assert reply.remarks == fields.get("remarks", "")
    if isinstance(reply, NewFile):
        return f"new file {reply.path}:\n{new}"
    return document[:start] + apply(old, hunks(old, new)) + document[end:]


def place(source: str) -> tuple[int, int]:
    if "‸" in source:
        return source.index("‸"), source.index("‸")
    return (source.index("«"), source.index("»") - 1) if "«" in source else (0, len(source))


def reading(fields: dict[str, str], old: str) -> Replacement | NewFile | ReplyFault:
    form, reply = fields.get("form", "tags"), fields["reply"]
    if form == "new file":
        return read_new_file(reply)
    return read_structured(reply) if form == "structured" else read_replacement(reply, original=old)


@pytest.mark.parametrize("lines", [100, 3_000, 20_000])
def test_two_changed_lines_of_a_long_text_are_two_edits_of_a_line(lines: int) -> None:
    old = [f"line {number}\n" for number in range(lines)]
    new = [*old[:10], "first\n", *old[11:-10], "second\n", *old[-9:]]
    assert [hunk.new_text for hunk in hunks("".join(old), "".join(new))] == ["first\n", "second\n"]


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ("a\r\nb\r\n", "a\nb\r\n", "-a␍\n+a\n b␍\n"),
        ("a\rb\r", "a\nb\n", "-a␍\n-b␍\n+a\n+b\n"),
        ("a\r\nb\r\n", "a\r\nc\r\n", " a\n-b\n+c\n"),
    ],
    ids=["one line", "all lines", "none"],
)
def test_a_diff_shows_a_change_of_line_ends_and_no_carriage_return(old: str, new: str, shown: str) -> None:
    diff = unified_diff(old, new, "a\x1b[2J\n.py")
    assert diff.endswith(f"@@\n{shown}")
    assert "\r" not in diff
    assert diff.startswith("--- a[2J .py\n")
