"""`missy-lsp`, and `missy lsp`: read the options and hand over to the server."""

from __future__ import annotations

import argparse
import ipaddress
from collections.abc import Sequence
from pathlib import Path

from missy_lsp import __version__
from missy_lsp.cli.parsing import CommandParser
from missy_lsp.server.options import ServerOptions

INTERRUPTED = 130
LOG_LEVELS = ("debug", "info", "warning", "error")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the language server; return its exit code."""
    parser = CommandParser(prog="missy-lsp", description="Claude in every editor: the Missy language server.")
    parser.set_defaults(config=None)
    add_options(parser)
    options = parser.parse_args(arguments)
    try:
        return serve(options)
    except KeyboardInterrupt:  # before the server takes its signals
        return INTERRUPTED


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options; standard input and output are the default."""
    parser.add_argument("--stdio", action="store_true", help="use standard input and output (the default)")
    parser.add_argument("--tcp", metavar="HOST:PORT", type=tcp_address, help="serve one client on a loopback address")
    parser.add_argument("--offline", action="store_true", help="answer without a model, a key or a network")
    parser.add_argument("--log-file", metavar="PATH", type=Path, help="write a log there (rotating)")
    parser.add_argument(
        "--log-level",
        metavar="LEVEL",
        type=str.lower,
        choices=LOG_LEVELS,
        default="warning",
        help=", ".join(LOG_LEVELS),
    )
    parser.add_argument("--version", action="version", version=f"missy-lsp {__version__}")


def serve(options: argparse.Namespace) -> int:
    """Start the server with parsed options."""
    from missy_lsp.server.main import run

    return run(
        ServerOptions(
            tcp=options.tcp,
            config=options.config,
            offline=options.offline,
            log_file=options.log_file,
            log_level=options.log_level,
        )
    )


def tcp_address(text: str) -> tuple[str, int]:
    """Read HOST:PORT; only a loopback host is taken, since whoever connects speaks for the user."""
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise argparse.ArgumentTypeError("HOST:PORT is expected, such as 127.0.0.1:9257")
    if host == "localhost":
        return "127.0.0.1", int(port)
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise argparse.ArgumentTypeError(f"{host} is no loopback address; only 127.0.0.1, ::1 or localhost is served")
    return host, int(port)
