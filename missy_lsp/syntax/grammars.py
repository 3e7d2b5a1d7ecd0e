"""Parse a document with a tree-sitter grammar that is installed as a package of its own.

Nothing is downloaded. A language outside the table is looked for by name (`tree_sitter_<id>`), and only beside
tree-sitter itself: a module of that name in the folder that the process was started in is not run.
"""

from __future__ import annotations

import importlib
import re
import sys
from functools import lru_cache
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from missy_lsp.syntax.languages import canonical_id, grammar_of

if TYPE_CHECKING:
    from tree_sitter import Language, Node, Point, Tree

MAX_BYTES = 2_000_000
# The parser reports after every hundred operations. Sound code needs 8 to 30 reports a kilobyte, the densest table
# of numbers 50. Where an ambiguous nesting never ends it is above 150, and there the parser recurses once a level,
# 96 bytes of C stack each: it ends the process at 87,000 levels in 8 MB. A report stands for at most 1.1 levels, so
# these limits keep it to half of what Linux and macOS give and of the 2 MB of Windows.
_REPORTS_AT_START = 4_000
_REPORTS_PER_KB = 60
_MAX_REPORTS = 10_000 if sys.platform == "win32" else 40_000
_MAX_DEPTH = 5_000

_MODULE_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")
_LONE_RETURN = re.compile(r"\r(?!\n)")


@attrs.frozen(eq=False)
class SyntaxTree:
    """A parsed document; rows are lines as the protocol counts them, columns are UTF-8 bytes."""

    grammar: str
    tree: Tree
    source: bytes

    @property
    def root(self) -> Node:
        return self.tree.root_node

    @property
    def has_faults(self) -> bool:
        return self.root.has_error

    def text_of(self, node: Node) -> str:
        """Return the text of a node. `Node.text` is not for trees that were read in pieces: it crashes (0.26)."""
        return self.source[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def path_to(self, row: int, column: int) -> list[Node]:
        """Return the nodes from the root to the innermost one that holds the byte at `column` of `row`."""
        cursor = self.tree.walk()
        path = [self.root]
        while len(path) < _MAX_DEPTH and cursor.goto_first_child_for_point((row, column)) is not None:
            node = cursor.node
            if node is None or tuple(node.start_point) > (row, column):
                break
            path.append(node)
        return path


def parse_tree(text: str, language_id: str) -> SyntaxTree | None:
    """Parse a whole document; None without a grammar, where it is too large, and where parsing takes too long."""
    found = grammar_named(canonical_id(language_id))
    if found is None or len(text) > MAX_BYTES:
        return None
    # For a grammar only a line feed ends a line. Lone surrogates become one byte each.
    source = (_LONE_RETURN.sub("\n", text) if "\r" in text else text).encode("utf-8", "replace")
    if len(source) > MAX_BYTES:
        return None
    name, language = found
    tree = _parse_within_limits(source, language)
    return None if tree is None else SyntaxTree(name, tree, source)


def parse(text: str, language_id: str) -> Node | None:
    """Parse a whole document and return the root of its tree."""
    tree = parse_tree(text, language_id)
    return None if tree is None else tree.root


def has_grammar(language_id: str) -> bool:
    """Tell whether the grammar of a language is installed."""
    return grammar_named(canonical_id(language_id)) is not None


@lru_cache(maxsize=64)  # what is installed does not change while the process runs
def grammar_named(language: str) -> tuple[str, Language] | None:
    """Return the grammar's name and the grammar of a language by its canonical id; None where there is none."""
    from tree_sitter import Language

    known = grammar_of(language)
    name, function = known or (language.replace("-", "_"), "language")
    if known is None and not _is_installed(name):
        return None
    try:
        module = importlib.import_module(f"tree_sitter_{name}")
        factory = getattr(module, function, None) or getattr(module, f"language_{name}", None)
        return None if factory is None else (name, Language(factory()))
    except (ImportError, ValueError, TypeError):  # not installed, broken, or made for another tree-sitter
        return None


def _is_installed(name: str) -> bool:
    import tree_sitter

    if _MODULE_NAME.fullmatch(name) is None or tree_sitter.__file__ is None:
        return False
    folder = Path(tree_sitter.__file__).parents[1]
    module = f"tree_sitter_{name}"
    beside = PathFinder.find_spec(module, [str(folder)])
    first = PathFinder.find_spec(module)
    return beside is not None and beside.origin is not None and first is not None and beside.origin == first.origin


def _parse_within_limits(source: bytes, language: Language) -> Tree | None:
    from tree_sitter import Parser

    view = memoryview(source)
    reports = 0

    def read(offset: int, _point: Point) -> memoryview:
        return view[offset:]

    def is_too_much(offset: int, _in_error: bool) -> bool:
        nonlocal reports
        reports += 1
        return reports > min(_MAX_REPORTS, _REPORTS_AT_START + _REPORTS_PER_KB * offset // 1000)

    try:
        return Parser(language).parse(read, progress_callback=is_too_much)
    except ValueError:
        return None
