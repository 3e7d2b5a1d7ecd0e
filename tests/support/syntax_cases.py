"""Read the cases of tests/data/syntax: sources with a cursor and the region that is expected.

A file is named after a language id and has cases headed by `=== name` (in `no-grammar.txt`: `=== language: name`).
In a source `‸` is the cursor and `⟦` and `⟧` are around the expected lines; without these nothing is expected.
"""

from __future__ import annotations

import re
from pathlib import Path

import attrs

from missy_lsp.document import Span

_HEAD = re.compile(r"(?:^|(?<=\n)|(?<=⟧))=== (.*)\n")


@attrs.frozen
class Case:
    language_id: str
    name: str
    source: str
    cursor: int
    expected: str | None

    def with_line_ends(self, end: str) -> Case:
        cursor = self.cursor + self.source.count("\n", 0, self.cursor) * (len(end) - 1)
        expected = None if self.expected is None else self.expected.replace("\n", end)
        return attrs.evolve(self, source=self.source.replace("\n", end), cursor=cursor, expected=expected)

    def found(self, span: Span | None) -> str | None:
        return None if span is None else self.source[span.start : span.end]


def read_cases(folder: str) -> list[Case]:
    files = sorted((Path(__file__).parents[1] / "data" / "syntax" / folder).glob("*.txt"))
    return [case for file in files for case in _cases(file)]


def _cases(file: Path) -> list[Case]:
    parts = _HEAD.split(file.read_bytes().decode("utf-8").replace("\r\n", "\n"))[1:]
    cases = []
    for name, marked in zip(parts[::2], parts[1::2], strict=True):
        language_id = name.partition(":")[0] if file.stem == "no-grammar" else file.stem
        cursor = re.sub("[⟦⟧]", "", marked).index("‸")
        expected = re.search("⟦(.*)⟧", marked, re.DOTALL)
        cases.append(
            Case(
                language_id,
                f"{file.stem}: {name}",
                re.sub("[‸⟦⟧]", "", marked),
                cursor,
                expected[1].replace("‸", "") if expected else None,
            )
        )
    return cases
