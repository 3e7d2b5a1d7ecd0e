"""Many hovers at once, in the wrong order, or given up: one upstream request each symbol, and none for what is gone."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.support.configuration import write_user_config
from tests.support.fake_api import FakeApi, Hold, WaitFor, answer, stream, text_events
from tests.support.lsp_process import LspProcess

CODE = "def total(prices):\n    return sum(prices)\n"
SUM = {"line": 1, "character": 12}
PRICES = {"line": 1, "character": 16}
TOTAL = {"line": 0, "character": 5}
CAPABILITIES = {"textDocument": {"hover": {"contentFormat": ["markdown"]}}}


class Hovers:
    """A server with one document open in an editor of a name."""

    def __init__(self, process: LspProcess, folder: Path, name: str) -> None:
        self.process = process
        self.uri = (folder / "a.py").as_uri()
        process.initialize(folder, CAPABILITIES, clientInfo={"name": name})
        process.open(self.uri, CODE)

    def start(self, place: object = SUM) -> int:
        return self.process.start_request("textDocument/hover", {"textDocument": {"uri": self.uri}, "position": place})

    def cancel(self, request_id: int) -> None:
        self.process.notify("$/cancelRequest", {"id": request_id})

    def result(self, request_id: int) -> Any:
        response = self.process.response(request_id)
        assert "error" not in response
        return response["result"]


@pytest.fixture(params=["Neovim", "Visual Studio Code"])
def editor(request: pytest.FixtureRequest, isolated_home: Path, api: FakeApi, tmp_path: Path) -> Any:
    write_user_config(isolated_home, api.base_url, hover={"mode": "always"})
    with LspProcess() as process:
        yield Hovers(process, tmp_path, request.param)


def test_hovers_of_which_each_is_given_up_for_the_next_come_to_one_request(editor: Hovers, api: FakeApi) -> None:
    api.respond = lambda request: answer("It adds.")
    for _ in range(100):
        request_id = editor.start()
        editor.process.command("missy.status")  # the server has taken the hover
        last, request_id = request_id, 0
        if _ < 99:
            editor.cancel(last)
    assert "It adds." in editor.result(last)["contents"]["value"]
    assert len(api.requests) == 1


def test_of_hovers_over_several_symbols_only_the_last_is_asked_about(editor: Hovers, api: FakeApi) -> None:
    api.respond = lambda request: answer("It is the last.")
    ids = [editor.start(place) for place in (SUM, PRICES, TOTAL)]
    assert [editor.result(request_id) is not None for request_id in ids] == [False, False, True]
    [request] = api.requests
    assert "`total`" in json.dumps(request.json)


def test_a_hover_after_one_that_was_given_up_is_shared_like_any_other(editor: Hovers, api: FakeApi) -> None:
    gate = threading.Event()
    first, *rest = text_events("It adds.")
    api.enqueue(stream(*text_events("It")[:3], Hold(), end=False), stream(first, WaitFor(gate), *rest))
    given_up = editor.start()
    [request] = api.wait_for_requests(1)
    editor.cancel(given_up)
    again = editor.start()
    assert request.closed.wait(5)
    api.wait_for_requests(2)
    third = editor.start()
    editor.process.command("missy.status")
    gate.set()
    assert editor.result(again) == editor.result(third)
    assert len(api.requests) == 2


def test_the_place_of_a_text_that_has_changed_meanwhile_is_not_told(editor: Hovers, api: FakeApi) -> None:
    gate = threading.Event()
    first, *rest = text_events("It adds.")
    api.enqueue(stream(first, WaitFor(gate), *rest))
    hovering = editor.start()
    api.wait_for_requests(1)
    document = {"uri": editor.uri, "version": 2}
    editor.process.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": "x"}]})
    gate.set()
    assert set(editor.result(hovering)) == {"contents"}


def test_stopping_everything_stops_a_hover_too(editor: Hovers, api: FakeApi) -> None:
    api.enqueue(stream(*text_events("It")[:3], Hold(), end=False))
    hovering = editor.start()
    [request] = api.wait_for_requests(1)
    assert editor.process.command("missy.stop", {})["result"] == {"stopped": 1}
    assert request.closed.wait(5)
    assert editor.result(hovering) is None
