"""One client from the first byte to the last: build the parts, pump messages, close them in order."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable

from pygls.lsp.server import LanguageServer
from pygls.protocol import default_converter

from missy_lsp import __version__
from missy_lsp.server.methods import register
from missy_lsp.server.options import ServerOptions
from missy_lsp.server.protocol import MissyProtocol
from missy_lsp.server.session import Session
from missy_lsp.server.transport import Channel, Writer, start_reader

logger = logging.getLogger(__name__)

CLOSE_WITHIN_S = 0.5


class Connection:
    """The server as it serves one client."""

    def __init__(self, options: ServerOptions, channel: Channel) -> None:
        self._channel = channel
        self._server = LanguageServer(
            "missy-lsp", __version__, protocol_cls=MissyProtocol, converter_factory=default_converter
        )
        protocol = self._server.protocol
        assert isinstance(protocol, MissyProtocol)
        self._protocol = protocol
        register(self._server, protocol)
        self._session = Session(protocol, options)

    async def serve(self) -> int:
        """Serve until the client says exit, its stream ends, or a signal comes; return the exit code."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[int] = loop.create_future()

        def end(code: int) -> None:
            if not ended.done():
                ended.set_result(code)

        def at_end_of_input(reason: str | None) -> None:
            if reason is not None:
                logger.error("the client's messages can't be read any more: %s", reason)
            loop.call_soon_threadsafe(end, 0 if reason is None else 1)

        writer = Writer(self._channel, on_broken=lambda: loop.call_soon_threadsafe(end, 1))
        self._protocol.connect(writer, self._session)
        self._protocol.on_exit = end
        stop_on_signals(loop, lambda: end(0))
        start_reader(
            self._channel, lambda body: loop.call_soon_threadsafe(self._protocol.receive, body), at_end_of_input
        )
        code = await ended
        await self._session.close(CLOSE_WITHIN_S)
        await self._protocol.dispatcher.close(CLOSE_WITHIN_S)
        writer.drain(CLOSE_WITHIN_S)
        return code


def stop_on_signals(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    """End cleanly on SIGINT and SIGTERM (and SIGHUP where there is one)."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is None:
            continue
        try:
            loop.add_signal_handler(number, stop)
        except NotImplementedError:  # Windows: handlers run in the main thread between bytecodes
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop))
