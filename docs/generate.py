"""Write the generated reference pages: `make docs`. A test fails where a page is not what this would write."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import attrs

from missy_lsp.cli.main import build_parser
from missy_lsp.config.actions import built_in_actions, front_fields
from missy_lsp.config.reference import reference_page

REFERENCE = Path(__file__).parent / "reference"


def pages() -> dict[Path, str]:
    """Return every generated page by its path."""
    return {
        REFERENCE / "actions.md": _with_preface("actions", "\n".join(_actions()) + "\n"),
        REFERENCE / "configuration.md": _with_preface("configuration", reference_page()),
        REFERENCE / "command-line.md": _with_preface("command-line", "\n".join(_commands()) + "\n"),
    }


def _with_preface(name: str, generated: str) -> str:
    preface = (REFERENCE / f".{name}-preface.md").read_text(encoding="utf-8")
    return f"{preface}\n<!-- What follows is written by docs/generate.py: run make docs. -->\n\n{generated}"


def _actions() -> Iterator[str]:
    yield from (
        "## Built in",
        "",
        "| id | title | kind | offered | result | tier |",
        "| --- | --- | --- | --- | --- | --- |",
    )
    for action in built_in_actions().actions:
        where = f"{action.when}; {', '.join(action.languages)}" if action.languages else action.when
        cells = (f"`{action.id}`", action.title, f"`{action.lsp_kind}`", where, action.result, action.tier)
        yield f"| {' | '.join(cells)} |"
    yield from ("", "## Fields of the front matter", "", "| field | values | default | meaning |")
    yield "| --- | --- | --- | --- |"
    for field in front_fields().values():
        values = ", ".join(f"`{choice}`" for choice in field.metadata["choices"])
        if not values:
            values = "a list of texts" if str(field.type).startswith("tuple") else "a text"
        longest = field.metadata["max_characters"]
        limit = f" At most {longest} characters." if longest is not None else ""
        yield f"| `{field.name}` | {values} | {_usual(field)} | {field.metadata['doc']}{limit} |"


def _usual(field: attrs.Attribute[object]) -> str:
    if field.metadata["required"]:
        return "none: has to be there"
    if isinstance(field.default, attrs.Factory):
        return "`missy` for an answer, else `refactor.rewrite`"
    return f"`{field.default}`" if field.default else "none"


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
