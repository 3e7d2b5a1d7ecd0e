"""From a model's reply to a change that may be shown and applied, or to the reason why not."""

from __future__ import annotations

import attrs

from missy_lsp.config.actions import Action
from missy_lsp.document import Snapshot
from missy_lsp.features.edit_checks import EditFinding, check_edit
from missy_lsp.features.fitting import fit
from missy_lsp.features.replies import (
    REPLACEMENT_SCHEMA,
    ReplyFault,
    read_new_file,
    read_replacement,
    read_structured,
)
from missy_lsp.features.targets import Target
from missy_lsp.llm.types import Repair
from missy_lsp.outbound.redaction import Redacted, RestoreFault, restore
from missy_lsp.syntax.definitions import syntax_faults

_SHORTENING = frozenset({"simplify", "edit"})
_SCHEMA_SENTENCE = (
    "Answer again, as a JSON object whose `replacement` is all of the new text, as it goes into the file."
)
_TAGS_SENTENCE = "Answer again in the form that was asked for, with all of the new text."


@attrs.frozen
class Proposal:
    """A change: `new_text` for the text it was made for; `path` where it is a new file, relative to the folder.

    `remarks` is what the model said beside it, `warnings` what is doubtful in it, a sentence each.
    """

    new_text: str
    remarks: str = ""
    warnings: tuple[str, ...] = ()
    path: str | None = None


@attrs.frozen
class NoProposal:
    """Why a reply is not a change that may be applied: for the user, and for the model to mend it.

    `is_empty`: the reply holds nothing at all.
    """

    sentence: str
    for_model: str
    is_empty: bool = False


def propose(
    action: Action,
    snapshot: Snapshot,
    target: Target,
    reply: str,
    *,
    structured: bool,
    redacted: Redacted | None = None,
) -> Proposal | NoProposal:
    """Read and check a complete reply to an action whose result is an edit.

    `redacted` is what the model was shown of the document; its secrets come back into the new text.
    """
    shown = snapshot.text[target.shown.start : target.shown.end] if target.shown else ""
    if action.result == "new file":
        return _new_file(reply)
    read = read_structured(reply) if structured else read_replacement(reply, original=shown)
    if isinstance(read, ReplyFault):
        return _no_reply(read)
    text = read.text if redacted is None else restore(read.text, redacted)
    if isinstance(text, RestoreFault):
        return NoProposal(text.sentence, text.for_model)
    new_text = _fitted(action, snapshot, target, text)
    may_shrink = action.id in _SHORTENING or target.is_insertion
    base = shown if action.result == "replace" else ""
    faults = _syntax_faults(snapshot, target, new_text)
    findings = check_edit(base, new_text, may_shrink=may_shrink, faults_before=faults[0], faults_after=faults[1])
    return _checked(findings) or Proposal(new_text, read.remarks, _warnings(findings))


def repair_for(
    action: Action,
    snapshot: Snapshot,
    target: Target,
    reply: str,
    *,
    can_structure: bool,
    redacted: Redacted | None = None,
) -> Repair | None:
    """Return what to say to the model where its reply is no change that may be applied (contract 5: once)."""
    proposal = propose(action, snapshot, target, reply, structured=False, redacted=redacted)
    if isinstance(proposal, Proposal):
        return None
    if can_structure and action.result != "new file":
        return Repair(f"{proposal.for_model} {_SCHEMA_SENTENCE}", REPLACEMENT_SCHEMA)
    return Repair(f"{proposal.for_model} {_TAGS_SENTENCE}")


def _new_file(reply: str) -> Proposal | NoProposal:
    """Read a new file; placeholders of secrets stay what they are, since a secret belongs into no further file."""
    file = read_new_file(reply)
    if isinstance(file, ReplyFault):
        return _no_reply(file)
    findings = check_edit("", file.text)
    return _checked(findings) or Proposal(file.text, file.remarks, _warnings(findings), file.path)


def _fitted(action: Action, snapshot: Snapshot, target: Target, text: str) -> str:
    shown = target.shown or target.span
    start, end = (shown.start, shown.end) if action.result == "replace" else (target.span.start, target.span.end)
    return fit(snapshot.text, start, end, text, on_lines_of_its_own=action.result == "insert above")


def _no_reply(fault: ReplyFault) -> NoProposal:
    return NoProposal(fault.sentence, fault.for_model, is_empty=fault.code == "empty")


def _checked(findings: tuple[EditFinding, ...]) -> NoProposal | None:
    blocking = [finding for finding in findings if finding.blocks]
    if not blocking:
        return None
    sentence = " ".join(finding.sentence for finding in blocking)
    return NoProposal(sentence, f"Your reply can't be used: {sentence}")


def _warnings(findings: tuple[EditFinding, ...]) -> tuple[str, ...]:
    return tuple(finding.sentence for finding in findings if not finding.blocks)


def _syntax_faults(snapshot: Snapshot, target: Target, new_text: str) -> tuple[int | None, int | None]:
    before = syntax_faults(snapshot.text, snapshot.language_id)
    if before is None:
        return None, None
    text = snapshot.text[: target.span.start] + new_text + snapshot.text[target.span.end :]
    return before, syntax_faults(text, snapshot.language_id)
