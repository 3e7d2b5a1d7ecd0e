"""Explanations on hover over the wire: who gets one generated, what it costs, what is kept (contract 3.5)."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from missy_lsp.cli.main import main
from missy_lsp.server.hovering import WITHIN_S
from tests.support.fake_api import FakeApi, Hold, Request, WaitFor, answer, api_error, stream, text_events
from tests.support.lsp_process import LspProcess
from tests.support.running_editors import RunningEditors

CODE = "def total(prices):\n    return sum(prices)\n\n\nprint(total([1]))\n"
SUM = {"line": 1, "character": 12}
PRICES = {"line": 1, "character": 16}


class Editors(RunningEditors):
    @property
    def cache(self) -> Path:
        return self.home / "cache" / "missy" / "hover"

    def open(self, name: str = "Neovim", formats: str = "markdown", *, fresh: bool = False, **hover: object) -> Hovers:
        """Return an editor of this name with the test's document open; `hover` are the user's settings."""
        self.configure(**({"hover": hover} if hover else {}))
        capabilities = {"textDocument": {"hover": {"contentFormat": [formats]}}}
        kind = (name, formats)
        process = self.server(kind, capabilities, fresh=fresh, clientInfo={"name": name})
        opened = Hovers(process, self.folder, f"a{self.number}.py")
        opened.open(opened.name, CODE.replace("total", f"total{self.number}"))
        return opened


@attrs.define(eq=False)
class Hovers:
    process: LspProcess
    folder: Path
    name: str

    @property
    def uri(self) -> str:
        return (self.folder / self.name).as_uri()

    def open(self, name: str, text: str = CODE) -> None:
        self.name = name
        self.process.open(self.uri, text)

    def params(self, place: object = SUM) -> dict[str, object]:
        return {"textDocument": {"uri": self.uri}, "position": place}

    def hover(self, place: object = SUM) -> Any:
        response = self.process.request("textDocument/hover", self.params(place))
        assert "error" not in response
        return response["result"]


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editors]:
    with Editors.of_a_module(tmp_path_factory) as editors:
        yield editors


@pytest.fixture
def editors(started: Editors) -> Iterator[Editors]:
    with started.one_test() as begun:
        yield begun


@pytest.fixture
def api(editors: Editors) -> FakeApi:
    return editors.api


def told(editor: Hovers) -> list[str]:
    editor.process.command("missy.status")
    return [note["message"] for note in editor.process.notifications("window/logMessage")]


# --- who gets one ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Neovim", "helix", "vim-lsp", "kakoune-lsp"])
def test_an_editor_that_asks_by_a_key_gets_an_explanation_on_the_fast_tier(
    editors: Editors, api: FakeApi, name: str
) -> None:
    editor = editors.open(name)
    api.enqueue(answer("It *adds*. ![x](https://example.invalid/x)", model="claude-haiku-4-5"))
    found = editor.hover()
    assert found["range"] == {"start": {"line": 1, "character": 11}, "end": {"line": 1, "character": 14}}
    assert found["contents"]["kind"] == "markdown"
    assert found["contents"]["value"].startswith("**Missy** (claude-haiku-4-5)\n\nIt *adds*.")
    assert "https" not in found["contents"]["value"]
    [request] = api.requests
    assert request.json["model"] == "claude-haiku-4-5"
    assert "tools" not in request.json
    said = json.dumps(request.json["messages"])
    assert "(prices):" in said
    assert "print(" not in said
    assert "The symbol: `sum`" in said


@pytest.mark.parametrize("name", ["Visual Studio Code", "Eglot", "emacs", ""])
def test_every_other_editor_gets_only_what_is_cached(editors: Editors, api: FakeApi, name: str) -> None:
    assert editors.open(name).hover() is None
    assert api.requests == []
    api.enqueue(answer("It adds."))
    assert editors.open("Neovim").hover() is not None
    assert "It adds." in editors.open(name).hover()["contents"]["value"]
    assert len(api.requests) == 1


@pytest.mark.parametrize(
    ("mode", "name", "is_generated"),
    [("off", "Neovim", False), ("cached", "Neovim", False), ("always", "Eglot", True), ("auto", "Neovim", True)],
)
def test_the_mode_decides(editors: Editors, api: FakeApi, mode: str, name: str, is_generated: bool) -> None:
    api.enqueue(answer("It adds."))
    assert (editors.open(name, mode=mode).hover() is not None) == is_generated
    assert len(api.requests) == is_generated


@pytest.mark.parametrize(
    ("mode", "name", "shows", "why"),
    [
        ("auto", "Neovim", "generated", "a key is pressed"),
        ("auto", "Eglot", "cached explanations", "Explain"),
        ("always", "Eglot", "generated", "always"),
        ("cached", "Neovim", "cached explanations", "hover.mode is cached"),
        ("off", "Neovim", "nothing", "hover.mode is off"),
    ],
)
def test_the_status_says_what_a_hover_gives(editors: Editors, mode: str, name: str, shows: str, why: str) -> None:
    said = editors.open(name, mode=mode).process.command("missy.status")["result"]["hover"]
    assert said["mode"] == mode
    assert shows in said["shows"]
    assert why in said["why"]
    assert (said["format"], said["maxPerHour"]) == ("markdown", 60)


def test_off_shows_nothing_that_is_cached_either(editors: Editors, api: FakeApi) -> None:
    api.enqueue(answer("It adds."))
    assert editors.open().hover() is not None
    assert editors.open(mode="off").hover() is None


@pytest.mark.parametrize(("line", "character"), [(1, 0), (4, 20), (99, 0)])
def test_where_there_is_no_symbol_nothing_is_asked(editors: Editors, api: FakeApi, line: int, character: int) -> None:
    assert editors.open().hover({"line": line, "character": character}) is None
    assert api.requests == []


def test_a_client_without_markdown_gets_plain_lines(editors: Editors, api: FakeApi) -> None:
    api.enqueue(answer("It *adds* `prices`.\n\nThat is all.", model="claude-haiku-4-5"))
    found = editors.open(formats="plaintext").hover()
    assert found["contents"] == {
        "kind": "plaintext",
        "value": "Missy (claude-haiku-4-5)\nIt adds prices.\nThat is all.",
    }


# --- what it costs --------------------------------------------------------------------------------


def test_the_same_symbol_is_asked_about_once_also_in_another_process(editors: Editors, api: FakeApi) -> None:
    api.enqueue(answer("It adds."), answer("A parameter."))
    editor = editors.open()
    assert editor.hover() == editor.hover()
    assert "A parameter." in editor.hover(PRICES)["contents"]["value"]
    assert "It adds." in editors.open().hover()["contents"]["value"]
    assert len(api.requests) == 2


def test_rapid_hovers_over_one_symbol_share_one_request_and_a_cancel_ends_only_its_own(
    editors: Editors, api: FakeApi
) -> None:
    gate = threading.Event()
    first, *rest = text_events("It adds.")
    api.enqueue(stream(first, WaitFor(gate), *rest))
    editor = editors.open()
    ids = [editor.process.start_request("textDocument/hover", editor.params()) for _ in range(100)]
    api.wait_for_requests(1)
    for request_id in ids[1:]:
        editor.process.notify("$/cancelRequest", {"id": request_id})
    assert {editor.process.response(request_id)["error"]["code"] for request_id in ids[1:]} == {-32800}
    gate.set()
    assert "It adds." in editor.process.response(ids[0])["result"]["contents"]["value"]
    assert len(api.requests) == 1


def test_the_last_to_leave_closes_the_connection(editors: Editors, api: FakeApi) -> None:
    api.enqueue(stream(*text_events("It")[:3], Hold(), end=False))
    editor = editors.open()
    ids = [editor.process.start_request("textDocument/hover", editor.params()) for _ in range(2)]
    [request] = api.wait_for_requests(1)
    for request_id in ids:
        editor.process.notify("$/cancelRequest", {"id": request_id})
        assert editor.process.response(request_id)["error"]["code"] == -32800
    assert request.closed.wait(5)
    api.enqueue(answer("It adds."))
    assert "It adds." in editor.hover()["contents"]["value"]


def test_a_document_that_is_closed_closes_the_connection(editors: Editors, api: FakeApi) -> None:
    editor, asked, request = held(editors, api)
    editor.process.notify("textDocument/didClose", {"textDocument": {"uri": editor.uri}})
    assert request.closed.wait(WITHIN_S / 2)
    assert editor.process.response(asked)["result"] is None


@pytest.mark.parametrize("mode", ["off", "cached"])
def test_a_mode_that_generates_nothing_closes_the_connection(editors: Editors, api: FakeApi, mode: str) -> None:
    editor, asked, request = held(editors, api)
    editors.configure(hover={"mode": mode})
    editor.process.notify("workspace/didChangeConfiguration", {"settings": None})
    assert request.closed.wait(WITHIN_S / 2)
    assert editor.process.response(asked)["result"] is None


def held(editors: Editors, api: FakeApi) -> tuple[Hovers, int, Request]:
    """Return an editor with a hover that would never come, its id and its request upstream."""
    api.enqueue(stream(*text_events("It")[:3], Hold(), end=False))
    editor = editors.open()
    asked = editor.process.start_request("textDocument/hover", editor.params())
    [request] = api.wait_for_requests(1)
    return editor, asked, request


def answered(editor: Hovers) -> int:
    """Return how many explanations the ledger tells of."""
    used = editor.process.command("missy.usage", {"since": "1h"})["result"]
    return sum(int(entry["requests"]) for entry in used["byAction"] if entry["key"] == "hover")


def test_an_hour_has_its_number_for_all_editors_together(editors: Editors, api: FakeApi) -> None:
    api.enqueue(answer("It adds."))
    most = answered(editors.open()) + 1
    editor = editors.open(fresh=True, mode="auto", max_per_hour=most)
    assert editor.hover() is not None
    deadline = time.monotonic() + 10
    while answered(editor) < most:  # it is written behind the answer
        assert time.monotonic() < deadline
    assert editor.hover(PRICES) is None
    assert editor.hover() is not None
    assert editors.open("helix", mode="auto", max_per_hour=most).hover(PRICES) is None
    assert len(api.requests) == 1
    assert any("hover.max_per_hour" in line for line in told(editor))


def test_no_explanation_is_generated_where_none_is_allowed(editors: Editors, api: FakeApi) -> None:
    assert editors.open(mode="always", max_per_hour=0).hover() is None
    assert api.requests == []


@pytest.mark.parametrize("status", [429, 500, 529])
def test_a_failure_is_no_hover_is_not_tried_again_and_is_told_once(editors: Editors, api: FakeApi, status: int) -> None:
    api.respond = lambda request: api_error(status, "overloaded_error", "Overloaded", {"retry-after": "1"})
    editor = editors.open(fresh=True)
    assert editor.hover() is None
    assert len(api.requests) == 1
    assert editor.hover(PRICES) is None
    assert len([line for line in told(editor) if "no explanation on hover" in line]) == 1
    assert editor.process.notifications("window/showMessage") == []
    assert len(api.requests) == 1  # a refusal for want of room is not met again at once
    editors.forget_servers()


@pytest.mark.parametrize("name", [".env", "id_rsa", "ignored.py"])
def test_a_file_that_is_denied_or_ignored_is_not_sent_by_a_hover(editors: Editors, api: FakeApi, name: str) -> None:
    editor = editors.open()
    (editors.folder / ".gitignore").write_text("ignored.py\n")
    (editors.folder / name).write_text(CODE)
    editor.open(name)
    assert editor.hover() is None
    assert api.requests == []


# --- what is kept ---------------------------------------------------------------------------------


def test_half_an_explanation_is_not_kept(editors: Editors, api: FakeApi) -> None:
    api.enqueue(answer("It add", stop_reason="max_tokens"), answer("It adds."))
    editor = editors.open()
    assert editor.hover()["contents"]["value"].endswith("It add…")
    assert "It adds." in editor.hover()["contents"]["value"]


def test_what_was_cleared_is_asked_for_again_by_a_server_that_runs(
    editors: Editors, api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.enqueue(answer("It adds."), answer("It adds again."))
    editor = editors.open()
    assert "It adds." in editor.hover()["contents"]["value"]
    monkeypatch.setenv("XDG_CACHE_HOME", str(editors.home / "cache"))
    assert main(["cache", "clear"]) == 0
    assert "again" in editor.hover()["contents"]["value"]


def test_spoilt_entries_and_a_cache_that_can_not_be_written_do_no_harm(editors: Editors, api: FakeApi) -> None:
    api.enqueue(answer("It adds."), answer("It adds again."))
    before = set(editors.cache.glob("*"))
    assert editors.open().hover() is not None
    [entry] = set(editors.cache.iterdir()) - before
    entry.write_text('{"madeAt": "never"')
    editor = editors.open(fresh=True)
    shutil.rmtree(editors.cache)
    editors.cache.write_text("in the way")
    try:
        assert "again" in editor.hover()["contents"]["value"]
        assert "again" in editor.hover()["contents"]["value"]
    finally:
        editors.cache.unlink()
    assert len(api.requests) == 2
