"""How an answer gets into a chat document while somebody types in it, and is whole there or said not to be."""

from __future__ import annotations

import copy
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.server.conftest import Shared
from tests.support.chats import QUESTION, held, open_chat, send, start_send, until
from tests.support.configuration import write_user_config
from tests.support.editor import CAPABILITIES, Editor, Manner
from tests.support.fake_api import FakeApi, answer
from tests.support.lsp_process import LspProcess


@pytest.fixture
def api(shared: Shared) -> FakeApi:
    return shared.api


def line_of(editor: Editor, words: str) -> int:
    return next(number for number, line in enumerate(editor.text.split("\n")) if words in line)


@pytest.mark.parametrize(
    ("question", "as_left"),
    [
        ("```python\nx = 1", "```python\nx = 1\n```"),
        ("What?\n\n~~~~\nx = 1", "What?\n\n~~~~\nx = 1\n~~~~"),
        ("> ```\n> x = 1\n\nWhat is this?", "> ```\n> x = 1\n\nWhat is this?"),
        ("- ```\n  x = 1", "- ```\n  x = 1"),
        ("log:\n\n    ```\n    x\n\nWhat?", "log:\n\n    ```\n    x\n\nWhat?"),
    ],
)
def test_a_question_with_an_open_fence_gets_its_answer(
    shared: Shared, api: FakeApi, question: str, as_left: str
) -> None:
    editor = open_chat(shared, f"## You\n\n{question}\n")
    api.enqueue(answer("It is code."))
    assert send(editor)["result"]["complete"]
    assert editor.text == f"## You\n\n{as_left}\n\n## Missy\n\nIt is code.\n\n## You\n\n\n"


@pytest.mark.parametrize(
    ("first", "second", "word"),
    [
        ("The first words of it and then ", "comes the rest.", "first"),
        ("The code:\n\n```python\ndef total(prices):\n    ", "return sum(prices)\n```", "code"),
        ("The first paragraph.\n\n", "The second one.", "first"),
    ],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_typing_at_the_end_of_the_streaming_answer_costs_no_blank(
    shared: Shared, api: FakeApi, first: str, second: str, word: str, line_end: str
) -> None:
    go_on = threading.Event()
    api.enqueue(held(first, second, go_on))
    editor = open_chat(shared, QUESTION.replace("\n", line_end))
    request = start_send(editor)
    until(editor, lambda: word in editor.text)
    editor.type(line_of(editor, word), 4, "very ")
    go_on.set()
    editor.server.response(request)
    whole = (first + second).replace("The ", "The very ", 1)
    assert editor.text == f"{QUESTION}\n## Missy\n\n{whole}\n\n## You\n\n\n".replace("\n", line_end)


class FastTypist(Editor):
    """Somebody types whenever an edit is about to arrive, as often as `left` says."""

    left = 0

    def _apply_edit(self, params: Any) -> Any:
        if self.left:
            self.left -= 1
            self._take([{"range": self.cursor(0), "newText": "x"}])
        return super()._apply_edit(params)


@pytest.mark.parametrize("times", [3, 10])
def test_typing_that_collides_again_and_again_only_delays_the_answer(shared: Shared, api: FakeApi, times: int) -> None:
    editor = open_chat(shared, f"\n\n{QUESTION}", kind=FastTypist)
    assert isinstance(editor, FastTypist)
    editor.left = times
    api.enqueue(answer("Because of Rayleigh."))
    send(editor)
    assert editor.text == f"{'x' * times}\n\n{QUESTION}\n## Missy\n\nBecause of Rayleigh.\n\n## You\n\n\n"
    assert editor.server.notifications("window/showMessage") == []


def test_a_question_that_is_mended_before_the_answer_begins_gets_it_below(
    isolated_home: Path, api: FakeApi, tmp_path: Path
) -> None:
    write_user_config(isolated_home, api.base_url, routing={"mode": "premium", "confirm_premium": True})
    capabilities: dict[str, Any] = copy.deepcopy(CAPABILITIES)
    capabilities["window"]["showMessage"] = {"messageActionItem": {"additionalPropertiesSupport": False}}
    with LspProcess() as process:
        process.initialize(tmp_path, capabilities)
        editor = Editor(process, (tmp_path / "talk.missy.md").as_uri(), "## You\n\nWhy is the sky blu?\n", "markdown")

        def confirm(question: Any) -> Any:
            editor.type(2, 18, "e")
            editor.type(2, 20, " Say it.\n\n## You\n\nnext")
            return question["actions"][0]

        process.answer("window/showMessageRequest", confirm)
        api.enqueue(answer("Because."))
        assert send(editor)["result"]["complete"]
        assert process.notifications("window/showMessage") == []
        assert editor.text == ("## You\n\nWhy is the sky blue? Say it.\n\n## Missy\n\nBecause.\n\n## You\n\nnext\n")


@pytest.mark.parametrize("manner", ["honest", "full sync"])
def test_a_part_that_was_undone_is_missed_in_a_note(shared: Shared, api: FakeApi, manner: Manner) -> None:
    go_on = threading.Event()
    api.enqueue(held("First line of it.\n\n", "Second line of it.", go_on))
    editor = open_chat(shared, manner=manner)
    request = start_send(editor)
    until(editor, lambda: "First line" in editor.text)
    editor.undo()
    assert "First line" not in editor.text
    go_on.set()
    editor.server.response(request)
    assert "First line" not in editor.text
    note = "*(missy: a part of this answer was taken back while it came in, as by an undo)*"
    assert editor.text.endswith(f"Second line of it.\n\n{note}\n\n## You\n\n\n")
