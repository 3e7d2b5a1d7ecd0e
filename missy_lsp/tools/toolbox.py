"""The read tools that a model may call on the workspace: their descriptions, the check of a call, the call.

A call never raises for what the model wrote: it is answered with `is_error` and the reason. Work on the disk
runs in a thread; every tool bounds its own time and output.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from missy_lsp.llm.types import JsonObject, ToolSpec
from missy_lsp.tools.arguments import Fields, checked
from missy_lsp.tools.listing import list_files
from missy_lsp.tools.locating import Location, locations_of, refusal
from missy_lsp.tools.outcome import ToolOutcome, ToolRefusedError, shown
from missy_lsp.tools.reading import read_file
from missy_lsp.tools.searching import search

_PATH = {"type": "string", "description": "Path of a file or folder, relative to the workspace folder, with /."}
_LINE = {"type": "integer", "minimum": 1}
# Sorted by name: a changed order would cost the prompt cache.
_SPECS = (
    ToolSpec(
        "list_files",
        "List the files and folders of the workspace below a folder, at most 2,000. Ignored files are left out. "
        "`pattern` is written as in .gitignore, for example *.py or src/**/test_*.py, and then only files are listed.",
        {
            "type": "object",
            "properties": {"path": _PATH, "pattern": {"type": "string"}},
            "required": [],
            "additionalProperties": False,
        },
    ),
    ToolSpec(
        "read_file",
        "Read a text file of the workspace, each line after its number and a tab. At most 256 KiB a call: "
        "read on with start_line. Unsaved text of the editor is read before the disk.",
        {
            "type": "object",
            "properties": {"path": _PATH, "start_line": _LINE, "end_line": _LINE},
            "required": ["path"],
            "additionalProperties": False,
        },
    ),
    ToolSpec(
        "search",
        "Find the lines that contain a text literally (no regular expression), in one file or below a folder; "
        "without path in the whole workspace. Answers path:line: text, at most 200 lines.",
        {
            "type": "object",
            "properties": {"pattern": {"type": "string"}, "path": _PATH, "case_sensitive": {"type": "boolean"}},
            "required": ["pattern"],
            "additionalProperties": False,
        },
    ),
)


class Toolbox:
    """The tools for one request.

    `roots` are the workspace folders, `ignore` the user's `privacy.ignore` globs; `open_documents` gives the
    text of every document that is open in the editor by its path, and is asked on the event loop.
    """

    def __init__(
        self,
        roots: tuple[Path, ...],
        ignore: tuple[str, ...] = (),
        open_documents: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        self._roots = roots
        self._ignore = ignore
        self._open_documents = open_documents

    def specs(self) -> tuple[ToolSpec, ...]:
        """Return the descriptions for the model, always the same ones in the same order."""
        return _SPECS

    async def call(self, name: str, arguments: JsonObject) -> ToolOutcome:
        """Run one tool."""
        open_texts = dict(self._open_documents())
        return await asyncio.to_thread(self._run, name, arguments, open_texts)

    def _run(self, name: str, arguments: JsonObject, open_texts: Mapping[str, str]) -> ToolOutcome:
        try:
            spec = next((spec for spec in _SPECS if spec.name == name), None)
            if spec is None:
                known = ", ".join(spec.name for spec in _SPECS)
                raise ToolRefusedError(f"There is no tool {shown(name)}; there are {known}.")
            fields = checked(arguments, spec.input_schema)
            texts = {Path(os.path.realpath(path)): text for path, text in open_texts.items()}
            return self._tools()[name](fields, texts)
        except ToolRefusedError as error:
            return ToolOutcome(error.reason, True, f"{shown(name)} refused: {error.reason}")

    def _tools(self) -> dict[str, Callable[[Fields, Mapping[Path, str]], ToolOutcome]]:
        return {"list_files": self._list_files, "read_file": self._read_file, "search": self._search}

    def _read_file(self, fields: Fields, open_texts: Mapping[Path, str]) -> ToolOutcome:
        path = fields.text("path", "")
        start, end = fields.number("start_line") or 1, fields.number("end_line")
        if end is not None and end < start:
            raise ToolRefusedError(f"end_line {end} is before start_line {start}.")
        for location in locations_of(path, self._roots, self._ignore):
            outcome = read_file(location, open_texts.get(location.path), start, end)
            if outcome is not None:
                return outcome
        raise refusal(path)

    def _list_files(self, fields: Fields, open_texts: Mapping[Path, str]) -> ToolOutcome:
        pattern = fields.text("pattern", "")
        return self._in_each_folder(fields, partial(_listed, pattern=pattern))

    def _search(self, fields: Fields, open_texts: Mapping[Path, str]) -> ToolOutcome:
        pattern = fields.text("pattern", "")
        if not pattern.strip() or "\n" in pattern:
            raise ToolRefusedError("pattern must be a text of one line that is not blank.")
        case_sensitive = fields.flag("case_sensitive")
        return self._in_each_folder(
            fields,
            lambda location: _searched(location, pattern, case_sensitive, open_texts),
        )

    def _in_each_folder(self, fields: Fields, run: Callable[[Location], ToolOutcome | None]) -> ToolOutcome:
        """Run a tool in every workspace folder that has the path, and join what they say."""
        path = fields.text("path", ".")
        results: list[tuple[Location, ToolOutcome]] = []
        for location in locations_of(path, self._roots, self._ignore):
            outcome = run(location)
            if outcome is not None:
                results.append((location, outcome))
        if not results:
            raise refusal(path)
        if len(results) == 1:
            return results[0][1]
        text = "\n\n".join(f"In {shown(location.folder.name)}:\n{outcome.text}" for location, outcome in results)
        return ToolOutcome(text, False, "; ".join(outcome.summary for _, outcome in results))


def _listed(location: Location, pattern: str) -> ToolOutcome | None:
    return list_files(location, pattern) if os.path.isdir(location.path) else None


def _searched(
    location: Location, pattern: str, case_sensitive: bool, open_texts: Mapping[Path, str]
) -> ToolOutcome | None:
    exists = os.path.exists(location.path) or location.path in open_texts
    return search(location, pattern, case_sensitive, open_texts) if exists else None
