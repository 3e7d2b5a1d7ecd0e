"""The Neovim plugin in a real Neovim: every command, as a person would use it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.configuration import write_user_config
from tests.support.fake_api import FakeApi, Hold, answer, block_start, message_start, stream, text_delta
from tests.support.lsp_process import server_command
from tests.support.neovim import IGNORED_WARNINGS, PLUGIN, running_neovim, until

pytestmark = [pytest.mark.editor, pytest.mark.filterwarnings(*IGNORED_WARNINGS)]

CODE = ["import os", "", "", "def add(a, b):", "    return a + b", "", "", "def sub(a, b):", "    return a - b"]
NEW_ADD = "<replacement>\ndef add(a: int, b: int) -> int:\n    return a + b\n</replacement>"


@pytest.fixture
def neovim(isolated_home: Path, api: FakeApi, tmp_path: Path) -> Iterator[Any]:
    write_user_config(isolated_home, api.base_url)
    folder = tmp_path / "project"
    (folder / ".git").mkdir(parents=True)
    source = folder / "a.py"
    source.write_text("\n".join(CODE) + "\n")
    with running_neovim("--cmd", f"set rtp^={PLUGIN}") as editor:
        editor.exec_lua(
            """local command, path = ...
            _G.said = {}
            vim.notify = function(text) table.insert(_G.said, text) end
            vim.lsp.config('missy', { cmd = command })
            vim.lsp.enable('missy')
            vim.cmd.edit(path)""",
            server_command(),
            str(source),
        )
        until(editor, "local c = vim.lsp.get_clients({name='missy', bufnr=0})[1]; return c and c.initialized")
        yield editor


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


def test_it_completes_the_names_of_its_commands(neovim: Any) -> None:
    assert neovim.exec_lua("return vim.fn.getcompletion('Missy a', 'cmdline')") == ["accept", "action", "ask"]
