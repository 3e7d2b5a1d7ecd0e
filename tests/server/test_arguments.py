"""Command arguments are read strictly, and what is wrong is said with its place."""

from __future__ import annotations

import pytest

from missy_lsp.document import Position
from missy_lsp.errors import UsageError
from missy_lsp.server.arguments import (
    AskArguments,
    NoArguments,
    Range,
    TextDocument,
    Turn,
    new_argument_converter,
    read_arguments,
)
from missy_lsp.server.handlers.commands import COMMANDS
from missy_lsp.server.methods import COMMAND_NAMES

PLACE = {"start": {"line": 1, "character": 2}, "end": {"line": 3, "character": 0}}


def test_camel_case_names_become_ours() -> None:
    given = {
        "prompt": "why?",
        "textDocument": {"uri": "file:///a.py", "version": 4},
        "range": PLACE,
        "history": [{"role": "user", "content": "hi"}],
        "partialResultToken": 7,
        "wait": False,
        "tier": None,
    }
    assert read_arguments(new_argument_converter(), AskArguments, [given]) == AskArguments(
        prompt="why?",
        text_document=TextDocument("file:///a.py", 4),
        range=Range(Position(1, 2), Position(3, 0)),
        history=(Turn("user", "hi"),),
        partial_result_token=7,
        wait=False,
    )


@pytest.mark.parametrize("arguments", [None, [], [None], [{}]])
def test_a_command_without_arguments_takes_none(arguments: list[object] | None) -> None:
    assert read_arguments(new_argument_converter(), NoArguments, arguments) == NoArguments()


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({}, "prompt"),
        ({"prompt": 1}, "prompt"),
        ({"prompt": "x", "tier": "huge"}, "tier"),
        ({"prompt": "x", "tools": "write"}, "tools"),
        ({"prompt": "x", "textDocument": "file:///a"}, "textDocument"),
        ({"prompt": "x", "textDocument": {}}, "uri"),
        ({"prompt": "x", "range": {"start": {"line": "1", "character": 0}, "end": PLACE["end"]}}, "line"),
        ({"prompt": "x", "range": {"start": {"line": True, "character": 0}, "end": PLACE["end"]}}, "line"),
        ({"prompt": "x", "history": "before"}, "history"),
        ({"prompt": "x", "history": [{"role": "system", "content": ""}]}, "role"),
        ({"prompt": "x", "wait": "yes"}, "wait"),
        ({"prompt": "x", "partialResultToken": 1.5}, "partialResultToken"),
        ({"prompt": "x", "partialResultToken": True}, "partialResultToken"),
    ],
    ids=str,
)
def test_a_wrong_value_is_refused_with_its_place(given: object, place: str) -> None:
    with pytest.raises(UsageError, match=place):
        read_arguments(new_argument_converter(), AskArguments, [given])


@pytest.mark.parametrize("arguments", [["text"], [1, 2], [{}, {}], [[]]])
def test_anything_but_one_object_is_refused(arguments: list[object]) -> None:
    with pytest.raises(UsageError, match="one object"):
        read_arguments(new_argument_converter(), AskArguments, arguments)


def test_every_command_is_announced_and_every_announced_one_is_there() -> None:
    assert set(COMMAND_NAMES) == set(COMMANDS)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"tier": "huge"}, "expected one of auto, fast, primary, premium @ arguments.tier"),
        ({"tools": 3}, "expected one of off, read, edit @ arguments.tools"),
        ({"history": [{"role": "bot", "content": "x"}]}, "expected one of user, assistant @ arguments.history[0].role"),
        ({"range": 3}, "expected an object, got an integer @ arguments.range"),
        ({"model": 0.5}, "expected a string, got a number @ arguments.model"),
        ({"wait": "yes"}, "expected true or false, got a string @ arguments.wait"),
    ],
)
def test_what_is_malformed_is_told_in_the_words_of_json(given: dict[str, object], told: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_arguments(new_argument_converter(), AskArguments, [{"prompt": "x", **given}])
    assert caught.value.message == f"The arguments are malformed: {told}."
