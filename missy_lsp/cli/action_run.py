"""`missy ask --action ID --file PATH:START-END`: an editor's code action in the terminal, with its change as a diff."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from missy_lsp.cli.setting import Setting, current_folder
from missy_lsp.errors import MissyError, ModelError

if TYPE_CHECKING:
    from missy_lsp.document import Snapshot
    from missy_lsp.features.actions import ActionInput
    from missy_lsp.features.edits import Proposal
    from missy_lsp.llm.client import Call
    from missy_lsp.llm.types import Completion


@attrs.frozen
class ActionRun:
    """One action on one file: what is asked, what becomes of the reply."""

    setting: Setting
    asked: ActionInput
    call: Call
    may_apply: bool
    shows_text = False  # the diff stands for what the model said

    @property
    def is_edit(self) -> bool:
        return self.asked.action.result != "answer"

    def conclude(self, completion: Completion, answer: dict[str, object]) -> dict[str, object]:
        """Show the change as a diff on standard output, apply it where that is asked, and return the answer with it.

        Raises ModelError where the reply is no change, MissyError where the file can't be written.
        """
        from missy_lsp.features.action_calls import proposal_of
        from missy_lsp.features.edits import NoProposal

        found = proposal_of(self.asked, completion)
        if isinstance(found, NoProposal):
            raise ModelError("invalid_response", f"{found.sentence} Nothing was changed.", partial_text=completion.text)
        path, before, after = self._result(found)
        if self.may_apply:
            _write(path, before, after)
        return {**answer, "edit": self._described(found, path, before, after)}

    def show(self, answer: dict[str, object]) -> None:
        """Print the diff, and what is to be said of it on standard error."""
        edit = answer["edit"]
        assert isinstance(edit, dict)
        output = self.setting.output
        for sentence in (edit.get("remarks"), *edit["warnings"]):
            if sentence:
                output.note(str(sentence), "yellow")
        if edit["diff"]:
            output.result(str(edit["diff"]), end="" if str(edit["diff"]).endswith("\n") else "\n")
        else:
            output.note("the model proposes no change")
        if edit["diff"] and not self.may_apply:
            output.note("nothing was written; add --apply to write it", "dim")

    def _result(self, proposal: Proposal) -> tuple[Path, str | None, str]:
        """Return the file to write, its content as it was read (None for a new file), and the new one."""
        from pathlib import PurePosixPath

        snapshot, span = self.asked.snapshot, self.asked.target.span
        if proposal.path is not None:
            return (
                Path(self.asked.workspace_folder or ".", *PurePosixPath(proposal.path).parts),
                None,
                proposal.new_text,
            )
        assert snapshot.path is not None, "the command line reads files"
        after = snapshot.text[: span.start] + proposal.new_text + snapshot.text[span.end :]
        return Path(snapshot.path), snapshot.text, after

    def _described(self, proposal: Proposal, path: Path, before: str | None, after: str) -> dict[str, object]:
        from missy_lsp.features.hunks import unified_diff

        status = "applied" if self.may_apply else "pending"
        described: dict[str, object] = {
            "status": status,
            "uri": path.absolute().as_uri(),
            "newText": proposal.new_text,
            "diff": unified_diff(before or "", after, path.name),
            "warnings": list(proposal.warnings),
        }
        return {**described, "remarks": proposal.remarks} if proposal.remarks else described


def build_run(setting: Setting, options: argparse.Namespace, snapshot: Snapshot, instruction: str) -> ActionRun:
    """Find the action and what it works on. Raises UsageError for an unknown one."""
    from missy_lsp.config.actions import find_action, load_actions
    from missy_lsp.config.instructions import load_instructions
    from missy_lsp.features.action_calls import call_of, redacted_input
    from missy_lsp.features.actions import ActionInput
    from missy_lsp.features.material import project_card
    from missy_lsp.features.targets import resolve_target

    config = setting.config(Path(snapshot.path) if snapshot.path else None)
    loaded = load_actions(setting.locations, setting.workspace)
    for problem in loaded.problems:
        setting.output.note(f"{problem.severity}: {problem}", "yellow")
    action = find_action(loaded.actions, options.action)
    said = load_instructions(setting.locations, setting.workspace)
    folder = setting.workspace or current_folder()
    asked = ActionInput(
        action=action,
        snapshot=snapshot,
        target=resolve_target(action, snapshot),
        instruction=instruction,
        workspace_folder=str(folder) if folder is not None else None,
        card=project_card(said.texts, config.reply_language),
    )
    if config.privacy.redact_secrets:
        asked = redacted_input(asked)
    call = call_of(asked, config, provider=options.provider, model=options.model, tier=options.tier)
    return ActionRun(setting, asked, call, options.apply)


async def with_what_is_staged(run: ActionRun) -> ActionRun:
    """Read the staged changes for an action that describes them. Raises ModelError where there are none."""
    from missy_lsp.features.action_calls import prompt_of, with_staged_changes
    from missy_lsp.tools.staged_diff import staged_diff

    if run.asked.action.when != "commit":
        return run
    config = run.call.config
    asked = with_staged_changes(run.asked, await staged_diff(run.asked.snapshot.path, config.privacy.ignore))
    prompt, notes = prompt_of(asked, config)
    call = attrs.evolve(run.call, prompt=prompt, notes=notes)
    return attrs.evolve(run, asked=asked, call=call)


def _write(path: Path, before: str | None, after: str) -> None:
    """Write the new content if the file is still as it was read; its mode stays."""
    from missy_lsp.config.files import write_atomically

    try:
        if before is None:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8", newline="") as file:
                file.write(after)
            return
        if path.read_bytes() != before.encode("utf-8"):
            raise MissyError(f"{path} has changed since it was read, or is not UTF-8. Nothing was written; try again.")
        mode = path.stat().st_mode
        real = Path(os.path.realpath(path))
        write_atomically(real, after.encode("utf-8"))
        os.chmod(real, mode & 0o7777)
    except FileExistsError:
        raise MissyError(f"{path} exists already. Nothing was written.") from None
    except OSError as error:
        raise MissyError(f"{path} can't be written: {error.strerror}.") from None
