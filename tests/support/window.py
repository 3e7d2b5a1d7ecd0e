"""Several editors in miniature in one window, and a model that edits a small workspace of two files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.actions import edit_call, tool_turn
from tests.support.editor import Editor, Manner
from tests.support.fake_api import FakeApi, answer
from tests.support.lsp_process import NO_ANSWER, LspProcess

A = "def add(a, b):\n    return a + b\n"
B = "import a\n\n\nprint(a.add(1, 2))\n"
NEW_A, NEW_B = A.replace("add", "plus"), B.replace("add", "plus")
NEW_C = "import a\n\n\ndef test_plus():\n    assert a.plus(1, 2) == 3\n"
RENAME = (
    edit_call("a.py", "def add(a, b):", "def plus(a, b):"),
    edit_call("b.py", "a.add(1, 2)", "a.plus(1, 2)"),
    edit_call("tests/c.py", "", NEW_C),
)


class Window:
    """Several editors in miniature in one window: each edit goes to the document that it is for."""

    def __init__(self, server: LspProcess, folder: Path) -> None:
        self._server = server
        self._folder = folder
        self._released: set[object] = set()
        self.editors: dict[str, Editor] = {}

    def open(self, name: str, text: str, manner: Manner = "honest") -> Editor:
        uri = (self._folder / name).as_uri()
        self.editors[uri] = Editor(self._server, uri, text, manner=manner)
        self._server.answer("workspace/applyEdit", self._apply)
        return self.editors[uri]

    def close(self, name: str) -> None:
        uri = (self._folder / name).as_uri()
        self._server.notify("textDocument/didClose", {"textDocument": {"uri": uri}})

    def hold(self) -> None:
        """From now on, answer an edit when `release` is called with it, and not before."""
        self._server.answer("workspace/applyEdit", lambda params: NO_ANSWER)

    def held(self) -> Any:
        """Wait for the server to ask for an edit that was not released yet; return that request."""
        return self._server.until(
            lambda message: message.get("method") == "workspace/applyEdit" and message["id"] not in self._released
        )

    def release(self, request: Any) -> None:
        """Apply a held edit and say so, after the server has done all that it was told before."""
        for _ in range(3):  # each round trip lets the server's tasks go on
            self._server.command("missy.status")
        self._released.add(request["id"])
        self._server.send({"jsonrpc": "2.0", "id": request["id"], "result": self._apply(request["params"])})

    def _apply(self, params: Any) -> Any:
        [change] = params["edit"]["documentChanges"]
        return self.editors[change["textDocument"]["uri"]]._apply_edit(params)


def ask(server: LspProcess, api: FakeApi, *calls: tuple[str, dict[str, object]], **more: object) -> Any:
    """Ask with a model that makes these calls and then says that it is done; return the edit of the answer."""
    api.enqueue(tool_turn(*calls), answer("I renamed it."))
    arguments = {"prompt": "rename add to plus", "tools": "edit", "wait": True, **more}
    return server.command("missy.ask", arguments)["result"].get("edit")


def on_disk(folder: Path) -> dict[str, str]:
    """Return the text of every Python file below a folder by its path there."""
    return {path.relative_to(folder).as_posix(): path.read_bytes().decode() for path in folder.rglob("*.py")}
