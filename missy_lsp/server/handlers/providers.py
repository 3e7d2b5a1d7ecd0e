"""missy.listProviders and missy.switchProvider."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from missy_lsp.errors import UsageError
from missy_lsp.server.arguments import NameArguments, NoArguments
from missy_lsp.server.dispatch import Request

if TYPE_CHECKING:
    from missy_lsp.server.session import Session


async def list_providers(session: Session, arguments: NoArguments, request: Request) -> list[dict[str, object]]:
    """List every configured provider, with the reason where one is not available."""
    config = session.configuration.config_for(None)
    return await session.models.describe(config, session.provider_for(config))


async def switch_provider(session: Session, arguments: NameArguments, request: Request) -> list[dict[str, object]]:
    """Use another provider for this session where no folder has its own; the configuration file stays as it is."""
    config = session.configuration.config_for(None)
    described = await session.models.describe(config, arguments.name)
    known = [str(provider["name"]) for provider in described]
    if arguments.name not in known:
        raise UsageError(f"{arguments.name[:100]} is not a configured provider; there is {', '.join(known)}.")
    session.default_provider = arguments.name
    for folder, provider in session.folder_providers().items():
        if provider != arguments.name:
            session.show_message(
                types.MessageType.Info,
                f"Missy: {provider} still serves in {folder}, by `folders` in your configuration.",
            )
    return await session.models.describe(config, session.provider_for(config))
