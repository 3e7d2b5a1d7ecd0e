"""Running an action on an editor in miniature, and the change that it comes to."""

from __future__ import annotations

import json
from typing import Any

from tests.support.editor import Editor
from tests.support.fake_api import (
    FakeApi,
    Reply,
    answer,
    block_start,
    block_stop,
    delta,
    message_delta,
    message_start,
    message_stop,
    stream,
    text_delta,
)

CODE = "import os\n\n\ndef add(a, b):\n    return a + b\n\n\ndef sub(a, b):\n    return a - b\n"
NEW_ADD = "def add(a: int, b: int) -> int:\n    return a + b\n"
NEW_SUB = "def sub(a: int, b: int) -> int:\n    return a - b\n"


def replacement(text: str) -> str:
    return f"<replacement>\n{text}</replacement>\n"


def run(editor: Editor, action: str, place: Any, **more: object) -> dict[str, Any]:
    arguments = {"action": action, "textDocument": {"uri": editor.uri}, "range": place, "wait": True, **more}
    return editor.server.command("missy.runAction", arguments)


def propose(
    editor: Editor, api: FakeApi, text: str = NEW_ADD, place: Any = None, action: str = "add-types", **more: object
) -> Any:
    """Run an action and return the edit that waits for review."""
    api.enqueue(answer(replacement(text)))
    response = run(editor, action, place or editor.cursor(4, 4), **more)
    edit = response["result"]["edit"]
    assert edit["status"] == "pending", edit
    return edit


def titled(actions: list[dict[str, Any]], start: str) -> dict[str, Any]:
    return next(action for action in actions if action["title"].startswith(start))


def tool_turn(*calls: tuple[str, dict[str, object]], text: str = "", stop_reason: str = "tool_use") -> Reply:
    """Return a turn in which the model calls tools, each by name and arguments."""
    events = [message_start()]
    if text:
        events += [block_start(), text_delta(text), block_stop()]
    for index, (name, arguments) in enumerate(calls, start=bool(text)):
        events += [
            block_start(index, type="tool_use", id=f"toolu_{index}", name=name, input={}),
            delta(index, type="input_json_delta", partial_json=json.dumps(arguments)),
            block_stop(index),
        ]
    return stream(*events, message_delta(stop_reason), message_stop())


def edit_call(path: str, old: str, new: str) -> tuple[str, dict[str, object]]:
    return "edit_file", {"path": path, "old_text": old, "new_text": new}
