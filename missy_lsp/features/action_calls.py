"""An action as a call of the model client, for the server and the command line alike."""

from __future__ import annotations

import attrs

from missy_lsp.config.actions import Action
from missy_lsp.config.values import Config
from missy_lsp.errors import ModelError
from missy_lsp.features.actions import ActionInput, action_route_input, build_action
from missy_lsp.features.edits import NoProposal, Proposal, propose, repair_for
from missy_lsp.features.material import Attachment
from missy_lsp.llm.client import Call
from missy_lsp.llm.estimating import text_tokens
from missy_lsp.llm.turns import GOOD_STOPS
from missy_lsp.llm.types import TIERS, Completion, TierChoice

# Room for what a model thinks before it writes and for what it adds.
EXTRA_OUTPUT_TOKENS = 8192


def call_of(
    asked: ActionInput,
    config: Config,
    *,
    provider: str | None = None,
    model: str | None = None,
    tier: TierChoice | None = None,
) -> Call:
    """Return the call. Raises UsageError where an action that needs an instruction has none."""
    action, snapshot, target = asked.action, asked.snapshot, asked.target
    is_edit = action.result != "answer"
    size = text_tokens(snapshot.text[target.shown.start : target.shown.end]) if target.shown and is_edit else 0
    return Call(
        prompt=build_action(asked, config.context.max_tokens),
        config=config,
        provider=provider,
        model=model,
        tier=_tier(action, tier),
        route=action_route_input(asked),
        repair=(lambda text, structured: repair_for(action, snapshot, target, text, structured)) if is_edit else None,
        max_output_tokens=EXTRA_OUTPUT_TOKENS + 2 * size if is_edit else None,
        folder=asked.workspace_folder or "",
        least_output_tokens=size if action.result == "replace" else 0,
    )


def with_staged_changes(asked: ActionInput, diff: str) -> ActionInput:
    """Let an action see what a commit is going to hold."""
    return attrs.evolve(asked, attachments=(*asked.attachments, Attachment("staged changes", diff, "diff")))


def proposal_of(asked: ActionInput, completion: Completion) -> Proposal | NoProposal:
    """Return the change that the reply to an action comes to.

    Raises ModelError for a reply that is cut off (`truncated`), whatever it holds, and for an empty one
    (`invalid_response`).
    """
    if completion.stop_reason not in GOOD_STOPS:
        raise ModelError(
            "truncated",
            f"The model's reply was cut off ({completion.stop_reason}), so nothing of it is applied. Select less code, "
            "or raise max_output_tokens if you have capped it.",
            partial_text=completion.text,
        )
    reply, structured = completion.last_text, completion.structured
    found = propose(asked.action, asked.snapshot, asked.target, reply, structured=structured)
    if isinstance(found, NoProposal) and found.is_empty:
        raise ModelError("invalid_response", f"{found.sentence} Nothing was changed; try again.")
    return found


def _tier(action: Action, asked: TierChoice | None) -> TierChoice | None:
    """Return the tier that was asked for, else the action's own where it names one."""
    if asked is not None:
        return asked
    return action.tier if action.tier in TIERS else None
