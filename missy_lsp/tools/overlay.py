"""edit_file: what a model wants changed, kept in memory; nothing of it is on the disk or in the editor."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs

from missy_lsp.characters import strip_invisible
from missy_lsp.features.edit_checks import check_edit
from missy_lsp.features.exact_edits import ExactFault, edited
from missy_lsp.features.hunks import hunks, unified_diff
from missy_lsp.features.text_forms import BYTE_ORDER_MARK
from missy_lsp.outbound.redaction import Redacted, RestoreFault, placeholders, restore
from missy_lsp.syntax.definitions import syntax_faults
from missy_lsp.tools.describing import language_of
from missy_lsp.tools.locating import Location
from missy_lsp.tools.outcome import ToolOutcome, ToolRefusedError

MAX_EDITS = 20
_MOST_DIFF = 100_000


@attrs.frozen
class FileChange:
    """What one file is to become: `before` is the text that the edits were made for, None for a new file."""

    location: Location
    before: str | None
    after: str
    warnings: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        return self.location.path

    def fields(self) -> dict[str, object]:
        """Return what is told of the file in an Answer; a diff that is too long to be read is left out."""
        before = self.before or ""
        changed = hunks(before, self.after)
        diff = self.diff()
        described: dict[str, object] = {
            "path": self.location.name,
            "isNew": self.before is None,
            "added": sum(_line_count(hunk.new_text) for hunk in changed),
            "removed": sum(_line_count(before[hunk.start : hunk.end]) for hunk in changed),
            "warnings": list(self.warnings),
        }
        return {**described, "diff": diff} if len(diff) <= _MOST_DIFF else described

    def diff(self) -> str:
        return unified_diff(self.before or "", self.after, self.location.name)


class Overlay:
    """The edits of one request, by real path; the texts that were read, to know that an edit was made for them."""

    def __init__(self) -> None:
        self._changes: dict[Path, FileChange] = {}
        self._read: dict[Path, str] = {}
        self._looked_at: dict[Path, FileChange] = {}
        self.edit_count = 0

    def texts(self) -> Mapping[Path, str]:
        """Return every edited file as it would be."""
        return {path: change.after for path, change in self._changes.items()}

    def new_files(self) -> tuple[Location, ...]:
        return tuple(change.location for change in self._changes.values() if change.before is None)

    def changes(self) -> tuple[FileChange, ...]:
        """Return what is different now, in the order of the paths, with what a reviewer should not miss in each file.

        Parses what was not looked at before, which takes seconds for files of the largest size.
        """
        changed = {path: change for path, change in sorted(self._changes.items()) if change.after != change.before}
        for path, change in changed.items():
            known = self._looked_at.get(path)
            if known is None or known.after != change.after:
                self._looked_at[path] = attrs.evolve(change, warnings=_warnings(change))
        return tuple(self._looked_at[path] for path in changed)

    def dropped(self, why: str) -> str:
        """Return the sentence for a draft that comes to nothing."""
        return (
            f"The {self.edit_count} edits that the model had drafted were dropped, since {why}. Nothing was changed; "
            "ask again."
        )

    def saw(self, path: Path, text: str) -> None:
        """Note what the model was shown of a file: an edit is made for that text and no other."""
        self._read[path] = text

    def edit(
        self, location: Location, current: str | None, old: str, new: str, seen: Sequence[Redacted]
    ) -> ToolOutcome:
        """Replace `old`, which must stand exactly once, by `new`.

        With an empty `old` a file is created where there is none, and one that is empty is filled.
        `current` is the file's text, None where there is none; `seen` are the texts that went out with placeholders.
        Raises ToolRefusedError with the reason.
        """
        if self.edit_count >= MAX_EDITS:
            raise ToolRefusedError(f"One request may make {MAX_EDITS} edits. Finish now, and say what is left to do.")
        change = self._changes.get(location.path)
        if change is None:
            if current is not None and self._read.get(location.path, current) != current:
                self._read.pop(location.path)
                raise ToolRefusedError(f"{location.name} has changed since you read it. Read it again.")
            change = FileChange(location, current, current or "")
        is_new = change.before is None and location.path not in self._changes
        if not old and change.after not in ("", BYTE_ORDER_MARK):
            raise ToolRefusedError(f"{location.name} exists. Give as old_text what is to be replaced in it.")
        if not old and not new and not is_new:
            raise ToolRefusedError(f"{location.name} is empty already. Give as new_text what it is to hold.")
        if is_new:
            self._refuse_in_the_way(location)
        after = _after(change, old, new, seen)
        self._changes[location.path] = attrs.evolve(change, after=after)
        self.edit_count += 1
        what = "created" if is_new else "edited"
        return ToolOutcome(
            f"{location.name} is {what} in a draft. The user reviews all edits when you have finished.",
            False,
            f"{what} {location.name} in a draft",
        )

    def _refuse_in_the_way(self, location: Location) -> None:
        """Raise ToolRefusedError where a new file can't be: below a file, or in the place of a folder of the draft."""
        for count in range(1, len(location.parts)):
            above = attrs.evolve(location, parts=location.parts[:count])
            is_file = os.path.lexists(above.path) and not os.path.isdir(above.path)
            if above.path in self._changes or is_file:
                raise ToolRefusedError(
                    f"{location.name} can't be created: {above.name} is a file, so nothing can lie below it. Choose "
                    "another path."
                )
        below = next((change for change in self._changes.values() if change.location.lies_below(location)), None)
        if below is not None:
            raise ToolRefusedError(
                f"{location.name} can't be created: it is a folder of your draft, with {below.location.name} in it. "
                "Choose another path."
            )


def _after(change: FileChange, old: str, new: str, seen: Sequence[Redacted]) -> str:
    """Return what a file becomes by one more edit. Raises ToolRefusedError."""
    text = change.after
    # What an earlier edit took out of the file may be put back elsewhere in it.
    own = text if change.before is None else f"{text}\n{change.before}"
    old, new = _with_secrets(old, own, seen), _with_secrets(new, own, seen)
    try:
        new.encode("utf-8")
    except UnicodeEncodeError:
        raise ToolRefusedError("new_text holds a half of a surrogate pair, which no file can hold.") from None
    blocking = [found.sentence for found in check_edit(old, new, may_shrink=True) if found.blocks]
    if blocking:
        raise ToolRefusedError(f"{' '.join(blocking)} Give all of the text, as it goes into the file.")
    if not old:
        return text + new.removeprefix(text)  # behind the mark of a file that has nothing else
    result = edited(text, old, new)
    if isinstance(result, ExactFault):
        raise ToolRefusedError(result.for_model)
    return result


def _line_count(text: str) -> int:
    return text.count("\n") + (text != "" and not text.endswith("\n"))


def _with_secrets(text: str, file: str, seen: Sequence[Redacted]) -> str:
    """Put back the secrets that stand in this very file; one of another file is never written here."""
    if not seen:
        return text
    file = strip_invisible(file)[0]  # as it went out
    own = tuple(
        replacement for redacted in seen for replacement in redacted.replacements if replacement.secret.reveal() in file
    )
    restored = restore(
        text, Redacted("\n".join(redacted.text for redacted in seen), own, frozenset(placeholders(file)))
    )
    if isinstance(restored, RestoreFault):
        raise ToolRefusedError(restored.for_model)
    return restored


def _warnings(change: FileChange) -> tuple[str, ...]:
    """Return what a reviewer should not miss in a file as it would be."""
    language, before, after = language_of(change.location), change.before or "", change.after
    faults = (syntax_faults(before, language), syntax_faults(after, language)) if before else (None, None)
    findings = check_edit(before, after, faults_before=faults[0], faults_after=faults[1])
    return tuple(finding.sentence for finding in findings if finding.code != "unchanged")
