"""An answer asked for again on another tier, in any editor: by a code action, or by its id."""

from __future__ import annotations

from typing import Any

from tests.server.conftest import Shared
from tests.support.actions import CODE, run, titled
from tests.support.editor import Editor
from tests.support.fake_api import answer, api_error


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
