"""What a model replies is read strictly: one whole edit, or a fault that says what is wrong."""

from __future__ import annotations

import json

import pytest

from missy_lsp.features.replies import (
    NewFile,
    Replacement,
    ReplyFault,
    read_new_file,
    read_replacement,
    read_structured,
)

FENCED = "```py\ny\n```\n"
READ = {
    "plain": ("<replacement>\nx = 1\n</replacement>", "", "x = 1\n", ""),
    "said before and after": ("Here.\n<replacement>\nx\n</replacement>\nDone.", "", "x\n", "Here.\nDone."),
    "crlf": ("<replacement>\r\nx\r\n</replacement>\r\n", "", "x\r\n", ""),
    "on one line": ("<replacement>x</replacement>", "", "x", ""),
    "indented tags": ("  <replacement>\n  x\n  </replacement>", "", "  x\n", ""),
    "nothing between": ("<replacement>\n</replacement>", "old", "", ""),
    "blank lines are text": ("<replacement>\n\n\nx\n\n</replacement>", "", "\n\nx\n\n", ""),
    "a fence around it": ("<replacement>\n```python\nx\n```\n</replacement>", "", "x\n", ""),
    "a fence of tildes": ("<replacement>\n~~~\nx\n~~~\n</replacement>", "", "x\n", ""),
    "a fence that was selected": (
        "<replacement>\n```py\ny\n```\n</replacement>",
        "```py\nx\n```\n",
        "```py\ny\n```\n",
        "",
    ),
    "two fences are text": (
        "<replacement>\n```\na\n```\nb\n```\nc\n```\n</replacement>",
        "",
        "```\na\n```\nb\n```\nc\n```\n",
        "",
    ),
    "tags within a line": ("<replacement>\ns = '<replacement>' + '</replacement>'\n</replacement>", "", None, ""),
    "an inner closing tag": ("<replacement>\na </replacement> b\nc\n</replacement>", "", "a </replacement> b\nc\n", ""),
}


@pytest.mark.parametrize(("reply", "original", "text", "remarks"), READ.values(), ids=READ)
def test_one_whole_edit_is_read(reply: str, original: str, text: str | None, remarks: str) -> None:
    found = read_replacement(reply, original=original)
    expected = "s = '<replacement>' + '</replacement>'\n" if text is None else text
    assert found == Replacement(expected, remarks)


FAULTS = {
    "nothing": ("", "empty"),
    "white space": (" \n\n ", "empty"),
    "prose": ("I would not change this.", "prose"),
    "a fence alone": ("```python\nx = 1\n```", "prose"),
    "two blocks": ("<replacement>\na\n</replacement>\n<replacement>\nb\n</replacement>", "two blocks"),
    "cut in the middle": ("<replacement>\nx = ", "unclosed"),
    "cut in the tag": ("<replacement>\nx\n</replace", "unclosed"),
    "closed only": ("x\n</replacement>", "stray tag"),
    "another tag": ("<new>\nx\n</new>", "prose"),
}


@pytest.mark.parametrize(("reply", "code"), FAULTS.values(), ids=FAULTS)
def test_everything_else_is_a_fault_with_words_for_both(reply: str, code: str) -> None:
    found = read_replacement(reply)
    assert isinstance(found, ReplyFault)
    assert found.code == code
    assert found.sentence.endswith(".")
    assert found.for_model.endswith(".")


def test_every_cut_of_a_whole_reply_is_a_fault() -> None:
    whole = "Sure.\n<replacement>\ndef f():\n    return 1\n</replacement>"
    for length in range(len(whole)):
        assert isinstance(read_replacement(whole[:length]), ReplyFault), whole[:length]


def new_file(path: str) -> NewFile | ReplyFault:
    return read_new_file(f"A word.\n<path>{path}</path>\n<replacement>\nx\n</replacement>")


@pytest.mark.parametrize(
    ("path", "taken"),
    [
        ("tests/test_a.py", "tests/test_a.py"),
        ("./a.py", "a.py"),
        ("äöü/漢字.py", "äöü/漢字.py"),
        ("a b/c-d_e.f", "a b/c-d_e.f"),
    ],
)
def test_a_new_file_has_a_path_below_the_folder(path: str, taken: str) -> None:
    assert new_file(path) == NewFile(taken, "x\n", "A word.")


@pytest.mark.parametrize(
    "path",
    [
        *("", "../a.py", "a/../../b.py", "/etc/passwd", "~/x", "C:\\x.py", "C:/x.py", "a\\b.py", "a//b.py", "./../a"),
        *(".env", ".git/hooks/x", ".vscode/tasks.json", "a/.missy/config.yaml", ".github/workflows/x.yml"),
        *("CON", "nul.txt", "a/COM1.py", "a.", "a /b", "x" * 300, "a\x00b", "a\u202eb.py", "a\u200bb.py", "a|b"),
        *("conftest.py", "setup.py", "src/sitecustomize.py", "x.pth", "Makefile", "package.json", "AGENTS.md"),
    ],
)
def test_a_path_that_could_do_harm_is_refused(path: str) -> None:
    found = new_file(path)
    assert isinstance(found, ReplyFault)
    assert found.code == "path"


def test_a_new_file_needs_exactly_one_path() -> None:
    for paths in ("", "<path>a.py</path>\n<path>b.py</path>\n"):
        found = read_new_file(f"{paths}<replacement>\nx\n</replacement>")
        assert isinstance(found, ReplyFault)


def test_a_structured_reply_is_read() -> None:
    reply = json.dumps({"replacement": "x\n", "summary": " Done. "})
    assert read_structured(reply) == Replacement("x\n", "Done.")


@pytest.mark.parametrize(
    "reply", ["", "{}", "[]", "null", '{"replacement": 1, "summary": ""}', '{"replacement": "x', "x"]
)
def test_a_structured_reply_of_another_shape_is_a_fault(reply: str) -> None:
    assert isinstance(read_structured(reply), ReplyFault)
