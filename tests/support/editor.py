"""An editor in miniature: one document, what the server does to it, and what the editor says about that.

    editor = Editor(server, URI, "def f():\n    pass\n")
    editor.type(0, 0, "# hi\n")             # at a line and character (utf-16 units), as a person would
    editor.text                               # what stands in the window
    editor.undo()

How it takes a workspace/applyEdit is its `manner`; the ways of real editors are in editors.md, 2.
"""

from __future__ import annotations

from typing import Any, Literal

from tests.support.lsp_process import NO_ANSWER, LspProcess

CAPABILITIES = {
    "window": {"workDoneProgress": True},
    "workspace": {"applyEdit": True, "workspaceEdit": {"documentChanges": True}},
    "textDocument": {
        "codeAction": {
            "codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["quickfix", "refactor"]}},
            "tagSupport": {"valueSet": [1]},
        },
        "publishDiagnostics": {},
    },
}

Manner = Literal[
    "honest",  # applies what is for its version, says so, sends the change
    "full sync",  # the same, but sends its whole text
    "says yes to all",  # applies only what is for its version, and says yes in any case (Neovim)
    "refuses",  # never applies
    "answers null",  # applies, answers null (eglot)
    "says nothing",  # applies, never answers (ALE)
    "does nothing",  # says yes, applies nothing
    "destroys",  # says yes and puts the text somewhere else
    "types first",  # the user types elsewhere right before the edit arrives, and it is refused as out of date
]


class Editor:
    def __init__(
        self, server: LspProcess, uri: str, text: str, language_id: str = "python", *, manner: Manner = "honest"
    ) -> None:
        self.server = server
        self.uri = uri
        self.text = text
        self.version = 1
        self.manner: Manner = manner
        self.edits: list[Any] = []
        self._past: list[str] = []
        server.answer("workspace/applyEdit", self._apply_edit)
        server.open(uri, text, language_id)

    def select(self, first: int, last: int) -> dict[str, Any]:
        """Return the range of whole lines, both counted from 0 and included."""
        return {"start": {"line": first, "character": 0}, "end": {"line": last + 1, "character": 0}}

    def cursor(self, line: int, character: int = 0) -> dict[str, Any]:
        place = {"line": line, "character": character}
        return {"start": place, "end": place}

    def type(self, line: int, character: int, new_text: str, until: tuple[int, int] | None = None) -> None:
        end = until or (line, character)
        change = {
            "range": {
                "start": {"line": line, "character": character},
                "end": {"line": end[0], "character": end[1]},
            },
            "newText": new_text,
        }
        self._past.append(self.text)
        self._take([change])

    def undo(self) -> None:
        """Go back by one step and send the whole text, as some editors do."""
        self.text = self._past.pop()
        self.version += 1
        self._send([{"text": self.text}])

    def actions(self, place: dict[str, Any], **context: Any) -> list[dict[str, Any]]:
        """Ask for the code actions at a range."""
        params = {
            "textDocument": {"uri": self.uri},
            "range": place,
            "context": {"diagnostics": [], "triggerKind": 1, **context},
        }
        result = self.server.request("textDocument/codeAction", params)["result"]
        assert isinstance(result, list)
        return result

    def run(self, action: dict[str, Any]) -> dict[str, Any]:
        """Do what an editor does with a chosen code action: its edit, then its command."""
        if "edit" in action:
            self._past.append(self.text)
            self._take(self._edits_of(action["edit"])[1])
        if "command" not in action:
            return {}
        command = action["command"]
        params = {"command": command["command"], "arguments": command["arguments"]}
        return self.server.request("workspace/executeCommand", params)

    def diagnostics(self) -> list[dict[str, Any]]:
        """Return what the server says of the document now."""
        published = [
            params
            for params in self.server.notifications("textDocument/publishDiagnostics")
            if params["uri"] == self.uri
        ]
        return published[-1]["diagnostics"] if published else []

    def _apply_edit(self, params: Any) -> Any:
        self.edits.append(params)
        version, changes = self._edits_of(params["edit"])
        if self.manner == "types first":
            self.manner = "honest"
            self._take([{"range": self.cursor(0), "newText": "# typed\n"}])
        fits = version in (None, self.version)
        match self.manner:
            case "refuses":
                return {"applied": False, "failureReason": "the buffer is read-only"}
            case "does nothing":
                return {"applied": True}
            case "destroys":
                self._take([{"range": self.cursor(0), "newText": changes[0]["newText"]}])
                return {"applied": True}
        if fits:
            self._past.append(self.text)
            self._take(changes)
        if self.manner == "answers null":
            return None
        if self.manner == "says nothing":
            return NO_ANSWER
        return {"applied": fits or self.manner == "says yes to all"}

    def _edits_of(self, edit: Any) -> tuple[int | None, list[dict[str, Any]]]:
        if "documentChanges" in edit:
            [change] = edit["documentChanges"]
            assert change["textDocument"]["uri"] == self.uri
            return change["textDocument"]["version"], change["edits"]
        return None, edit["changes"][self.uri]

    def _take(self, edits: list[dict[str, Any]]) -> None:
        """Apply TextEdits, which speak of the same text, from the last to the first; one change for all of them."""
        events = []
        for edit in sorted(edits, key=lambda edit: _place(edit["range"]["start"]), reverse=True):
            start, end = (offset(self.text, edit["range"][side]) for side in ("start", "end"))
            self.text = self.text[:start] + edit["newText"] + self.text[end:]
            events.append({"range": edit["range"], "text": edit["newText"]})
        self.version += 1
        self._send([{"text": self.text}] if self.manner == "full sync" else events)

    def _send(self, events: list[dict[str, Any]]) -> None:
        document = {"uri": self.uri, "version": self.version}
        self.server.notify("textDocument/didChange", {"textDocument": document, "contentChanges": events})


def offset(text: str, position: dict[str, int]) -> int:
    """Return the index of a position in utf-16 units; lines end at \\n, \\r\\n and \\r alone."""
    start = 0
    for _ in range(position["line"]):
        ends = [(found, mark) for mark in ("\r\n", "\n", "\r") if (found := text.find(mark, start)) >= 0]
        at, mark = min(ends, key=lambda end: (end[0], -len(end[1])))
        start = at + len(mark)
    units = 0
    while units < position["character"] and start < len(text) and text[start] not in "\r\n":
        units += 2 if ord(text[start]) > 0xFFFF else 1
        start += 1
    return start


def _place(position: dict[str, int]) -> tuple[int, int]:
    return position["line"], position["character"]
