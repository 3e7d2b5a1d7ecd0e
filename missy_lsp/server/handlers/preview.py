"""missy.preview: exactly what would be sent, to whom and for how much at most; no model is called."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, TypeVar

import attrs

from missy_lsp.errors import UsageError
from missy_lsp.server.arguments import AskArguments, PreviewArguments, RunActionArguments
from missy_lsp.server.dispatch import Request
from missy_lsp.server.handlers.actions import action_call, action_input
from missy_lsp.server.handlers.ask import ask_call

if TYPE_CHECKING:
    from missy_lsp.llm.client import Call
    from missy_lsp.server.session import Session

Arguments = TypeVar("Arguments", AskArguments, RunActionArguments)


def preview(session: Session, arguments: PreviewArguments, request: Request) -> object:
    """Build the request that missy.ask or missy.runAction would send with the same arguments."""
    return _preview(session, _call(session, arguments))


async def _preview(session: Session, call: Call | Awaitable[Call]) -> dict[str, object]:
    return session.models.preview(await call if isinstance(call, Awaitable) else call)


def _call(session: Session, given: PreviewArguments) -> Call | Awaitable[Call]:
    if given.action is None:
        if given.prompt is None:
            raise UsageError("The arguments are malformed: prompt or action is missing.")
        return ask_call(session, _of_its_fields(AskArguments, given))[0]
    if given.text_document is None:
        raise UsageError("The arguments are malformed: textDocument is missing.")
    arguments = _of_its_fields(RunActionArguments, given)
    asked, config = action_input(session, arguments)
    return action_call(session, asked, config, arguments)


def _of_its_fields(cls: type[Arguments], given: PreviewArguments) -> Arguments:
    """Return the arguments of the command that is previewed, which bear the same names."""
    return cls(**{field.name: getattr(given, field.name) for field in attrs.fields(cls)})
