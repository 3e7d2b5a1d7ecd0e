"""Instructions in comments: which lines are one, what they say, and what only looks like one."""

from __future__ import annotations

import time

import pytest

from missy_lsp.document import Span
from missy_lsp.syntax.comments import comment_line, comment_marks, instructions_in, instructions_near

LINES = [
    ("python", "# missy: do it"),
    ("python", "## MISSY:do it  "),
    ("javascript", "// missy: do it"),
    ("javascript", "/** missy: do it */"),
    ("typescriptreact", "{/* missy: do it */}"),
    ("java", "/* missy: do it */"),
    ("rust", "/// missy: do it"),
    ("rust", "//! missy: do it"),
    ("go", "//missy:do it"),
    ("c", "    /* missy: do it */"),
    ("cpp", "\t// Missy: do it"),
    ("csharp", "// MISSY: do it"),
    ("ruby", "# missy: do it"),
    ("php", "// missy: do it"),
    ("php", "# missy: do it"),
    ("shellscript", "# missy: do it"),
    ("bash", "# missy: do it"),
    ("lua", "-- missy: do it"),
    ("lua", "--[[ missy: do it ]]"),
    ("sql", "-- missy: do it"),
    ("haskell", "{- missy: do it -}"),
    ("elm", "-- missy: do it"),
    ("html", "<!-- missy: do it -->"),
    ("vue", "// missy: do it"),
    ("svelte", "<!-- missy: do it -->"),
    ("markdown", "<!-- missy: do it -->"),
    ("handlebars", "{{!-- missy: do it --}}"),
    ("django-html", "{# missy: do it #}"),
    ("css", "/* missy: do it */"),
    ("scss", "// missy: do it"),
    ("yaml", "  # missy: do it"),
    ("toml", "# missy: do it"),
    ("dockerfile", "# missy: do it"),
    ("makefile", "# missy: do it"),
    ("terraform", "# missy: do it"),
    ("clojure", ";; missy: do it"),
    ("racket", "#| missy: do it |#"),
    ("ini", "; missy: do it"),
    ("latex", "% missy: do it"),
    ("vim", '" missy: do it'),
    ("ocaml", "(* missy: do it *)"),
    ("pascal", "{ missy: do it }"),
    ("fsharp", "// missy: do it"),
    ("powershell", "<# missy: do it #>"),
    ("fortran", "! missy: do it"),
    ("bat", "REM missy: do it"),
    ("bat", ":: missy: do it"),
    ("vb", "' missy: do it"),
    ("erlang", "%% missy: do it"),
    ("elixir", "# missy: do it"),
    ("julia", "#= missy: do it =#"),
    ("matlab", "% missy: do it"),
    ("kotlin", "// missy: do it"),
    ("swift", "// missy: do it"),
    ("git-commit", "# missy: do it"),
    ("restructuredtext", ".. missy: do it"),
    *(("no-such-language", f"{mark} missy: do it") for mark in ("#", "//", "--", ";", "%")),
    ("no-such-language", "<!-- missy: do it -->"),
    ("no-such-language", "/* missy: do it */"),
]


@pytest.mark.parametrize(("language_id", "line"), LINES)
def test_a_comment_line_gives_an_instruction(language_id: str, line: str) -> None:
    for end in ("\n", "\r\n", ""):
        [found] = instructions_near(["x\n", f"{line}{end}", "y\n"], 1, 1, language_id)
        assert (found.first_line, found.last_line, found.instruction, found.is_question) == (1, 1, "do it", False)


@pytest.mark.parametrize(
    ("language_id", "line"),
    [
        ("python", "x = 1  # missy: do it"),
        ("python", "missy: do it"),
        ("python", "// missy: do it"),
        ("python", "# TODO missy: do it"),
        ("python", "# missy:"),
        ("python", "# missy do it"),
        ("python", "# mississippi: do it"),
        ("python", '""" missy: do it """'),
        ("c", "/* missy: do it"),
        ("c", "/* missy: do it */ f();"),
        ("c", "/* missy: do it */ f(); /* and */"),
        ("html", "<!-- missy: do it --> text"),
        ("bat", "REMmissy: do it"),
        ("css", "// missy: do it"),
        ("python", "# " + "x" * 5_000_000 + "missy: do it"),
    ],
    ids=lambda value: value[:40],
)
def test_other_lines_give_none(language_id: str, line: str) -> None:
    assert instructions_near(["x\n", f"{line}\n", "y\n"], 0, 2, language_id) == ()


def test_lines_that_follow_each_other_are_one_instruction() -> None:
    lines = ["# missy: make it\n", "#  missy: iterative\n", "x\n", "# missy: and why?\n", "# missy:\n", "\n"]
    for touched in (0, 1):
        [found] = instructions_near(lines, touched, touched, "python")
        assert (found.first_line, found.last_line, found.instruction) == (0, 1, "make it iterative")
    assert [(found.last_line, found.is_question) for found in instructions_near(lines, 0, 5, "python")] == [
        (1, False),
        (4, True),
    ]


BLOCKS = [
    ("c", "/* missy: do\n   this\n*/\n", "do\nthis"),
    ("java", "/**\n * missy: do\n * - this\n */\n", "do\n- this"),
    ("html", "  <!--\n    missy: do this\n  -->\n", "do this"),
    ("haskell", "{- missy: do\n   this -}\n", "do\nthis"),
    ("ocaml", "(* missy: do\n * this\n *)\n", "do\nthis"),
    ("lua", "--[[\nmissy: do this\n]]\n", "do this"),
]


@pytest.mark.parametrize(("language_id", "block", "instruction"), BLOCKS, ids=[block[0] for block in BLOCKS])
def test_a_block_of_several_lines_is_one_instruction_on_each_of_them(
    language_id: str, block: str, instruction: str
) -> None:
    lines = ["x\n", *block.splitlines(keepends=True), "y\n"]
    for touched in range(1, len(lines) - 1):
        [found] = instructions_near(lines, touched, touched, language_id)
        assert (found.first_line, found.last_line, found.instruction) == (1, len(lines) - 2, instruction)
    assert instructions_near(lines, 0, 0, language_id) == ()
    assert instructions_near(lines, len(lines) - 1, len(lines) - 1, language_id) == ()


@pytest.mark.parametrize(
    ("text", "is_question"),
    [
        ("why?", True),
        ("why? ", True),
        ("why\uff1f", True),
        ("\u0644\u0645\u0627\u0630\u0627\u061f", True),
        ("\u03b3\u03b9\u03b1\u03c4\u03af\u037e", True),
        ("\u03b3\u03b9\u03b1\u03c4\u03af;", True),
        ("is it 'so?'", True),
        ("(why?)", True),
        ("end it with;", False),
        ("why? Explain.", False),
        ("do it", False),
    ],
)
def test_a_question_is_told_by_its_end(text: str, is_question: bool) -> None:
    [found] = instructions_near([f"# missy: {text}"], 0, 0, "python")
    assert found.is_question is is_question


TEXT = "x = '😋'\r\n# missy: do it\r\ndef f():\r\n    return 1\r\n"


@pytest.mark.parametrize("offset", [9, 12, 23, 24])
def test_a_cursor_anywhere_on_its_line_touches_it(offset: int) -> None:
    [found] = instructions_in(TEXT, Span(offset, offset), "python")
    assert TEXT[found.span.start : found.span.end] == "# missy: do it\r\n"


@pytest.mark.parametrize("span", [Span(9, 10), Span(0, len(TEXT)), Span(0, 12), Span(20, 40)], ids=str)
def test_a_selection_touches_each_line_that_it_has_a_part_of(span: Span) -> None:
    [found] = instructions_in(TEXT, span, "python")
    assert found.instruction == "do it"


@pytest.mark.parametrize("span", [Span(0, 0), Span(25, 25), Span(0, 9), Span(30, 40)], ids=str)
def test_a_place_elsewhere_touches_none(span: Span) -> None:
    assert instructions_in(TEXT, span, "python") == ()


@pytest.mark.parametrize("text", ["", "\n", "\r", "\r\n", "x"])
def test_a_text_without_comments_has_none(text: str) -> None:
    for offset in range(len(text) + 1):
        assert instructions_in(text, Span(offset, offset), "python") == ()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_the_span_is_whole_lines_whatever_ends_them(end: str) -> None:
    text = end.join(["\f😋 = 1", "", "  # missy: a", "  # missy: b", "x\u2028y", "/*", ""])
    comment = f"  # missy: a{end}  # missy: b{end}"
    for offset in range(text.index("  #"), text.index("x")):
        [found] = instructions_in(text, Span(offset, offset), "no-grammar")
        assert (text[found.span.start : found.span.end], found.instruction) == (comment, "a b")
    last = text[: text.index(f"{end}x")]
    [found] = instructions_in(last, Span(len(last), len(last)), "no-grammar")
    assert found.span == Span(text.index("  #"), len(last))


STRINGS = [
    ("python", 'x = """\n# missy: do it\n"""\n'),
    ("javascript", "x = `\n// missy: do it\n`;\n"),
    ("typescriptreact", "f = <p>\n// missy: do it\n</p>;\n"),
    ("rust", 'const X: &str = "\n// missy: do it\n";\n'),
    ("go", "package a\nvar x = `\n// missy: do it\n`\n"),
    ("cpp", 'auto x = R"(\n// missy: do it\n)";\n'),
    ("csharp", 'class A { string x = @"\n// missy: do it\n"; }\n'),
    ("ruby", "x = <<~E\n  # missy: do it\nE\n"),
    ("php", "<?php\n$x = <<<T\n# missy: do it\nT;\n"),
    ("shellscript", "cat <<E\n# missy: do it\nE\n"),
    ("lua", "x = [[\n-- missy: do it\n]]\n"),
]


@pytest.mark.parametrize(("language_id", "text"), STRINGS, ids=[language for language, _ in STRINGS])
def test_a_line_in_a_string_is_no_comment(language_id: str, text: str) -> None:
    assert instructions_in(text, Span(0, len(text)), language_id) == ()
    assert instructions_near(text.splitlines(keepends=True), 0, 5, language_id) != ()


REAL = [
    ("python", "def f(:\n    # missy: do it\n    return (\n"),
    ("python", "def f():\n    x\n    # missy: do it"),
    ("javascript", "f(\n  // missy: do it\n  1,\n"),
    ("typescriptreact", "f = <p>\n  {/* missy: do it */}\n</p>;\n"),
    ("rust", "/// missy: do it\nfn f() {}\n"),
    ("lua", "--[[ missy: do it ]]\nx = 1\n"),
    ("php", "<?php\n// missy: do it\n$x = 1;\n"),
    ("php", "<!-- missy: do it -->\n<?php f(); ?>\n"),
    ("lua", 'function f(x)\n"a")\n  -- missy: do it\n  return x\nend\n'),
    ("php", "<?php\nfunction f($x) {\n'  g();\n  // missy: do it\n  return 1;\n}\n"),
    ("kotlin", "// missy: do it\n"),
]


@pytest.mark.parametrize(("language_id", "text"), REAL)
def test_a_comment_stays_one_in_broken_code_too(language_id: str, text: str) -> None:
    at = text.index("missy")
    [found] = instructions_in(f"é = '😋'\n{text}" if language_id == "python" else text, Span(at, at + 9), language_id)
    assert found.instruction == "do it"


def test_only_the_lines_near_are_looked_at() -> None:
    lines = ["x = 1\n"] * 700_000 + ["# missy: do it\n"] + ["x = 1\n"] * 700_000
    text = "".join(lines)
    at = text.index("missy")
    for _ in range(2):  # the first time compiles patterns
        begin_s = time.perf_counter()
        near = [len(instructions_near(lines, line, line, "python")) for line in (5, 700_000, 1_400_000)]
        near_s = time.perf_counter() - begin_s
        found = instructions_in(text, Span(at, at), "no-grammar")
        assert instructions_near(lines, 0, len(lines), "python") == ()
        all_s = time.perf_counter() - begin_s
    assert near == [0, 1, 0]
    assert [comment.instruction for comment in found] == ["do it"]
    # Measured: 0.1 ms and 1 ms.
    assert near_s < 0.01
    assert all_s < 0.1


@pytest.mark.parametrize("language_id", sorted({language for language, _ in LINES}))
def test_what_we_write_as_a_comment_we_read_as_one(language_id: str) -> None:
    line = comment_line("missy: do it", language_id, "  ")
    assert line.startswith("  ")
    [found] = instructions_near([line], 0, 0, language_id)
    assert found.instruction == "do it"


@pytest.mark.parametrize(
    ("language_id", "line"),
    [
        ("python", "# a b"),
        ("css", "/* a b */"),
        ("HTML", "<!-- a b -->"),
        ("vue", "<!-- a b -->"),
        ("c", "// a b"),
        ("ocaml", "(* a b *)"),
        ("sh", "# a b"),
        ("", "# a b"),
    ],
)
def test_a_comment_is_written_in_one_line(language_id: str, line: str) -> None:
    assert comment_line("a\r\n  b", language_id) == line


def test_a_text_can_not_end_the_comment_that_it_is_written_in() -> None:
    assert comment_line("a --> <b> */", "html") == "<!-- a - - > <b> */ -->"
    assert comment_line("a */ b", "css") == "/* a * / b */"


def test_every_language_has_marks_and_the_ones_of_its_other_names() -> None:
    assert comment_marks("c++") == comment_marks("CPP")
    assert comment_marks("bash") == comment_marks("shellscript")
    assert comment_marks("python").line == ("#",)
    assert comment_marks("css").block == (("/*", "*/"),)
    assert len(comment_marks("no-such-language").line) == 5
