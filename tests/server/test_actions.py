"""Code actions over the wire: the real server, an editor in miniature, a scripted upstream."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.server.conftest import Shared
from tests.support.actions import CODE, NEW_ADD, NEW_SUB, propose, replacement, run, titled
from tests.support.configuration import write_user_config
from tests.support.editor import Editor
from tests.support.fake_api import FakeApi, Hold, answer, block_start, message_start, stream, text_delta
from tests.support.lsp_process import LspProcess


@pytest.fixture
def api(shared: Shared) -> FakeApi:
    return shared.api


@pytest.fixture
def editor(shared: Shared) -> Editor:
    return shared.edit(CODE)


# --- what is offered ------------------------------------------------------------------------------


def test_every_action_has_its_kind_and_says_that_a_model_writes_it(editor: Editor) -> None:
    actions = {action["title"]: action for action in editor.actions(editor.select(3, 4))}
    kinds = {action["kind"] for action in actions.values()}
    assert {"refactor.rewrite.missy.refactor", "missy.explain", "missy.review"} <= kinds
    assert not [kind for kind in kinds if "missy." not in kind]
    assert all("isPreferred" not in action for action in actions.values())
    assert titled(list(actions.values()), "Missy: Explain")["tags"] == [1]


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        (["refactor"], "refactor.rewrite.missy."),
        (["refactor.rewrite.missy.simplify"], "refactor.rewrite.missy.simplify"),
        (["source"], "source.missy."),
        (["missy"], "missy."),
    ],
    ids=lambda value: str(value),
)
def test_only_the_kinds_that_are_asked_for_are_offered(editor: Editor, only: list[str], expected: str) -> None:
    kinds = [action["kind"] for action in editor.actions(editor.select(3, 4), only=only)]
    assert kinds
    assert all(kind.startswith(expected) for kind in kinds)


DIAGNOSTIC = {
    "range": {"start": {"line": 4, "character": 11}, "end": {"line": 4, "character": 12}},
    "message": "undefined name 'a'",
    "severity": 1,
    "source": "pyflakes",
    "code": "F821",
}


def test_an_automatic_request_is_offered_a_fix_for_a_diagnostic_and_nothing_else(editor: Editor) -> None:
    assert editor.actions(editor.select(3, 4), triggerKind=2) == []
    [fix] = editor.actions(editor.cursor(4, 11), triggerKind=2, diagnostics=[DIAGNOSTIC])
    assert fix["kind"] == "quickfix.missy.fix"
    assert fix["diagnostics"][0]["message"] == DIAGNOSTIC["message"]


def test_a_fix_sends_the_diagnostic_and_the_definition_around_it(editor: Editor, api: FakeApi) -> None:
    fix = titled(editor.actions(editor.cursor(4, 11), diagnostics=[DIAGNOSTIC]), "Missy: Fix")
    api.enqueue(answer(replacement(NEW_ADD)))
    editor.run(fix)
    editor.server.until(lambda message: message.get("method") == "window/showMessage")
    said = json.dumps(api.requests[0].json["messages"])
    assert "undefined name 'a'" in said
    assert "pyflakes F821" in said
    assert "lines 4-5" in said


WHOLE = {"start": {"line": 3, "character": 0}, "end": {"line": 5, "character": 0}}


def test_a_client_without_literals_gets_commands(isolated_home: Path, api: FakeApi, tmp_path: Path) -> None:
    write_user_config(isolated_home, api.base_url)
    with LspProcess() as server:
        server.initialize(tmp_path, {"workspace": {"applyEdit": True}})
        actions = Editor(server, "file:///project/a.py", CODE).actions(WHOLE)
        assert actions
        assert all(isinstance(action["command"], str) for action in actions)


# --- instructions ---------------------------------------------------------------------------------

COMMENTED = "x = 1\n# missy: make it 2\ndef f():\n    return 1\n"


def test_a_comment_is_done_and_goes_away_with_the_accepted_change(shared: Shared, api: FakeApi) -> None:
    editor = shared.edit(COMMENTED)
    api.enqueue(answer(replacement("def f():\n    return 2\n")))
    do_it = titled(editor.actions(editor.cursor(1, 3)), "Missy: Do it: make it 2")
    editor.run(do_it)
    editor.server.until(lambda message: message.get("method") == "window/showMessage")
    said = json.dumps(api.requests[0].json["messages"])
    assert "The user's instruction: make it 2" in said
    editor.run(titled(editor.actions(editor.cursor(2)), "Missy: Accept"))
    assert editor.text == "x = 1\ndef f():\n    return 2\n"


def test_an_edit_without_a_place_to_type_begins_a_comment_for_the_instruction(editor: Editor) -> None:
    edit = titled(editor.actions(editor.select(4, 4)), "Missy: Edit")
    assert "command" not in edit
    editor.run(edit)
    assert editor.text == CODE.replace("    return a + b\n", "    # missy: \n    return a + b\n")


def test_an_edit_at_the_cursor_writes_there(editor: Editor, api: FakeApi) -> None:
    api.enqueue(answer(replacement("VERSION = 1\n")))
    result = run(editor, "edit", editor.cursor(1), instruction="add a version")["result"]
    assert editor.server.command("missy.accept", {"id": result["edit"]["id"]})["result"]["status"] == "applied"
    assert editor.text == CODE.replace("import os\n\n", "import os\nVERSION = 1\n", 1)


# --- what can go wrong ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ({"action": "dance"}, -32602, "There is no action 'dance' here. There are: "),
        ({"action": "edit"}, -32602, "needs an instruction"),
        ({"action": "explain", "textDocument": {"uri": "file:///closed.py"}}, -32803, "is not open"),
        ({"action": "explain", "textDocument": {"version": 7}}, -32801, "version"),
        ({}, -32602, "action is missing"),
    ],
    ids=["unknown", "no instruction", "closed", "old version", "no action"],
)
def test_a_request_that_can_not_be_met_says_why(
    editor: Editor, arguments: dict[str, Any], code: int, words: str
) -> None:
    document = {"uri": editor.uri, **arguments.get("textDocument", {})}
    given = {"range": editor.cursor(4), "wait": True, **arguments, "textDocument": document}
    error = editor.server.command("missy.runAction", given)["error"]
    assert error["code"] == code
    assert words in error["message"]


@pytest.mark.parametrize(
    ("reply", "stop_reason", "outcome"),
    [
        ("I would rather not change this.", "end_turn", "refused"),
        (replacement("x = 1\n") + replacement("y = 1\n"), "end_turn", "refused"),
        ("<replacement>\ndef add(a", "end_turn", "refused"),
        (replacement(NEW_ADD + "    # ... rest of the code unchanged\n"), "end_turn", "refused"),
        (replacement(NEW_ADD), "max_tokens", "truncated"),
        ("", "end_turn", "invalid_response"),
    ],
    ids=["prose", "two blocks", "unclosed", "elided", "cut", "nothing"],
)
def test_a_reply_that_is_no_whole_edit_changes_nothing(
    editor: Editor, api: FakeApi, reply: str, stop_reason: str, outcome: str
) -> None:
    api.enqueue(answer(reply, stop_reason=stop_reason))
    api.enqueue(answer(reply, stop_reason=stop_reason))
    response = run(editor, "add-types", editor.cursor(4))
    if outcome == "refused":
        assert response["result"]["edit"]["status"] == "refused"
        assert response["result"]["edit"]["message"]
        assert reply in response["result"]["text"]
        assert len(api.requests) == 2, "asked once for a repair"
    else:
        assert response["error"]["data"]["kind"] == outcome
    assert (editor.text, editor.edits, editor.diagnostics()) == (CODE, [], [])


def test_a_repaired_reply_is_taken(editor: Editor, api: FakeApi) -> None:
    api.enqueue(answer("Sure, here you are."))
    edit = propose(editor, api)
    assert edit["newText"] == NEW_ADD
    roles = [message["role"] for message in api.requests[-1].json["messages"]]  # type: ignore[attr-defined, index]
    assert roles == ["user", "assistant", "user"]


def test_stopping_an_action_applies_nothing(editor: Editor, api: FakeApi) -> None:
    api.enqueue(stream(message_start(), block_start(), text_delta("<replacement>\ndef add"), Hold()))
    arguments = {"action": "add-types", "textDocument": {"uri": editor.uri}, "range": editor.cursor(4)}
    run_id = editor.server.command("missy.runAction", arguments)["result"]["id"]
    stop = titled(editor.actions(editor.cursor(0)), "Missy: Stop add-types add")
    api.wait_for_requests(1)
    editor.run(stop)
    editor.server.until(
        lambda message: message.get("method") == "$/progress" and message["params"]["value"]["kind"] == "end"
    )
    result = editor.server.command("missy.result", {"id": run_id})["result"]
    assert (result["stopReason"], "edit" in result, editor.text) == ("cancelled", False, CODE)


def test_preview_is_exactly_what_is_sent(editor: Editor, api: FakeApi) -> None:
    arguments = {"action": "add-types", "textDocument": {"uri": editor.uri}, "range": editor.cursor(4)}
    preview = editor.server.command("missy.preview", arguments)["result"]
    assert api.requests == []
    propose(editor, api)
    assert preview["request"]["body"] == api.requests[0].json
    assert "sk-ant" not in json.dumps(preview)


def test_a_second_action_on_a_file_sends_the_same_bytes_up_to_the_breakpoint(editor: Editor, api: FakeApi) -> None:
    propose(editor, api)
    propose(editor, api, NEW_SUB, editor.cursor(8), "document")
    first, second = (request.json for request in api.requests)
    assert first["system"] == second["system"]
    assert first["messages"][0]["content"][0] == second["messages"][0]["content"][0]  # type: ignore[index]


def test_the_actions_that_apply_to_a_place_are_listed(editor: Editor) -> None:
    everywhere = editor.server.command("missy.listActions")["result"]
    assert {"explain", "edit", "fix", "refactor", "commit-message"} <= {action["id"] for action in everywhere}
    assert set(everywhere[0]) == {"id", "title", "kind", "when", "result", "tier", "source"}
    here = editor.server.command("missy.listActions", {"textDocument": {"uri": editor.uri}})["result"]
    assert "commit-message" not in {action["id"] for action in here}


def configure(editor: Editor, settings: dict[str, Any]) -> None:
    editor.server.notify("workspace/didChangeConfiguration", {"settings": {"missy": settings}})


def test_a_rule_of_the_configuration_names_the_tier_of_an_action(
    editor: Editor, request: pytest.FixtureRequest
) -> None:
    routing = {"actions": {"explain": "premium"}, "paths": {"*.py": "fast"}}
    request.addfinalizer(lambda: configure(editor, {}))  # the server serves the next tests too
    configure(editor, {"routing": routing})
    listed = editor.server.command("missy.listActions", {"textDocument": {"uri": editor.uri}})["result"]
    assert {action["id"]: action["tier"] for action in listed}["explain"] == "premium"
    target = {"textDocument": {"uri": editor.uri}, "action": "explain"}
    by_path = editor.server.command("missy.preview", target)["result"]
    assert (by_path["tier"], by_path["routeReasons"][0]) == ("fast", "routing.paths: *.py takes the fast tier")
    named = editor.server.command("missy.preview", {**target, "tier": "primary"})["result"]
    assert (named["tier"], named["routeReasons"][0]) == ("primary", "you asked for the primary tier")


def test_an_action_of_the_users_is_offered_and_run(shared: Shared, api: FakeApi) -> None:
    folder = shared.home / ".missy" / "actions"
    folder.mkdir(exist_ok=True)
    (folder / "shout.md").write_text("---\ntitle: Shout\nresult: replace\n---\nWrite names in capitals.\n")
    editor = shared.edit(CODE)
    shout = titled(editor.actions(editor.select(3, 4)), "Missy: Shout")
    assert shout["kind"] == "refactor.rewrite.missy.shout"
    api.enqueue(answer(replacement("def ADD(a, b):\n    return a + b\n")))
    editor.run(shout)
    editor.server.until(lambda message: message.get("method") == "window/showMessage")
    assert "Write names in capitals." in api.requests[0].body.decode()
    (folder / "shout.md").unlink()


def test_a_question_in_a_comment_is_answered(shared: Shared, api: FakeApi) -> None:
    editor = shared.edit("# missy: what does it return?\ndef f():\n    return 1\n")
    api.enqueue(answer("One."))
    editor.run(titled(editor.actions(editor.cursor(0)), "Missy: Answer: what does it return?"))
    message = editor.server.until(lambda message: message.get("method") == "window/showMessage")
    assert message["params"]["message"] == "One."
    assert "The user's instruction: what does it return?" in api.requests[0].body.decode()


def test_a_document_that_no_model_can_write_anew_is_refused_before_anything_is_sent(
    shared: Shared, api: FakeApi
) -> None:
    editor = shared.edit("x = 1\n" * 900_000)
    error = editor.server.command(
        "missy.runAction", {"action": "translate-comments", "textDocument": {"uri": editor.uri}, "wait": True}
    )["error"]
    assert error["data"]["kind"] == "context_too_long"
    assert "Select less code" in error["message"]
    assert api.requests == []


@pytest.mark.parametrize(
    ("text", "action", "words"),
    [
        ("\0\1\2binary", "refactor", "not text"),
        ("", "refactor", "no definition around the cursor"),
        ("import os\n", "refactor", "Select the code"),
    ],
    ids=["binary", "empty", "nothing there"],
)
def test_a_place_with_nothing_to_change_is_told(shared: Shared, text: str, action: str, words: str) -> None:
    editor = shared.edit(text)
    error = run(editor, action, editor.cursor(0))["error"]
    assert error["data"]["kind"] == "invalid_request"
    assert words in error["message"]


def test_an_unsaved_document_of_any_scheme_will_do(shared: Shared, api: FakeApi) -> None:
    editor = Editor(shared.process, "untitled:Untitled-1", CODE)
    edit = propose(editor, api)
    assert editor.server.command("missy.accept", {"id": edit["id"]})["result"]["status"] == "applied"


NEW_FILE = "<path>tests/test_add.py</path>\n<replacement>\ndef test_add():\n    assert add(1, 2) == 3\n</replacement>"


def test_a_new_file_is_written_when_it_is_accepted_and_never_over_another(shared: Shared, api: FakeApi) -> None:
    uri = (shared.folder / "a.py").as_uri()
    editor = Editor(shared.process, uri, CODE)
    path = shared.folder / "tests" / "test_add.py"
    for expected in ("applied", "refused"):
        api.enqueue(answer(NEW_FILE))
        edit = run(editor, "write-tests", editor.cursor(4))["result"]["edit"]
        assert (edit["status"], edit["newFile"]) == ("pending", path.as_uri())
        result = editor.server.command("missy.accept", {"id": edit["id"]})["result"]
        assert result["status"] == expected
        assert path.read_text() == "def test_add():\n    assert add(1, 2) == 3\n"
        editor.server.command("missy.discard", {"id": edit["id"]})
    assert "exists already" in result["message"]


def test_where_the_editor_takes_no_edits_the_code_action_carries_them(
    isolated_home: Path, api: FakeApi, tmp_path: Path
) -> None:
    write_user_config(isolated_home, api.base_url)
    literals = {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": []}}}
    with LspProcess() as server:
        server.initialize(tmp_path, {"textDocument": {"codeAction": literals}})
        editor = Editor(server, "file:///project/a.py", CODE)
        edit = propose(editor, api)
        refused = server.command("missy.accept", {"id": edit["id"]})["result"]
        assert (refused["status"], editor.text) == ("refused", CODE)
        accept = titled(editor.actions(editor.cursor(3)), "Missy: Accept")
        assert "command" not in accept
        editor.run(accept)
        assert editor.text == CODE.replace("add(a, b):", "add(a: int, b: int) -> int:")
        assert editor.edits == []
        assert server.command("missy.accept", {"id": edit["id"]})["error"]["data"]["kind"] == "invalid_request"


def test_a_proposal_can_be_edited_before_it_is_accepted(editor: Editor, api: FakeApi) -> None:
    edit = propose(editor, api)
    opened = editor.server.command("missy.editProposal", {"id": edit["id"]})["result"]
    path = Path(opened["uri"].removeprefix("file://"))
    assert path.read_text() == NEW_ADD
    path.write_text(NEW_ADD.replace("int", "float"))
    assert editor.server.command("missy.accept", {"id": edit["id"]})["result"]["status"] == "applied"
    assert editor.text == CODE.replace("add(a, b):", "add(a: float, b: float) -> float:")


def test_a_diff_is_shown_as_a_document(editor: Editor, api: FakeApi) -> None:
    edit = propose(editor, api)
    shown = editor.server.command("missy.showDiff", {"id": edit["id"]})["result"]
    assert shown["diff"] == edit["diff"]
    message = editor.server.until(
        lambda message: "change.diff" in str(message.get("params")) and message.get("method") == "window/showMessage"
    )
    assert Path(message["params"]["message"].rsplit(" ", 1)[1]).read_text() == edit["diff"]


def test_what_was_spent_is_told(editor: Editor, api: FakeApi) -> None:
    before = editor.server.command("missy.usage")["result"]
    propose(editor, api)
    after = editor.server.command("missy.usage", {"since": "1h"})["result"]
    assert after["total"]["requests"] == before["total"]["requests"] + 1
    assert after["todayUsd"] > before["todayUsd"]
    assert "add-types" in {entry["key"] for entry in after["byAction"]}
    error = editor.server.command("missy.usage", {"since": "ages"})["error"]
    assert error["code"] == -32602
