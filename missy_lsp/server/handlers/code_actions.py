"""textDocument/codeAction: what can be done at a place; never a model call (contract 3.4).

Nothing here awaits, and no document is read or parsed: only the lines of the range are looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import attrs
from lsprotocol import types

from missy_lsp.characters import one_line
from missy_lsp.document import Position
from missy_lsp.errors import ModelError
from missy_lsp.features.chat_document import is_chat
from missy_lsp.server.attention import diagnostic_line
from missy_lsp.server.dispatch import Request
from missy_lsp.server.documents import file_path
from missy_lsp.server.handlers.config_documents import config_fixes
from missy_lsp.server.handlers.retry import is_as_it_was

if TYPE_CHECKING:
    from missy_lsp.config.actions import Action
    from missy_lsp.llm.types import Tier
    from missy_lsp.server.documents import OpenDocument
    from missy_lsp.server.pending_edits import PendingEdit
    from missy_lsp.server.pending_groups import ChangeGroup
    from missy_lsp.server.session import Session
    from missy_lsp.syntax.comments import LineInstruction

Json = dict[str, object]

STOP_KIND = "missy.stop"
DO_IT_KIND = "refactor.rewrite.missy.edit"
ASK_KIND = "missy.ask"
CHAT_KIND = "missy.chat"
_LLM_GENERATED = 1  # LSP 3.18, CodeActionTag
_MAX_TITLE = 60


@attrs.frozen
class _Offer:
    title: str
    kind: str
    command: str | None = None
    argument: Json = attrs.field(factory=dict)
    diagnostics: tuple[Json, ...] = ()
    edit: Json | None = None
    by_model: bool = False


def code_actions(session: Session, params: types.CodeActionParams, request: Request) -> list[Json]:
    """Offer what applies to a range; on automatic requests only a fix, what runs, and what waits for review."""
    document = session.documents.get(params.text_document.uri)
    only = params.context.only
    wanted = None if only is None else [str(getattr(kind, "value", kind)) for kind in only]
    offers = _offers(session, params, document)
    chosen = (offer for offer in offers if wanted is None or any(_holds(kind, offer.kind) for kind in wanted))
    return [shape for offer in chosen if (shape := _shape(session, offer)) is not None]


def _offers(session: Session, params: types.CodeActionParams, document: OpenDocument | None) -> Iterator[_Offer]:
    if document is not None:
        for edit in session.pending.on_document(document):
            if _touches(document, edit, params.range):
                yield from _decisions(session, edit) if edit.group is None else _group_decisions(session, edit)
        yield from _unmarked_groups(session)
    for run in session.running.on_document(params.text_document.uri):
        yield _Offer(f"Missy: Stop {run.title}", STOP_KIND, "missy.stop", {"id": run.id})
    if document is None:
        return
    invoked = params.context.trigger_kind is not types.CodeActionTriggerKind.Automatic
    _notice(session, params, document)
    if invoked and is_chat(document.uri):
        yield from _chat(session, params, document)
    yield from _config_fixes(session, params, document, invoked=invoked)
    comments = _comments(params, document) if invoked else ()
    yield from _instructions(comments, document)
    if invoked:
        yield from _again(session, document.uri)
    yield from _actions(session, params, document, invoked=invoked, has_comment=bool(comments))


def _config_fixes(
    session: Session, params: types.CodeActionParams, document: OpenDocument, *, invoked: bool
) -> Iterator[_Offer]:
    """Offer what ends a problem of a configuration file, by an edit alone, and to put a key away, by a command."""
    for title, kind, edit, argument in config_fixes(session, document, params.range, invoked=invoked):
        yield _Offer(title, kind, None if edit else "missy.moveKeyToVault", argument, edit=edit)


def _notice(session: Session, params: types.CodeActionParams, document: OpenDocument) -> None:
    """Remember what the user looks at, for what a chat names later."""
    start, end = params.range.start, params.range.end
    session.attention.on_range(document, Position(start.line, start.character), Position(end.line, end.character))
    given = params.context.diagnostics or ()
    session.attention.on_diagnostics(
        document.uri,
        [
            diagnostic_line(said.range.start.line, str(said.message), said.source)
            for said in given
            if said.source != "missy"
        ],
    )


def _chat(session: Session, params: types.CodeActionParams, document: OpenDocument) -> Iterator[_Offer]:
    """Offer Send and Fork in a chat, which is read whole: it is text that somebody typed, or an answer."""
    from missy_lsp.features.chat_document import parse_chat

    chat = parse_chat(document.buffer.text)
    target: Json = {"textDocument": {"uri": document.uri}}
    if chat.question is not None and not session.running.on_document(document.uri):
        yield _Offer("Missy: Send", CHAT_KIND, "missy.chatSend", target, by_model=True)
    start = params.range.start
    if chat.turn_at(document.buffer.offset_at(Position(start.line, start.character))) is not None:
        fork = {**target, "range": _range(params.range)}
        yield _Offer("Missy: Fork the chat at this turn", CHAT_KIND, "missy.chatFork", fork)


def _decisions(session: Session, edit: PendingEdit) -> Iterator[_Offer]:
    """Offer what can be done with a change that waits for review."""
    from missy_lsp.server.proposals import diagnostic_of, hunk_count

    diagnostics = (diagnostic_of(edit),)

    def offer(title: str, name: str, command: str, **more: object) -> _Offer:
        argument: Json = {"id": edit.id, **more}
        return _Offer(f"Missy: {title} ({edit.title})", f"quickfix.missy.{name}", command, argument, diagnostics)

    accept = offer("Accept", "accept", "missy.accept")
    if not session.client.apply_edit and edit.new_file is None:
        # The edit alone: some editors run only the command of an action that has both (editors.md, ALE). That it was
        # applied is seen by the text that comes back. A new file is the server's to write.
        accept = attrs.evolve(accept, edit=_carried(session, edit), command=None)
    yield accept
    count = hunk_count(edit)
    if count > 1 and session.client.apply_edit:
        for number in range(count):
            yield offer(f"Accept part {number + 1} of {count}", "accept-part", "missy.accept", hunks=[number])
    yield offer("Discard", "discard", "missy.discard")
    yield offer("Show diff", "show-diff", "missy.showDiff")
    yield offer("Edit the proposal", "edit-proposal", "missy.editProposal")
    yield offer("Retry", "retry", "missy.retry")
    if edit.tier_above is not None:
        yield offer("Retry one tier up", "retry-up", "missy.retry", tier=edit.tier_above)
    if (below := _tier_beside(session, edit.uri, edit.provider, edit.tier, above=False)) is not None:
        yield offer("Retry one tier down", "retry-down", "missy.retry", tier=below)


def _carried(session: Session, edit: PendingEdit) -> Json | None:
    """Return what an Accept without a command carries: what the user wrote into the draft counts, None if it can't."""
    from missy_lsp.server.drafts import take_draft
    from missy_lsp.server.proposals import accepting_edit

    try:
        take_draft(session, edit)
    except ModelError:
        return None
    return accepting_edit(session, edit)


def _again(session: Session, uri: str) -> Iterator[_Offer]:
    """Offer to ask for the last answer about a document again on the tiers beside its own, while it is as it was."""
    last = session.running.last_answer(uri)
    if last is None or not is_as_it_was(session, last[0]):
        return
    answer = last[1]
    for above, way in ((True, "up"), (False, "down")):
        tier = _tier_beside(session, uri, str(answer["provider"]), cast("Tier", answer["tier"]), above=above)
        if tier is not None:
            argument: Json = {"id": answer["id"], "tier": tier}
            title = f"Missy: Ask again one tier {way}"
            yield _Offer(title, f"missy.retry-{way}", "missy.retry", argument, by_model=True)


def _tier_beside(session: Session, uri: str, provider_id: str, tier: Tier, *, above: bool) -> Tier | None:
    from missy_lsp.llm.routing_rules import tier_beside

    provider = session.configuration.config_for(file_path(uri)).providers.get(provider_id)
    return None if provider is None else tier_beside(provider, tier, above=above)


def _group_decisions(session: Session, edit: PendingEdit) -> Iterator[_Offer]:
    """Offer what can be done with a change of several files, at its place in one of them."""
    from missy_lsp.server.proposals import accepting_edit, diagnostic_of

    found = session.groups.of_edit(edit)
    if found is None:
        return
    group, file = found
    marks = (diagnostic_of(edit),)
    this = _Offer(f"Missy: Accept this file ({group.title})", "quickfix.missy.accept-file", diagnostics=marks)
    if session.client.apply_edit:
        yield from _of_group(group, marks)
        yield attrs.evolve(this, command="missy.accept", argument={"id": file.id})
    else:
        yield attrs.evolve(this, edit=accepting_edit(session, edit))
        yield from (offer for offer in _of_group(group, marks) if offer.command != "missy.accept")


def _unmarked_groups(session: Session) -> Iterator[_Offer]:
    """Offer the decision on changes of files of which none is open, wherever the user is."""
    for group in session.groups.all():
        if not any(file.edit is not None and session.pending.has(file.edit) for file in group.waiting):
            yield from _of_group(group, ())


def _of_group(group: ChangeGroup, marks: tuple[Json, ...]) -> Iterator[_Offer]:
    count = len(group.waiting)
    for title, name, command in (
        (f"Accept all {count} files" if count > 1 else "Accept", "accept", "missy.accept"),
        ("Discard", "discard", "missy.discard"),
        ("Show diff", "show-diff", "missy.showDiff"),
        ("Retry", "retry", "missy.retry"),
    ):
        yield _Offer(f"Missy: {title} ({group.title})", f"quickfix.missy.{name}", command, {"id": group.id}, marks)


def _instructions(comments: tuple[LineInstruction, ...], document: OpenDocument) -> Iterator[_Offer]:
    """Offer to do what a comment `missy: ...` in the range says."""
    for found in comments:
        place: Json = {
            "textDocument": {"uri": document.uri, "version": document.version},
            "range": _lines(found.first_line, found.first_line),
        }
        title = one_line(found.instruction, _MAX_TITLE)
        if found.is_question:
            argument: Json = {**place, "action": "explain", "instruction": found.instruction}
            yield _Offer(f"Missy: Answer: {title}", ASK_KIND, "missy.runAction", argument, by_model=True)
        else:
            argument = {**place, "action": "edit"}
            yield _Offer(f"Missy: Do it: {title}", DO_IT_KIND, "missy.runAction", argument, by_model=True)


def _comments(params: types.CodeActionParams, document: OpenDocument) -> tuple[LineInstruction, ...]:
    from missy_lsp.syntax.comments import instructions_near

    buffer = document.buffer
    first, last = params.range.start.line, params.range.end.line
    return instructions_near(buffer.lines, first, min(last, buffer.line_count - 1), document.language_id)


def _actions(
    session: Session, params: types.CodeActionParams, document: OpenDocument, *, invoked: bool, has_comment: bool
) -> Iterator[_Offer]:
    from missy_lsp.features.offers import applies_to

    diagnostics = _foreign(params.context.diagnostics)
    has_selection = params.range.start != params.range.end
    for action in session.configuration.actions_for(file_path(document.uri)):
        if not invoked and action.when != "diagnostics":
            continue
        if action.when == "instruction":
            if not has_comment:
                yield from _instruction_line(session, action, params, document)
        elif applies_to(
            action,
            document.language_id,
            document.uri,
            has_selection=has_selection,
            has_diagnostics=bool(diagnostics),
        ):
            yield _action(action, params, document, diagnostics)


def _action(
    action: Action, params: types.CodeActionParams, document: OpenDocument, diagnostics: tuple[Json, ...]
) -> _Offer:
    argument: Json = {
        "action": action.id,
        "textDocument": {"uri": document.uri, "version": document.version},
        "range": _range(params.range),
    }
    given = diagnostics if action.when == "diagnostics" else ()
    if given:
        argument["diagnostics"] = list(given)
    return _Offer(
        f"Missy: {action.title}", action.lsp_kind, "missy.runAction", argument, diagnostics=given, by_model=True
    )


def _instruction_line(
    session: Session, action: Action, params: types.CodeActionParams, document: OpenDocument
) -> Iterator[_Offer]:
    """Offer to begin a comment that takes the instruction: an editor's menu has no place to type one."""
    from missy_lsp.server.edit_shapes import workspace_edit
    from missy_lsp.syntax.comments import comment_line

    line = params.range.start.line
    if not document.buffer.has_line(line):
        return
    text = document.buffer.lines[line]
    indent = text[: len(text) - len(text.lstrip(" \t"))]
    line_end = "\r\n" if text.endswith("\r\n") else "\n"
    inserted = comment_line("missy: ", document.language_id, indent) + line_end
    edit = workspace_edit(session.client, document, [{"range": _lines(line, line), "newText": inserted}])
    yield _Offer(f"Missy: {action.title}", action.lsp_kind, edit=edit)


def _shape(session: Session, offer: _Offer) -> Json | None:
    """Return the offer as a CodeAction, as a Command where the client knows nothing else; None where neither can be.

    One without an edit and a command would do nothing: the place of the change that it is to accept is gone.
    """
    if offer.command is None and offer.edit is None:
        return None
    command: Json = {"title": offer.title, "command": offer.command, "arguments": [offer.argument]}
    if not session.client.code_action_literals:
        return command if offer.command is not None else None
    shape: Json = {"title": offer.title, "kind": offer.kind}
    if offer.command is not None:
        shape["command"] = command
    if offer.diagnostics:
        shape["diagnostics"] = list(offer.diagnostics)
    if offer.edit is not None:
        shape["edit"] = offer.edit
    if offer.by_model and session.client.code_action_tags:
        shape["tags"] = [_LLM_GENERATED]
    return shape


def _foreign(diagnostics: object) -> tuple[Json, ...]:
    """Return the diagnostics of others as JSON: ours only mark what waits for review."""
    from missy_lsp.server.edit_shapes import diagnostic_json

    given = diagnostics if isinstance(diagnostics, list | tuple) else ()
    return tuple(diagnostic_json(diagnostic) for diagnostic in given if diagnostic.source != "missy")


def _touches(document: OpenDocument, edit: PendingEdit, given: types.Range) -> bool:
    """Tell whether a range touches a proposal's lines; a cursor at their end does too."""
    buffer = document.buffer
    place = edit.shown_at()
    first, last = buffer.position_at(place.start), buffer.position_at(place.end)
    return given.start.line <= last.line and first.line <= given.end.line


def _range(given: types.Range) -> Json:
    return {
        "start": {"line": given.start.line, "character": given.start.character},
        "end": {"line": given.end.line, "character": given.end.character},
    }


def _lines(first: int, last: int) -> Json:
    return {"start": {"line": first, "character": 0}, "end": {"line": last, "character": 0}}


def _holds(wanted: str, kind: str) -> bool:
    """Tell whether a kind is asked for; kinds are hierarchical (LSP 3.17, CodeActionKind)."""
    return wanted == "" or kind == wanted or kind.startswith(f"{wanted}.")
