"""A window with several documents of one folder, and a question whose model edits files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.actions import tool_turn
from tests.support.editor import Editor, Manner
from tests.support.fake_api import FakeApi, answer
from tests.support.lsp_process import LspProcess


class Window:
    """Several editors in miniature in one window: each edit goes to the document that it is for."""

    def __init__(self, server: LspProcess, folder: Path) -> None:
        self._server = server
        self._folder = folder
        self.editors: dict[str, Editor] = {}

    def open(self, name: str, text: str, manner: Manner = "honest") -> Editor:
        uri = (self._folder / name).as_uri()
        self.editors[uri] = Editor(self._server, uri, text, manner=manner)
        self._server.answer("workspace/applyEdit", self._apply)
        return self.editors[uri]

    def close(self, name: str) -> None:
        document = {"uri": (self._folder / name).as_uri()}
        self._server.notify("textDocument/didClose", {"textDocument": document})

    def _apply(self, params: Any) -> Any:
        [change] = params["edit"]["documentChanges"]
        return self.editors[change["textDocument"]["uri"]]._apply_edit(params)


def ask(server: LspProcess, api: FakeApi, *calls: tuple[str, dict[str, object]], **more: object) -> Any:
    """Ask with a model that makes these calls and then says that it is done; return the edit of the answer."""
    api.enqueue(tool_turn(*calls), answer("I renamed it."))
    arguments = {"prompt": "rename add to plus", "tools": "edit", "wait": True, **more}
    return server.command("missy.ask", arguments)["result"].get("edit")
