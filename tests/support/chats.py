"""Chat documents in tests: open one, send it, hold its answer back, see what was sent."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.support.editor import Editor, Manner
from tests.support.fake_api import FakeApi, Reply, WaitFor, stream, text_events

if TYPE_CHECKING:
    from tests.server.conftest import Shared

QUESTION = "## You\n\nWhy is the sky blue?\n"
NUMBERS = itertools.count()


def open_chat(shared: Shared, text: str = QUESTION, manner: Manner = "honest", kind: type[Editor] = Editor) -> Editor:
    """Open a chat document of its own in an editor in miniature, of a `kind` of its own too."""
    uri = (shared.folder / f"talk-{next(NUMBERS)}.missy.md").as_uri()
    return kind(shared.process, uri, text, "markdown", manner=manner)


def send(editor: Editor, **more: object) -> dict[str, Any]:
    argument = {"textDocument": {"uri": editor.uri}, "wait": True, **more}
    return editor.server.command("missy.chatSend", argument)


def start_send(editor: Editor) -> int:
    """Send a chat without waiting for its answer; return the id to wait with."""
    return editor.server.start_command("missy.chatSend", {"textDocument": {"uri": editor.uri}, "wait": True})


def held(first: str, second: str, go_on: threading.Event) -> Reply:
    """Return an answer that waits for the test between its two pieces."""
    events = text_events(first, second)
    cut = [number for number, event in enumerate(events) if b"text_delta" in event][1]
    return stream(*events[:cut], WaitFor(go_on), *events[cut:])


def until(editor: Editor, is_so: Callable[[], bool]) -> None:
    """Let the server go on, by round trips, until something is so."""
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline, editor.text
        editor.server.command("missy.status")
    editor.server.command("missy.status")  # what reads and applies edits is through with this one


def sent_texts(api: FakeApi) -> list[str]:
    messages: Any = api.requests[-1].json["messages"]
    return [block["text"] for message in messages for block in message["content"]]
