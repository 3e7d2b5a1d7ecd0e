"""A change of several files against what became of the files and the folder since: forms, documents, rights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.server.conftest import Shared
from tests.support.actions import edit_call
from tests.support.fake_api import FakeApi
from tests.support.lsp_process import LspProcess
from tests.support.window import NEW_A, NEW_B, NEW_C, RENAME, A, B, Window, ask, on_disk
from tests.support.workspace import write

CRLF_A, NEW_CRLF_A = (text.replace("\n", "\r\n") for text in (A, NEW_A))
BOM = "\ufeff"


@pytest.fixture
def api(shared: Shared) -> FakeApi:
    return shared.api


@pytest.fixture
def server(shared: Shared) -> LspProcess:
    return shared.process


@pytest.fixture
def folder(two_files: Path) -> Path:
    return two_files


def accept(server: LspProcess, edit: Any, **more: object) -> Any:
    response = server.command("missy.accept", {"id": edit["id"], **more})
    return response.get("result") or response["error"]


# --- the form of a text -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("disk", "opened", "result"),
    [
        (CRLF_A, A, NEW_A),
        (A, CRLF_A, NEW_CRLF_A),
        (BOM + A, A, NEW_A),
        (BOM + CRLF_A, A, NEW_A),
        (CRLF_A.replace("\r\n", "\n", 1), A, NEW_A),
    ],
)
def test_a_file_that_is_opened_later_takes_the_change_in_the_form_of_the_editor(
    server: LspProcess, api: FakeApi, folder: Path, window: Window, disk: str, opened: str, result: str
) -> None:
    (folder / "a.py").write_bytes(disk.encode())
    edit = ask(server, api, RENAME[0])
    editor = window.open("a.py", opened)
    assert accept(server, edit)["status"] == "applied"
    assert (editor.text, editor.diagnostics()) == (result, [])


@pytest.mark.parametrize(
    ("disk", "opened", "result"),
    [
        (CRLF_A, A, NEW_CRLF_A),
        (BOM + A, A, BOM + NEW_A),
        (BOM + CRLF_A, A, BOM + NEW_CRLF_A),
        (A, CRLF_A, NEW_A),
    ],
)
@pytest.mark.parametrize("is_open_when_asked", [True, False])
def test_a_file_that_was_open_and_is_closed_is_written_in_the_form_of_the_disk(
    server: LspProcess,
    api: FakeApi,
    folder: Path,
    window: Window,
    disk: str,
    opened: str,
    result: str,
    is_open_when_asked: bool,
) -> None:
    (folder / "a.py").write_bytes(disk.encode())
    if is_open_when_asked:
        window.open("a.py", opened)
    edit = ask(server, api, RENAME[0])
    if not is_open_when_asked:
        window.open("a.py", opened)
    window.close("a.py")
    assert accept(server, edit)["status"] == "applied"
    assert (folder / "a.py").read_bytes() == result.encode()


def test_a_file_that_is_no_utf_8_can_be_changed_in_the_editor_alone(
    server: LspProcess, api: FakeApi, folder: Path, window: Window
) -> None:
    (folder / "a.py").write_bytes(f"# é\n{A}".encode("latin-1"))
    window.open("a.py", f"# é\n{A}")
    edit = ask(server, api, RENAME[0])
    window.close("a.py")
    refused = accept(server, edit)
    assert refused["status"] == "refused"
    assert refused["message"].startswith("a.py is not UTF-8 text. Open it in the editor")
    editor = window.open("a.py", f"# é\n{A}")
    assert accept(server, edit)["status"] == "applied"
    assert editor.text == f"# é\n{NEW_A}"


def test_a_draft_that_was_opened_before_the_file_takes_the_line_ends_of_the_editor(
    server: LspProcess, api: FakeApi, folder: Path, window: Window
) -> None:
    (folder / "a.py").write_bytes(CRLF_A.encode())
    edit = ask(server, api, RENAME[0])
    opened = server.command("missy.editProposal", {"id": edit["files"][0]["id"]})["result"]
    draft = Path(opened["uri"].removeprefix("file://"))
    editor = window.open("a.py", A)
    draft.write_bytes(draft.read_bytes().replace(b"plus", b"mine"))
    assert accept(server, edit)["status"] == "applied"
    assert editor.text == A.replace("add", "mine")


# --- documents ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_typed_later", [True, False])
def test_a_new_file_is_not_written_beneath_a_document_with_a_text_of_its_own(
    server: LspProcess, api: FakeApi, folder: Path, window: Window, is_typed_later: bool
) -> None:
    edit = ask(server, api, RENAME[1], edit_call("new.py", "", "x = 1\n"))
    editor = window.open("new.py", "" if is_typed_later else "mine\n")
    if is_typed_later:
        editor.type(0, 0, "mine\n")
    refused = accept(server, edit)
    assert refused["status"] == "conflict"
    assert refused["message"].startswith("new.py is open in the editor with a text of its own. No file was changed.")
    assert (editor.text, on_disk(folder)) == ("mine\n", {"a.py": A, "b.py": B})
    window.close("new.py")
    assert accept(server, edit)["status"] == "applied"
    assert (folder / "new.py").read_text() == "x = 1\n"


def test_a_new_file_lands_in_an_empty_document_of_its_name(
    server: LspProcess, api: FakeApi, folder: Path, window: Window
) -> None:
    edit = ask(server, api, edit_call("new.py", "", "x = 1\n"))
    editor = window.open("new.py", "")
    assert accept(server, edit)["status"] == "applied"
    assert (editor.text, editor.diagnostics()) == ("x = 1\n", [])
    assert not (folder / "new.py").exists()


def test_a_file_that_is_opened_while_the_change_lands_is_changed_in_its_document(
    server: LspProcess, api: FakeApi, folder: Path, window: Window
) -> None:
    window.open("a.py", A)
    edit = ask(server, api, *RENAME)
    window.hold()
    started = server.start_command("missy.accept", {"id": edit["id"]})
    first = window.held()
    late = window.open("b.py", B)
    window.release(first)
    assert server.response(started)["result"]["status"] == "applied"
    assert (late.text, late.diagnostics()) == (NEW_B, [])
    assert on_disk(folder) == {"a.py": A, "b.py": B, "tests/c.py": NEW_C}


def test_a_new_file_whose_name_is_opened_while_the_change_lands_is_a_conflict(
    server: LspProcess, api: FakeApi, folder: Path, window: Window
) -> None:
    window.open("a.py", A)
    edit = ask(server, api, *RENAME)
    window.hold()
    started = server.start_command("missy.accept", {"id": edit["id"]})
    first = window.held()
    late = window.open("tests/c.py", "mine\n")
    window.release(first)
    result = server.response(started)["result"]
    assert (result["status"], late.text) == ("conflict", "mine\n")
    assert [file["status"] for file in result["files"]] == ["applied", "applied", "pending"]
    assert result["message"].endswith("2 of 3 files were changed.")
    assert on_disk(folder) == {"a.py": A, "b.py": NEW_B}


# --- what may be written ------------------------------------------------------------------------------


def test_a_new_file_below_what_is_a_file_by_now_leaves_every_file_as_it_was(
    server: LspProcess, api: FakeApi, folder: Path
) -> None:
    edit = ask(server, api, RENAME[1], edit_call("sub/new.py", "", "x = 1\n"))
    write(folder / "sub", "a file")
    try:
        refused = accept(server, edit)
    finally:
        (folder / "sub").unlink()
    assert refused["status"] == "conflict"
    assert refused["message"].startswith("sub/new.py can't be made: sub is no folder. No file was changed.")
    assert on_disk(folder) == {"a.py": A, "b.py": B}


def test_a_file_that_became_read_only_leaves_every_file_as_it_was(
    server: LspProcess, api: FakeApi, folder: Path
) -> None:
    edit = ask(server, api, *RENAME)
    (folder / "b.py").chmod(0o444)
    refused = accept(server, edit)
    assert refused["status"] == "refused"
    assert refused["message"].startswith("b.py is read-only. Make it writable")
    assert on_disk(folder) == {"a.py": A, "b.py": B}
    (folder / "b.py").chmod(0o644)
    assert accept(server, edit)["status"] == "applied"


def test_a_folder_that_left_the_workspace_is_not_written_into(
    server: LspProcess, api: FakeApi, folder: Path, window: Window
) -> None:
    editor = window.open("a.py", A)
    edit = ask(server, api, *RENAME)
    itself = [{"uri": folder.as_uri(), "name": folder.name}]
    changed = "workspace/didChangeWorkspaceFolders"
    server.notify(changed, {"event": {"added": [], "removed": itself}})
    try:
        refused = accept(server, edit)
        assert refused["status"] == "refused"
        assert refused["message"].startswith("a.py lies in no folder of the workspace any more")
        assert accept(server, edit["files"][0], hunks=[0])["message"] == refused["message"]
        assert (editor.text, on_disk(folder)) == (A, {"a.py": A, "b.py": B})
    finally:
        server.notify(changed, {"event": {"added": itself, "removed": []}})
    assert accept(server, edit)["status"] == "applied"


def test_a_folder_that_lost_its_trust_is_not_written_into(server: LspProcess, api: FakeApi, folder: Path) -> None:
    edit = ask(server, api, *RENAME)
    write(folder / ".missy" / "config.yaml", "routing: {mode: fast}\n")
    try:
        refused = accept(server, edit)
        assert refused["status"] == "refused"
        assert refused["message"].startswith("The folder of a.py is not trusted any more")
        assert on_disk(folder) == {"a.py": A, "b.py": B}
    finally:
        (folder / ".missy" / "config.yaml").unlink()
    assert accept(server, edit)["status"] == "applied"
