"""A model's text takes on line ends, indentation and final newline of what it replaces.

In the sources `«` and `»` stand around what is replaced; a cursor is `«»`.
"""

from __future__ import annotations

import pytest

from missy_lsp.features.fitting import dominant_line_end, fit

CASES = {
    "as it is": ("«a\n»b\n", "x\n", "x\nb\n"),
    "a final newline too few": ("«a\n»b\n", "x", "x\nb\n"),
    "final newlines too many": ("«a\n»b\n", "x\n\n\n", "x\nb\n"),
    "none at the end of the file": ("«a»", "x\n", "x"),
    "crlf": ("«a\r\nb\r\n»c\r\n", "x\ny\n", "x\r\ny\r\nc\r\n"),
    "cr": ("«a\r»b\r", "x\n", "x\rb\r"),
    "mixed ends stay on unchanged lines": ("«a\r\nb\nc\r\n»d\r\n", "a\nb\nx\nc\n", "a\r\nb\nx\r\nc\r\nd\r\n"),
    "blank lines around stay": ("«\n\na\n\n»b\n", "x\n", "\n\nx\n\nb\n"),
    "a dedented block": ("c:\n«    if a:\n        b\n»d\n", "if a:\n    x\n", "c:\n    if a:\n        x\nd\n"),
    "a first line without its indentation": (
        "c:\n«    if a:\n        b\n»d\n",
        "if a:\n        x\n",
        "c:\n    if a:\n        x\nd\n",
    ),
    "a block indented too far": ("«if a:\n    b\n»d\n", "    if a:\n        x\n", "if a:\n    x\nd\n"),
    "blank lines get no indentation": ("«    a\n    b\n»", "a\n\nb\n", "    a\n\n    b\n"),
    "nothing to shift": ("«    a\n»", "    x\n      y\n", "    x\n      y\n"),
    "a string of several lines is left": ("«s = '''\n a\n'''\n»", "s = '''\n b\n'''\n", "s = '''\n b\n'''\n"),
    "part of a line": ("x = «a»  # c\n", "b\n", "x = b  # c\n"),
    "part of a line, indented": ("x = «a»\n", "    b\n", "x = b\n"),
    "from behind the indentation": ("    «a\n    b\n»c\n", "    x\n    y\n", "    x\n    y\nc\n"),
    "from behind the indentation, dedented": ("    «a\n    b\n»c\n", "x\ny\n", "    x\n    y\nc\n"),
    "from behind the indentation, one line": ("    «a»\n", "    x\n", "    x\n"),
    "spaces in a document of tabs": ("\tz\n«\tif a:\n\t\tb\n»", "    if a:\n        x\n", "\tz\n\tif a:\n\t\tx\n"),
    "tabs in a document of spaces": ("  z\n«  if a:\n    b\n»", "\tif a:\n\t\tx\n", "  z\n  if a:\n    x\n"),
    "everything removed": ("a\n«b\n»c\n", "", "a\nc\n"),
    "on a blank line": ("a\n«»\nb\n", "x\n", "a\nx\nb\n"),
    "on a blank line with indentation": ("f:\n    «»\nb\n", "x\ny\n", "f:\n    x\n    y\nb\n"),
    "on a blank line, indented already": ("f:\n    «»\nb\n", "    x\n    y\n", "f:\n    x\n    y\nb\n"),
    "in an empty document": ("«»", "x\n", "x\n"),
    "at the end of a document": ("a\n«»", "x\n", "a\nx\n"),
    "before a line": ("«»a\n", "x", "x\na\n"),
    "within a line": ("f(«»)\n", "x\n", "f(x)\n"),
    "emoji before it": ("'😋' + «a»\n", "b", "'😋' + b\n"),
    "form feed": ("\f\n«a\n»", "x\n", "\f\nx\n"),
    "a byte order mark stays": ("\ufeff«a\n»", "x\n", "\ufeffx\n"),
}


@pytest.mark.parametrize(("marked", "text", "expected"), CASES.values(), ids=CASES)
def test_a_text_fits_where_it_goes(marked: str, text: str, expected: str) -> None:
    start, end = marked.index("«"), marked.index("»") - 1
    document = marked.replace("«", "").replace("»", "")
    assert document[:start] + fit(document, start, end, text) + document[end:] == expected


@pytest.mark.parametrize(
    ("document", "text", "expected"),
    [
        ("def f(): ...\n", "# doc", "# doc\n"),
        ("    def f(): ...\n", "# doc\n# more\n", "    # doc\n    # more\n"),
        ("    def f(): ...\n", "    # doc\n", "    # doc\n"),
        ("x\r\n", "# a\n", "# a\r\n"),
        ("", "Add b\n\n", "Add b\n"),
    ],
    ids=range(5),
)
def test_what_is_inserted_above_gets_lines_of_its_own(document: str, text: str, expected: str) -> None:
    assert fit(document, 0, 0, text, on_lines_of_its_own=True) == expected


@pytest.mark.parametrize(("text", "end"), [("", "\n"), ("a\r\nb\n", "\n"), ("a\r\nb\r\nc\n", "\r\n"), ("a\rb\r", "\r")])
def test_the_line_end_that_a_document_uses_most_is_its_own(text: str, end: str) -> None:
    if text == "a\r\nb\n":
        assert dominant_line_end(text) in ("\n", "\r\n")
    else:
        assert dominant_line_end(text) == end
