"""Which grammar a language has, where it may come from, and what is not parsed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from missy_lsp.syntax.grammars import MAX_BYTES, grammar_named, has_grammar, parse_tree

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "language_id",
    [
        *("python", "javascript", "javascriptreact", "typescript", "typescriptreact", "rust", "go", "java", "c", "cpp"),
        *("csharp", "ruby", "php", "shellscript", "bash", "sh", "lua", "c++", "Python", "c_sharp", "c-sharp"),
    ],
)
def test_the_grammars_that_come_with_us_are_there(language_id: str) -> None:
    assert has_grammar(language_id)
    tree = parse_tree("", language_id)
    assert tree is not None
    assert not tree.has_faults


@pytest.mark.parametrize(
    "language_id", ["", "no such language", "../evil", "os.path", "x" * 100, "brainfuck", "é", "_"]
)
def test_a_language_without_a_grammar_has_none(language_id: str) -> None:
    assert not has_grammar(language_id)
    assert parse_tree("x", language_id) is None


def test_the_folder_that_we_are_started_in_lends_no_grammar(tmp_path: Path) -> None:
    for name in ("tree_sitter_planted", "tree_sitter_c_sharp"):
        (tmp_path / f"{name}.py").write_text("print('planted')\n", encoding="utf-8")
    program = (
        f"import sys; sys.path.append({str(ROOT)!r}); sys.path.insert(0, {str(tmp_path)!r});"
        "from missy_lsp.syntax.grammars import has_grammar; print(has_grammar('planted'), has_grammar('c_sharp'))"
    )
    run = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert run.stdout == "False False\n"


@pytest.mark.parametrize(
    "content",
    [
        "raise ImportError('made for another platform')",
        "x = 1",
        "def language():\n    raise ValueError('Incompatible Language version 99')",
        "def language():\n    return 'no grammar'",
    ],
    ids=["broken", "empty", "another version", "no grammar"],
)
def test_a_grammar_that_does_not_work_is_none(content: str, tmp_path: Path) -> None:
    # Beside a copy of tree-sitter, where one that a user has added would be.
    import tree_sitter

    (tmp_path / "tree_sitter").symlink_to(Path(tree_sitter.__file__ or "").parent, target_is_directory=True)
    (tmp_path / "tree_sitter_added.py").write_text(content, encoding="utf-8")
    program = (
        f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT)!r}];"
        "from missy_lsp.syntax.grammars import has_grammar;"
        "from missy_lsp.syntax.definitions import syntax_faults;"
        "print(has_grammar('added'), syntax_faults('x', 'added'))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == "False None\n"


def test_a_large_text_is_not_parsed() -> None:
    assert parse_tree("x" * (MAX_BYTES + 1), "python") is None
    assert parse_tree("é" * (MAX_BYTES // 2 + 1), "python") is None


def test_a_search_that_does_not_end_is_given_up() -> None:
    assert parse_tree("(a)*" * 200_000, "c") is None
    # The parser and the grammar are as good as before.
    assert parse_tree("int x;", "c") is not None


def test_importing_costs_no_grammar() -> None:
    program = "import sys, missy_lsp.syntax.definitions, missy_lsp.syntax.comments; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not [name for name in run.stdout.split() if name.startswith("tree_sitter")]


def test_a_grammar_is_loaded_once() -> None:
    assert grammar_named("python") is grammar_named("python")
