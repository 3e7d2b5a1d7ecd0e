"""initialize, initialized, shutdown; the work that starts once the client is ready."""

from __future__ import annotations

import asyncio
import importlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol import types

from missy_lsp.features.chat_document import SUFFIX
from missy_lsp.server.client_features import read_client_features
from missy_lsp.server.dispatch import Request
from missy_lsp.server.documents import OpenDocuments, file_path
from missy_lsp.server.handlers import settings, trust
from missy_lsp.server.protocol import ClientRefused

if TYPE_CHECKING:
    from missy_lsp.server.session import Session

logger = logging.getLogger(__name__)

WATCH_EVERY_S = 2.0
REGISTER_WITHIN_S = 20.0
_FOR_CHATS = {
    types.TEXT_DOCUMENT_CODE_LENS: "code_lens_provider",
    types.TEXT_DOCUMENT_DOCUMENT_SYMBOL: "document_symbol_provider",
    types.TEXT_DOCUMENT_FOLDING_RANGE: "folding_range_provider",
}


def initialize(session: Session, params: types.InitializeParams, request: Request) -> object:
    """Agree on the abilities of both sides (LSP 3.17, initialize)."""
    result = _run_builtin(session, params)
    session.client = read_client_features(params, result.capabilities.position_encoding)
    session.documents = OpenDocuments(session.client.position_encoding)
    session.folders = tuple(_folders(params))
    session.initial_settings = settings.section_of(params.initialization_options)
    for method, name in _FOR_CHATS.items():
        if method in session.client.dynamic:
            setattr(result.capabilities, name, None)  # registered for chats alone, once the client is ready
    if session.client.inline_completion_dynamic or not session.client.inline_completion:
        result.capabilities.inline_completion_provider = None  # registered while the configuration wants it
    session.protocol.initialized = True
    return result


def initialized(session: Session, params: types.InitializedParams, request: Request) -> None:
    """Start what may take time, now that the client has its answer."""
    session.keep(asyncio.ensure_future(_get_ready(session)))
    session.keep(asyncio.ensure_future(_watch(session)))


def shutdown(session: Session, params: None, request: Request) -> None:
    """Stop every running request; only `exit` follows."""
    session.protocol.shut_down = True
    session.stop()


def change_folders(session: Session, params: types.DidChangeWorkspaceFoldersParams, request: Request) -> None:
    removed = {path for folder in params.event.removed if (path := file_path(folder.uri))}
    added = [Path(path) for folder in params.event.added if (path := file_path(folder.uri))]
    kept = [path for path in session.configuration.folders if str(path) not in removed]
    session.configuration.set_folders([*kept, *added])
    session.publish_problems()
    trust.ask_where_needed(session)


def _run_builtin(session: Session, params: types.InitializeParams) -> types.InitializeResult:
    # pygls' own handler is a generator that yields to user handlers; none is registered.
    steps = session.protocol.lsp_initialize(params)
    try:
        next(steps)
    except StopIteration as end:
        result: types.InitializeResult = end.value
        return result
    raise AssertionError("pygls asked for a user's initialize handler that nobody registered")


def _folders(params: types.InitializeParams) -> list[Path]:
    uris = [folder.uri for folder in params.workspace_folders or []]
    if not uris and params.root_uri:
        uris = [params.root_uri]
    paths = [path for uri in uris if (path := file_path(uri))]
    if not paths and params.root_path and not uris:
        paths = [params.root_path]
    return [Path(path) for path in paths]


async def _get_ready(session: Session) -> None:
    # Commands, hovers and all that they need: imported in a thread, so that other messages are served meanwhile.
    for name in ("handlers.commands", "hovering", "completing"):
        await asyncio.to_thread(importlib.import_module, f"missy_lsp.server.{name}")
    await _register_for_chats(session)
    await settings.pull(session)
    session.publish_problems()
    trust.ask_where_needed(session)
    await session.warm_up()


async def _register_for_chats(session: Session) -> None:
    """Register what chats alone have for their names alone; other servers' lenses and symbols are not disturbed."""
    registrations = []
    for method in sorted(session.client.dynamic):
        options: dict[str, object] = {"documentSelector": [{"pattern": f"**/*{SUFFIX}"}]}
        registrations.append({"id": f"missy-{method}", "method": method, "registerOptions": options})
    if not registrations:
        return
    try:
        await session.protocol.request(
            types.CLIENT_REGISTER_CAPABILITY, {"registrations": registrations}, REGISTER_WITHIN_S
        )
    except ClientRefused as refusal:
        logger.warning("chats have no code lenses and completion here: %s", refusal)


async def _watch(session: Session) -> None:
    """Look at the configuration's files now and then: not every client reports file changes.

    Problems are told, and what was trusted is asked about again where it has changed.
    """
    while True:
        await asyncio.sleep(WATCH_EVERY_S)
        session.publish_problems()
        trust.ask_where_needed(session)
