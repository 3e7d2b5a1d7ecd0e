"""A code action: from the target and what was found there to the prompt (contract 3.4)."""

from __future__ import annotations

import attrs

from missy_lsp.characters import one_line
from missy_lsp.config.actions import Action
from missy_lsp.document import Snapshot, Span
from missy_lsp.errors import UsageError
from missy_lsp.features.context import selection_place, tagged
from missy_lsp.features.material import Attachment, as_blocks, gather, selection_blocks, shown_path, system_blocks
from missy_lsp.features.outgoing import redacted_snapshot
from missy_lsp.features.targets import Target
from missy_lsp.llm.router import RouteInput
from missy_lsp.llm.types import Message, Prompt, TextBlock
from missy_lsp.outbound.redaction import Redacted
from missy_lsp.prompts.loading import load

_SEVERITIES = {1: "error", 2: "warning", 3: "information", 4: "hint"}
_REPLIES = {"replace": "reply-replace", "insert above": "reply-insert", "new file": "reply-new-file"}
_MAX_DIAGNOSTICS = 20
_MAX_DIAGNOSTIC_CHARACTERS = 2_000
_CURSOR_LINES = 3


@attrs.frozen
class Diagnostic:
    """What a language server found: `severity` as in LSP 3.17 (1 error to 4 hint), None where it says none."""

    span: Span
    message: str
    severity: int | None = None
    source: str = ""
    code: str = ""


@attrs.frozen
class ActionInput:
    """What an action is run with; see `AskInput` for what the two have in common.

    `redacted` is the document's text as it may be sent, None where it is sent as it is, `redacted_base` the earlier one
    that is sent before it; `also_redacted` what else of the request had secrets taken out.
    """

    action: Action
    snapshot: Snapshot
    target: Target
    instruction: str = ""
    diagnostics: tuple[Diagnostic, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    workspace_folder: str | None = None
    card: str = ""
    redacted: Redacted | None = None
    redacted_base: Redacted | None = None
    also_redacted: tuple[Redacted, ...] = ()

    @property
    def sent(self) -> Snapshot:
        """Return the document as the model sees it: what the action is about is its span."""
        shown = attrs.evolve(self.snapshot, span=self.target.shown)
        return shown if self.redacted is None else redacted_snapshot(shown, self.redacted, self.redacted_base)

    @property
    def wish(self) -> str:
        """Return the user's free instruction: the one that was typed, else the comment's."""
        return self.instruction.strip() or self.target.instruction


def build_action(asked: ActionInput, max_context_tokens: int) -> Prompt:
    """Return the prompt; what changes from action to action stands behind what the API can cache.

    Raises UsageError where an action that needs an instruction has none.
    """
    if asked.action.when == "instruction" and not asked.wish:
        raise UsageError(
            f"{asked.action.title} needs an instruction: say what to do. Without a place to type it, write a comment "
            "line `missy: WHAT TO DO` above the code."
        )
    shown = asked.sent
    blocks = as_blocks(gather(shown, asked.attachments, asked.workspace_folder, max_context_tokens))
    task = [*_place(asked, shown, max_context_tokens), *_diagnostics(asked), TextBlock(_task(asked))]
    return Prompt(system=system_blocks(asked.card), messages=(Message("user", (*blocks, *task)),))


def action_route_input(asked: ActionInput) -> RouteInput:
    """Return what the router decides on."""
    target, text = asked.target, asked.snapshot.text
    size = len(text) if target.shown is None else target.shown.end - target.shown.start
    return RouteInput(
        prompt=asked.wish or asked.action.title,
        selection_chars=size,
        kind=asked.action.id,
        language_id=asked.snapshot.language_id,
        path=shown_path(asked.snapshot, asked.workspace_folder),
        action_tier=asked.action.tier,
    )


def title_of(asked: ActionInput) -> str:
    """Name a run for the user: the action and what it works on."""
    return one_line(f"{asked.action.id} {asked.target.name}", 80) if asked.target.name else asked.action.id


def _place(asked: ActionInput, shown: Snapshot, max_tokens: int) -> tuple[TextBlock, ...]:
    if asked.action.result == "replace" and shown.span is not None and shown.span.is_empty:
        return (TextBlock(_cursor(shown, shown.span.start)),)
    if asked.action.result == "replace" and shown.span is not None:
        # An edit always gets the text itself: what it replaces must stand there to the character.
        place = selection_place(shown)
        return (TextBlock(f"Selected in the document, {place}:\n\n{tagged('selection', shown.selected, place=place)}"),)
    return selection_blocks(shown, max_tokens)


def _cursor(shown: Snapshot, offset: int) -> str:
    before = shown.text[:offset].splitlines(keepends=True)[-_CURSOR_LINES:]
    after = shown.text[offset:].splitlines(keepends=True)[:_CURSOR_LINES]
    before_tag = tagged("before", "".join(before))
    after_tag = tagged("after", "".join(after))
    return (
        f"The cursor is at {selection_place(shown)} of the document; nothing is selected, new text goes there.\n\n"
        f"Right before it:\n\n{before_tag}\n\nRight after it:\n\n{after_tag}"
    )


def _diagnostics(asked: ActionInput) -> tuple[TextBlock, ...]:
    if not asked.diagnostics:
        return ()
    lines = []
    for diagnostic in asked.diagnostics[:_MAX_DIAGNOSTICS]:
        where = selection_place(attrs.evolve(asked.snapshot, span=diagnostic.span))
        origin = " ".join(word for word in (diagnostic.source, diagnostic.code) if word)
        severity = _SEVERITIES.get(diagnostic.severity or 1, "error")
        message = diagnostic.message[:_MAX_DIAGNOSTIC_CHARACTERS]
        lines.append(f"{where}: {severity}: {message}{f' ({origin})' if origin else ''}")
    return (TextBlock(f"What the editor's checkers report:\n\n{tagged('diagnostics', chr(10).join(lines))}"),)


def _task(asked: ActionInput) -> str:
    parts = [asked.action.instruction.strip()]
    if asked.wish:
        parts.append(f"The user's instruction: {asked.wish}")
    if asked.action.result in _REPLIES:
        parts.append(load(_REPLIES[asked.action.result]))
    return "\n\n".join(parts)
