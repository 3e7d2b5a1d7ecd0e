"""The tools that a model may call on the workspace: the check of a call, the call.

A call never raises for what the model wrote: it is answered with `is_error` and the reason. Work on the disk
runs in a thread; every tool bounds its own time and output.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import attrs

from missy_lsp.features.replies import path_fault
from missy_lsp.llm.types import JsonObject, ToolSpec
from missy_lsp.outbound.redaction import Redacted
from missy_lsp.tools.arguments import Fields, checked
from missy_lsp.tools.describing import diagnostics_of, document_symbols, known_diagnostics
from missy_lsp.tools.listing import list_files
from missy_lsp.tools.locating import Location, ignore_faults, locations_of, refusal
from missy_lsp.tools.outcome import ToolOutcome, ToolRefusedError, shown
from missy_lsp.tools.overlay import Overlay
from missy_lsp.tools.reading import Wanted, editable_text, read_file, refuse_uneditable
from missy_lsp.tools.redacting import RedactingToolbox
from missy_lsp.tools.searching import Sought, search_text
from missy_lsp.tools.specs import EDIT_SPECS, READ_SPECS
from missy_lsp.tools.veil import Veil

Value = TypeVar("Value")


@attrs.frozen
class Shown:
    """What is shown at the moment of a call: by real path the editor's texts, and what it passed on of other checkers.

    `veil` is what the model may see of texts.
    """

    texts: Mapping[Path, str] = attrs.field(factory=dict)
    diagnostics: Mapping[Path, Sequence[str]] = attrs.field(factory=dict)
    veil: Veil = attrs.field(factory=lambda: Veil(hides=False))


class Toolbox:
    """The tools for one request.

    `roots` are the workspace folders, `ignore` the user's `privacy.ignore` globs; `open_documents` gives the
    text of every document that is open in the editor by its path, `diagnostics` what the editor has passed on of
    other checkers, a line each; both are asked on the event loop. With an `overlay` the model may also edit, in it.
    """

    def __init__(
        self,
        roots: tuple[Path, ...],
        ignore: tuple[str, ...] = (),
        open_documents: Callable[[], Mapping[str, str]] = dict,
        diagnostics: Callable[[], Mapping[str, Sequence[str]]] = dict,
        overlay: Overlay | None = None,
    ) -> None:
        self._roots = roots
        self._ignore = ignore
        self._open_documents = open_documents
        self._diagnostics = diagnostics
        self._overlay = overlay

    def specs(self) -> tuple[ToolSpec, ...]:
        """Return the descriptions for the model, always the same ones in the same order."""
        return READ_SPECS if self._overlay is None else EDIT_SPECS

    def guarded(self, earlier: tuple[Redacted, ...]) -> RedactingToolbox:
        """Return the same tools with placeholders for secrets; `earlier` is what was replaced in the question."""
        return RedactingToolbox(self, earlier)

    async def call(self, name: str, arguments: JsonObject, veil: Veil | None = None) -> ToolOutcome:
        """Run one tool; `veil` puts placeholders for secrets into texts and knows what they stand for in an edit."""
        texts, diagnostics = dict(self._open_documents()), dict(self._diagnostics())
        return await asyncio.to_thread(self._run, name, arguments, texts, diagnostics, veil)

    def _run(
        self,
        name: str,
        arguments: JsonObject,
        open_texts: Mapping[str, str],
        diagnostics: Mapping[str, Sequence[str]] | None = None,
        veil: Veil | None = None,
    ) -> ToolOutcome:
        try:
            spec = next((spec for spec in self.specs() if spec.name == name), None)
            if spec is None:
                known = ", ".join(spec.name for spec in self.specs())
                raise ToolRefusedError(f"There is no tool {shown(name)}; there are {known}.")
            fields = checked(arguments, spec.input_schema)
            editor = Shown(_by_real_path(open_texts), _by_real_path(diagnostics or {}), veil or Veil(hides=False))
            return self._tools()[name](fields, editor)
        except ToolRefusedError as error:
            return ToolOutcome(error.reason, True, f"{shown(name)} refused: {error.reason}")

    def _tools(self) -> dict[str, Callable[[Fields, Shown], ToolOutcome]]:
        return {
            "diagnostics": self._known_diagnostics,
            "document_symbols": self._document_symbols,
            "edit_file": self._edit_file,
            "list_files": self._list_files,
            "read_file": self._read_file,
            "search_text": self._search_text,
        }

    def _known_diagnostics(self, fields: Fields, editor: Shown) -> ToolOutcome:
        if "path" in fields.values:
            return self._of_one_file(
                fields,
                lambda place: diagnostics_of(place, self._text(place, editor), editor.diagnostics.get(place.path, ())),
            )
        known = []
        for path, said in sorted(editor.diagnostics.items()):
            # What may not be read is not told of either.
            known += [(place, said) for place in locations_of(str(path), self._roots, self._ignore)][:1]
        return known_diagnostics(known)

    def _document_symbols(self, fields: Fields, editor: Shown) -> ToolOutcome:
        return self._of_one_file(fields, lambda place: document_symbols(place, self._text(place, editor), editor.veil))

    def _read_file(self, fields: Fields, editor: Shown) -> ToolOutcome:
        start, end = fields.number("start_line") or 1, fields.number("end_line")
        if end is not None and end < start:
            raise ToolRefusedError(f"end_line {end} is before start_line {start}.")
        wanted = Wanted(start, end, editor.veil)
        return self._of_one_file(fields, lambda place: self._read_one(place, editor, wanted))

    def _read_one(self, place: Location, editor: Shown, wanted: Wanted) -> ToolOutcome | None:
        if self._overlay is not None and place.path in self._drafts():
            return read_file(place, self._drafts()[place.path], wanted, is_draft=True)
        outcome = read_file(place, editor.texts.get(place.path), wanted)
        if self._overlay is not None and outcome is not None:
            with contextlib.suppress(ToolRefusedError):  # one that can't be edited needs no guard against it
                self._overlay.saw(place.path, self._current(place, editor) or "")
        return outcome

    def _edit_file(self, fields: Fields, editor: Shown) -> ToolOutcome:
        assert self._overlay is not None, "the tool is only in the list with an overlay"
        seen = editor.veil.done
        path, old, new = fields.text("path", ""), fields.text("old_text", ""), fields.text("new_text", "")
        free: list[Location] = []
        for location in locations_of(path, self._roots, self._ignore):
            if (fault := path_fault("/".join(location.parts))) is not None:
                raise ToolRefusedError(f"{shown(path)} can't be edited: {fault}.")
            if location.path in self._drafts():
                return self._overlay.edit(location, None, old, new, seen)
            current = self._current(location, editor)
            if current is not None:
                return self._overlay.edit(location, current, old, new, seen)
            free += [] if os.path.lexists(location.path) else [location]
        if old or not free:
            raise ToolRefusedError(
                " ".join(
                    [
                        f"No file that may be edited: {shown(path)}. list_files shows what there is; to create a file, "
                        "leave old_text empty.",
                        *ignore_faults(path, self._roots),
                    ]
                )
            )
        return self._overlay.edit(free[0], None, old, new, seen)

    def _current(self, place: Location, editor: Shown) -> str | None:
        """Return the text that an edit is made for: as the editor has it, else as it stands on the disk."""
        text = editor.texts.get(place.path)
        if text is None:
            return editable_text(place)
        refuse_uneditable(place, len(text))
        return text

    def _text(self, place: Location, editor: Shown) -> str | None:
        """Return what stands for a file instead of the disk: the draft, else the editor's text."""
        return self._drafts().get(place.path, editor.texts.get(place.path))

    def _drafts(self) -> Mapping[Path, str]:
        return {} if self._overlay is None else self._overlay.texts()

    def _new_files(self) -> tuple[Location, ...]:
        return () if self._overlay is None else self._overlay.new_files()

    def _list_files(self, fields: Fields, editor: Shown) -> ToolOutcome:
        pattern = fields.text("pattern", "")
        return self._in_each_folder(fields, partial(_listed, pattern=pattern, new=self._new_files()))

    def _search_text(self, fields: Fields, editor: Shown) -> ToolOutcome:
        pattern = fields.text("pattern", "")
        if not pattern.strip() or "\n" in pattern:
            raise ToolRefusedError("pattern must be a text of one line that is not blank.")
        sought = Sought(pattern, fields.flag("case_sensitive"), editor.veil)
        texts, new = {**editor.texts, **self._drafts()}, self._new_files()
        return self._in_each_folder(
            fields,
            lambda place: (
                search_text(place, sought, texts, new)
                if os.path.exists(place.path) or place.path in texts or _is_folder_of(new, place)
                else None
            ),
        )

    def _of_one_file(self, fields: Fields, look: Callable[[Location], ToolOutcome | None]) -> ToolOutcome:
        """Run a tool on the first workspace folder's file that has the path."""
        path = fields.text("path", "")
        for location in locations_of(path, self._roots, self._ignore):
            outcome = look(location)
            if outcome is not None:
                return outcome
        raise refusal(path, self._roots)

    def _in_each_folder(self, fields: Fields, run: Callable[[Location], ToolOutcome | None]) -> ToolOutcome:
        """Run a tool in every workspace folder that has the path, and join what they say."""
        path = fields.text("path", ".")
        results: list[tuple[Location, ToolOutcome]] = []
        for location in locations_of(path, self._roots, self._ignore):
            outcome = run(location)
            if outcome is not None:
                results.append((location, outcome))
        if not results:
            raise refusal(path, self._roots)
        if len(results) == 1:
            return results[0][1]
        text = "\n\n".join(f"In {shown(location.folder.name)}:\n{outcome.text}" for location, outcome in results)
        return ToolOutcome(text, False, "; ".join(outcome.summary for _, outcome in results))


def _by_real_path(by_path: Mapping[str, Value]) -> dict[Path, Value]:
    return {Path(os.path.realpath(path)): value for path, value in by_path.items()}


def _listed(location: Location, pattern: str, new: tuple[Location, ...]) -> ToolOutcome | None:
    is_folder = os.path.isdir(location.path) or _is_folder_of(new, location)
    return list_files(location, pattern, new) if is_folder else None


def _is_folder_of(new: tuple[Location, ...], location: Location) -> bool:
    """Tell whether a place is a folder in a draft: a file that is only there lies below it."""
    return any(place.lies_below(location) and place.parts != location.parts for place in new)
