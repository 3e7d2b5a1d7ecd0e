"""`missy demo`: the main job end to end, as an editor would do it."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from missy_lsp.cli.lsp_client import LspClient, Message
from missy_lsp.cli.output import Output, one_line
from missy_lsp.cli.setting import Setting

QUESTION = "Explain in a few sentences what this class does and why waiting for a place can be cancelled."
_PARTIAL = "demo-answer"
_PROGRESS = "demo-progress"


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "demo", help="ask about a real file through the real server, as an editor would", allow_abbrev=False
    )
    parser.add_argument("--offline", action="store_true", help="do not ask Claude, even with a key")
    parser.set_defaults(run=run, json=False)


def run(setting: Setting, options: argparse.Namespace) -> int:
    """Start the server, open a file, ask about a selection, show what comes."""
    import asyncio

    import missy_lsp.llm.limits

    output = setting.output
    reason = "--offline was given" if options.offline else asyncio.run(_why_not_claude(setting))
    source = Path(missy_lsp.llm.limits.__file__)
    command = [*server_command(), *(["--offline"] if reason else [])]
    if setting.locations.user_file_named:
        command += ["--config", str(setting.locations.user_file)]
    output.note(f"starting the language server: {Path(command[0]).name} {' '.join(command[1:])}".rstrip())
    output.note(
        f"no Claude this time ({reason}): the offline provider answers" if reason else "a key is there: asking Claude"
    )
    client = LspClient(command)
    try:
        name = client.initialize()["serverInfo"]
        output.note(f"connected to {name['name']} {name['version']}")
        answer = _ask(client, output, source)
    finally:
        client.close()
    _summary(output, answer)
    return 0


def server_command() -> list[str]:
    """Return the installed console script beside this interpreter, else the isolated module (never the folder's)."""
    script = Path(sys.executable).with_name("missy-lsp.exe" if os.name == "nt" else "missy-lsp")
    return [str(script)] if script.is_file() else [sys.executable, "-I", "-m", "missy_lsp", "lsp"]


async def _why_not_claude(setting: Setting) -> str:
    models = setting.models()
    try:
        config = setting.config()
        for provider in await models.describe(config):
            if provider["default"]:
                return str(provider.get("reason", ""))
        return f'default_provider "{config.default_provider}" is not configured'
    finally:
        await models.aclose()


def _ask(client: LspClient, output: Output, source: Path) -> Message:
    text = source.read_text(encoding="utf-8")
    lines = text.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("class "))
    uri = source.as_uri()
    client.notify(
        "textDocument/didOpen",
        {"textDocument": {"uri": uri, "languageId": "python", "version": 1, "text": text}},
    )
    output.note(f"opened {source.name}, selected lines {first + 1} to {len(lines)}")
    output.note(f"missy.ask: {QUESTION}\n", "bold")
    arguments = {
        "prompt": QUESTION,
        "textDocument": {"uri": uri, "version": 1},
        "range": {"start": {"line": first, "character": 0}, "end": {"line": len(lines), "character": 0}},
        "partialResultToken": _PARTIAL,
    }
    params = {"command": "missy.ask", "arguments": [arguments], "workDoneToken": _PROGRESS}
    try:
        return client.request("workspace/executeCommand", params, lambda message: _show(output, message))
    finally:
        output.end_pieces()


def _show(output: Output, message: Message) -> None:
    if message.get("method") != "$/progress":
        return
    token, value = message["params"]["token"], message["params"]["value"]
    match value:
        case {"kind": "text", "text": text} if token == _PARTIAL:
            output.piece(text)
        case {"kind": "begin", "title": title} if token == _PROGRESS:
            output.note(f"progress: {one_line(title)}\n", "dim")
        case {"kind": "retry", "reason": reason, "inSeconds": seconds}:
            output.note(f"waiting {seconds:.1f} s: {one_line(reason)}", "yellow")


def _summary(output: Output, answer: dict[str, Any]) -> None:
    usage, timing = answer["usage"], answer["timing"]
    output.note("")
    output.note(
        f"provider  {answer['provider']}"
        + (" (offline: no model was asked)" if answer["provider"] == "offline" else "")
    )
    output.note(f"model     {answer['model']}")
    output.note(f"tier      {answer['tier']}: {'; '.join(answer['routeReasons'])}")
    output.note(f"tokens    {usage['inputTokens']} in, {usage['outputTokens']} out, ${usage['costUsd']:.4f}")
    output.note(
        f"time      first text after {timing['firstTokenMs'] or 0:.0f} ms, all after {timing['totalMs']:.0f} ms"
    )
