"""Run the language server: connect the bytes to the protocol, and end cleanly."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import sys
from collections.abc import Callable

from missy_lsp import __version__
from missy_lsp.server.options import ServerOptions


def run(options: ServerOptions) -> int:
    """Serve one client and return the exit code (LSP 3.17, exit: 1 without a shutdown before it)."""
    # Importing builds some 150,000 objects that live as long as the process: collecting among them costs a
    # tenth of the start, and frozen they are never looked at again.
    gc.disable()
    from missy_lsp.server.connection import Connection
    from missy_lsp.server.logs import start_logging
    from missy_lsp.server.transport import Channel, StdioChannel, accept_one

    try:
        finish_logging = start_logging(options.log_file, options.log_level)
    except OSError as error:
        sys.stderr.write(f"missy-lsp: the log {options.log_file} can't be written: {error.strerror}. Choose another.\n")
        return 1
    channel: Channel
    if options.tcp is None:
        channel = StdioChannel()
    else:
        host, port = options.tcp
        try:
            channel = accept_one(host, port, _announce(host))
        except OSError as error:
            sys.stderr.write(f"missy-lsp: can't listen on {host}:{port}: {error.strerror}. Choose another port.\n")
            return 1
    connection = Connection(options, channel)
    gc.freeze()
    gc.enable()
    # Not asyncio.run, which at its end waits for threads: one may still be importing the SDK.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    code = loop.run_until_complete(connection.serve())
    finish_logging()
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.flush()
    # The reader may still wait for input that never comes, and a keyring for its user: threads that the
    # interpreter would join at its own end.
    os._exit(code)


def _announce(host: str) -> Callable[[int], None]:
    def announce(port: int) -> None:
        sys.stderr.write(f"missy-lsp {__version__}: listening on {host}:{port}\n")
        sys.stderr.flush()

    return announce
