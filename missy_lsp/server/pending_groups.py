"""Changes of several files that a model proposed in one answer, and which of them the user has decided on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import attrs

from missy_lsp.errors import ModelError

if TYPE_CHECKING:
    from missy_lsp.server.arguments import AskArguments
    from missy_lsp.server.landing import TrackedText
    from missy_lsp.server.pending_edits import PendingEdit
    from missy_lsp.tools.overlay import FileChange

KEPT_MOST = 20


@attrs.define(eq=False)
class GroupFile:
    """One file of a group; `edit` is the change in the document while that is open in the editor.

    `around` is how much of the text stands before and behind what `edit` replaces, in characters. `draft` is the file
    in which the user may edit the whole of what this one is to become, `draft_text` what was last taken from there.
    """

    id: str
    change: FileChange
    status: Literal["pending", "applied", "discarded"] = "pending"
    edit: PendingEdit | None = None
    around: tuple[int, int] = (0, 0)
    draft: Path | None = None
    draft_text: str = ""

    @property
    def uri(self) -> str:
        return self.edit.uri if self.edit is not None else self.change.path.as_uri()


@attrs.define(eq=False)
class ChangeGroup:
    """The files of one answer; `arguments` are those of the question, `forget` stops the time-out.

    `provider` is the id of the one that answered. `asked_at` follows the range that was asked about, None without one.
    """

    id: str
    title: str
    arguments: AskArguments
    files: tuple[GroupFile, ...]
    provider: str = ""
    asked_at: TrackedText | None = None
    is_landing: bool = False
    forget: Callable[[], None] = attrs.field(default=lambda: None)

    @property
    def waiting(self) -> tuple[GroupFile, ...]:
        return tuple(file for file in self.files if file.status == "pending")


class ChangeGroups:
    """The groups of one session by id; a file has an id of its own."""

    def __init__(self) -> None:
        self._groups: dict[str, ChangeGroup] = {}

    def all(self) -> tuple[ChangeGroup, ...]:
        return tuple(self._groups.values())

    def add(self, group: ChangeGroup) -> ChangeGroup | None:
        """Keep a group; return the oldest one, of those that are not being applied, where it has to go for it."""
        self._groups[group.id] = group
        if len(self._groups) <= KEPT_MOST:
            return None
        return next((kept for kept in self._groups.values() if not kept.is_landing), None)

    def remove(self, group: ChangeGroup) -> None:
        if self._groups.pop(group.id, None) is not None:
            group.forget()
            if group.asked_at is not None:
                group.asked_at.let_go()

    def find(self, some_id: str) -> tuple[ChangeGroup, tuple[GroupFile, ...]] | None:
        """Return a group with the files that an id names and that wait: all by the group's, one by a file's."""
        for group in self._groups.values():
            if some_id == group.id:
                return group, group.waiting
            files = tuple(file for file in group.waiting if file.id == some_id)
            if files:
                return group, files
        return None

    def of_edit(self, edit: PendingEdit) -> tuple[ChangeGroup, GroupFile] | None:
        return next(
            ((group, file) for group in self._groups.values() for file in group.files if file.id == edit.id), None
        )


def named(
    files: tuple[GroupFile, ...], uris: tuple[str, ...], real_path: Callable[[str], Path | None]
) -> list[GroupFile]:
    """Return the files that URIs name, each once. Raises ModelError (`invalid_request`) for no URI and a wrong one."""
    if not uris:
        raise ModelError(
            "invalid_request", "No file was named, so nothing was applied. Name some, or leave `files` out for all."
        )
    chosen: list[GroupFile] = []
    for uri in uris:
        file = next((file for file in files if uri == file.uri or real_path(uri) == file.change.path), None)
        if file is None:
            raise ModelError("invalid_request", f"The change has no file {uri[:200]} that waits.")
        if file not in chosen:
            chosen.append(file)
    return chosen
