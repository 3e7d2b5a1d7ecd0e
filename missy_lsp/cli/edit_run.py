"""`missy ask --tools edit`: what the model drafted as a diff for each file, written with --apply."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from missy_lsp.errors import MissyError
from missy_lsp.tools.overlay import FileChange, Overlay
from missy_lsp.tools.writing import InTheWayError, check_writable, write_file

if TYPE_CHECKING:
    from missy_lsp.cli.setting import Setting
    from missy_lsp.llm.types import Completion


@attrs.frozen
class EditRun:
    """A question whose model may edit in a draft: what becomes of that."""

    setting: Setting
    overlay: Overlay
    may_apply: bool
    shows_text = True

    def conclude(self, completion: Completion, answer: dict[str, object]) -> dict[str, object]:
        """Return the answer with what was drafted, written where that is asked. Raises MissyError where it can't be."""
        if not completion.complete and self.overlay.edit_count:
            why = f"the answer is not complete (stop reason: {completion.stop_reason})"
            return {**answer, "edit": {"status": "refused", "files": [], "message": self.overlay.dropped(why)}}
        changes = self.overlay.changes()
        if not changes:
            return answer
        if self.may_apply:
            _write(changes)
        status = "applied" if self.may_apply else "pending"
        files = [{"uri": change.path.as_uri(), "status": status, **change.fields()} for change in changes]
        return {**answer, "edit": {"status": status, "files": files}}

    def show(self, answer: dict[str, object]) -> None:
        """Print a diff for each file, and what is to be said of them on standard error."""
        edit, output = answer.get("edit"), self.setting.output
        if not isinstance(edit, dict):
            return
        if "message" in edit:
            output.note(str(edit["message"]), "yellow")
        for file in edit["files"]:
            for sentence in file["warnings"]:
                output.note(f"{file['path']}: {sentence}", "yellow")
            output.result(_shown(file), end="")
        if edit["status"] == "pending":
            output.note("nothing was written; add --apply to write it", "dim")

    def drop(self) -> None:
        """Say that the draft of a request that failed is dropped."""
        if self.overlay.edit_count:
            self.setting.output.note(self.overlay.dropped("the request did not come to its end"), "yellow")


def _shown(file: dict[str, object]) -> str:
    """Return the diff of a file, or what stands for it where there is none to show."""
    diff = file.get("diff")
    if diff is None:
        return f"{file['path']}: the diff is too long to be shown\n"
    return str(diff) or f"{file['path']}: a new file without any text\n"


def _write(changes: tuple[FileChange, ...]) -> None:
    """Write every file, none where something is in the way of one: it has changed since, or is read-only."""
    faults = [fault for change in changes if (fault := _fault(change)) is not None]
    if faults:
        raise MissyError(f"{'; '.join(faults)}. Nothing was written; try again.")
    for done, change in enumerate(changes):
        fault = write_file(change.location, change.before, change.after)
        if fault is not None:
            raise MissyError(f"{fault}. {done} of {len(changes)} files were written.")


def _fault(change: FileChange) -> str | None:
    try:
        check_writable(change.location, change.before)
    except InTheWayError as in_the_way:
        return in_the_way.message
    return None
