"""The tools as a model sees them: what they give, and that a wrong call is answered with its reason."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest

from missy_lsp.tools.outcome import ToolOutcome
from missy_lsp.tools.toolbox import Toolbox
from tests.support.workspace import INSIDE_CANARY, OUTSIDE_CANARY, write


def test_the_descriptions_are_sorted_and_strict(toolbox: Toolbox) -> None:
    specs = toolbox.specs()
    assert [spec.name for spec in specs] == [
        "diagnostics",
        "document_symbols",
        "list_files",
        "read_file",
        "search_text",
    ]
    assert all(spec.input_schema["additionalProperties"] is False for spec in specs)
    assert specs == Toolbox(()).specs()


async def test_a_file_is_read_with_the_numbers_of_its_lines(toolbox: Toolbox) -> None:
    assert await toolbox.call("read_file", {"path": "src/app.py"}) == ToolOutcome(
        "src/app.py lines 1-5 of 5\n1\timport os\n2\t\n3\t\n4\tdef main():\n5\t    return os.name",
        False,
        "read src/app.py lines 1-5",
    )


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"start_line": 4}, "src/app.py lines 4-5 of 5\n4\tdef main():\n5\t    return os.name"),
        ({"start_line": 4, "end_line": 4}, "src/app.py lines 4-4 of 5\n4\tdef main():"),
        ({"end_line": 99}, "src/app.py lines 1-5 of 5"),
    ],
)
async def test_a_part_of_a_file_is_read(toolbox: Toolbox, arguments: dict[str, int], text: str) -> None:
    outcome = await toolbox.call("read_file", {"path": "src/app.py", **arguments})
    assert outcome.text.startswith(text)


@pytest.mark.parametrize(
    ("name", "arguments", "reason"),
    [
        ("rm", {}, "There is no tool rm; there are diagnostics, document_symbols, list_files, read_file, search_text."),
        ("x\n\x1b[2J", {}, "There is no tool x\\u000a\\u001b[2J; there are"),
        ("read_file", {}, "The argument path is missing."),
        ("read_file", {"path": 1}, "The argument path must be a text."),
        ("read_file", {"path": ["a"]}, "The argument path must be a text."),
        ("read_file", {"path": None}, "The argument path must be a text."),
        ("read_file", {"path": "a", "mode": "w"}, "There is no argument mode; there are path, start_line, end_line."),
        ("read_file", {"path": "a", "start_line": "1"}, "The argument start_line must be a whole number."),
        ("read_file", {"path": "a", "start_line": True}, "The argument start_line must be a whole number."),
        ("read_file", {"path": "a", "start_line": 1.0}, "The argument start_line must be a whole number."),
        ("read_file", {"path": "a", "start_line": 0}, "The argument start_line must be a number from 1 to 10000000."),
        ("read_file", {"path": "a", "end_line": 10**30}, "The argument end_line must be a number from 1 to 10000000."),
        ("read_file", {"path": "src/app.py", "start_line": 3, "end_line": 2}, "end_line 2 is before start_line 3."),
        ("read_file", {"path": "src/app.py", "start_line": 9}, "There is no line 9: src/app.py has 5 lines."),
        ("read_file", {"path": "a" * 1_000_000}, "The argument path has more than 10000 characters."),
        ("search_text", {"pattern": " "}, "pattern must be a text of one line that is not blank."),
        ("search_text", {"pattern": "a\nb"}, "pattern must be a text of one line that is not blank."),
        (
            "search_text",
            {"pattern": "a", "case_sensitive": "yes"},
            "The argument case_sensitive must be true or false.",
        ),
    ],
)
async def test_a_wrong_call_is_answered_with_its_reason(
    toolbox: Toolbox, name: str, arguments: dict[str, object], reason: str
) -> None:
    outcome = await toolbox.call(name, arguments)
    assert outcome.is_error
    assert outcome.text.startswith(reason)
    assert outcome.summary.isprintable()


@pytest.mark.parametrize("arguments", [None, [], "path", 3], ids=repr)
async def test_arguments_that_are_no_object_are_refused(toolbox: Toolbox, arguments: object) -> None:
    outcome = await toolbox.call("read_file", arguments)  # type: ignore[arg-type]
    assert (outcome.is_error, outcome.text) == (True, "The arguments must be one JSON object.")


async def test_a_list_names_what_is_there_and_shows_secrets_by_name_only(toolbox: Toolbox) -> None:
    lines = (await toolbox.call("list_files", {})).text.splitlines()
    assert {"src/", "src/app.py", "src/deep/util.py", "README.md", "kept.log", ".env (not readable)"} <= set(lines)
    assert ".git/ (not readable)" in lines
    assert not [line for line in lines if line.startswith((".git/config", "build", "private", "docs/", "debug.log"))]
    assert "src/generated_a.py" not in lines


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ({"pattern": "*.py"}, {"src/app.py", "src/deep/util.py"}),
        ({"pattern": "src/**/util.py"}, {"src/deep/util.py"}),
        ({"path": "src/deep"}, {"src/deep/util.py"}),
        ({"path": "src", "pattern": "*.py"}, {"src/app.py", "src/deep/util.py"}),
        ({"pattern": "*.rs"}, {"(nothing)"}),
    ],
    ids=range(5),
)
async def test_a_list_is_narrowed_by_path_and_pattern(
    toolbox: Toolbox, arguments: dict[str, str], names: set[str]
) -> None:
    assert set((await toolbox.call("list_files", arguments)).text.splitlines()) == names


async def test_a_search_finds_lines_literally(toolbox: Toolbox) -> None:
    assert await toolbox.call("search_text", {"pattern": "DEF "}) == ToolOutcome(
        "src/app.py:4: def main():\nsrc/deep/util.py:1: def helper():", False, "searched .: 2 lines in 2 files"
    )
    assert (
        await toolbox.call("search_text", {"pattern": "DEF ", "case_sensitive": True})
    ).text == "No line contains it."
    assert (await toolbox.call("search_text", {"pattern": "d.f"})).text == "No line contains it."
    in_one = await toolbox.call("search_text", {"pattern": "return", "path": "src/app.py"})
    assert in_one.text == "src/app.py:5:     return os.name"


async def test_a_search_does_not_look_into_what_may_not_be_read(toolbox: Toolbox) -> None:
    for pattern in (INSIDE_CANARY, OUTSIDE_CANARY):
        assert (await toolbox.call("search_text", {"pattern": pattern})).text == "No line contains it."


async def test_unsaved_text_wins_over_the_disk(workspace: Path) -> None:
    texts = {str(workspace / "src" / "app.py"): "unsaved = 1\n", str(workspace / "src" / "new.py"): "not on disk\n"}
    toolbox = Toolbox((workspace,), (), lambda: texts)
    outcome = await toolbox.call("read_file", {"path": "src/app.py"})
    assert outcome.text == "src/app.py lines 1-1 of 1 (as open in the editor)\n1\tunsaved = 1"
    assert "not on disk" in (await toolbox.call("read_file", {"path": "src/new.py"})).text
    assert (await toolbox.call("search_text", {"pattern": "unsaved"})).text == "src/app.py:1: unsaved = 1"
    assert (await toolbox.call("search_text", {"pattern": "import os"})).text == "No line contains it."


async def test_an_open_secret_is_still_no_file_for_the_model(workspace: Path) -> None:
    toolbox = Toolbox((workspace,), (), lambda: {str(workspace / ".env"): "KEY=1"})
    assert (await toolbox.call("read_file", {"path": ".env"})).is_error
    assert (await toolbox.call("search_text", {"pattern": "KEY"})).text == "No line contains it."


async def test_every_workspace_folder_is_looked_at(workspace: Path, tmp_path: Path) -> None:
    write(tmp_path / "second" / "other.py", "other = main\n")
    toolbox = Toolbox((workspace, tmp_path / "second"))
    assert "other = main" in (await toolbox.call("read_file", {"path": "other.py"})).text
    found = (await toolbox.call("search_text", {"pattern": "main"})).text
    assert "In ws:\nsrc/app.py:4: def main():" in found
    assert "In second:\nother.py:1: other = main" in found


async def test_the_symbols_of_a_file_come_with_their_lines(toolbox: Toolbox) -> None:
    assert await toolbox.call("document_symbols", {"path": "src/app.py"}) == ToolOutcome(
        "main (lines 4-5)", False, "outlined src/app.py: 1 symbols"
    )
    assert (
        await toolbox.call("document_symbols", {"path": "kept.log"})
    ).text == "Nothing was found that kept.log defines."
    for path in (".env", "src", "leak.txt", "not_there.py"):
        assert (await toolbox.call("document_symbols", {"path": path})).is_error


async def test_the_symbols_of_a_large_file_are_bounded(workspace: Path) -> None:
    write(workspace / "many.py", "".join(f"def f{number}():\n    return 1\n" for number in range(501)))
    lines = (await Toolbox((workspace,)).call("document_symbols", {"path": "many.py"})).text.splitlines()
    assert (len(lines), lines[-1]) == (501, "[truncated: only the first 500 are listed]")


async def test_diagnostics_are_what_the_editor_passed_on_and_what_a_parser_finds(workspace: Path) -> None:
    said = {
        str(workspace / "src" / "app.py"): ("line 4: unused function main (checker)",),
        str(workspace / ".env"): ("line 1: KEY=1 is no name (dotenv)",),
        str(workspace.parent / "outside" / "secret.txt"): ("line 1: outside (checker)",),
    }
    toolbox = Toolbox((workspace,), (), dict, lambda: said)
    one = await toolbox.call("diagnostics", {"path": "src/app.py"})
    assert one.text.startswith("src/app.py:\nline 4: unused function main (checker)\n(as the editor passed them on")
    assert one.text.endswith("A parser finds no faults in it.")
    every = (await toolbox.call("diagnostics", {})).text
    assert every.startswith("src/app.py:\nline 4: unused function main (checker)\n(as ")
    assert "KEY" not in every
    assert "outside" not in every
    assert (await toolbox.call("diagnostics", {"path": ".env"})).is_error


async def test_diagnostics_say_so_where_nothing_is_known(workspace: Path) -> None:
    write(workspace / "broken.py", "def (:\n")
    toolbox = Toolbox((workspace,))
    assert "this is no sign that there are none" in (await toolbox.call("diagnostics", {})).text
    outcome = (await toolbox.call("diagnostics", {"path": "broken.py"})).text
    assert "this is no sign that there are none" in outcome
    assert "A parser finds 1 fault in it." in outcome


async def test_without_a_folder_nothing_is_read() -> None:
    for name, arguments in (("read_file", {"path": __file__}), ("list_files", {}), ("search_text", {"pattern": "a"})):
        assert (await Toolbox(()).call(name, arguments)).is_error


async def test_the_event_loop_goes_on_while_a_tool_works(workspace: Path) -> None:
    for number in range(800):
        (workspace / "src" / f"file_{number}.py").write_text("x = 1\n" * 50)
    toolbox = Toolbox((workspace,))
    gaps: list[float] = []

    async def tick() -> None:
        while True:
            start = time.perf_counter()
            await asyncio.sleep(0)
            gaps.append(time.perf_counter() - start)

    ticking = asyncio.create_task(tick())
    outcome = await toolbox.call("search_text", {"pattern": "not there"})
    ticking.cancel()
    assert outcome.text == "No line contains it."
    assert len(gaps) > 20


async def test_what_is_given_back_can_be_sent_as_json(toolbox: Toolbox) -> None:
    for name, arguments in (
        ("list_files", {}),
        ("search_text", {"pattern": "a"}),
        ("read_file", {"path": "README.md"}),
    ):
        json.dumps((await toolbox.call(name, arguments)).text).encode("utf-8")
