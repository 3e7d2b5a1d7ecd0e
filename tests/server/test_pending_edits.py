"""Review in any editor: a change waits, follows its place, and lands on its own text or not at all."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.conftest import Shared
from tests.support.actions import CODE, NEW_ADD, NEW_SUB, edit_call, propose, replacement, run, titled
from tests.support.configuration import write_user_config
from tests.support.editor import CAPABILITIES, Editor, Manner
from tests.support.fake_api import FakeApi, answer
from tests.support.lsp_process import LspProcess
from tests.support.window import Window, ask
from tests.support.workspace import write


@pytest.fixture
def api(shared: Shared) -> FakeApi:
    return shared.api


@pytest.fixture
def editor(shared: Shared) -> Editor:
    return shared.edit(CODE)


# --- review ---------------------------------------------------------------------------------------


def test_a_change_waits_for_review_and_is_accepted_in_one_edit_of_the_changed_lines(
    editor: Editor, api: FakeApi
) -> None:
    edit = propose(editor, api)
    assert editor.text == CODE
    assert "-def add(a, b):\n+def add(a: int, b: int) -> int:" in edit["diff"]
    [mark] = editor.diagnostics()
    assert (mark["severity"], mark["source"], mark["range"]["start"]["line"]) == (3, "missy", 3)
    accept = titled(editor.actions(editor.cursor(4), triggerKind=2), "Missy: Accept")
    assert accept["diagnostics"][0]["data"] == {"id": edit["id"]}
    response = editor.run(accept)
    assert response["result"]["status"] == "applied"
    assert editor.text == CODE.replace("def add(a, b):\n", "def add(a: int, b: int) -> int:\n")
    [sent] = editor.edits
    [change] = sent["edit"]["documentChanges"]
    assert change["textDocument"] == {"uri": editor.uri, "version": 1}
    assert [item["range"]["start"]["line"] for item in change["edits"]] == [3]
    assert editor.diagnostics() == []
    assert not [action for action in editor.actions(editor.cursor(4)) if "Accept" in action["title"]]


def test_a_discarded_change_leaves_everything_as_it_was(editor: Editor, api: FakeApi) -> None:
    edit = propose(editor, api)
    response = editor.run(titled(editor.actions(editor.cursor(3)), "Missy: Discard"))
    assert response["result"] == {"id": edit["id"], "status": "discarded"}
    assert (editor.text, editor.edits, editor.diagnostics()) == (CODE, [], [])
    again = editor.server.command("missy.accept", {"id": edit["id"]})
    assert again["error"]["data"]["kind"] == "invalid_request"
    assert editor.server.command("missy.result", {"id": edit["id"]})["result"]["edit"]["newText"] == NEW_ADD


def test_typing_above_below_and_undone_inside_does_not_move_a_change_off_its_place(
    editor: Editor, api: FakeApi
) -> None:
    edit = propose(editor, api)
    editor.type(0, 0, "# 😋 a comment\n")
    editor.type(9, 0, "    # below\n")
    editor.type(5, 4, "x")
    editor.undo()
    assert editor.server.command("missy.accept", {"id": edit["id"]})["result"]["status"] == "applied"
    assert editor.text == "# 😋 a comment\n" + CODE.replace(
        "def add(a, b):", "def add(a: int, b: int) -> int:"
    ).replace("    return a - b\n", "    # below\n    return a - b\n")


def test_an_overlapping_change_applies_nothing_and_keeps_the_result(editor: Editor, api: FakeApi) -> None:
    edit = propose(editor, api)
    editor.type(4, 11, "1 + ")
    before = editor.text
    result = editor.server.command("missy.accept", {"id": edit["id"]})["result"]
    assert (result["status"], editor.text, editor.edits) == ("conflict", before, [])
    assert result["newText"] == NEW_ADD
    assert "undo" in result["message"]
    assert titled(editor.actions(editor.cursor(4)), "Missy: Show diff")
    editor.undo()
    assert editor.server.command("missy.accept", {"id": edit["id"]})["result"]["status"] == "applied"


def test_two_changes_wait_side_by_side_and_each_lands_on_its_own_place(editor: Editor, api: FakeApi) -> None:
    first = propose(editor, api)
    second = propose(editor, api, NEW_SUB, editor.cursor(8))
    assert len(editor.diagnostics()) == 2
    for edit in (second, first):
        assert editor.server.command("missy.accept", {"id": edit["id"]})["result"]["status"] == "applied"
    assert editor.text == CODE.replace("(a, b):", "(a: int, b: int) -> int:")


def test_a_change_is_accepted_part_by_part(editor: Editor, api: FakeApi) -> None:
    new = CODE.replace("(a, b):", "(a: int, b: int) -> int:")
    edit = propose(editor, api, new, editor.select(0, 8), "refactor")
    assert len(edit["hunks"]) == 2
    part = titled(editor.actions(editor.cursor(0)), "Missy: Accept part 2")
    assert editor.run(part)["result"]["status"] == "applied"
    assert editor.text == CODE.replace("sub(a, b):", "sub(a: int, b: int) -> int:")
    assert editor.server.command("missy.accept", {"id": edit["id"]})["result"]["status"] == "applied"
    assert editor.text == new


def test_retry_one_tier_up_runs_the_same_action_again_where_the_code_stands_now(editor: Editor, api: FakeApi) -> None:
    propose(editor, api)
    editor.type(0, 0, "# typed\n")
    api.enqueue(answer(replacement(NEW_ADD)))
    retry = titled(editor.actions(editor.cursor(5)), "Missy: Retry one tier up")
    editor.run(retry)
    editor.server.until(lambda message: message.get("method") == "window/showMessage")
    assert len(editor.diagnostics()) == 1
    assert editor.diagnostics()[0]["range"]["start"]["line"] == 4
    assert "lines 5-6" in json.dumps(api.requests[-1].json["messages"])


def test_retry_one_tier_down_takes_the_model_of_the_tier_below(editor: Editor, api: FakeApi) -> None:
    edit = propose(editor, api, tier="primary")
    down = titled(editor.actions(editor.cursor(4)), "Missy: Retry one tier down")
    assert down["kind"] == "quickfix.missy.retry-down"
    assert down["command"]["arguments"] == [{"id": edit["id"], "tier": "fast"}]
    api.enqueue(answer(replacement(NEW_ADD)))
    response = editor.server.command("missy.retry", {**down["command"]["arguments"][0], "wait": True})
    assert (response["result"]["tier"], api.requests[-1].json["model"]) == ("fast", "claude-haiku-4-5")
    titles = [action["title"] for action in editor.actions(editor.cursor(4))]
    assert any("one tier up" in title for title in titles)
    assert not any("one tier down" in title for title in titles)


def test_a_retried_fix_still_knows_what_the_checker_said(editor: Editor, api: FakeApi) -> None:
    said = {"range": editor.cursor(4), "message": "undefined name: frobnicate", "severity": 1, "source": "checker"}
    api.enqueue(answer(replacement(NEW_ADD)), answer(replacement(NEW_ADD)))
    response = run(editor, "fix", editor.cursor(4), diagnostics=[said])
    editor.type(0, 0, "# typed\n")
    editor.server.command("missy.retry", {"id": response["result"]["edit"]["id"], "wait": True})
    first, second = (json.dumps(request.json["messages"]) for request in api.requests[-2:])
    assert "frobnicate" in first
    assert "frobnicate" in second


def test_closing_the_document_ends_what_waited_on_it(editor: Editor, api: FakeApi) -> None:
    edit = propose(editor, api)
    editor.server.notify("textDocument/didClose", {"textDocument": {"uri": editor.uri}})
    response = editor.server.command("missy.accept", {"id": edit["id"]})
    assert response["error"]["data"]["kind"] == "invalid_request"
    assert editor.diagnostics() == []


def test_direct_review_applies_at_once(shared: Shared, api: FakeApi) -> None:
    shared.configure(edits={"review": "direct"})
    editor = shared.edit(CODE)
    api.enqueue(answer(replacement(NEW_ADD)))
    response = run(editor, "add-types", editor.cursor(4))
    assert response["result"]["edit"]["status"] == "applied"
    assert editor.text == CODE.replace("add(a, b):", "add(a: int, b: int) -> int:")


@pytest.mark.parametrize(
    ("manner", "status", "is_changed"),
    [
        ("full sync", "applied", True),
        ("says yes to all", "applied", True),
        ("answers null", "applied", True),
        ("types first", "applied", True),
        ("refuses", "refused", False),
        ("does nothing", "refused", False),
        ("destroys", "conflict", True),
    ],
)
def test_the_text_and_not_the_editors_word_decides_what_became_of_a_change(
    shared: Shared, api: FakeApi, manner: Manner, status: str, is_changed: bool
) -> None:
    editor = shared.edit(CODE)
    edit = propose(editor, api)
    editor.manner = manner
    result = editor.server.command("missy.accept", {"id": edit["id"]})["result"]
    assert result["status"] == status
    assert (editor.text != CODE) == is_changed
    if status == "applied":
        assert editor.text.removeprefix("# typed\n") == CODE.replace("add(a, b):", "add(a: int, b: int) -> int:")
    else:
        assert result["message"]
        assert result["newText"] == NEW_ADD


def test_a_deletion_counts_as_applied_where_something_is_typed_in_the_same_moment(shared: Shared, api: FakeApi) -> None:
    text = "keep\nkill\nkeep2\n"
    editor = shared.edit(text)
    api.enqueue(answer(replacement("")))
    edit = run(editor, "edit", editor.select(1, 1), instruction="delete this")["result"]["edit"]

    def types_and_applies(params: object) -> object:
        editor.type(0, 0, "# typed\n")
        editor.type(2, 0, "", until=(3, 0))
        return {"applied": False, "failureReason": "it moved"}

    editor.server.answer("workspace/applyEdit", types_and_applies)
    result = editor.server.command("missy.accept", {"id": edit["id"]})["result"]
    assert (result["status"], editor.text) == ("applied", "# typed\nkeep\nkeep2\n")
    assert editor.diagnostics() == []


# --- an editor that lets no server change a document ------------------------------------------------


@pytest.fixture
def unwilling(isolated_home: Path, own_api: FakeApi, tmp_path: Path) -> Iterator[Window]:
    write_user_config(isolated_home, own_api.base_url, tools={"mode": "edit"})
    capabilities = copy.deepcopy(CAPABILITIES)
    capabilities["workspace"]["applyEdit"] = False  # type: ignore[index]
    with LspProcess() as process:
        process.initialize(tmp_path, capabilities)
        yield Window(process, tmp_path)


@pytest.fixture
def own_api() -> Iterator[FakeApi]:
    with FakeApi() as api:
        yield api


@pytest.mark.parametrize("manner", ["honest", "full sync"])
@pytest.mark.parametrize("of", ["one place", "several files"])
def test_a_deletion_that_a_code_action_carried_is_known_as_applied(
    unwilling: Window, own_api: FakeApi, tmp_path: Path, of: str, manner: Manner
) -> None:
    text = "keep\nkill\nkeep2\n"
    write(tmp_path / "a.py", text)
    editor = unwilling.open("a.py", text, manner)
    if of == "one place":
        own_api.enqueue(answer(replacement("")))
        place = editor.select(1, 1)
        change_id = run(editor, "edit", place, instruction="delete this")["result"]["edit"]["id"]
    else:
        change_id = ask(editor.server, own_api, edit_call("a.py", "kill\n", ""))["id"]
    editor.run(titled(editor.actions(editor.cursor(1)), "Missy: Accept"))
    assert editor.text == "keep\nkeep2\n"
    assert "error" in editor.server.command("missy.accept", {"id": change_id})
    assert editor.diagnostics() == []
    assert not [action for action in editor.actions(editor.cursor(1)) if "Discard" in action["title"]]


@pytest.mark.parametrize("of", ["one place", "several files"])
def test_where_the_place_of_a_change_is_gone_no_accept_is_offered_that_would_do_nothing(
    unwilling: Window, own_api: FakeApi, tmp_path: Path, of: str
) -> None:
    write(tmp_path / "a.py", CODE)
    editor = unwilling.open("a.py", CODE)
    if of == "one place":
        propose(editor, own_api)
    else:
        ask(editor.server, own_api, edit_call("a.py", "def add(a, b):", "def plus(a, b):"))
    assert titled(editor.actions(editor.cursor(3)), "Missy: Accept")["edit"]
    editor.type(3, 4, "x")
    offered = editor.actions(editor.cursor(3))
    assert titled(offered, "Missy: Discard")
    assert not [action for action in offered if "Accept" in action["title"]]
    editor.undo()
    assert titled(editor.actions(editor.cursor(3)), "Missy: Accept")["edit"]


def test_a_new_file_is_accepted_there_by_the_command(unwilling: Window, own_api: FakeApi, tmp_path: Path) -> None:
    editor = unwilling.open("a.py", CODE)
    own_api.enqueue(answer("<path>tests/test_add.py</path>\n<replacement>\nassert add\n</replacement>"))
    run(editor, "write-tests", editor.cursor(4))
    accepted = editor.run(titled(editor.actions(editor.cursor(4)), "Missy: Accept"))
    assert accepted["result"]["status"] == "applied"
    assert (tmp_path / "tests" / "test_add.py").read_text() == "assert add\n"


def test_what_the_user_wrote_into_the_draft_is_what_the_code_action_carries(
    unwilling: Window, own_api: FakeApi
) -> None:
    editor = unwilling.open("a.py", CODE)
    edit = propose(editor, own_api)
    draft = Path(editor.server.command("missy.editProposal", {"id": edit["id"]})["result"]["uri"][len("file://") :])
    draft.write_bytes(b"\xff")
    assert not [action for action in editor.actions(editor.cursor(4)) if "Accept" in action["title"]]
    draft.write_text(NEW_ADD.replace("int", "float"))
    editor.run(titled(editor.actions(editor.cursor(4)), "Missy: Accept"))
    assert editor.text == CODE.replace("add(a, b):", "add(a: float, b: float) -> float:")
    assert "error" in editor.server.command("missy.accept", {"id": edit["id"]})
