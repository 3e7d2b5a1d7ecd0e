"""Running an action on an editor in miniature, and the change that it comes to."""

from __future__ import annotations

from typing import Any

from tests.support.editor import Editor
from tests.support.fake_api import FakeApi, answer

CODE = "import os\n\n\ndef add(a, b):\n    return a + b\n\n\ndef sub(a, b):\n    return a - b\n"
NEW_ADD = "def add(a: int, b: int) -> int:\n    return a + b\n"
NEW_SUB = "def sub(a: int, b: int) -> int:\n    return a - b\n"


def replacement(text: str) -> str:
    return f"<replacement>\n{text}</replacement>\n"


def run(editor: Editor, action: str, place: Any, **more: object) -> dict[str, Any]:
    arguments = {"action": action, "textDocument": {"uri": editor.uri}, "range": place, "wait": True, **more}
    return editor.server.command("missy.runAction", arguments)


def propose(editor: Editor, api: FakeApi, text: str = NEW_ADD, place: Any = None, action: str = "add-types") -> Any:
    """Run an action and return the edit that waits for review."""
    api.enqueue(answer(replacement(text)))
    response = run(editor, action, place or editor.cursor(4, 4))
    edit = response["result"]["edit"]
    assert edit["status"] == "pending", edit
    return edit


def titled(actions: list[dict[str, Any]], start: str) -> dict[str, Any]:
    return next(action for action in actions if action["title"].startswith(start))
