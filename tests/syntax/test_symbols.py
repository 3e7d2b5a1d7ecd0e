"""What a text defines, by a grammar and without one."""

from __future__ import annotations

import pytest

from missy_lsp.syntax.symbols import Symbol, symbols

PYTHON = """\
import os

@cached
def first(a):
    def inner():
        return a

    return inner


class Second:
    x = 1

    def third(self):
        return 3

    async def fourth(self): ...
"""
UNKNOWN_LANGUAGE = """\
widget Panel {
  func draw() {
    if (x) {
      y()
    }
  }
}
func after() {
  z()
}
"""
PROSE = "# One\n\ntext\n\n## Two #\n\n```\n# a comment\n```\n\n### Three\n"


@pytest.mark.parametrize(
    ("text", "language", "found"),
    [
        (
            PYTHON,
            "py",
            [
                ("first", 2, 7, 0),
                ("inner", 4, 5, 1),
                ("Second", 10, 16, 0),
                ("third", 13, 14, 1),
                ("fourth", 16, 16, 1),
            ],
        ),
        ("class A {\n  m() {\n    return 1;\n  }\n}\nexport const f = () => {\n  g();\n};\n", "ts",
         [("A", 0, 4, 0), ("m", 1, 3, 1), ("f", 5, 7, 0)]),
        (UNKNOWN_LANGUAGE, "widgets", [("draw", 1, 5, 0), ("after", 7, 9, 0)]),
        (PROSE, "md", [("One", 0, 0, 0), ("Two", 4, 4, 1), ("Three", 10, 10, 2)]),
        ("", "py", []),
        ("x = 1\n", "py", []),
    ],
    ids=["python", "typescript", "no grammar", "prose", "empty", "nothing defined"],
)  # fmt: skip
def test_definitions_come_in_their_order_with_lines_and_depth(
    text: str, language: str, found: list[tuple[str, int, int, int]]
) -> None:
    assert symbols(text, language, 100) == tuple(Symbol(*each) for each in found)


def test_no_more_are_looked_for_than_are_wanted() -> None:
    text = "".join(f"def f{number}():\n    return {number}\n" for number in range(50))
    assert [symbol.name for symbol in symbols(text, "python", 3)] == ["f0", "f1", "f2"]
