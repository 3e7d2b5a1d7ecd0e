"""The code that a comment speaks of, and the names of definitions."""

from __future__ import annotations

import pytest

from missy_lsp.document import Span
from missy_lsp.syntax.definitions import enclosing_definition, following_code, named_definition, syntax_faults
from tests.support.syntax_cases import Case, read_cases

CASES = read_cases("following")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_code_below_a_comment_is_found_as_whole_lines(case: Case) -> None:
    assert case.found(following_code(case.source, case.cursor, case.language_id)) == case.expected


@pytest.mark.parametrize("end", ["\r\n", "\r"], ids=["CRLF", "CR"])
def test_line_ends_make_no_difference(end: str) -> None:
    for case in [case.with_line_ends(end) for case in CASES]:
        found = case.found(following_code(case.source, case.cursor, case.language_id))
        assert found == case.expected, case.name


@pytest.mark.parametrize("text", ["", "\n", "  ", "# a\n# b\n"])
def test_without_code_nothing_follows(text: str) -> None:
    assert following_code(text, 0, "python") is None
    assert following_code(text, len(text) + 5, "python") is None


NAMES = [
    ("python", "@a\ndef f(x):\n    def g(): ...\n", "f"),
    ("python", "# about\nclass Kläß:\n    x = 1\n", "Kläß"),
    ("python", "x = 1\n", None),
    ("python", "def f(): ...\ndef g(): ...\n", None),
    ("python", "", None),
    ("javascript", "export const f = () => {\n};\n", "f"),
    ("javascript", "exports.a.b = function () {\n};\n", "exports.a.b"),
    ("javascript", "export default class A extends B {\n}\n", "A"),
    ("javascript", "export default () => {\n};\n", None),
    ("typescript", "@A()\nexport abstract class C<T> {\n}\n", "C"),
    ("typescript", "declare function f(): void;\n", "f"),
    ("rust", "#[test]\npub(crate) fn f<T>() {}\n", "f"),
    ("rust", "impl<T> Display for Foo<T> {\n}\n", "Display for Foo<T>"),
    ("rust", "macro_rules! m {\n () => {}\n}\n", "m"),
    ("go", "// F\nfunc (r *T) F() {\n}\n", "F"),
    ("go", "type A struct {\n}\n", "A"),
    ("go", "var h = func() {\n}\n", "h"),
    ("java", "@X\nclass A {\n}\n", "A"),
    ("c", "static int *f(int a)\n{\n}\n", "f"),
    ("c", "typedef struct {\n int a;\n} x_t;\n", "x_t"),
    ("cpp", "template <class T>\nclass A : B {\n};\n", "A"),
    ("cpp", "int *A<T>::g(int a)\n{\n}\n", "A<T>::g"),
    ("cpp", "bool operator==(A a, A b) {\n}\n", "operator=="),
    ("cpp", "auto l = [](int x) {\n};\n", "l"),
    ("csharp", "[X]\npublic class A {\n}\n", "A"),
    ("ruby", "def self.empty?\nend\n", "empty?"),
    ("shellscript", "f() {\n  x\n}\n", "f"),
    ("lua", "M.f = function(a)\nend\n", "M.f"),
    ("lua", "function M:h()\nend\n", "M:h"),
    ("kotlin", "@A\nfun foo(x: Int) {\n  1\n}\n", "foo"),
    ("elixir", "defmodule Foo.Bar do\n  x\nend\n", "Foo.Bar"),
    ("scheme", "(define (f x)\n  x)\n", "f"),
    ("yaml", "a:\n  b: 1\n", None),
    ("markdown", "class A of things\n", None),
]


@pytest.mark.parametrize(("language_id", "code", "name"), NAMES)
def test_a_definition_has_its_name(language_id: str, code: str, name: str | None) -> None:
    assert named_definition(code, Span(0, len(code)), language_id) == name


def test_the_name_is_that_of_what_the_cursor_is_in() -> None:
    text = "class A {\n  m() {\n    return 1;\n  }\n}\n"
    for place, name in (("return", "m"), ("class", "A")):
        span = enclosing_definition(text, text.index(place), "javascript")
        assert span is not None
        assert named_definition(text, span, "javascript") == name
    assert named_definition(text, Span(text.index("return"), text.index("1;")), "javascript") is None


@pytest.mark.parametrize(
    ("language_id", "code", "faults"),
    [
        ("python", "x = 1\n", 0),
        ("python", "", 0),
        ("python", "def f(:\n    pass\n", 1),
        ("javascript", "function f() {\n", 1),
        ("javascript", "f(; g(;\n", 2),
        ("kotlin", "fun f(", None),
        ("markdown", "# a", None),
    ],
)
def test_faults_are_counted_where_a_grammar_is_at_hand(language_id: str, code: str, faults: int | None) -> None:
    assert syntax_faults(code, language_id) == faults
