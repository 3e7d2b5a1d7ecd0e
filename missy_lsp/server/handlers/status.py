"""missy.status: what this server is, what the client can't do, what is configured and trusted."""

from __future__ import annotations

import asyncio
import contextlib
import platform
from typing import TYPE_CHECKING

import attrs

from missy_lsp import __version__
from missy_lsp.errors import ConfigError
from missy_lsp.server.arguments import NoArguments
from missy_lsp.server.dispatch import Request

if TYPE_CHECKING:
    from missy_lsp.server.session import Session

_KEYS_TIMEOUT_S = 2.0


async def status(session: Session, arguments: NoArguments, request: Request) -> dict[str, object]:
    """Describe the session; no key, no prompt and no code is in it."""
    client = session.client
    await _look_up_keys(session)
    return {
        "server": {
            "name": "missy-lsp",
            "version": __version__,
            "python": platform.python_version(),
            "running": session.running.count,
            "ready": session.is_ready,
        },
        "client": {
            "name": client.name,
            "version": client.version,
            "abilities": attrs.asdict(client, filter=lambda field, _: field.name not in ("name", "version")),
            "insteadOfMissing": list(client.in_place_of_missing()),
        },
        "hover": _hover(session),
        "completion": _completion(session),
        "config": [
            {
                "folder": None if folder is None else str(folder),
                "sources": [
                    {
                        "kind": source.kind,
                        "path": None if source.path is None else str(source.path),
                        "state": source.state,
                    }
                    for source in sources
                ],
            }
            for folder, sources in session.configuration.sources().items()
        ],
        "trust": {str(folder): state for folder, state in session.configuration.trust_states().items()},
        "provider": session.default_provider,
        "folderProviders": session.folder_providers(),
        "keys": session.models.key_states(),
        "outages": list(session.models.outages()),
    }


async def _look_up_keys(session: Session) -> None:
    """Have the keys looked up that nobody has used so far; a keyring that asks its user is not waited for."""
    with contextlib.suppress(ConfigError, TimeoutError):
        config = session.configuration.config_for(None)
        await asyncio.wait_for(session.models.describe(config, session.provider_for(config)), _KEYS_TIMEOUT_S)


def _hover(session: Session) -> dict[str, object]:
    """Say what a hover gives in this client, by the configuration of the first folder."""
    form = session.client.hover_format
    try:
        config = session.configuration.config_for(None)
    except ConfigError:
        return {"mode": None, "shows": "nothing", "why": "the configuration can't be used", "format": form}
    mode = config.hover.mode
    if mode == "off":
        shows, why = "nothing", "hover.mode is off"
    elif session.hovering.generates(config):
        by_key = mode == "auto"
        shows = "explanations, generated where none is cached"
        why = "this client asks only when a key is pressed" if by_key else "hover.mode is always"
    elif mode == "cached":
        shows, why = "cached explanations", "hover.mode is cached"
    else:
        shows, why = (
            "cached explanations",
            "this client may ask at each rest of the mouse; the action Explain generates",
        )
    return {"mode": mode, "shows": shows, "why": why, "format": form, "maxPerHour": config.hover.max_per_hour}


def _completion(session: Session) -> dict[str, object]:
    """Say what is suggested at the cursor in this client, by the configuration of the first folder."""
    form = "inline" if session.client.inline_completion else "list"
    try:
        settings = session.configuration.config_for(None).completion
    except ConfigError:
        return {"mode": None, "shows": "nothing", "why": "the configuration can't be used", "form": form}
    if settings.mode == "off":
        shows, why = "nothing", "completion.mode is off"
    elif form == "list":
        shows, why = "suggestions, last in the list that a key asks for", "this client has no inline completion"
    elif settings.mode == "auto":
        shows, why = "suggestions while you type", "completion.mode is auto"
    else:
        shows, why = "suggestions that a key asks for", "completion.mode is manual"
    return {"mode": settings.mode, "shows": shows, "why": why, "form": form, "maxPerHour": settings.max_per_hour}
