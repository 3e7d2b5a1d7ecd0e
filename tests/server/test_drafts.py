"""A proposal that the user edits in a file of its own before it is accepted, whole or part by part."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.server.conftest import Shared
from tests.support.actions import CODE, NEW_ADD, edit_call, propose
from tests.support.editor import Editor
from tests.support.fake_api import FakeApi
from tests.support.lsp_process import LspProcess
from tests.support.window import RENAME, A, B, Window, ask
from tests.support.workspace import write

LONG = "x1\nk\nk\nk\nx2\n"
BOM = "\ufeff"
TWO = RENAME[:2]


@pytest.fixture
def api(shared: Shared) -> FakeApi:
    return shared.api


@pytest.fixture
def server(shared: Shared) -> LspProcess:
    return shared.process


@pytest.fixture
def folder(two_files: Path) -> Path:
    return two_files


def draft_of(server: LspProcess, change_id: str) -> Path:
    opened = server.command("missy.editProposal", {"id": change_id})["result"]
    assert opened["id"] == change_id
    return Path(opened["uri"].removeprefix("file://"))


def accept(server: LspProcess, change_id: str, **more: object) -> Any:
    response = server.command("missy.accept", {"id": change_id, **more})
    return response.get("result") or response["error"]


def marks(editor: Editor) -> list[str]:
    """Return the ids of the changes that are marked; the server is shared, so others may wait as well."""
    return [mark["data"]["id"] for mark in editor.diagnostics()]


@pytest.mark.parametrize("by", ["file", "group"])
@pytest.mark.parametrize("mine", ["def mine(a, b):\n    return a + b\n", "# mine\ndef add(a, b):\n    return b + a\n"])
def test_what_was_written_into_the_draft_of_an_open_file_of_a_group_is_applied(
    server: LspProcess, api: FakeApi, window: Window, by: str, mine: str
) -> None:
    editor = window.open("a.py", A)
    edit = ask(server, api, *TWO)
    editor.type(2, 0, "# below\n")
    draft = draft_of(server, edit["files"][0]["id"])
    assert draft.read_text() == A.replace("add", "plus")
    draft.write_text(mine)
    accepted = accept(server, edit["id"] if by == "group" else edit["files"][0]["id"])
    assert (accepted["status"], editor.text) == ("applied", f"{mine}# below\n")
    assert edit["files"][0]["id"] not in marks(editor)


@pytest.mark.parametrize("then", ["stays closed", "is opened", "was open and is closed"])
def test_what_was_written_into_the_draft_of_a_file_counts_wherever_the_file_is(
    server: LspProcess, api: FakeApi, folder: Path, window: Window, then: str
) -> None:
    mine = B.replace("1, 2", "3, 4")
    if then == "was open and is closed":
        window.open("b.py", B)
    edit = ask(server, api, *TWO)
    draft = draft_of(server, edit["files"][1]["id"])
    assert draft.read_text() == B.replace("add", "plus")
    draft.write_text(mine)
    if then == "was open and is closed":
        window.close("b.py")
    editor = window.open("b.py", B) if then == "is opened" else None
    accepted = accept(server, edit["files"][1]["id"])
    assert accepted["status"] == "applied"
    assert (editor.text if editor else (folder / "b.py").read_text()) == mine


def test_the_draft_of_a_new_file_is_what_is_written(server: LspProcess, api: FakeApi, folder: Path) -> None:
    edit = ask(server, api, edit_call("c.py", "", "x = 1\n"))
    draft_of(server, edit["files"][0]["id"]).write_text("x = 2\n")
    assert accept(server, edit["id"])["status"] == "applied"
    assert (folder / "c.py").read_text() == "x = 2\n"


def test_a_byte_order_mark_that_an_editor_keeps_out_of_its_text_stays_in_the_file(
    server: LspProcess, api: FakeApi, folder: Path, window: Window
) -> None:
    (folder / "b.py").write_bytes(f"{BOM}{B}".encode())
    edit = ask(server, api, *TWO)
    draft = draft_of(server, edit["files"][1]["id"])
    shown = {"uri": draft.as_uri(), "languageId": "python", "version": 1, "text": B.replace("1, 2", "3, 4")}
    server.notify("textDocument/didOpen", {"textDocument": shown})
    assert accept(server, edit["files"][1]["id"])["status"] == "applied"
    assert (folder / "b.py").read_bytes().decode() == BOM + B.replace("1, 2", "3, 4")
    server.notify("textDocument/didClose", {"textDocument": {"uri": draft.as_uri()}})


def test_a_draft_that_changes_nothing_or_can_not_be_read_is_refused_and_the_change_waits(
    server: LspProcess, api: FakeApi, folder: Path
) -> None:
    edit = ask(server, api, *TWO)
    draft = draft_of(server, edit["files"][1]["id"])
    for content, said in ((B.encode(), "changes nothing"), (b"\xff", "can't be read as UTF-8")):
        draft.write_bytes(content)
        refused = accept(server, edit["id"])
        assert refused["data"]["kind"] == "invalid_request"
        assert said in refused["message"]
    assert [(folder / name).read_text() for name in ("a.py", "b.py")] == [A, B]
    draft.unlink()
    assert accept(server, edit["id"])["status"] == "applied"


def test_a_draft_of_a_single_change_that_changes_nothing_is_refused(shared: Shared, api: FakeApi) -> None:
    editor = shared.edit(CODE)
    edit = propose(editor, api)
    draft = draft_of(shared.process, edit["id"])
    draft.write_text(edit["originalText"])
    assert "changes nothing" in accept(shared.process, edit["id"])["message"]
    draft.write_text(NEW_ADD)
    assert accept(shared.process, edit["id"])["status"] == "applied"


def test_a_group_of_several_files_has_no_one_draft(server: LspProcess, api: FakeApi, folder: Path) -> None:
    edit = ask(server, api, *TWO)
    error = server.command("missy.editProposal", {"id": edit["id"]})["error"]
    assert error["data"]["kind"] == "invalid_request"
    assert "several files" in error["message"]


def test_some_hunks_of_an_open_file_are_applied_and_the_rest_waits(
    server: LspProcess, api: FakeApi, folder: Path, window: Window
) -> None:
    write(folder / "a.py", LONG)
    editor = window.open("a.py", LONG)
    edit = ask(server, api, edit_call("a.py", "x1", "y1"), edit_call("a.py", "x2", "y2"), TWO[1])
    file_id = edit["files"][0]["id"]
    first = accept(server, file_id, hunks=[0])
    assert (first["status"], first["path"], editor.text) == ("applied", "a.py", LONG.replace("x1", "y1"))
    waits = server.command("missy.showDiff", {"id": file_id, "show": False})["result"]
    assert (waits["status"], "-x2\n+y2\n" in waits["diff"], "x1" in waits["diff"]) == ("pending", True, False)
    assert "numbered from 0" in accept(server, file_id, hunks=[1])["message"]
    assert accept(server, file_id, hunks=[0])["status"] == "applied"
    assert editor.text == LONG.replace("x", "y")
    assert file_id not in marks(editor)
    whole = accept(server, edit["id"])
    assert [file["status"] for file in whole["files"]] == ["applied", "applied"]


def test_what_is_left_of_a_file_after_some_hunks_is_still_applied_once_it_is_saved_and_closed(
    server: LspProcess, api: FakeApi, folder: Path, window: Window
) -> None:
    write(folder / "a.py", LONG)
    editor = window.open("a.py", LONG)
    edit = ask(server, api, edit_call("a.py", "x1", "y1"), edit_call("a.py", "x2", "y2"))
    accept(server, edit["files"][0]["id"], hunks=[1])
    write(folder / "a.py", editor.text)
    window.close("a.py")
    assert accept(server, edit["id"])["status"] == "applied"
    assert (folder / "a.py").read_text() == LONG.replace("x", "y")


@pytest.mark.parametrize("of", ["a file that is not open", "several files"])
def test_hunks_of_anything_else_are_refused_and_nothing_is_applied(
    server: LspProcess, api: FakeApi, folder: Path, window: Window, of: str
) -> None:
    editor = window.open("a.py", A)
    edit = ask(server, api, *TWO)
    refused = accept(server, edit["id"] if of == "several files" else edit["files"][1]["id"], hunks=[0])
    assert refused["data"]["kind"] == "invalid_request"
    assert "nothing was applied" in refused["message"]
    assert (editor.text, (folder / "b.py").read_text()) == (A, B)
