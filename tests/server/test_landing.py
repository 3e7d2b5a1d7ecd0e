"""While a change is being applied: what cancels, stops or discards it then, and what is opened in that moment."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.server.conftest import Shared
from tests.support.actions import CODE, NEW_ADD, propose, replacement, tool_turn
from tests.support.fake_api import FakeApi, answer
from tests.support.lsp_process import LspProcess
from tests.support.window import NEW_A, NEW_B, NEW_C, RENAME, A, B, Window, ask, on_disk

TYPED = CODE.replace("def add(a, b):", "def add(a: int, b: int) -> int:")


@pytest.fixture
def api(shared: Shared) -> FakeApi:
    return shared.api


@pytest.fixture
def server(shared: Shared) -> LspProcess:
    return shared.process


@pytest.fixture
def folder(two_files: Path) -> Path:
    return two_files


# --- cancelled, stopped, discarded ------------------------------------------------------------------


def test_a_cancelled_accept_of_several_files_ends_as_begun_and_says_so(
    server: LspProcess, api: FakeApi, folder: Path, window: Window
) -> None:
    editor = window.open("a.py", A)
    edit = ask(server, api, *RENAME)
    window.hold()
    accept = server.start_command("missy.accept", {"id": edit["id"]})
    asked = window.held()
    server.notify("$/cancelRequest", {"id": accept})
    window.release(asked)
    result = server.response(accept)["result"]
    assert (result["status"], {file["status"] for file in result["files"]}) == ("applied", {"applied"})
    assert (editor.text, editor.diagnostics()) == (NEW_A, [])
    assert on_disk(folder) == {"a.py": A, "b.py": NEW_B, "tests/c.py": NEW_C}


def test_a_cancelled_accept_of_one_change_ends_as_begun_and_says_so(
    server: LspProcess, api: FakeApi, window: Window
) -> None:
    editor = window.open("a.py", CODE)
    edit = propose(editor, api)
    window.hold()
    accept = server.start_command("missy.accept", {"id": edit["id"]})
    asked = window.held()
    server.notify("$/cancelRequest", {"id": accept})
    window.release(asked)
    assert server.response(accept)["result"]["status"] == "applied"
    assert (editor.text, editor.diagnostics()) == (TYPED, [])


@pytest.mark.parametrize("how", ["stop", "cancel"])
def test_a_direct_change_of_several_files_that_is_stopped_midway_is_applied_whole_and_told(
    server: LspProcess, api: FakeApi, shared: Shared, folder: Path, window: Window, how: str
) -> None:
    shared.configure(tools={"mode": "edit"}, edits={"review": "direct"})
    first, second = window.open("a.py", A), window.open("b.py", B)
    window.hold()
    api.enqueue(tool_turn(*RENAME), answer("Done."))
    question = server.start_command("missy.ask", {"prompt": "rename", "tools": "edit", "wait": True})
    window.release(window.held())
    asked = window.held()
    if how == "stop":
        server.command("missy.stop", {})
    else:
        server.notify("$/cancelRequest", {"id": question})
    window.release(asked)
    result = server.response(question)["result"]
    assert (result["edit"]["status"], result["complete"]) == ("applied", True)
    assert {file["status"] for file in result["edit"]["files"]} == {"applied"}
    assert (first.text, second.text, second.diagnostics()) == (NEW_A, NEW_B, [])


def test_a_direct_change_of_one_document_that_is_stopped_midway_is_applied_and_told(
    server: LspProcess, api: FakeApi, shared: Shared, window: Window
) -> None:
    shared.configure(edits={"review": "direct"})
    editor = window.open("a.py", CODE)
    window.hold()
    api.enqueue(answer(replacement(NEW_ADD)))
    place = {"textDocument": {"uri": editor.uri}, "range": editor.cursor(4), "wait": True}
    action = server.start_command("missy.runAction", {"action": "add-types", **place})
    asked = window.held()
    server.command("missy.stop", {})
    window.release(asked)
    assert server.response(action)["result"]["edit"]["status"] == "applied"
    assert (editor.text, editor.diagnostics()) == (TYPED, [])


@pytest.mark.parametrize("command", ["discard", "retry", "accept"])
@pytest.mark.parametrize("kind", ["one change", "several files", "a file of several"])
def test_a_change_that_is_being_applied_can_not_be_decided_on_again(
    server: LspProcess, api: FakeApi, folder: Path, window: Window, kind: str, command: str
) -> None:
    editor = window.open("a.py", CODE if kind == "one change" else A)
    edit = propose(editor, api) if kind == "one change" else ask(server, api, *RENAME)
    asked_for = len(api.requests)
    window.hold()
    accept = server.start_command("missy.accept", {"id": edit["id"]})
    asked = window.held()
    named = edit["files"][1]["id"] if kind == "a file of several" else edit["id"]
    refused = server.command(f"missy.{command}", {"id": named})["error"]
    assert refused["message"].startswith("This change is being applied at this moment.")
    assert refused["data"]["retryable"]
    window.release(asked)
    assert server.response(accept)["result"]["status"] == "applied"
    assert editor.text == (TYPED if kind == "one change" else NEW_A)
    assert len(api.requests) == asked_for


@pytest.mark.parametrize("kind", ["one change", "several files"])
def test_of_an_accept_and_a_discard_in_one_breath_only_one_counts(
    server: LspProcess, api: FakeApi, folder: Path, window: Window, kind: str
) -> None:
    editor = window.open("a.py", CODE if kind == "one change" else A)
    before = editor.text
    edit = propose(editor, api) if kind == "one change" else ask(server, api, *RENAME)
    accept, discard = (server.start_command(f"missy.{name}", {"id": edit["id"]}) for name in ("accept", "discard"))
    accepted, discarded = server.response(accept), server.response(discard)
    assert ("result" in accepted) != ("result" in discarded)
    assert (editor.text != before) == ("result" in accepted)
