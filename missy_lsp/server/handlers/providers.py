"""missy.listProviders and missy.switchProvider."""

from __future__ import annotations

from typing import TYPE_CHECKING

from missy_lsp.errors import UsageError
from missy_lsp.server.arguments import NameArguments, NoArguments
from missy_lsp.server.dispatch import Request

if TYPE_CHECKING:
    from missy_lsp.server.session import Session


async def list_providers(session: Session, arguments: NoArguments, request: Request) -> list[dict[str, object]]:
    """List every configured provider, with the reason where one is not available."""
    config = session.configuration.config_for(None)
    return await session.models.describe(config, session.default_provider)


async def switch_provider(session: Session, arguments: NameArguments, request: Request) -> list[dict[str, object]]:
    """Use another provider for this session; the configuration file stays as it is."""
    config = session.configuration.config_for(None)
    described = await session.models.describe(config, arguments.name)
    known = [str(provider["name"]) for provider in described]
    if arguments.name not in known:
        raise UsageError(f"{arguments.name[:100]} is not a configured provider; there is {', '.join(known)}.")
    session.default_provider = arguments.name
    return described
