"""An answer or a change asked for again on another tier, in any editor: by a code action, or by its id."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.conftest import Shared
from tests.support.actions import CODE, NEW_ADD, edit_call, propose, replacement, run, titled, tool_turn
from tests.support.configuration import FAKE_KEY
from tests.support.editor import Editor
from tests.support.fake_api import Reply, answer, api_error
from tests.support.window import Window
from tests.support.window import ask as ask_for_edits
from tests.support.workspace import write

A, B = "def add(a, b):\n    return a + b\n", "import a\n\n\nprint(a.add(1, 2))\n"
RENAME = (edit_call("a.py", "def add(a, b):", "def plus(a, b):"), edit_call("b.py", "a.add(1, 2)", "a.plus(1, 2)"))
FAILURE = api_error(400, "invalid_request_error", "no")
LINES = "".join(f"line{number}\n" for number in range(20))


def again_titles(editor: Editor, **context: object) -> list[str]:
    return [action["title"] for action in editor.actions(editor.cursor(3), **context) if "Ask again" in action["title"]]


def texts(body: Any) -> list[str]:
    """Return what was said; where the cache is used is up to the model."""
    return [block["text"] for message in body["messages"] for block in message["content"]]


def test_an_answer_is_asked_for_again_one_tier_up_and_down(shared: Shared) -> None:
    editor, api = shared.edit(CODE), shared.api
    assert again_titles(editor) == []
    api.enqueue(answer("first"))
    first = run(editor, "explain", editor.select(3, 4), tier="primary", instruction="in short")["result"]
    assert again_titles(editor) == ["Missy: Ask again one tier up", "Missy: Ask again one tier down"]
    up = titled(editor.actions(editor.cursor(3)), "Missy: Ask again one tier up")
    assert (up["kind"], up["command"]["command"]) == ("missy.retry-up", "missy.retry")
    assert up["command"]["arguments"] == [{"id": first["id"], "tier": "premium"}]
    api.enqueue(answer("second"))
    second = editor.server.command("missy.retry", {**up["command"]["arguments"][0], "wait": True})["result"]
    before, after = (request.json for request in api.requests[-2:])
    assert (second["tier"], second["text"], after["model"]) == ("premium", "second", "claude-opus-4-6")
    assert texts(before) == texts(after)
    assert again_titles(editor) == ["Missy: Ask again one tier down"]


def test_it_is_not_offered_unasked_nor_once_the_document_has_changed(shared: Shared) -> None:
    editor, api = shared.edit(CODE), shared.api
    api.enqueue(answer("first"))
    first = run(editor, "explain", editor.select(3, 4), tier="primary")["result"]
    assert again_titles(editor, triggerKind=2) == []
    editor.type(0, 0, "# typed\n")
    assert again_titles(editor) == []
    error = editor.server.command("missy.retry", {"id": first["id"], "wait": True})["error"]
    assert error["data"]["kind"] == "invalid_request"
    assert "has changed since" in error["message"]


def test_a_question_that_failed_or_has_no_document_is_asked_again_by_its_id(shared: Shared) -> None:
    editor, api = shared.edit(CODE), shared.api
    api.enqueue(api_error(400, "invalid_request_error", "no"), answer("ok"))
    started = editor.server.command("missy.ask", {"prompt": "why?", "model": "claude-sonnet-4-6", "wait": False})
    run_id = started["result"]["id"]
    editor.server.until(lambda message: message.get("method") == "window/showMessage")
    again = editor.server.command("missy.retry", {"id": run_id, "tier": "fast", "wait": True})["result"]
    assert (again["text"], again["model"], again["tier"]) == ("ok", "claude-sonnet-4-6", "fast")
    assert api.requests[-1].json["model"] == "claude-haiku-4-5"
    unknown = editor.server.command("missy.retry", {"id": "nobody's"})["error"]
    assert unknown["data"]["kind"] == "invalid_request"


# --- changes --------------------------------------------------------------------------------------


@pytest.fixture
def folder(shared: Shared) -> Iterator[Path]:
    shared.configure(tools={"mode": "edit"})
    write(shared.folder / "a.py", A)
    write(shared.folder / "b.py", B)
    yield shared.folder
    for name in ("a.py", "b.py"):
        uri = (shared.folder / name).as_uri()
        shared.process.notify("textDocument/didClose", {"textDocument": {"uri": uri}})


@pytest.mark.parametrize(
    "reply", [FAILURE, answer("There is nothing to change."), answer(replacement(NEW_ADD), stop_reason="max_tokens")]
)
def test_a_change_waits_on_where_a_retry_comes_to_none(shared: Shared, reply: Reply) -> None:
    editor = shared.edit(CODE)
    edit = propose(editor, shared.api)
    shared.api.enqueue(*[reply] * 3)
    editor.server.command("missy.retry", {"id": edit["id"], "wait": True})
    assert [mark["data"]["id"] for mark in editor.diagnostics()] == [edit["id"]]
    assert editor.server.command("missy.accept", {"id": edit["id"]})["result"]["status"] == "applied"


def test_a_new_change_takes_the_place_of_the_one_that_was_retried(shared: Shared) -> None:
    editor = shared.edit(CODE)
    edit = propose(editor, shared.api)
    shared.api.enqueue(answer(replacement(NEW_ADD)))
    again = editor.server.command("missy.retry", {"id": edit["id"], "wait": True})["result"]["edit"]
    assert [mark["data"]["id"] for mark in editor.diagnostics()] == [again["id"]]
    assert "error" in editor.server.command("missy.accept", {"id": edit["id"]})


@pytest.mark.parametrize("replies", [[FAILURE] * 3, [answer("I would not.")]], ids=["failed", "no edit"])
def test_a_change_of_several_files_waits_on_where_a_retry_comes_to_none(
    shared: Shared, folder: Path, replies: list[Reply]
) -> None:
    server = shared.process
    edit = ask_for_edits(server, shared.api, *RENAME)
    shared.api.enqueue(*replies)
    server.command("missy.retry", {"id": edit["id"], "wait": True})
    assert server.command("missy.accept", {"id": edit["id"]})["result"]["status"] == "applied"
    assert (folder / "a.py").read_text() == A.replace("add", "plus")


@pytest.mark.parametrize(
    ("retried", "changed", "left"),
    [
        ("whole", [0], ["discarded", "discarded"]),
        ("first", [0], ["discarded", "pending"]),
        ("first", [1], ["discarded", "discarded"]),
    ],
)
def test_a_retry_by_the_id_of_one_file_leaves_what_the_new_change_does_not_touch(
    shared: Shared, folder: Path, retried: str, changed: list[int], left: list[str]
) -> None:
    server = shared.process
    edit = ask_for_edits(server, shared.api, *RENAME)
    shared.api.enqueue(tool_turn(*(RENAME[number] for number in changed)), answer("Again."))
    change_id = edit["id"] if retried == "whole" else edit["files"][0]["id"]
    again = server.command("missy.retry", {"id": change_id, "wait": True})["result"]["edit"]
    assert again["status"] == "pending"
    shown = server.command("missy.showDiff", {"id": edit["id"], "show": False})
    found = [file["status"] for file in shown["result"]["files"]] if "result" in shown else ["discarded", "discarded"]
    assert found == left


def test_a_retry_asks_about_the_lines_that_were_asked_about_wherever_they_stand_now(
    shared: Shared, folder: Path
) -> None:
    write(folder / "a.py", LINES)
    editor = Window(shared.process, folder).open("a.py", LINES)
    place = {"textDocument": {"uri": editor.uri}, "range": editor.select(10, 11)}
    edit = ask_for_edits(shared.process, shared.api, edit_call("a.py", "line10\n", "LINE10\n"), **place)
    editor.type(0, 0, "new\n" * 5)
    for change_id in (edit["id"], edit["files"][0]["id"]):
        shared.api.enqueue(answer("Again."))
        shared.process.command("missy.retry", {"id": change_id, "wait": True})
        sent = json.dumps(shared.api.requests[-1].json["messages"])
        assert 'place=\\"lines 16-17\\">\\nline10\\nline11\\n<' in sent


@pytest.mark.parametrize("how", ["deleted", "closed"])
def test_a_retry_about_lines_that_are_gone_is_refused(shared: Shared, folder: Path, how: str) -> None:
    write(folder / "a.py", LINES)
    window = Window(shared.process, folder)
    editor = window.open("a.py", LINES)
    place = {"textDocument": {"uri": editor.uri}, "range": editor.select(10, 11)}
    edit = ask_for_edits(shared.process, shared.api, RENAME[1], **place)
    if how == "deleted":
        editor.type(10, 0, "", until=(12, 0))
    else:
        window.close("a.py")
        window.open("a.py", LINES)
    count = len(shared.api.requests)
    error = shared.process.command("missy.retry", {"id": edit["id"], "wait": True})["error"]
    assert (error["data"]["kind"], len(shared.api.requests)) == ("invalid_request", count)
    assert "are gone" in error["message"]
    assert shared.process.command("missy.accept", {"id": edit["id"]})["result"]["status"] == "applied"


# --- another provider meanwhile -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "then", "expected"),
    [
        ("answer", "switched", "anthropic"),
        ("change", "switched", "anthropic"),
        ("group", "switched", "anthropic"),
        ("answer", "plain", "other"),
        ("change", "folder", "other"),
        ("answer", "disabled", "other"),
    ],
)
def test_a_tier_of_the_provider_that_answered_is_asked_there(
    shared: Shared, folder: Path, what: str, then: str, expected: str
) -> None:
    own: dict[str, object] = {
        "name": "anthropic",
        "api_key": FAKE_KEY,
        "base_url": shared.api.base_url,
        "model": "claude-sonnet-4-6",
        "premium_model": "claude-opus-4-6",
    }
    both = {"anthropic": own, "other": own | {"premium_model": "claude-opus-5-5"}}
    shared.configure(providers=both, tools={"mode": "edit"})
    server, editor = shared.process, Window(shared.process, folder).open("a.py", A)
    match what:
        case "group":
            run_id = ask_for_edits(server, shared.api, RENAME[0], tier="primary")["id"]
        case "change":
            run_id = propose(editor, shared.api, NEW_ADD, editor.cursor(1), tier="primary")["id"]
        case _:
            shared.api.enqueue(answer("first"))
            run_id = run(editor, "explain", editor.select(0, 1), tier="primary")["result"]["id"]
    server.command("missy.switchProvider", {"name": "other"})
    try:
        if then == "folder":
            shared.configure(providers=both, tools={"mode": "edit"}, folders={str(folder): "other"})
        if then == "disabled":
            shared.configure(providers=both | {"anthropic": own | {"enabled": False}}, tools={"mode": "edit"})
        shared.api.enqueue(answer(replacement(NEW_ADD)))
        tier = {} if then == "plain" else {"tier": "premium"}
        again = server.command("missy.retry", {"id": run_id, "wait": True, **tier})["result"]
        assert again["provider"] == expected
        if tier:
            model = {"anthropic": "claude-opus-4-6", "other": "claude-opus-5-5"}[expected]
            assert shared.api.requests[-1].json["model"] == model
    finally:
        shared.configure()
        server.command("missy.switchProvider", {"name": "anthropic"})
