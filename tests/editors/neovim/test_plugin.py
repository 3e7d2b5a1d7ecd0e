"""The Neovim plugin in a real Neovim: every command, as a person would use it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.editors.neovim.conftest import CODE
from tests.support.actions import edit_call, tool_turn
from tests.support.configuration import write_user_config
from tests.support.fake_api import FakeApi, Hold, answer, api_error, block_start, message_start, stream, text_delta
from tests.support.lsp_process import server_command
from tests.support.neovim import IGNORED_WARNINGS, PLUGIN, running_neovim, until

pytestmark = [pytest.mark.editor, pytest.mark.filterwarnings(*IGNORED_WARNINGS)]

NEW_ADD = "<replacement>\ndef add(a: int, b: int) -> int:\n    return a + b\n</replacement>"


def said(editor: Any, words: str) -> Any:
    return until(
        editor, f"for _, text in ipairs(_G.said) do if text:find([[{words}]], 1, true) then return text end end"
    )


def answers(editor: Any) -> str:
    return str(
        editor.exec_lua(
            "return table.concat(vim.api.nvim_buf_get_lines(vim.fn.bufnr('missy://answers'), 0, -1, false), '\\n')"
        )
    )


def text(editor: Any) -> list[str]:
    return list(editor.exec_lua("return vim.api.nvim_buf_get_lines(0, 0, -1, false)"))


def propose(editor: Any, api: FakeApi) -> None:
    api.enqueue(answer(NEW_ADD))
    editor.command("call cursor(5, 5)")
    editor.command("Missy action add-types")
    said(editor, "a change is ready at line 4")
    until(editor, "return #vim.diagnostic.get(0) == 1")


def test_asking_streams_into_a_window_and_the_cursor_stays(neovim: Any, api: FakeApi) -> None:
    api.enqueue(answer("It adds\n", "two numbers."))
    window = neovim.exec_lua("return vim.api.nvim_get_current_win()")
    neovim.command("4,5Missy ask what is this?")
    until(neovim, "return require('missy').last() ~= nil")
    assert "# what is this?\n\nIt adds\ntwo numbers.\n\n*claude-sonnet-4-6 · " in answers(neovim)
    assert neovim.exec_lua("return vim.api.nvim_get_current_win()") == window
    assert neovim.exec_lua("return vim.fn.bufwinid('missy://answers')") != -1
    body = api.requests[0].body.decode()
    assert "what is this?" in body
    assert "lines 4-5" in body
    neovim.command("Missy last")


def test_a_change_is_seen_as_a_diff_accepted_and_undone_in_one_step(neovim: Any, api: FakeApi) -> None:
    propose(neovim, api)
    assert text(neovim) == CODE
    neovim.command("Missy diff")
    until(neovim, "return vim.wo.diff and vim.fn.bufnr('missy://proposal') ~= -1")
    neovim.command("Missy accept")
    expected = [line.replace("add(a, b)", "add(a: int, b: int) -> int") for line in CODE]
    until(neovim, "return vim.fn.getline(4):find('int') ~= nil")
    assert text(neovim) == expected
    until(neovim, "return #vim.diagnostic.get(0) == 0 and not vim.wo.diff")
    neovim.command("silent undo")
    assert text(neovim) == CODE


def test_typing_meanwhile_moves_the_change_along(neovim: Any, api: FakeApi) -> None:
    propose(neovim, api)
    neovim.exec_lua("vim.api.nvim_buf_set_lines(0, 0, 0, false, {'# 😋 typed above'})")
    neovim.command("Missy accept")
    until(neovim, "return vim.fn.getline(5):find('int') ~= nil")
    assert text(neovim)[0] == "# 😋 typed above"
    assert text(neovim)[9] == "    return a - b"


def test_an_overlapping_change_is_told_and_nothing_is_applied(neovim: Any, api: FakeApi) -> None:
    propose(neovim, api)
    neovim.exec_lua("vim.api.nvim_buf_set_lines(0, 4, 5, false, {'    return b + a'})")
    before = text(neovim)
    neovim.command("Missy accept")
    until(neovim, "return vim.fn.execute('messages'):find('has changed meanwhile', 1, true) ~= nil")
    assert text(neovim) == before


def test_a_discarded_change_is_gone(neovim: Any, api: FakeApi) -> None:
    propose(neovim, api)
    neovim.command("Missy discard")
    until(neovim, "return #vim.diagnostic.get(0) == 0")
    assert text(neovim) == CODE


def test_a_change_of_several_files_is_seen_and_accepted_whole(neovim: Any, api: FakeApi, isolated_home: Path) -> None:
    write_user_config(isolated_home, api.base_url, tools={"mode": "edit"})
    source = Path(neovim.exec_lua("return vim.api.nvim_buf_get_name(0)"))
    other = source.with_name("b.py")
    other.write_text("from a import add\n")
    api.enqueue(
        tool_turn(edit_call("a.py", "def add(", "def plus("), edit_call("b.py", "import add", "import plus")),
        answer("I renamed it."),
    )
    neovim.command("Missy ask rename add to plus")
    said(neovim, "a change of 2 files is ready (a.py, b.py)")
    until(neovim, "return #vim.diagnostic.get(0) == 1")
    neovim.command("Missy diff")
    until(neovim, "return vim.fn.bufnr('missy://proposal') ~= -1")
    shown = neovim.exec_lua("return vim.api.nvim_buf_get_lines(vim.fn.bufnr('missy://proposal'), 0, -1, false)")
    assert [line for line in shown if line.startswith("+")] == [
        *("+++ a.py", "+def plus(a, b):", "+++ b.py", "+from a import plus")
    ]
    neovim.command("Missy accept")
    until(neovim, "return vim.fn.getline(4) == 'def plus(a, b):' and #vim.diagnostic.get(0) == 0")
    until(neovim, f"return vim.fn.readfile([[{other}]])[1] == 'from a import plus'")
    assert "def add" in source.read_text()
    neovim.command("silent undo")
    assert text(neovim) == CODE


def test_at_a_mark_only_the_file_there_is_accepted(neovim: Any, api: FakeApi, isolated_home: Path) -> None:
    write_user_config(isolated_home, api.base_url, tools={"mode": "edit"})
    source = Path(neovim.exec_lua("return vim.api.nvim_buf_get_name(0)"))
    api.enqueue(
        tool_turn(edit_call("a.py", "def add(", "def plus("), edit_call("b.py", "", "from a import plus\n")),
        answer("I renamed it."),
    )
    neovim.command("Missy ask rename add to plus")
    until(neovim, "return #vim.diagnostic.get(0) == 1")
    neovim.command("call cursor(4, 1)")
    neovim.command("Missy accept")
    until(neovim, "return vim.fn.getline(4) == 'def plus(a, b):' and #vim.diagnostic.get(0) == 0")
    assert not source.with_name("b.py").exists()
    neovim.command("Missy discard")
    until(neovim, "return #vim.lsp.get_clients({name='missy'})[1].requests == 0")
    assert not source.with_name("b.py").exists()


def test_a_retry_asks_again_on_the_tier_of_choice(neovim: Any, api: FakeApi) -> None:
    propose(neovim, api)
    api.enqueue(answer(NEW_ADD.replace("int", "float")))
    neovim.command("Missy retry premium")
    until(neovim, "return #vim.diagnostic.get(0) == 1 and #_G.said >= 2")
    neovim.command("Missy accept")
    until(neovim, "return vim.fn.getline(4):find('float') ~= nil")


def test_an_edit_takes_its_instruction(neovim: Any, api: FakeApi) -> None:
    api.enqueue(answer(NEW_ADD))
    neovim.command("4,5Missy edit add types")
    said(neovim, "a change is ready")
    assert "The user's instruction: add types" in api.requests[0].body.decode()


def test_explain_shows_its_answer(neovim: Any, api: FakeApi) -> None:
    api.enqueue(answer("It subtracts."))
    neovim.command("8,9Missy explain")
    until(neovim, "return require('missy').last() ~= nil")
    assert "# Explain\n\nIt subtracts." in answers(neovim)


def test_an_action_is_picked_from_those_that_apply(neovim: Any, api: FakeApi) -> None:
    api.enqueue(answer("Nothing to say."))
    neovim.exec_lua(
        """vim.ui.select = function(items, options, choose)
          _G.titles = vim.tbl_map(options.format_item, items)
          for _, item in ipairs(items) do if item.id == 'review' then choose(item) end end
        end"""
    )
    neovim.command("1,9Missy action")
    until(neovim, "return require('missy').last() ~= nil")
    titles = neovim.exec_lua("return _G.titles")
    assert "Review" in titles
    assert "Edit" not in titles


def test_stop_ends_what_runs_and_the_statusline_tells_of_it(neovim: Any, api: FakeApi) -> None:
    api.enqueue(stream(message_start(), block_start(), text_delta("slowly"), Hold()))
    neovim.command("Missy ask what takes so long?")
    until(neovim, "return vim.fn.bufnr('missy://answers') ~= -1 and vim.fn.bufwinid('missy://answers') ~= -1")
    assert neovim.exec_lua("return require('missy').statusline()") == "Missy: 1 running"
    api.wait_for_requests(1)
    neovim.command("Missy stop")
    said(neovim, "1 stopped")
    until(neovim, "return require('missy').statusline() == ''")
    assert api.requests[0].closed.wait(5)


def test_providers_are_listed_with_what_they_lack(neovim: Any) -> None:
    neovim.command("Missy providers")
    assert "anthropic: available (claude-sonnet-4-6), default" in said(neovim, "providers")


def test_a_failure_is_told(neovim: Any, api: FakeApi) -> None:
    neovim.command("Missy action dance")
    said(neovim, "there is no action dance here")
    neovim.command("Missy juggle")
    said(neovim, "there is accept, action, ask")


def test_the_health_check_and_the_help_are_there(neovim: Any) -> None:
    neovim.command("checkhealth missy")
    report = "\n".join(neovim.exec_lua("return vim.api.nvim_buf_get_lines(0, 0, -1, false)"))
    assert "anthropic: available (claude-sonnet-4-6)" in report
    assert "ERROR" not in report
    neovim.command(f"helptags {PLUGIN / 'doc'}")
    neovim.command("help missy-commands")
    assert neovim.exec_lua("return vim.bo.filetype") == "help"
    (PLUGIN / "doc" / "tags").unlink()


def test_answers_and_proposed_changes_can_be_followed_by_questions(neovim: Any, api: FakeApi) -> None:
    neovim.command("Missy follow and then?")
    said(neovim, "there is no answer to follow")
    propose(neovim, api)
    api.enqueue(answer("So that checkers see them."), answer("No."), api_error(401, "authentication_error", "no"))
    for number, question in enumerate(["why these types?", "is it slower?"], start=2):
        neovim.command(f"Missy follow {question}")
        until(neovim, f"return #vim.fn.getbufline('missy://answers', 1, '$') >= {5 * (number - 1)}")
        until(neovim, "return require('missy.stream').running() == 0")
    roles = [message["role"] for message in api.requests[-1].json["messages"]]
    assert roles == ["user", "assistant", "user", "assistant", "user"]
    assert NEW_ADD in json.dumps(api.requests[-1].json).replace("\\n", "\n")
    assert "So that checkers see them." in api.requests[-1].body.decode()
    neovim.command("Missy ask anew")
    until(neovim, "return require('missy.stream').running() == 0")
    assert len(api.requests[-1].json["messages"]) == 1
    api.enqueue(answer("Still no."))
    neovim.command("Missy follow still?")
    until(neovim, "return require('missy').last().text == 'Still no.'")
    assert "is it slower?" in api.requests[-1].body.decode()  # what failed is no part of it


def test_what_was_spent_is_told_in_lines(neovim: Any, api: FakeApi) -> None:
    propose(neovim, api)
    neovim.command("Missy usage")
    assert "claude-sonnet-4-6: 1 requests, $0.0" in said(neovim, "today $0.0")


def test_a_chat_begins_with_what_is_selected_and_is_sent(neovim: Any, api: FakeApi) -> None:
    api.enqueue(answer("They differ."))
    neovim.command("4,5Missy chat")
    neovim.command("stopinsert")
    assert text(neovim) == ["## You", "", "Lines 4 to 5 of a.py:", "", "```python", *CODE[3:5], "```", "", ""]
    neovim.exec_lua("vim.api.nvim_buf_set_lines(0, -2, -1, false, {'How does it differ?'})")
    # What lies in no project belongs to the server that runs.
    assert neovim.exec_lua("return #vim.lsp.get_clients({name='missy'})") == 1
    until(neovim, "local c = vim.lsp.get_clients({name='missy', bufnr=0})[1]; return c and c.initialized")
    neovim.exec_lua(
        "vim.lsp.buf.code_action({ apply = true, filter = function(action) return action.title == 'Missy: Send' end })"
    )
    until(neovim, "return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), ' '):find('They differ')")
    asked = api.requests[0].body.decode()
    assert "def add(a, b):" in asked
    assert "How does it differ?" in asked
    assert "def sub" not in asked


@pytest.mark.parametrize(
    ("command", "lines"), [("explain", "4-5"), ("action explain", "8-9"), ("edit shorten it", "4-5")]
)
def test_a_range_is_what_is_meant(neovim: Any, api: FakeApi, command: str, lines: str) -> None:
    api.respond = lambda request: answer(NEW_ADD if "edit" in command else "So it is.")
    neovim.command("call cursor(1, 1)")
    neovim.command(f"4,5Missy {command}")
    api.wait_for_requests(1, 20)
    assert "lines 4-5" in api.requests[0].body.decode()


@pytest.mark.parametrize(
    ("path", "root"),
    [
        ("work/app/src/a.py", "work/app"),  # not the home, whose `.missy` is further up
        ("work/app/part/b.py", "work/app/part"),
        ("notes/c.py", None),
    ],
)
def test_a_project_is_the_nearest_folder_with_its_mark_and_never_the_home(
    isolated_home: Path, path: str, root: str | None
) -> None:
    for folder in ("work/app/.git", "work/app/src", "work/app/part/.missy", "notes", ".missy"):
        (isolated_home / folder).mkdir(parents=True, exist_ok=True)
    (isolated_home / path).write_text("x = 1\n")
    with running_neovim("--cmd", f"set rtp^={PLUGIN}") as editor:
        editor.exec_lua("vim.cmd.edit(...)", str(isolated_home / path))
        editor.exec_lua("vim.lsp.config('missy', { cmd = ... }) vim.lsp.enable('missy')", server_command())
        until(editor, "local c = vim.lsp.get_clients({name='missy'})[1]; return c and c.initialized")
        found = editor.exec_lua("return vim.tbl_map(function(c) return c.root_dir or '' end, vim.lsp.get_clients())")
        assert found == ["" if root is None else str(isolated_home / root)]


def test_it_completes_the_names_of_its_commands(neovim: Any) -> None:
    assert neovim.exec_lua("return vim.fn.getcompletion('Missy a', 'cmdline')") == ["accept", "action", "ask"]
