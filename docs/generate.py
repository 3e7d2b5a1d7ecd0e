"""Write the generated reference pages: `make docs`. A test fails where a page is not what this would write."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from missy_lsp.cli.main import build_parser
from missy_lsp.config.reference import reference_page

REFERENCE = Path(__file__).parent / "reference"


def pages() -> dict[Path, str]:
    """Return every generated page by its path."""
    return {
        REFERENCE / "configuration.md": _with_preface("configuration", reference_page()),
        REFERENCE / "command-line.md": _with_preface("command-line", "\n".join(_commands()) + "\n"),
    }


def _with_preface(name: str, generated: str) -> str:
    preface = (REFERENCE / f".{name}-preface.md").read_text(encoding="utf-8")
    return f"{preface}\n<!-- What follows is written by docs/generate.py: run make docs. -->\n\n{generated}"


def _commands() -> Iterator[str]:
    parser = build_parser()
    for name, command in _subcommands(parser):
        inner = list(_subcommands(command))
        if inner:
            for action, options in inner:
                yield from _section(f"missy {name} {action}", options)
        else:
            yield from _section(f"missy {name}", command)


def _section(title: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    yield f"## `{title}`"
    yield ""
    if parser.description:
        yield f"{parser.description}"
        yield ""
    yield "| argument | meaning |"
    yield "| --- | --- |"
    for action in parser._actions:
        if isinstance(action, argparse._HelpAction):
            continue
        yield f"| {_argument(action)} | {_meaning(action)} |"
    yield ""


def _argument(action: argparse.Action) -> str:
    value = action.metavar or (action.dest.upper() if action.nargs != 0 else "")
    choices = "\\|".join(map(str, action.choices)) if action.choices else ""
    if not action.option_strings:
        return f"`{choices.replace(chr(92), '') or action.metavar or action.dest}`".replace("|", "\\|")
    names = ", ".join(action.option_strings)
    return f"`{names} {choices or value}`".replace(" `", "`") if action.nargs != 0 else f"`{names}`"


def _meaning(action: argparse.Action) -> str:
    return (action.help or "").replace("|", "\\|")


def _subcommands(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
        print(path.name)
