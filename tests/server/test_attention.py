"""What `@file`, `@selection` and kin mean: what was looked at last and is still open, and no answer of ours."""

from __future__ import annotations

import pytest

from tests.server.conftest import Shared
from tests.support.chats import open_chat, send, sent_texts, until
from tests.support.editor import Editor
from tests.support.fake_api import FakeApi, answer


@pytest.fixture
def api(shared: Shared) -> FakeApi:
    return shared.api


def code(shared: Shared, name: str, text: str) -> Editor:
    return Editor(shared.process, (shared.folder / name).as_uri(), text)


def close(editor: Editor) -> None:
    editor.server.notify("textDocument/didClose", {"textDocument": {"uri": editor.uri}})


def material(shared: Shared, api: FakeApi, question: str) -> str:
    """Send a question in a new chat and return what went along with it."""
    editor = open_chat(shared, f"## You\n\n{question}\n")
    api.enqueue(answer("Yes."))
    assert send(editor)["result"]["complete"]
    return sent_texts(api)[0]


def test_a_file_that_was_only_peeked_at_gives_its_place_back(shared: Shared, api: FakeApi) -> None:
    code(shared, "kept.py", "kept = 1\n")
    close(code(shared, "peeked.py", "peeked = 1\n"))
    close(code(shared, "second.py", "second = 1\n"))
    assert "kept = 1" in material(shared, api, "Explain @file")


def test_the_file_that_was_changed_last_is_meant(shared: Shared, api: FakeApi) -> None:
    first = code(shared, "first.py", "first = 1\n")
    code(shared, "second.py", "second = 1\n")
    first.type(0, 0, "# ")
    assert "# first = 1" in material(shared, api, "Explain @file")


def test_an_answer_of_ours_is_not_meant_but_what_was_selected_in_it_is(shared: Shared, api: FakeApi) -> None:
    source = code(shared, "source.py", "def source():\n    return 1\n")
    source.actions(source.cursor(1))
    path = shared.home / "cache" / "missy" / "answers" / "x.md"
    shown = Editor(shared.process, path.as_uri(), "# The answer\n\nIts words.\n", "markdown")
    shown.actions(shown.cursor(0))
    assert "return 1" in material(shared, api, "Explain @file")
    assert "return 1" in material(shared, api, "Explain @symbol")
    shown.actions(shown.select(2, 2))
    assert "Its words." in material(shared, api, "Explain @selection")
    close(shown)


def test_the_mark_of_a_mention_goes_when_there_is_what_it_names_and_comes_back(shared: Shared) -> None:
    source = code(shared, "marked.py", "def source():\n    return 1\n")
    close(source)
    editor = open_chat(shared, "## You\n\nExplain @selection\n")
    until(editor, lambda: bool(editor.diagnostics()))
    source = code(shared, "marked.py", "def source():\n    return 1\n")
    source.actions(source.select(0, 1))
    until(editor, lambda: not editor.diagnostics())
    close(source)
    until(editor, lambda: bool(editor.diagnostics()))


def test_a_chat_that_is_closed_keeps_no_marks(shared: Shared) -> None:
    editor = open_chat(shared, "---\ntier: slow\n---\n## You\n\nWhy?\n")
    until(editor, lambda: bool(editor.diagnostics()))
    close(editor)
    until(editor, lambda: not editor.diagnostics())
