"""The `missy` command: which command was meant, and what its end means to the shell."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from missy_lsp import __version__
from missy_lsp.cli import ask, config, demo, doctor, lsp, providers, route, trust, vault
from missy_lsp.cli.output import Output, silence_broken_pipe
from missy_lsp.cli.setting import Setting
from missy_lsp.errors import ConfigError, MissyError, ModelError, UsageError

DONE = 0
FAILED = 1
WRONG_USAGE = 2
INTERRUPTED = 130

_FAMILIES = (ask, providers, vault, route, config, trust, doctor, demo)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    parser = build_parser()
    options = parser.parse_args(arguments)
    if not hasattr(options, "run"):
        parser.print_help(sys.stderr)
        return WRONG_USAGE
    output = Output()
    try:
        setting = Setting.here(output, options.config, offline=getattr(options, "offline", False))
        code: int = options.run(setting, options)
    except KeyboardInterrupt:
        output.note("stopped")
        return INTERRUPTED
    except BrokenPipeError:
        silence_broken_pipe()
        return DONE
    except MissyError as error:
        return _report(output, error, as_json=getattr(options, "json", False))
    return code


def build_parser() -> argparse.ArgumentParser:
    """Declare every command and its options."""
    parser = argparse.ArgumentParser(
        prog="missy", description="Claude on the command line and in every editor.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"missy {__version__}")
    parser.add_argument("--config", metavar="PATH", type=Path, default=None, help="your configuration file")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for family in _FAMILIES:
        family.add_parser(commands)
    server = commands.add_parser("lsp", help="run the language server (as missy-lsp)", allow_abbrev=False)
    lsp.add_options(server)
    server.set_defaults(run=lambda setting, options: lsp.serve(options))
    return parser


def _report(output: Output, error: MissyError, *, as_json: bool) -> int:
    if as_json:
        output.document({"error": error_fields(error)})
    else:
        output.note(f"missy: {error.message}", "red")
    return WRONG_USAGE if isinstance(error, UsageError) else FAILED


def error_fields(error: MissyError) -> dict[str, object]:
    """Describe an error as `--json` prints it: the names of contract 3.7."""
    fields: dict[str, object] = {"kind": "invalid_request", "message": error.message, "retryable": False}
    match error:
        case ModelError():
            fields |= {"kind": error.kind, "retryable": error.retryable}
            more = {
                "retryAfterS": error.retry_after_s,
                "requestId": error.request_id,
                "partialText": error.partial_text,
            }
            fields |= {name: value for name, value in more.items() if value}
        case UsageError() | ConfigError():
            pass
        case _:
            fields["kind"] = "internal"
    return fields
