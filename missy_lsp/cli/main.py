"""The `missy` command: which command was meant, and what its end means to the shell."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Sequence

from missy_lsp import __version__
from missy_lsp.cli import actions, ask, cache, config, demo, doctor, lsp, models, providers, route, trust, usage, vault
from missy_lsp.cli.output import Output, one_line, silence_broken_pipe
from missy_lsp.cli.parsing import CommandParser
from missy_lsp.cli.setting import Setting
from missy_lsp.errors import ConfigError, MissyError, ModelError, UsageError

DONE = 0
FAILED = 1
WRONG_USAGE = 2
INTERRUPTED = 130

_FAMILIES = (ask, providers, models, vault, route, actions, config, trust, usage, cache, doctor, demo)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    parser = build_parser()
    options = parser.parse(arguments)
    if not hasattr(options, "run"):
        parser.print_help(sys.stderr)
        return WRONG_USAGE
    output = Output()
    try:
        return _run(output, options)
    except KeyboardInterrupt:
        with contextlib.suppress(OSError):  # whoever read it may have been interrupted too
            output.note("stopped")
        return INTERRUPTED
    except BrokenPipeError:
        silence_broken_pipe()
        return DONE
    except OSError as error:  # such as a full disk
        silence_broken_pipe()
        with contextlib.suppress(OSError):  # it may be standard error that is full
            output.note(f"missy: the output can't be written: {one_line(error.strerror or str(error))}.", "red")
        return FAILED


def _run(output: Output, options: argparse.Namespace) -> int:
    try:
        setting = Setting.here(output, options.config, offline=getattr(options, "offline", False))
        code: int = options.run(setting, options)
    except MissyError as error:
        return _report(output, error, as_json=getattr(options, "json", False))
    except OSError as error:
        if output.has_failed:
            raise
        return _report(output, _refusal(error), as_json=getattr(options, "json", False))
    return code


def build_parser() -> CommandParser:
    """Declare every command and its options."""
    parser = CommandParser(prog="missy", description="Claude on the command line and in every editor.")
    parser.set_defaults(config=None)
    parser.add_argument("--version", action="version", version=f"missy {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for family in _FAMILIES:
        family.add_parser(commands)
    server = commands.add_parser("lsp", help="run the language server (as missy-lsp)", allow_abbrev=False)
    lsp.add_options(server)
    server.set_defaults(run=lambda setting, options: lsp.serve(options))
    return parser


def _refusal(error: OSError) -> MissyError:
    """Name what the system refused, for the faults that no command has a better sentence for."""
    reason = one_line(error.strerror or str(error))
    if error.filename is None:
        return MissyError(f"The system refused what this command needs: {reason}. More may stand in: missy doctor")
    name = one_line(str(error.filename))
    return MissyError(f"{name}: {reason}. Check that it is there and that you may use it.")


def _report(output: Output, error: MissyError, *, as_json: bool) -> int:
    if as_json:
        output.document({"error": error_fields(error)})
    else:
        output.note(f"missy: {error.message}", "red")
    if isinstance(error, ModelError) and error.kind == "cancelled":
        return INTERRUPTED
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
