"""Inline completion is registered only while somebody wants it: editors ask at every key once it is."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from lsprotocol import types

from missy_lsp.errors import ConfigError
from missy_lsp.server.protocol import ClientRefused

if TYPE_CHECKING:
    from missy_lsp.server.session import Session

logger = logging.getLogger(__name__)

_REGISTRATION = {"id": "missy-inline-completion", "method": types.TEXT_DOCUMENT_INLINE_COMPLETION}
_WITHIN_S = 20.0


class InlineRegistration:
    """Follow the configuration with what is registered in a client that can register while it runs."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._is_wanted = False
        self._one_at_a_time = asyncio.Lock()

    def follow(self) -> None:
        """Register or take back where the configuration has changed its mind."""
        if not self._session.client.inline_completion_dynamic:
            return
        is_wanted = self._somebody_wants_it()
        if is_wanted != self._is_wanted:
            self._is_wanted = is_wanted
            self._session.keep(asyncio.ensure_future(self._ask(is_wanted)))

    def _somebody_wants_it(self) -> bool:
        configuration = self._session.configuration
        try:
            return any(
                configuration.config_for(None if folder is None else str(folder)).completion.mode != "off"
                for folder in (None, *configuration.folders)
            )
        except ConfigError:
            return self._is_wanted

    async def _ask(self, is_wanted: bool) -> None:
        # Without a selector the client takes the one that it starts the server for.
        registration = {**_REGISTRATION, "registerOptions": {"documentSelector": None}}
        method, params = (
            (types.CLIENT_REGISTER_CAPABILITY, {"registrations": [registration]})
            if is_wanted
            else (types.CLIENT_UNREGISTER_CAPABILITY, {"unregisterations": [_REGISTRATION]})  # the protocol's spelling
        )
        word = "on" if is_wanted else "off"
        async with self._one_at_a_time:
            try:
                await self._session.protocol.request(method, params, _WITHIN_S)
            except ClientRefused as refusal:
                logger.warning("inline completion could not be switched %s: %s", word, refusal)
            else:
                logger.info("inline completion is switched %s", word)
