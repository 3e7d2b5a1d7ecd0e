"""An action as a call of the model client, for the server and the command line alike."""

from __future__ import annotations

import attrs

from missy_lsp.config.values import Config
from missy_lsp.errors import ModelError
from missy_lsp.features.actions import ActionInput, action_route_input, build_action
from missy_lsp.features.edits import NoProposal, Proposal, propose, repair_for
from missy_lsp.features.material import Attachment
from missy_lsp.features.outgoing import redacted_attachments, redacted_document, withheld_in, without_invisible
from missy_lsp.llm.client import Call
from missy_lsp.llm.estimating import most_tokens
from missy_lsp.llm.turns import GOOD_STOPS
from missy_lsp.llm.types import Completion, Prompt, Repair, TierChoice
from missy_lsp.outbound.redaction import Redacted, redact_secrets

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

    def repair(text: str, can_structure: bool) -> Repair | None:
        return repair_for(action, snapshot, target, text, can_structure=can_structure, redacted=asked.redacted)

    is_edit = action.result != "answer"
    size = most_tokens(snapshot.text[target.shown.start : target.shown.end]) if target.shown and is_edit else 0
    prompt, notes = prompt_of(asked, config)
    return Call(
        prompt=prompt,
        config=config,
        provider=provider,
        model=model,
        tier=tier,
        route=action_route_input(asked),
        effort=action.effort,
        repair=repair if is_edit else None,
        max_output_tokens=EXTRA_OUTPUT_TOKENS + 2 * size if is_edit else None,
        least_output_tokens=size if action.result == "replace" else 0,
        folder=asked.workspace_folder or "",
        notes=notes,
    )


def prompt_of(asked: ActionInput, config: Config) -> tuple[Prompt, tuple[str, ...]]:
    """Return the prompt of an action as it goes out, and what to say of that which does not."""
    done: tuple[Redacted, ...] = ()
    if asked.redacted is not None:
        done = (asked.redacted, *asked.also_redacted)
    prompt, invisible = without_invisible(build_action(asked, config.context.max_tokens))
    return prompt, withheld_in(done, invisible).sentences()


def redacted_input(asked: ActionInput) -> ActionInput:
    """Return an action as it may be sent; its target cuts no secret in two."""
    redacted, base = redacted_document(asked.snapshot)
    target = asked.target
    shown = None if target.shown is None else redacted.widened(target.shown)
    span = redacted.widened(target.span)
    attachments, done = redacted_attachments(asked.attachments, (redacted,))
    diagnostics = []
    for diagnostic in asked.diagnostics:
        message = redact_secrets(diagnostic.message, done)
        done = (*done, message)
        diagnostics.append(attrs.evolve(diagnostic, message=message.text))
    wish = redact_secrets(asked.instruction, done)
    return attrs.evolve(
        asked,
        target=attrs.evolve(target, shown=shown, span=span),
        attachments=attachments,
        diagnostics=tuple(diagnostics),
        instruction=wish.text,
        redacted=redacted,
        redacted_base=base,
        also_redacted=(*done[1:], wish),
    )


def with_staged_changes(asked: ActionInput, diff: str) -> ActionInput:
    """Let an action see what a commit is going to hold, its secrets left out where the document's are."""
    if asked.redacted is None:
        return attrs.evolve(asked, attachments=(*asked.attachments, Attachment("staged changes", diff, "diff")))
    redacted = redact_secrets(diff, (asked.redacted, *asked.also_redacted))
    attachment = Attachment("staged changes", redacted.text, "diff")
    also = (*asked.also_redacted, redacted)
    return attrs.evolve(asked, attachments=(*asked.attachments, attachment), also_redacted=also)


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
    found = propose(asked.action, asked.snapshot, asked.target, reply, structured=structured, redacted=asked.redacted)
    if isinstance(found, NoProposal) and found.is_empty:
        raise ModelError("invalid_response", f"{found.sentence} Nothing was changed; try again.")
    return found
