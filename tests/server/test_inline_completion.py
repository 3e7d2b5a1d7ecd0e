"""Suggestions at the cursor over the wire: who gets one, in which form, and how it is announced."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types

from missy_lsp.document import Position
from missy_lsp.server.dispatch import Request
from missy_lsp.server.documents import OpenDocuments
from missy_lsp.server.handlers.inline_completion import TYPING_RESTS_S, listed_completion
from missy_lsp.server.options import ServerOptions
from missy_lsp.server.session import Session
from tests.support.configuration import write_user_config
from tests.support.fake_api import FakeApi, answer
from tests.support.lsp_process import LspProcess
from tests.support.typist import AUTOMATIC, CODE, CURSOR, INVOKED, KINDS, REPLY, Typists

# --- who gets one ---------------------------------------------------------------------------------


def test_a_suggestion_goes_on_at_the_cursor_and_comes_from_the_fast_tier(typists: Typists) -> None:
    typists.api.enqueue(answer(REPLY, model="claude-haiku-4-5"))
    editor = typists.open()
    [item] = editor.items(editor.ask())
    assert item == {"insertText": "m(prices)", "range": {"start": CURSOR, "end": CURSOR}}
    [request] = typists.api.requests
    assert request.json["model"] == "claude-haiku-4-5"
    assert "tools" not in request.json
    assert "return su<|cursor|>" in json.dumps(request.json["messages"])


@pytest.mark.parametrize("kind", ["inline", "dynamic", "list"])
def test_without_a_word_from_the_user_nothing_is_asked(typists: Typists, kind: str) -> None:
    editor = typists.open(kind)
    typists.configure()
    assert editor.suggested(INVOKED) == editor.suggested() == []
    assert editor.listed() is None
    assert typists.api.requests == []


@pytest.mark.parametrize(
    ("mode", "kind", "is_made"), [("off", INVOKED, False), ("manual", AUTOMATIC, False), ("manual", INVOKED, True)]
)
def test_the_mode_decides(typists: Typists, mode: str, kind: int, is_made: bool) -> None:
    typists.api.enqueue(answer(REPLY))
    assert bool(typists.open(mode=mode).suggested(kind)) == is_made
    assert len(typists.api.requests) == is_made


@pytest.mark.parametrize("name", ["a.missy.md", ".missy/config.yaml"])
def test_chats_and_configuration_files_keep_their_own_completion(typists: Typists, name: str) -> None:
    editor = typists.open(name=name, text="## You\n\nsomething\n")
    assert editor.suggested(INVOKED) == []
    assert typists.api.requests == []


def test_what_is_picked_in_the_list_of_the_editor_is_taken_for_typed(typists: Typists) -> None:
    typists.api.enqueue(answer(REPLY))
    editor = typists.open()
    replaced = {"start": {"line": 1, "character": 11}, "end": CURSOR}
    [item] = editor.items(editor.ask(selectedCompletionInfo={"range": replaced, "text": "sum"}))
    assert item == {"insertText": "sum(prices)", "range": replaced}
    assert "return sum<|cursor|>" in json.dumps(typists.api.requests[0].json["messages"])


# --- clients without inline completion ------------------------------------------------------------


def test_without_inline_completion_a_suggestion_stands_last_in_the_list(typists: Typists) -> None:
    typists.api.enqueue(answer(REPLY, model="claude-haiku-4-5"))
    found = typists.open("list").listed()
    assert found["isIncomplete"] is False
    [item] = found["items"]
    replaced = {"start": {"line": 1, "character": 11}, "end": CURSOR}
    assert item["textEdit"] == {"range": replaced, "newText": "sum(prices)"}
    assert (item["label"], item["filterText"]) == ("sum(prices)", "sum(prices)")
    assert (item["detail"], item["sortText"]) == ("Missy (claude-haiku-4-5)", "\uffff")


def test_a_list_that_the_editor_asks_for_at_a_trigger_character_has_none(typists: Typists) -> None:
    assert typists.open("list").listed(2) is None
    assert typists.api.requests == []


async def test_a_list_that_the_editor_asks_for_while_one_types_has_none(isolated_home: Path, api: FakeApi) -> None:
    api.enqueue(answer(REPLY))
    write_user_config(isolated_home, api.base_url, completion={"mode": "auto"})
    session = Session(None, ServerOptions())  # type: ignore[arg-type]
    times_s = iter([10.0, 10.0 + TYPING_RESTS_S / 2, 10.0 + TYPING_RESTS_S])
    session.documents = OpenDocuments("utf-16", clock=lambda: next(times_s))
    session.documents.open(types.TextDocumentItem("file:///a.py", "python", 1, CODE))
    letter = types.TextDocumentContentChangePartial(types.Range(types.Position(1, 13), types.Position(1, 13)), "m")
    identifier = types.VersionedTextDocumentIdentifier(2, "file:///a.py")
    session.documents.change(types.DidChangeTextDocumentParams(identifier, [letter]))
    context = types.CompletionContext(types.CompletionTriggerKind.Invoked)
    params = types.CompletionParams(
        types.TextDocumentIdentifier("file:///a.py"), types.Position(1, 14), context=context
    )
    assert listed_completion(session, params, Request(1)) is None
    asked = listed_completion(session, params, Request(2))
    assert asked is not None
    found = await asked
    await session.close(5)
    assert found is not None
    assert len(api.requests) == 1


async def test_a_document_that_is_closed_before_anybody_is_asked_asks_nobody(isolated_home: Path, api: FakeApi) -> None:
    api.respond = lambda request: answer(REPLY)
    write_user_config(isolated_home, api.base_url, completion={"mode": "auto"})
    session = Session(None, ServerOptions())  # type: ignore[arg-type]
    await session.warm_up()
    found = []
    for is_closed in (True, False):
        session.documents.open(types.TextDocumentItem("file:///a.py", "python", 1, CODE))
        document = session.documents.get("file:///a.py")
        assert document is not None
        asked = session.completing.suggest(document, Position(1, 13), by_hand=True)
        assert asked is not None
        if is_closed:
            session.documents.close("file:///a.py")
        found.append(await asked)
        assert len(api.requests) == (0 if is_closed else 1)
    await session.close(5)
    assert [offer is None for offer in found] == [True, False]


def test_who_has_inline_completion_has_none_in_the_list(typists: Typists) -> None:
    assert typists.open("inline").listed() is None
    assert typists.api.requests == []


# --- how it is announced --------------------------------------------------------------------------


def capabilities(kind: str) -> dict[str, Any]:
    with LspProcess() as process:
        found = process.initialize(None, KINDS[kind])["result"]["capabilities"]
        assert isinstance(found, dict)
        return found


@pytest.mark.parametrize(("kind", "is_there"), [("inline", True), ("dynamic", False), ("list", False)])
def test_only_who_can_not_be_told_later_is_told_at_once(isolated_home: Path, kind: str, is_there: bool) -> None:
    assert ("inlineCompletionProvider" in capabilities(kind)) == is_there


def test_it_is_registered_only_while_the_configuration_wants_it(typists: Typists) -> None:
    typists.configure()
    process = typists.server("dynamic", KINDS["dynamic"], fresh=True)
    process.answer("client/registerCapability", lambda params: None)
    process.answer("client/unregisterCapability", lambda params: None)

    def asked(method: str) -> Any:
        return process.until(lambda message: message.get("method") == method)["params"]

    process.command("missy.status")
    assert not [message for message in process.messages if message.get("method") == "client/registerCapability"]
    typists.configure(completion={"mode": "auto"})
    process.notify("workspace/didChangeConfiguration", {"settings": None})
    [registration] = asked("client/registerCapability")["registrations"]
    assert registration["method"] == "textDocument/inlineCompletion"
    typists.configure(completion={"mode": "off"})
    process.notify("workspace/didChangeConfiguration", {"settings": None})
    [taken_back] = asked("client/unregisterCapability")["unregisterations"]
    assert taken_back == {"id": registration["id"], "method": registration["method"]}


@pytest.mark.parametrize(
    ("mode", "kind", "shows", "why"),
    [
        ("off", "inline", "nothing", "completion.mode is off"),
        ("manual", "inline", "a key asks for", "completion.mode is manual"),
        ("auto", "inline", "while you type", "completion.mode is auto"),
        ("auto", "list", "last in the list", "no inline completion"),
    ],
)
def test_the_status_says_what_is_suggested(typists: Typists, mode: str, kind: str, shows: str, why: str) -> None:
    said = typists.open(kind, mode=mode).process.command("missy.status")["result"]["completion"]
    assert said["mode"] == mode
    assert shows in said["shows"]
    assert why in said["why"]
    assert (said["form"], said["maxPerHour"]) == (kind, 120)
