"""An editor with nothing of ours in it, after what Helix 25 announces and does with the answers.

What it does is read from Helix's public source: it counts in utf-8, its cursor is a selection of one character, and it
hides actions that are disabled. `Kate` and `Ale` do with a chosen code action what those were seen to do.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.support.editor import Editor
from tests.support.lsp_process import LspProcess

CLIENT_INFO = {"name": "helix", "version": "25.07.1 (a05c151b)"}
# What matters here of what Helix 25 sends in `initialize`; `showDocument` is announced since November 2025 only.
CAPABILITIES: dict[str, Any] = {
    "general": {"positionEncodings": ["utf-8", "utf-32", "utf-16"]},
    "window": {"workDoneProgress": True, "showDocument": {"support": True}},
    "workspace": {
        "applyEdit": True,
        "configuration": True,
        "didChangeConfiguration": {"dynamicRegistration": False},
        "didChangeWatchedFiles": {"dynamicRegistration": True, "relativePatternSupport": False},
        "executeCommand": {"dynamicRegistration": False},
        "inlayHint": {"refreshSupport": False},
        "workspaceEdit": {
            "documentChanges": True,
            "failureHandling": "abort",
            "normalizesLineEndings": False,
            "resourceOperations": ["create", "rename", "delete"],
        },
        "workspaceFolders": True,
    },
    "textDocument": {
        "codeAction": {
            "codeActionLiteralSupport": {
                "codeActionKind": {
                    "valueSet": [
                        "",
                        "quickfix",
                        "refactor",
                        "refactor.extract",
                        "refactor.inline",
                        "refactor.rewrite",
                        "source",
                        "source.organizeImports",
                    ]
                }
            },
            "dataSupport": True,
            "disabledSupport": True,
            "isPreferredSupport": True,
            "resolveSupport": {"properties": ["edit", "command"]},
        },
        "hover": {"contentFormat": ["markdown"]},
        "publishDiagnostics": {"tagSupport": {"valueSet": [1, 2]}, "versionSupport": True},
    },
}
# The server's requests and notifications that Helix does something with.
KNOWN_METHODS = {
    "$/progress",
    "client/registerCapability",
    "textDocument/publishDiagnostics",
    "window/logMessage",
    "window/showDocument",
    "window/showMessage",
    "window/workDoneProgress/create",
    "workspace/applyEdit",
    "workspace/configuration",
    "workspace/workspaceFolders",
}


def without_show_document() -> dict[str, Any]:
    """Return what a Helix before November 2025 announces, and Zed and Sublime like it."""
    return {**CAPABILITIES, "window": {"workDoneProgress": True}}


class Helix(Editor):
    """The one window of a person who knows code actions and nothing about us."""

    def __init__(self, server: LspProcess, path: Path, text: str) -> None:
        self.shown: list[Path] = []
        server.answer("window/showDocument", self._show_document)
        path.write_text(text, encoding="utf-8")
        super().__init__(server, path.as_uri(), text)

    def cursor(self, line: int, character: int = 0) -> dict[str, Any]:
        """Return the range of a cursor at a character: the one that it stands on."""
        return self.range_of(line, character, character + 1)

    def range_of(self, line: int, first: int, last: int) -> dict[str, Any]:
        """Return the range between two characters of a line, in utf-8 units."""
        content = self.text.split("\n")[line]
        if last > len(content):
            return {
                "start": {"line": line, "character": len(content[:first].encode())},
                "end": {"line": line + 1, "character": 0},
            }
        return {
            side: {"line": line, "character": len(content[:character].encode())}
            for side, character in (("start", first), ("end", last))
        }

    def menu(self, place: dict[str, Any]) -> list[str]:
        """Return the titles of what `space a` offers."""
        return [action["title"] for action in self._offered(place)]

    def choose(self, place: dict[str, Any], start: str) -> dict[str, Any]:
        """Choose the action whose title starts with `start`; return the whole response to its command."""
        offered = self._offered(place)
        chosen = [action for action in offered if action["title"].startswith(start)]
        assert chosen, f"{start!r} is not among {[action['title'] for action in offered]}"
        return self.run(chosen[0])

    def messages(self) -> list[str]:
        return [params["message"] for params in self.server.notifications("window/showMessage")]

    def wait_for_message(self, words: str) -> str:
        found = self.server.until(
            lambda message: message.get("method") == "window/showMessage" and words in message["params"]["message"]
        )
        return str(found["params"]["message"])

    def wait_for_document(self) -> Path:
        """Wait until the server had a document shown; return the last one."""
        self.server.until(lambda message: message.get("method") == "window/showDocument")
        return self.shown[-1]

    def wait_for_diagnostics(self, count: int) -> list[dict[str, Any]]:
        found = self.server.until(
            lambda message: (
                message.get("method") == "textDocument/publishDiagnostics"
                and message["params"]["uri"] == self.uri
                and len(message["params"]["diagnostics"]) == count
                and message["params"]["diagnostics"] == self.diagnostics()
            )
        )
        return list(found["params"]["diagnostics"])

    def write(self, text: str) -> None:
        """Type so that the document reads like this, in one step; the whole text is sent."""
        self._past.append(self.text)
        self.text = text
        self.version += 1
        self._send([{"text": text}])

    def _offered(self, place: dict[str, Any]) -> list[dict[str, Any]]:
        here = [diagnostic for diagnostic in self.diagnostics() if _overlap(diagnostic["range"], place)]
        return [action for action in self.actions(place, diagnostics=here) if "disabled" not in action]

    def _show_document(self, params: Any) -> Any:
        path = Path(unquote(urlsplit(params["uri"]).path))
        self.shown.append(path)
        return {"success": path.is_file()}

    def _take(self, edits: list[dict[str, Any]]) -> None:
        """Apply TextEdits in utf-8 positions, the last one first; Helix sends one change for each."""
        data = self.text.encode()
        events = []
        for edit in sorted(edits, key=lambda edit: _place(edit["range"]["start"]), reverse=True):
            start, end = (_offset(data, edit["range"][side]) for side in ("start", "end"))
            data = data[:start] + edit["newText"].encode() + data[end:]
            events.append({"range": edit["range"], "text": edit["newText"]})
        self.text = data.decode()
        self.version += 1
        self._send(events)


def without_apply_edit() -> dict[str, Any]:
    """Return what an editor announces that lets no server change its documents."""
    workspace = {**CAPABILITIES["workspace"], "applyEdit": False}
    return {**CAPABILITIES, "workspace": workspace, "window": {"workDoneProgress": True}}


class Kate(Helix):
    """Kate 22.12: applies the edit, runs the command, and tells of the new text after that."""

    _is_holding = False

    def run(self, action: dict[str, Any]) -> dict[str, Any]:
        self._held: list[Any] = []
        self._is_holding = True
        response = super().run(action)
        self._is_holding = False
        for events in self._held:
            self._send(events)
        return response

    def _send(self, events: list[dict[str, Any]]) -> None:
        if self._is_holding:
            self._held.append(events)
        else:
            super()._send(events)


class Ale(Helix):
    """ALE 3.3: runs the command of an action, and looks at its edit only where there is no command."""

    def run(self, action: dict[str, Any]) -> dict[str, Any]:
        return super().run({name: value for name, value in action.items() if name != "edit" or "command" not in action})


def _offset(data: bytes, position: dict[str, int]) -> int:
    lines = data.split(b"\n")
    return sum(len(line) + 1 for line in lines[: position["line"]]) + position["character"]


def _place(position: dict[str, int]) -> tuple[int, int]:
    return position["line"], position["character"]


def _overlap(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return _place(one["start"]) <= _place(other["end"]) and _place(other["start"]) <= _place(one["end"])
