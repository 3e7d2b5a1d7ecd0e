"""`missy ask`: a question, with a pipe or a part of a file as its material; the answer streams."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from missy_lsp.cli.output import Output, one_line
from missy_lsp.cli.setting import Setting, current_folder
from missy_lsp.cli.standard_input import MAX_INPUT_BYTES, read_input
from missy_lsp.document import Snapshot, Span, split_lines
from missy_lsp.errors import MissyError, ModelError, UsageError
from missy_lsp.llm.types import TIER_CHOICES, Completion, Retrying, Started, TextDelta, ToolCalled

if TYPE_CHECKING:
    from missy_lsp.cli.action_run import ActionRun
    from missy_lsp.cli.edit_run import EditRun
    from missy_lsp.config.values import Config
    from missy_lsp.llm.client import Call, RouteEstimate
    from missy_lsp.llm.destinations import OriginChange
    from missy_lsp.llm.types import AnswerEvent
    from missy_lsp.tools.overlay import Overlay
    from missy_lsp.tools.toolbox import Toolbox

_RANGE = re.compile(r"(?P<path>.+?):(?P<first>\d{1,9})(?:-(?P<last>\d{1,9}))?")
_SURROGATES = re.compile("[\ud800-\udfff]")
_LANGUAGES = {".py": "python", ".js": "javascript", ".ts": "typescript", ".rs": "rust", ".go": "go", ".md": "markdown"}


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "ask", help="ask a question; the answer streams to standard output", allow_abbrev=False
    )
    parser.add_argument("prompt", nargs="*", help="the question; - stands for standard input")
    add_material_options(parser)
    parser.add_argument("--action", metavar="ID", help="run a code action on the file; the words are its instruction")
    parser.add_argument("--apply", action="store_true", help="write the change of an action or of --tools edit")
    parser.add_argument(
        "--tools",
        choices=("off", "read", "edit"),
        default="off",
        help="let the model read the workspace, or draft edits",
    )
    parser.add_argument("--no-stream", action="store_true", help="print the answer when it is complete")
    parser.add_argument("--json", action="store_true", help="print the whole answer as JSON")
    parser.set_defaults(run=run)


def add_material_options(parser: argparse.ArgumentParser) -> None:
    """Declare what `ask` and `route` have in common."""
    parser.add_argument("--file", metavar="PATH[:START-END]", help="a file, or some of its lines, as the material")
    parser.add_argument("--tier", choices=TIER_CHOICES, help="the tier to take; auto decides by the question")
    parser.add_argument("--model", help="the model to take, whatever the tier")
    parser.add_argument("--provider", metavar="NAME", help="a provider of your configuration")
    parser.add_argument("--offline", action="store_true", help="answer without a model, a key or a network")


def run(setting: Setting, options: argparse.Namespace) -> int:
    """Ask, and print what comes."""
    import asyncio

    if options.action is not None:
        return asyncio.run(_run_action(setting, _action(setting, options), options))
    if options.tools == "edit":
        return asyncio.run(_ask_for_edits(setting, options))
    if options.apply:
        raise UsageError("--apply needs --action or --tools edit: a question changes no file.")
    return asyncio.run(_ask(setting, build_call(setting, options), options))


async def _ask_for_edits(setting: Setting, options: argparse.Namespace) -> int:
    from missy_lsp.cli.edit_run import EditRun
    from missy_lsp.tools.overlay import Overlay

    run = EditRun(setting, Overlay(), options.apply)
    try:
        return await _ask(setting, build_call(setting, options, run.overlay), options, run)
    except ModelError:
        run.drop()
        raise


def build_call(setting: Setting, options: argparse.Namespace, overlay: Overlay | None = None) -> Call:
    """Read the material and build the call. Raises UsageError and MissyError with what is wrong with it."""
    from missy_lsp.config.instructions import load_instructions
    from missy_lsp.features.ask import AskInput
    from missy_lsp.features.material import Attachment, project_card
    from missy_lsp.features.question_calls import call_of_question

    words = [_as_text(word) for word in options.prompt if word != "-"]
    for name in ("model", "provider"):
        if _SURROGATES.search(getattr(options, name) or ""):
            raise UsageError(f"--{name} is not a text in UTF-8.")
    piped = read_input(setting.output, required="-" in options.prompt)
    snapshot = read_snapshot(options.file) if options.file else None
    config = setting.config(Path(snapshot.path) if snapshot is not None and snapshot.path else None)
    toolbox = _toolbox(setting, config, overlay) if getattr(options, "tools", "off") != "off" else None
    said = load_instructions(setting.locations, setting.workspace)
    folder = setting.workspace or current_folder()
    if not words and piped:
        words, piped = [piped], ""
    ask = AskInput(
        prompt=" ".join(words),
        snapshot=snapshot,
        attachments=(Attachment("standard input", piped),) if piped else (),
        workspace_folder=_as_text(str(folder)) if folder is not None else None,
        card=project_card(said.texts, config.reply_language),
    )
    return call_of_question(
        ask,
        config,
        toolbox=toolbox,
        tools_asked_for=True,  # none are offered without --tools
        provider=options.provider,
        model=options.model,
        tier=options.tier,
    )


def _toolbox(setting: Setting, config: Config, overlay: Overlay | None) -> Toolbox | None:
    """Return the tools below the workspace; fewer, and said, where the configuration or trust allows no more."""
    from missy_lsp.config.trust import MAY_EDIT, TrustStore
    from missy_lsp.tools.toolbox import Toolbox

    if config.tools.mode == "off":
        setting.output.note("no tools are offered: tools.mode is off in the configuration", "yellow")
        return None
    folder = setting.folder()
    if overlay is not None and config.tools.mode != "edit":
        setting.output.note("the model may only read: tools.mode is read in the configuration", "yellow")
        overlay = None
    elif overlay is not None and TrustStore(setting.locations.trust_file).state(folder) not in MAY_EDIT:
        setting.output.note(f"the model may only read: the folder is not trusted; run: missy trust {folder}", "yellow")
        overlay = None
    return Toolbox((folder,), config.privacy.ignore, overlay=overlay)


def _as_text(text: str) -> str:
    """Return a text that can be sent: bytes of the command line that are no UTF-8 come as lone surrogates."""
    return _SURROGATES.sub("\ufffd", text)


def read_snapshot(text: str) -> Snapshot:
    """Read PATH, PATH:LINE or PATH:START-END (1-based, inclusive) into a snapshot with its selection."""
    path, first, last = _file_and_lines(text)
    try:
        if not path.is_file():
            raise UsageError(f"{path} is not a file. Give the path of a text file, with :START-END for some lines.")
        with path.open("rb") as file:
            data = file.read(MAX_INPUT_BYTES + 1)
    except OSError as error:
        raise MissyError(f"{path} can't be read: {error.strerror}.") from None
    if len(data) > MAX_INPUT_BYTES:
        raise UsageError(
            f"{path} is larger than {MAX_INPUT_BYTES // 1024 // 1024} MiB. Put the part that matters into a file."
        )
    if b"\0" in data[:8192]:
        raise UsageError(f"{path} is not a text file.")
    content = data.decode("utf-8", "replace")
    lines = split_lines(content)
    span: Span | None = None
    if first is not None:
        last = first if last is None else last
        count = len(lines) - (lines[-1] == "")
        if not 1 <= first <= last <= count:
            raise UsageError(f"{path} has {count} lines; lines {first} to {last} are not in it.")
        starts = sum(map(len, lines[: first - 1]))
        span = Span(starts, starts + sum(map(len, lines[first - 1 : last])))
    resolved = path.resolve()
    return Snapshot(
        resolved.as_uri(),
        None,
        _LANGUAGES.get(path.suffix, _as_text(path.suffix.lstrip("."))),
        content,
        span,
        _as_text(str(resolved)),
    )


def _file_and_lines(text: str) -> tuple[Path, int | None, int | None]:
    if os.path.exists(text):  # a name with a colon and digits at its end is a name first
        return Path(text), None, None
    match = _RANGE.fullmatch(text)
    if match is None:
        return Path(text), None, None
    return Path(match["path"]), int(match["first"]), int(match["last"]) if match["last"] else None


def _action(setting: Setting, options: argparse.Namespace) -> ActionRun:
    from missy_lsp.cli.action_run import build_run

    if not options.file:
        raise UsageError("--action needs --file PATH or --file PATH:START-END: what it is to work on.")
    instruction = _as_text(" ".join(word for word in options.prompt if word != "-"))
    if "-" in options.prompt:
        instruction = f"{instruction}\n\n{read_input(setting.output, required=True)}".strip()
    return build_run(setting, options, read_snapshot(options.file), instruction)


async def _run_action(setting: Setting, action: ActionRun, options: argparse.Namespace) -> int:
    from missy_lsp.cli.action_run import with_what_is_staged

    action = await with_what_is_staged(action)
    return await _ask(setting, action.call, options, action if action.is_edit else None)


async def _ask(
    setting: Setting, call: Call, options: argparse.Namespace, action: ActionRun | EditRun | None = None
) -> int:
    import asyncio
    import signal

    models = setting.models()
    for sentence in call.notes:
        setting.output.note(sentence, "dim")
    call = _with_questions(call, setting.output)
    says_text = action is None or action.shows_text
    streams = says_text and not (options.no_stream or options.json)
    screen = _Screen(setting.output, streams=streams, quiet=options.json)
    task = asyncio.ensure_future(models.run(call, screen.on_event))
    screen.on_fault = task.cancel
    interrupted = False

    def interrupt() -> None:
        nonlocal interrupted
        interrupted = True
        task.cancel()

    # Windows has no such handlers: there asyncio.run turns Ctrl-C into a cancel of this coroutine.
    with contextlib.suppress(NotImplementedError):
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, interrupt)
    try:
        completion = await task
    except asyncio.CancelledError:
        if screen.fault is not None:
            raise screen.fault from None
        screen.keep()
        if not interrupted:
            raise
        message = "stopped; the text so far is kept" if screen.text else "stopped"
        raise ModelError("cancelled", message, partial_text=screen.text) from None
    except ModelError as error:
        screen.keep()
        error.partial_text = error.partial_text or screen.text
        raise
    finally:
        await models.aclose()
    if screen.fault is not None:
        raise screen.fault
    screen.finish()
    answer = _answer(completion)
    if action is not None:
        try:
            answer = action.conclude(completion, answer)
        except ModelError:
            screen.keep()  # what the model said instead of a change is not lost
            raise
    if options.json:
        setting.output.document(answer)
    else:
        if options.no_stream and says_text:
            setting.output.result(completion.text, end="" if completion.text.endswith("\n") else "\n")
        if action is not None:
            action.show(answer)
    screen.summary(completion)
    return 1 if _is_refused(answer) else 0


def _is_refused(answer: dict[str, object]) -> bool:
    """Tell whether an answer came without the change that it was to bring."""
    edit = answer.get("edit")
    return isinstance(edit, dict) and edit.get("status") == "refused"


def _with_questions(call: Call, output: Output) -> Call:
    """Let a call ask whoever sits at the terminal: before a premium request, before a key goes somewhere new."""
    import asyncio

    if not output.is_live or sys.stdin is None or not sys.stdin.isatty():
        return call

    async def is_yes(said: str, question: str) -> bool:
        output.note(one_line(said), "yellow")
        output.note(f"{question} [y/N]")
        answer = await asyncio.to_thread(sys.stdin.readline)
        return answer.strip().lower() in ("y", "yes")

    async def premium(estimate: RouteEstimate) -> bool:
        model, reasons = estimate.decision.model, "; ".join(estimate.decision.reasons)
        return await is_yes(f"premium tier ({model}, up to ${estimate.max_usd:.2f}): {reasons}", "Go on with it?")

    async def origin(change: OriginChange) -> bool:
        return await is_yes(change.question, "Send it there?")

    return attrs.evolve(call, confirm=premium, ask_about_origin=origin)


def _answer(completion: Completion) -> dict[str, object]:
    import uuid

    from missy_lsp.features.answers import answer_fields

    return answer_fields(uuid.uuid4().hex[:12], completion)


class _Screen:
    """Show the answer on standard output and what is said about it on standard error."""

    def __init__(self, output: Output, *, streams: bool, quiet: bool) -> None:
        self.fault: OSError | None = None
        self.on_fault: Callable[[], object] = lambda: None
        self._output = output
        self._quiet = quiet
        self._streams = streams
        self._parts: list[str] = []
        self._begin_s = time.monotonic()

    @property
    def text(self) -> str:
        return "".join(self._parts)

    def on_event(self, event: AnswerEvent) -> None:
        """Show an event. A stream of ours that breaks ends the request, but is not the provider's to explain."""
        if isinstance(event, TextDelta):
            self._parts.append(event.text)
        if self.fault is None:
            try:
                self._show(event)
            except OSError as error:
                self.fault = error
                self.on_fault()

    def _show(self, event: AnswerEvent) -> None:
        match event:
            case TextDelta(text):
                if self._streams:
                    self._output.piece(text)
            case Started(provider, model, tier, reasons) if self._output.is_live:
                self._output.note(one_line(f"{provider} · {model} · {tier}: {'; '.join(reasons)}"), "dim")
            case ToolCalled(_, summary):
                self._output.note(one_line(summary), "dim")
            case Retrying(attempt, in_seconds, reason):
                self._output.note(f"{one_line(reason)}; attempt {attempt} in {in_seconds:.1f} s", "yellow")

    def keep(self) -> None:
        """Leave what came of an answer that did not end well."""
        if self._streams or not self._parts:
            self.finish()
        elif not self._quiet:
            self._output.result(self.text, end="" if self.text.endswith("\n") else "\n")

    def finish(self) -> None:
        """End the line of a streamed answer."""
        if self._streams:
            self._output.end_pieces()

    def summary(self, completion: Completion) -> None:
        usage = completion.usage
        if not completion.complete:
            self._output.note(f"the answer is not complete (stop reason: {one_line(completion.stop_reason)})", "yellow")
        if self._output.is_live:
            seconds = time.monotonic() - self._begin_s
            tokens = f"{usage.input_tokens} tokens in, {usage.output_tokens} out"
            self._output.note(f"{tokens} · ${completion.cost_usd:.4f} · {seconds:.1f} s", "dim")
