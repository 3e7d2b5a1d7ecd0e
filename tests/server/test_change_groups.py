"""tools: edit over the wire: one change of several files, reviewed and accepted whole or by file, or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.server.conftest import Shared
from tests.support.actions import edit_call, titled, tool_turn
from tests.support.fake_api import FakeApi, answer, block_start, message_start, stream, text_delta
from tests.support.lsp_process import LspProcess
from tests.support.window import NEW_A, NEW_B, NEW_C, RENAME, A, B, Window, ask, on_disk
from tests.support.workspace import write


@pytest.fixture
def api(shared: Shared) -> FakeApi:
    return shared.api


@pytest.fixture
def server(shared: Shared) -> LspProcess:
    return shared.process


@pytest.fixture
def folder(two_files: Path) -> Path:
    return two_files


def test_one_change_of_several_files_waits_and_is_accepted_whole(
    server: LspProcess, api: FakeApi, folder: Path, window: Window
) -> None:
    editor = window.open("a.py", A)
    edit = ask(server, api, *RENAME)
    assert (edit["status"], [file["path"] for file in edit["files"]]) == ("pending", ["a.py", "b.py", "tests/c.py"])
    assert [(file["status"], file["added"], file["removed"], file["isNew"]) for file in edit["files"]] == [
        ("pending", 1, 1, False),
        ("pending", 1, 1, False),
        ("pending", 5, 0, True),
    ]
    assert "-def add(a, b):\n+def plus(a, b):\n" in edit["files"][0]["diff"]
    assert on_disk(folder) == {"a.py": A, "b.py": B}
    assert editor.text == A
    [results] = [message["content"] for message in api.requests[-1].json["messages"][-1:]]  # type: ignore[index]
    assert [block["type"] for block in results] == ["tool_result"] * 3
    [mark] = editor.diagnostics()
    assert (mark["source"], mark["range"]["start"]["line"]) == ("missy", 0)
    accept = titled(editor.actions(editor.cursor(0), triggerKind=2), "Missy: Accept all 3 files")
    accepted = editor.run(accept)["result"]
    assert (accepted["status"], {file["status"] for file in accepted["files"]}) == ("applied", {"applied"})
    assert editor.text == NEW_A
    assert on_disk(folder) == {
        "a.py": A,
        "b.py": NEW_B,
        "tests/c.py": NEW_C,
    }  # an open document is the editor's to save
    assert editor.diagnostics() == []
    again = server.command("missy.accept", {"id": edit["id"]})
    assert again["error"]["data"]["kind"] == "invalid_request"


def test_a_change_is_accepted_by_file_and_the_rest_discarded(
    server: LspProcess, api: FakeApi, folder: Path, window: Window
) -> None:
    editor = window.open("a.py", A)
    edit = ask(server, api, *RENAME)
    first = server.command("missy.accept", {"id": edit["id"], "files": [(folder / "b.py").as_uri()]})["result"]
    assert (first["status"], [file["status"] for file in first["files"]]) == (
        "applied",
        ["pending", "applied", "pending"],
    )
    editor.run(titled(editor.actions(editor.cursor(0)), "Missy: Accept this file"))
    assert editor.text == NEW_A
    assert titled(editor.actions(editor.cursor(0)), "Missy: Discard")["command"]["arguments"] == [{"id": edit["id"]}]
    assert server.command("missy.discard", {"id": edit["id"]})["result"]["status"] == "discarded"
    assert on_disk(folder) == {"a.py": A, "b.py": NEW_B}
    strange = server.command("missy.accept", {"id": edit["id"], "files": ["file:///elsewhere"]})
    assert strange["error"]["data"]["kind"] == "invalid_request"


@pytest.mark.parametrize("changed", ["open document", "file on disk", "new file"])
def test_where_one_file_has_changed_nothing_is_applied_and_all_is_kept(
    server: LspProcess, api: FakeApi, folder: Path, window: Window, changed: str
) -> None:
    editor = window.open("a.py", A)
    edit = ask(server, api, *RENAME)
    match changed:
        case "open document":
            editor.type(0, 4, "x")
        case "file on disk":
            write(folder / "b.py", f"# changed\n{B}")
        case "new file":
            write(folder / "tests" / "c.py", "mine\n")
    before = (editor.text, on_disk(folder))
    result = server.command("missy.accept", {"id": edit["id"]})["result"]
    name = {"open document": "a.py", "file on disk": "b.py", "new file": "tests/c.py"}[changed]
    assert (result["status"], {file["status"] for file in result["files"]}) == ("conflict", {"pending"})
    assert result["message"].startswith(f"{name} {'exists already' if changed == 'new file' else 'changed since'}")
    assert (editor.text, on_disk(folder)) == before
    match changed:
        case "open document":
            editor.undo()
        case "file on disk":
            write(folder / "b.py", B)
        case "new file":
            (folder / "tests" / "c.py").unlink()
    assert server.command("missy.accept", {"id": edit["id"]})["result"]["status"] == "applied"


def test_typing_elsewhere_in_a_file_is_no_obstacle(
    server: LspProcess, api: FakeApi, folder: Path, window: Window
) -> None:
    editor = window.open("a.py", A)
    edit = ask(server, api, *RENAME)
    editor.type(0, 0, "# above\n")
    assert server.command("missy.accept", {"id": edit["id"]})["result"]["status"] == "applied"
    assert editor.text == f"# above\n{NEW_A}"


def test_an_editor_that_refuses_keeps_every_file_as_it_was(
    server: LspProcess, api: FakeApi, folder: Path, window: Window
) -> None:
    editor = window.open("a.py", A, manner="refuses")
    edit = ask(server, api, *RENAME)
    result = server.command("missy.accept", {"id": edit["id"]})["result"]
    assert (result["status"], editor.text) == ("refused", A)
    assert "0 of 3 files were changed" in result["message"]
    assert on_disk(folder) == {"a.py": A, "b.py": B}


def test_a_file_that_is_opened_later_is_marked_and_one_that_is_closed_is_still_written(
    server: LspProcess, api: FakeApi, folder: Path, window: Window
) -> None:
    edit = ask(server, api, *RENAME)
    elsewhere = window.open("other.py", "x = 1\n")
    assert titled(elsewhere.actions(elsewhere.cursor(0)), "Missy: Accept all 3 files")
    editor = window.open("b.py", B)
    assert len(editor.actions(editor.cursor(3), triggerKind=2)) > 0
    assert editor.diagnostics()[0]["range"]["start"]["line"] == 3
    server.notify("textDocument/didClose", {"textDocument": {"uri": editor.uri}})
    assert server.command("missy.accept", {"id": edit["id"]})["result"]["status"] == "applied"
    assert on_disk(folder) == {"a.py": NEW_A, "b.py": NEW_B, "tests/c.py": NEW_C}


def test_the_diff_of_all_files_and_the_change_of_one_can_be_had(
    server: LspProcess, api: FakeApi, folder: Path, window: Window
) -> None:
    window.open("a.py", A)
    edit = ask(server, api, *RENAME)
    whole = server.command("missy.showDiff", {"id": edit["id"], "show": False})["result"]
    assert whole == edit
    one = server.command("missy.showDiff", {"id": edit["files"][0]["id"], "show": False})["result"]
    assert (one["originalText"], one["newText"]) == ("def add(a, b):\n", "def plus(a, b):\n")
    new = server.command("missy.showDiff", {"id": edit["files"][2]["id"], "show": False})["result"]
    assert (new["originalText"], new["newText"], new["newFile"]) == ("", NEW_C, (folder / "tests" / "c.py").as_uri())
    server.command("missy.showDiff", {"id": edit["id"]})
    said = server.until(lambda message: message.get("method") == "window/showMessage")["params"]["message"]
    text = Path(said.partition("shown in ")[2]).read_text("utf-8")
    assert [line for line in text.splitlines() if line.startswith("+++")] == ["+++ a.py", "+++ b.py", "+++ tests/c.py"]


def test_retry_asks_again_and_takes_the_place_of_the_change(
    server: LspProcess, api: FakeApi, folder: Path, window: Window
) -> None:
    edit = ask(server, api, *RENAME)
    api.enqueue(tool_turn(RENAME[0]), answer("Again."))
    again = server.command("missy.retry", {"id": edit["id"], "wait": True})["result"]["edit"]
    assert [file["path"] for file in again["files"]] == ["a.py"]
    assert "error" in server.command("missy.accept", {"id": edit["id"]})
    assert server.command("missy.accept", {"id": again["id"]})["result"]["status"] == "applied"


def test_a_retry_on_a_named_tier_leaves_the_model_that_was_named(
    server: LspProcess, api: FakeApi, folder: Path
) -> None:
    api.enqueue(tool_turn(RENAME[0]), answer("Done."), tool_turn(RENAME[0]), answer("Again."))
    named = {"prompt": "rename it", "tools": "edit", "model": "claude-haiku-4-5", "wait": True}
    edit = server.command("missy.ask", named)["result"]["edit"]
    again = server.command("missy.retry", {"id": edit["id"], "tier": "premium", "wait": True})["result"]
    assert (again["tier"], again["edit"]["status"]) == ("premium", "pending")
    models = [request.json["model"] for request in api.requests]
    assert models[0] == "claude-haiku-4-5"
    assert models[2] != models[0]


def test_direct_review_applies_at_once(server: LspProcess, api: FakeApi, shared: Shared, folder: Path) -> None:
    shared.configure(tools={"mode": "edit"}, edits={"review": "direct"})
    assert ask(server, api, *RENAME)["status"] == "applied"
    assert on_disk(folder) == {"a.py": NEW_A, "b.py": NEW_B, "tests/c.py": NEW_C}


def test_an_answer_without_an_edit_has_none(server: LspProcess, api: FakeApi, folder: Path) -> None:
    assert ask(server, api, ("read_file", {"path": "a.py"})) is None


@pytest.mark.parametrize("ending", ["max_tokens", "too many turns", "refusal", "drop"])
def test_a_draft_is_dropped_and_said_where_the_answer_does_not_end_well(
    server: LspProcess, api: FakeApi, folder: Path, ending: str
) -> None:
    endless = [tool_turn(edit_call(f"made{number}.py", "", "x = 1\n")) for number in range(8)]
    match ending:
        case "max_tokens":
            api.enqueue(tool_turn(*RENAME), answer("And then", stop_reason="max_tokens"))
        case "too many turns":
            api.enqueue(*endless)
        case "refusal":
            api.enqueue(tool_turn(*RENAME), answer("I can't.", stop_reason="refusal"))
        case "drop":
            api.enqueue(tool_turn(*RENAME), stream(message_start(), block_start(), text_delta("Half")))
    response = server.command("missy.ask", {"prompt": "rename", "tools": "edit", "wait": True})
    if ending in ("refusal", "drop"):
        kinds = {"refusal": "refused", "drop": "truncated"}
        assert response["error"]["data"]["kind"] == kinds[ending]
        said = server.until(lambda message: message.get("method") == "window/showMessage")["params"]["message"]
    else:
        edit = response["result"]["edit"]
        assert (edit["status"], edit["files"]) == ("refused", [])
        said = edit["message"]
    assert "edits that the model had drafted were dropped" in said
    assert on_disk(folder) == {"a.py": A, "b.py": B}
    assert len(api.requests) <= 8


def test_a_loop_of_tools_ends_after_eight_turns_and_twenty_edits(
    server: LspProcess, api: FakeApi, folder: Path
) -> None:
    number = iter(range(10_000))
    calls = [[edit_call(f"made/{next(number)}.py", "", "x = 1\n") for _ in range(5)] for _ in range(20)]
    api.enqueue(*(tool_turn(*turn) for turn in calls))
    response = server.command("missy.ask", {"prompt": "go on", "tools": "edit", "wait": True})
    assert len(api.requests) == 8
    assert response["result"]["edit"]["message"].startswith("The 20 edits that the model had drafted were dropped")
    assert not (folder / "made").exists()


@pytest.mark.parametrize(
    ("mode", "wanted", "tools"),
    [("read", "edit", 5), ("edit", "read", 5), ("edit", None, 6), ("edit", "off", 0), ("off", "edit", 0)],
)
def test_tools_never_exceed_what_is_configured(
    server: LspProcess, api: FakeApi, shared: Shared, folder: Path, mode: str, wanted: str | None, tools: int
) -> None:
    shared.configure(tools={"mode": mode})
    api.enqueue(answer("Yes."))
    asked: dict[str, object] = {"prompt": "rename", "wait": True}
    server.command("missy.ask", asked if wanted is None else {**asked, "tools": wanted})
    offered: Any = api.requests[-1].json.get("tools", [])
    assert len(offered) == tools
    assert ("edit_file" in json.dumps(offered)) == (tools == 6)
    if wanted == "edit":
        said = server.until(lambda message: message.get("method") == "window/showMessage")["params"]["message"]
        assert "may read files and edit none" in said


def test_a_folder_that_is_not_trusted_is_read_and_not_edited(server: LspProcess, api: FakeApi, folder: Path) -> None:
    write(folder / ".missy" / "config.yaml", "routing: {mode: fast}\n")
    try:
        api.enqueue(tool_turn(*RENAME), answer("I can't."))
        response = server.command("missy.ask", {"prompt": "rename", "tools": "edit", "wait": True})
        offered: Any = api.requests[0].json["tools"]
        assert len(offered) == 5
        assert "edit" not in response["result"]
        assert on_disk(folder) == {"a.py": A, "b.py": B}
    finally:
        (folder / ".missy" / "config.yaml").unlink()
