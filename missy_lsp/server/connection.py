"""One client from the first byte to the last: build the parts, pump messages, close them in order."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Callable

import attrs
from pygls.lsp.server import LanguageServer

from missy_lsp import __version__
from missy_lsp.server.framing import MessageReader, TooLarge
from missy_lsp.server.lenient import new_converter
from missy_lsp.server.methods import register
from missy_lsp.server.options import ServerOptions
from missy_lsp.server.parent_watch import ParentWatch, watch_parent, watch_process
from missy_lsp.server.protocol import MissyProtocol
from missy_lsp.server.session import Session
from missy_lsp.server.transport import Channel, Writer, start_reader

logger = logging.getLogger(__name__)

CLOSE_WITHIN_S = 0.5
CLOSE_ALL_WITHIN_S = 1.0
LEDGER_WITHIN_S = 3.0
DRAIN_WITHIN_S = 0.3
WATCH_EVERY_S = 2.0
# A server that is told to end and does not, since something holds its event loop, is ended by force: later than all
# of the above may take.
ENDED_BY_FORCE_AFTER_S = 5
# So many messages at most wait to be handled; then the client waits.
MOST_UNHANDLED = 256


@attrs.frozen
class End:
    """How a connection ended: the exit code, and the reason where it is not the client's own wish."""

    code: int
    reason: str | None = None


class Connection:
    """The server as it serves one client."""

    def __init__(self, options: ServerOptions, channel: Channel) -> None:
        self._channel = channel
        # In a terminal that only started the server for TCP, the parent is no sign of the client.
        self._watched_parent = watch_parent() if options.tcp is None else None
        self._server = LanguageServer(
            "missy-lsp", __version__, protocol_cls=MissyProtocol, converter_factory=new_converter
        )
        protocol = self._server.protocol
        assert isinstance(protocol, MissyProtocol)
        self._protocol = protocol
        register(self._server, protocol)
        self._session = Session(protocol, options)
        self._room = threading.Semaphore(MOST_UNHANDLED)
        self._finished = threading.Event()

    async def serve(self) -> End:
        """Serve until the client says exit, its stream ends, or a signal comes."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(_log_fault)
        ended: asyncio.Future[End] = loop.create_future()

        def end(code: int | None, reason: str | None = None) -> None:
            if not ended.done():
                ended.set_result(End(self._exit_code() if code is None else code, reason))

        def at_end_of_input(reason: str | None) -> None:
            loop.call_soon_threadsafe(end, None if reason is None else 1, reason)
            if not self._finished.wait(ENDED_BY_FORCE_AFTER_S):
                os._exit(1)

        writer = Writer(self._channel, on_broken=lambda: loop.call_soon_threadsafe(end, 1))
        self._protocol.connect(writer, self._session)
        self._protocol.on_exit = end
        stop_on_signals(loop, lambda: end(0))
        reader = start_reader(self._channel, lambda message: self._deliver(loop, message), at_end_of_input)
        watch = asyncio.ensure_future(self._watch(reader, writer, lambda reason: end(1, reason)))
        outcome = await ended
        watch.cancel()
        try:
            async with asyncio.timeout(CLOSE_ALL_WITHIN_S):
                await self._session.close(CLOSE_WITHIN_S)
                await self._protocol.dispatcher.close(CLOSE_WITHIN_S)
        except TimeoutError:
            logger.warning("what was running did not end in time")
        await self._session.write_down(LEDGER_WITHIN_S)
        writer.drain(DRAIN_WITHIN_S)
        return outcome

    def finish(self) -> None:
        """Say that everything has ended, so that nobody ends it by force."""
        self._finished.set()

    def _exit_code(self) -> int:
        return 0 if self._protocol.shut_down else 1

    def _deliver(self, loop: asyncio.AbstractEventLoop, message: bytes | TooLarge) -> None:
        self._room.acquire()
        loop.call_soon_threadsafe(self._take, message)

    def _take(self, message: bytes | TooLarge) -> None:
        self._room.release()
        self._protocol.receive(message)

    async def _watch(self, reader: MessageReader, writer: Writer, end: Callable[[str], None]) -> None:
        """Look now and then for what no message tells: a client that is gone, or does not read, or lost count."""
        parent: ParentWatch | None = None
        while True:
            await asyncio.sleep(WATCH_EVERY_S)
            if parent is None and self._protocol.initialized:
                parent = self._watched_processes()
            reason = writer.fault() or (parent.fault() if parent is not None else None)
            if reason is None and reader.waits_behind_a_whole_message():
                reason = "the client's messages can't be read any more: a Content-Length is too large"
            if reason is not None:
                end(reason)

    def _watched_processes(self) -> ParentWatch:
        """Return the watch that the client wants: none where its `processId` is null (LSP 3.17, initialize)."""
        process_id = self._session.client.process_id
        if process_id is None:
            return ParentWatch(None, None)
        return ParentWatch(watch_process(process_id), self._watched_parent)


def stop_on_signals(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    """End cleanly on SIGINT and SIGTERM (and SIGHUP where there is one)."""

    def on_signal(*_: object) -> None:
        # Not by the loop's own handlers, which wait for the loop and are unknown on Windows.
        if hasattr(signal, "alarm"):
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(ENDED_BY_FORCE_AFTER_S)
        loop.call_soon_threadsafe(stop)

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None:
            signal.signal(number, on_signal)


def _log_fault(_: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    fault = context.get("exception")
    logger.error("%s", context.get("message"), exc_info=fault if isinstance(fault, BaseException) else None)
