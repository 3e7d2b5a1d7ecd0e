"""missy.preview: exactly what would be sent, to whom and for how much at most; no model is called."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING

from missy_lsp.errors import UsageError
from missy_lsp.server.arguments import AskArguments, PreviewArguments, RunActionArguments
from missy_lsp.server.dispatch import Request
from missy_lsp.server.handlers.actions import action_call, action_input
from missy_lsp.server.handlers.ask import ask_call

if TYPE_CHECKING:
    from missy_lsp.llm.client import Call
    from missy_lsp.server.session import Session


def preview(session: Session, arguments: PreviewArguments, request: Request) -> object:
    """Build the request that missy.ask or missy.runAction would send with the same arguments."""
    return _preview(session, _call(session, arguments))


async def _preview(session: Session, call: Call | Awaitable[Call]) -> dict[str, object]:
    return session.models.preview(await call if isinstance(call, Awaitable) else call)


def _call(session: Session, given: PreviewArguments) -> Call | Awaitable[Call]:
    if given.action is None:
        if given.prompt is None:
            raise UsageError("The arguments are malformed: prompt or action is missing.")
        asked = AskArguments(
            given.prompt,
            given.text_document,
            given.range,
            given.history,
            given.provider,
            given.model,
            given.tier,
            given.tools,
        )
        return ask_call(session, asked)[0]
    if given.text_document is None:
        raise UsageError("The arguments are malformed: textDocument is missing.")
    action = RunActionArguments(
        given.action,
        given.text_document,
        given.range,
        given.instruction,
        given.provider,
        given.model,
        given.tier,
        given.diagnostics,
    )
    action_asked, config = action_input(session, action)
    return action_call(session, action_asked, config, action)
