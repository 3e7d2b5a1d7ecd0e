"""What the mentions of a chat stand for: as attachments of a question, or the sentence that says what is missing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import attrs

from missy_lsp.document import Snapshot
from missy_lsp.errors import ModelError
from missy_lsp.features.chat_mentions import Mention
from missy_lsp.features.context import selection_place
from missy_lsp.features.material import Attachment, shown_path
from missy_lsp.outbound.deny_list import denied
from missy_lsp.syntax.definitions import enclosing_definition
from missy_lsp.tools.locating import locations_of, may_be_context
from missy_lsp.tools.reading import text_of
from missy_lsp.tools.staged_diff import staged_diff

if TYPE_CHECKING:
    from missy_lsp.server.session import Session

MAX_FILE_BYTES = 512 * 1024


@attrs.frozen
class MentionSources:
    """All that mentions may stand for, frozen at the moment of a request."""

    folders: tuple[Path, ...]
    folder: Path | None
    ignore: tuple[str, ...]
    document: Snapshot | None
    selection: Snapshot | None
    cursor: Snapshot | None
    diagnostics: tuple[Snapshot, tuple[str, ...]] | None
    open_texts: Mapping[str, str]

    async def attachments(
        self, mentions: Sequence[Mention], earlier: Sequence[Mention] = ()
    ) -> tuple[tuple[Attachment, ...], tuple[str, ...]]:
        """Return what mentions stand for, each once, and the labels of those of `earlier` turns that are gone by now.

        Raises ModelError for one of the `mentions` that stands for nothing.
        """
        found: dict[str, Attachment] = {}
        gone: dict[str, None] = {}
        for mention in earlier:
            if mention.label not in found:
                try:
                    found[mention.label] = await self._attachment(mention)
                except ModelError:  # nobody can mend what an old question names
                    gone[mention.label] = None
        for mention in mentions:
            if mention.label not in found:
                found[mention.label] = await self._attachment(mention)
        return tuple(found.values()), tuple(gone)

    def problem(self, mention: Mention) -> str | None:
        """Say why a mention stands for nothing, None where it does; looks at the disk for a named file."""
        if mention.kind == "diff":
            return None if self._git_folder() else NO_REPOSITORY
        try:
            if mention.path:
                self._file(mention)
            else:
                self._seen(mention)
        except ModelError as error:
            return error.message
        return None

    async def _attachment(self, mention: Mention) -> Attachment:
        if mention.kind == "diff":
            git = self._git_folder()
            if git is None:
                raise _missing(mention, NO_REPOSITORY)
            return Attachment("staged changes", await staged_diff(str(git / "COMMIT_EDITMSG"), self.ignore), "diff")
        if mention.path:
            return await asyncio.to_thread(self._file, mention)
        return await asyncio.to_thread(self._seen, mention)

    def _file(self, mention: Mention) -> Attachment:
        for location in locations_of(mention.path, self.folders, self.ignore):
            text = self.open_texts.get(str(location.path))
            if text is not None:
                return Attachment(location.name, text)
            read = text_of(location, MAX_FILE_BYTES)
            if read is not None:
                text, is_cut = read
                return Attachment(location.name, f"{text}\n[the file goes on; it is cut here]\n" if is_cut else text)
        raise _missing(
            mention,
            "no text file that may be sent has this path. It is relative to a workspace folder; files that are ignored "
            "or commonly hold secrets are never sent.",
        )

    def _seen(self, mention: Mention) -> Attachment:
        sources: dict[str, Callable[[], Attachment | None]] = {
            "file": self._whole_document,
            "selection": self._selected,
            "symbol": self._definition,
            "diagnostics": self._said,
        }
        attachment = sources[mention.kind]()
        if attachment is None:
            raise _missing(mention, _NOTHING_SEEN[mention.kind])
        return attachment

    def _whole_document(self) -> Attachment | None:
        document = self.document
        return None if document is None else self._of(document, document.text, "")

    def _selected(self) -> Attachment | None:
        document = self.selection
        return None if document is None else self._of(document, document.selected, selection_place(document))

    def _definition(self) -> Attachment | None:
        document = self.cursor
        if document is None or document.span is None:
            return None
        span = enclosing_definition(document.text, document.span.start, document.language_id)
        if span is None:
            return None
        inner = attrs.evolve(document, span=span)
        return self._of(inner, inner.selected, selection_place(inner))

    def _said(self) -> Attachment | None:
        if self.diagnostics is None:
            return None
        document, said = self.diagnostics
        return self._of(document, "\n".join(said), "diagnostics", language_id="")

    def _of(self, document: Snapshot, text: str, place: str, *, language_id: str | None = None) -> Attachment:
        """Return a part of an open document; raise ModelError for one that is never sent as context."""
        path = shown_path(document, None if self.folder is None else str(self.folder))
        if (reason := denied(PurePath(path))) is not None:
            raise ModelError("invalid_request", f"{path} is {reason}; it is never sent as context.")
        if not may_be_context(document.path, self.folders, self.ignore):
            raise ModelError("invalid_request", f"{path} is ignored; it is never sent as context.")
        label = f"{path}, {place}" if place else path
        return Attachment(label, text, document.language_id if language_id is None else language_id)

    def _git_folder(self) -> Path | None:
        if self.folder is None:
            return None
        for folder in (self.folder, *self.folder.parents):
            if (folder / ".git").is_dir():
                return folder / ".git"
        return None


NO_REPOSITORY = "the workspace folder is in no git repository"
_NOTHING_SEEN = {
    "file": "no other document is open. Open one, or name it: @file:PATH",
    "selection": "no selection is known. Select code in another document and open its code actions, then come back",
    "symbol": "no place in code is known, or no definition is around it. Open the code actions there, then come back",
    "diagnostics": "no diagnostics are known. Open the code actions on a diagnostic of the other document",
}


def mention_sources(session: Session, path: str | None) -> MentionSources:
    """Freeze what the mentions of a chat may stand for; `path` is the chat's own file."""
    configuration, seen, documents = session.configuration, session.attention, session.documents
    return MentionSources(
        folders=configuration.folders,
        folder=configuration.folder_of(path) or configuration.folder_of(None),
        ignore=configuration.config_for(path).privacy.ignore,
        document=seen.document(documents),
        selection=seen.selection(documents),
        cursor=seen.cursor(documents),
        diagnostics=seen.diagnostics(documents),
        open_texts=documents.texts_by_path(),
    )


def _missing(mention: Mention, why: str) -> ModelError:
    return ModelError("invalid_request", f"{mention.label}: {why}")
