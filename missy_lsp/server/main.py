"""Run the language server: connect the bytes to the protocol, and end cleanly."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from missy_lsp import __version__
from missy_lsp.server.options import ServerOptions

if TYPE_CHECKING:
    from missy_lsp.server.connection import Connection, End
    from missy_lsp.server.stdio import ErrorStream

LAST_WORDS_WITHIN_S = 0.3


def run(options: ServerOptions) -> int:
    """Serve one client and return the exit code (LSP 3.17, exit: 1 without a shutdown before it)."""
    # Importing builds some 150,000 objects that live as long as the process: collecting among them costs a
    # tenth of the start, and frozen they are never looked at again.
    gc.disable()
    from missy_lsp.server.connection import Connection
    from missy_lsp.server.logs import start_logging
    from missy_lsp.server.stdio import StdioChannel, replace_missing_streams, unblock_standard_error
    from missy_lsp.server.transport import Channel, accept_one

    missing = replace_missing_streams()
    errors = unblock_standard_error()
    if missing and options.tcp is None:
        return _refuse(errors, f"it was started without a standard {missing[0]}. An editor starts it with both")
    try:
        finish_logging = start_logging(options.log_file, options.log_level, options.known_secrets)
    except OSError as error:
        return _refuse(errors, f"the log {options.log_file} can't be written: {error.strerror}. Choose another")
    channel: Channel
    if options.tcp is None:
        channel = StdioChannel()
    else:
        host, port = options.tcp
        try:
            channel = accept_one(host, port, _announce(host))
        except OSError as error:
            return _refuse(errors, f"can't listen on {host}:{port}: {error.strerror}. Choose another port")
    connection = Connection(options, channel)
    gc.freeze()
    gc.enable()
    end = _serve(connection)
    if end.reason is not None:
        if options.log_file is not None:
            logging.getLogger(__name__).error("%s", end.reason)
        sys.stderr.write(f"missy-lsp: {end.reason}\n")
    finish_logging()
    errors.drain(LAST_WORDS_WITHIN_S)
    connection.finish()
    # The reader may still wait for input that never comes, and a keyring for its user: threads that the
    # interpreter would join at its own end.
    os._exit(end.code)


def _refuse(errors: ErrorStream, why: str) -> int:
    errors.write(f"missy-lsp: {why}.\n")
    errors.drain(LAST_WORDS_WITHIN_S)
    return 1


def _serve(connection: Connection) -> End:
    """Run the event loop until the connection has ended, whatever a library does to it."""
    from missy_lsp.server.connection import End

    # Not asyncio.run, which at its end waits for threads: one may still be importing the SDK.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    serving = loop.create_task(connection.serve())
    while not serving.done():
        try:
            loop.run_until_complete(asyncio.wait([serving]))
        except (SystemExit, KeyboardInterrupt) as fault:  # from a library: a task raised it through the loop
            logging.getLogger(__name__).error("%s was raised inside the server", type(fault).__name__, exc_info=fault)
    fault_of_ours = serving.exception()
    if fault_of_ours is not None:
        logging.getLogger(__name__).error("the server failed", exc_info=fault_of_ours)
        return End(1, "something went wrong inside the server; its log has the details")
    return serving.result()


def _announce(host: str) -> Callable[[int], None]:
    def announce(port: int) -> None:
        sys.stderr.write(f"missy-lsp {__version__}: listening on {host}:{port}\n")
        sys.stderr.flush()

    return announce
