"""Somebody who types, in editors of each kind, and asks for suggestions at the cursor."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import attrs

from tests.support.lsp_process import LspProcess
from tests.support.running_editors import RunningEditors

CODE = "def total(prices):\n    return su\n"
CURSOR = {"line": 1, "character": 13}
REPLY = "<replacement>\n    return sum(prices)\n</replacement>\n"
KINDS = {
    "inline": {"textDocument": {"inlineCompletion": {}}},
    "dynamic": {"textDocument": {"inlineCompletion": {"dynamicRegistration": True}}},
    "list": {"textDocument": {"completion": {}}},
}
INVOKED, AUTOMATIC = 1, 2


@attrs.define(eq=False)
class Typist:
    """Somebody who types at the end of the second line."""

    process: LspProcess
    uri: str
    text: str
    version: int = 1
    place: dict[str, int] = attrs.Factory(lambda: dict(CURSOR))

    def type(self, text: str) -> None:
        self.version += 1
        change = {"range": {"start": dict(self.place), "end": dict(self.place)}, "text": text}
        identifier = {"uri": self.uri, "version": self.version}
        self.process.notify("textDocument/didChange", {"textDocument": identifier, "contentChanges": [change]})
        self.place["character"] += len(text)

    def close(self) -> None:
        self.process.notify("textDocument/didClose", {"textDocument": {"uri": self.uri}})

    def reopen(self, text: str) -> None:
        self.close()
        self.process.open(self.uri, text)

    def ask(self, kind: int = AUTOMATIC, **context: object) -> int:
        params = {
            "textDocument": {"uri": self.uri},
            "position": self.place,
            "context": {"triggerKind": kind, **context},
        }
        return self.process.start_request("textDocument/inlineCompletion", params)

    def items(self, request_id: int) -> list[Any]:
        response = self.process.response(request_id)
        assert "error" not in response, response
        found = response["result"]["items"]
        assert isinstance(found, list)
        return found

    def suggested(self, kind: int = AUTOMATIC, **context: object) -> list[str]:
        return [item["insertText"] for item in self.items(self.ask(kind, **context))]

    def listed(self, kind: int = INVOKED) -> Any:
        context = {"triggerKind": kind}
        params = {"textDocument": {"uri": self.uri}, "position": self.place, "context": context}
        response = self.process.request("textDocument/completion", params)
        assert "error" not in response
        return response["result"]

    def told(self) -> list[str]:
        self.process.command("missy.status")
        return [note["message"] for note in self.process.notifications("window/logMessage")]


@attrs.define(eq=False)
class Typists(RunningEditors):
    _numbers: Iterator[int] = attrs.Factory(itertools.count)

    def open(
        self, kind: str = "inline", text: str = CODE, name: str = "", *, fresh: bool = False, **section: object
    ) -> Typist:
        """Return somebody with a document open; `section` is the user's `completion`, with mode `auto` by default."""
        self.configure(completion={"mode": "auto", **section})
        process = self.server(kind, KINDS[kind], fresh=fresh)
        uri = (self.folder / (name or f"a{next(self._numbers)}.py")).as_uri()
        typist = Typist(process, uri, text)
        process.open(uri, text)
        return typist
