"""Configuration files in an editor: marks as one types, help, and a key that goes to the vault; over the wire."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from missy_lsp.config.locations import Locations
from missy_lsp.credentials.vault import open_vault
from tests.server.conftest import Shared
from tests.support.editor import Editor

KEY = "sk-ant-api03-of-a-file-not-a-real-key"


def shown_on(editor: Editor, wanted: Callable[[list[Any]], bool]) -> list[Any]:
    """Wait for diagnostics of the document."""
    message = editor.server.until(
        lambda message: (
            message.get("method") == "textDocument/publishDiagnostics"
            and message["params"]["uri"] == editor.uri
            and wanted(message["params"]["diagnostics"])
        )
    )
    return list(message["params"]["diagnostics"])


def opened(shared: Shared, path: Path, text: str) -> Editor:
    return Editor(shared.process, path.as_uri(), text, "yaml")


def close(editor: Editor) -> None:
    editor.server.notify("textDocument/didClose", {"textDocument": {"uri": editor.uri}})


def at(editor: Editor, method: str, line: int, character: int) -> Any:
    place = {"textDocument": {"uri": editor.uri}, "position": {"line": line, "character": character}}
    return editor.server.request(f"textDocument/{method}", place)["result"]


def test_marks_follow_the_text_and_go_back_to_the_file_when_it_is_closed(shared: Shared) -> None:
    editor = opened(shared, shared.home / ".missy" / "config.yaml", "# \U0001f600\nhover: {mode: 3}\n")
    [mark] = shown_on(editor, bool)
    assert mark["range"] == {"start": {"line": 1, "character": 14}, "end": {"line": 1, "character": 15}}
    editor.server.messages.clear()
    editor.type(1, 14, "auto", until=(1, 15))
    assert shown_on(editor, lambda marks: not marks) == []
    editor.server.messages.clear()
    editor.type(1, 0, "'\U0001f600': 1\n")
    [mark] = shown_on(editor, bool)
    assert mark["range"]["end"] == {"line": 1, "character": 4}  # two units of utf-16 between the quotes
    editor.server.messages.clear()
    close(editor)
    assert shown_on(editor, lambda marks: not marks) == []


def test_a_workspace_file_is_marked_where_it_goes_too_far_and_as_untrusted(shared: Shared) -> None:
    path = shared.folder / ".missy" / "config.yaml"
    text = "providers:\n  anthropic:\n    base_url: http://x\n"
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    editor = opened(shared, path, text)
    marks = shown_on(editor, lambda marks: len(marks) == 2)
    assert {mark["code"]: (mark["severity"], mark["range"]["start"]["line"]) for mark in marks} == {
        "not-allowed": (1, 2),
        "untrusted": (3, 0),
    }
    [remove] = editor.actions(editor.cursor(2, 6), only=["quickfix.missy.remove"])
    editor.run(remove)
    assert editor.text == "providers:\n  anthropic:\n"
    assert [mark["code"] for mark in shown_on(editor, lambda marks: len(marks) == 1)] == ["untrusted"]
    close(editor)


def test_an_action_file_is_marked_and_completed(shared: Shared) -> None:
    editor = opened(shared, shared.home / ".missy" / "actions" / "mine.md", "---\ntitel: x\n---\nDo it.\n")
    assert [mark["range"]["start"]["line"] for mark in shown_on(editor, bool)] == [1, 0]
    [change] = editor.actions(editor.cursor(1), only=["quickfix.missy.did-you-mean"])
    editor.run(change)
    assert editor.text.startswith("---\ntitle: x\n")
    editor.type(2, 0, "wh\n")
    assert [item["label"] for item in at(editor, "completion", 2, 2)][:2] == ["result", "kind"]
    close(editor)


def test_help_is_given_in_a_file_that_can_not_be_read(shared: Shared) -> None:
    editor = opened(shared, shared.home / ".missy" / "config.yaml", "providers: [\nhover:\n  mode: \n")
    items = at(editor, "completion", 2, 8)
    assert [item["textEdit"]["newText"] for item in items] == ["off", "cached", "auto", "always"]
    explained = at(editor, "hover", 2, 3)
    assert explained["range"] == {"start": {"line": 2, "character": 2}, "end": {"line": 2, "character": 6}}
    assert "hover.mode" in explained["contents"]["value"]
    close(editor)


@pytest.mark.parametrize("method", ["hover", "completion"])
def test_other_documents_get_no_such_help(shared: Shared, method: str) -> None:
    assert at(shared.edit("hover:\n  mode: \n", "yaml"), method, 1, 3) is None


def test_a_key_moves_to_the_vault_and_is_told_to_nobody(shared: Shared) -> None:
    text = f"providers:\n  moved:\n    api_key: '{KEY}'\n"
    editor = opened(shared, shared.home / ".missy" / "config.yaml", text)
    assert editor.actions(editor.cursor(2), only=["quickfix"], triggerKind=2) == []
    [move] = editor.actions(editor.cursor(2, 15), only=["quickfix.missy.vault"])
    assert editor.run(move)["result"] == {"name": "moved_api_key"}
    shared.process.until(
        lambda message: (
            message.get("method") == "window/showMessage" and "vault://moved_api_key" in message["params"]["message"]
        )
    )
    assert editor.text == "providers:\n  moved:\n    api_key: vault://moved_api_key\n"
    stored = open_vault(Locations.from_environment({"HOME": str(shared.home), "USERPROFILE": str(shared.home)}), {})
    secret = stored.get("moved_api_key")
    assert secret is not None
    assert secret.reveal() == KEY
    assert KEY not in str(shared.process.messages)
    close(editor)


def test_a_vault_entry_with_another_key_is_kept(shared: Shared) -> None:
    locations = Locations.from_environment({"HOME": str(shared.home), "USERPROFILE": str(shared.home)})
    open_vault(locations, {}).set("held_api_key", f"{KEY}-other")
    text = f"providers: {{held: {{api_key: {KEY}}}}}\n"
    editor = opened(shared, shared.home / ".missy" / "config.yaml", text)
    [move] = editor.actions(editor.cursor(0), only=["quickfix.missy.vault"])
    editor.run(move)
    told = shared.process.until(
        lambda message: message.get("method") == "window/showMessage" and "held_api_key" in message["params"]["message"]
    )
    assert "missy vault delete held_api_key" in told["params"]["message"]
    assert editor.text == text
    close(editor)


def test_a_place_without_a_key_is_refused(shared: Shared) -> None:
    editor = opened(shared, shared.home / ".missy" / "config.yaml", "hover: {mode: auto}\n")
    arguments = {"textDocument": {"uri": editor.uri}, "range": editor.cursor(0), "name": "x_api_key"}
    error = shared.process.command("missy.moveKeyToVault", arguments)["error"]
    assert "no key at this place" in error["message"]
    close(editor)
