"""The editor's settings: section `missy`, from initialize, by pull, or by push."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from lsprotocol import types

from missy_lsp.server.dispatch import Request
from missy_lsp.server.protocol import ClientRefused

if TYPE_CHECKING:
    from missy_lsp.server.session import Session

SECTION = "missy"
PULL_TIMEOUT_S = 2.0


def take(session: Session, given: object) -> None:
    """Take settings with or without the section around them."""
    session.configuration.set_editor_settings(section_of(given))


def section_of(given: object) -> object:
    """Return the section `missy` of an object, or the object where it is the section itself."""
    given = plain(given)
    return given[SECTION] if isinstance(given, dict) and SECTION in given else given


def did_change(session: Session, params: types.DidChangeConfigurationParams, request: Request) -> None:
    """Take pushed settings; a client that pushes none is asked for them."""
    pushed = plain(params.settings)
    if isinstance(pushed, dict) and SECTION in pushed:
        take(session, pushed)
        session.publish_problems()
    else:
        session.keep(asyncio.ensure_future(_pull_and_publish(session)))


async def pull(session: Session) -> None:
    """Ask for the whole section: some clients answer dotted sections with null."""
    if not session.client.configuration:
        return
    try:
        result = await session.protocol.request(
            types.WORKSPACE_CONFIGURATION, {"items": [{"section": SECTION}]}, PULL_TIMEOUT_S
        )
    except ClientRefused:
        return
    if isinstance(result, list) and len(result) == 1 and isinstance(result[0], dict):
        session.configuration.set_editor_settings(result[0])


async def _pull_and_publish(session: Session) -> None:
    await pull(session)
    session.publish_problems()


def plain(value: object) -> object:
    """Return JSON as dictionaries and lists; pygls turns some of it into named tuples."""
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: plain(item) for name, item in value._asdict().items()}
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value
