"""The Neovim plugin where more than one thing happens: two answers, two changes, two projects, a server that ends."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from tests.editors.neovim.conftest import CODE
from tests.editors.neovim.test_plugin import NEW_ADD, answers, propose, said, text
from tests.support.fake_api import (
    FakeApi,
    Hold,
    Reply,
    WaitFor,
    answer,
    block_start,
    block_stop,
    message_delta,
    message_start,
    message_stop,
    stream,
    text_delta,
)
from tests.support.neovim import IGNORED_WARNINGS, until

pytestmark = [pytest.mark.editor, pytest.mark.filterwarnings(*IGNORED_WARNINGS)]

NEW_SUB = "<replacement>\ndef sub(a: int, b: int) -> int:\n    return a - b\n</replacement>"
ANSWERS = "vim.fn.bufnr('missy://answers')"
ATTACHED = "local c = vim.lsp.get_clients({name='missy', bufnr=0})[1]; return c and c.initialized"


def held(event: threading.Event, first: str, last: str) -> Reply:
    begin = [message_start(), block_start(), text_delta(first)]
    return stream(*begin, WaitFor(event), text_delta(last), block_stop(), message_delta("end_turn"), message_stop())


def shows(editor: Any, words: str) -> None:
    until(editor, f"return table.concat(vim.fn.getbufline({ANSWERS}, 1, '$'), ' '):find([[{words}]], 1, true)")


def idle(editor: Any) -> None:
    until(editor, "return require('missy.stream').running() == 0")


def windows(editor: Any) -> dict[str, bool]:
    """Return the names of the documents in the windows of this tab page, with whether they are compared there."""
    return dict(
        editor.exec_lua(
            """return vim.tbl_map(function(w)
                 local name = vim.api.nvim_buf_get_name(vim.api.nvim_win_get_buf(w))
                 return { name:find('^missy:') and name:match('^missy://%a+') or vim.fs.basename(name), vim.wo[w].diff }
               end, vim.api.nvim_tabpage_list_wins(0))"""
        )
    )


def propose_two(editor: Any, api: FakeApi) -> None:
    propose(editor, api)
    api.enqueue(answer(NEW_SUB))
    editor.command("call cursor(9, 5)")
    editor.command("Missy action add-types")
    said(editor, "a change is ready at line 8")
    until(editor, "return #vim.diagnostic.get(0) == 2")


def test_two_answers_at_once_stay_apart(neovim: Any, api: FakeApi) -> None:
    events = {name: threading.Event() for name in ("one", "two")}
    api.respond = lambda request: next(
        held(event, f"{name} begins, ", f"{name} ends.")
        for name, event in events.items()
        if f"question {name}".encode() in request.body
    )
    for name in events:
        neovim.command(f"Missy ask question {name}")
        shows(neovim, f"{name} begins")
    for event in events.values():
        event.set()
    idle(neovim)
    first, second = answers(neovim).split("# question two")
    assert "# question one\n\none begins, one ends.\n\n*claude" in first
    assert second.startswith("\n\ntwo begins, two ends.\n\n*claude")


def test_an_answer_is_in_sight_of_who_asked_and_stays_where_it_is_read(neovim: Any, api: FakeApi) -> None:
    api.enqueue(answer("\n".join(f"line {number}" for number in range(100))), answer("short"))
    neovim.command("Missy ask first")
    idle(neovim)
    neovim.exec_lua(f"vim.api.nvim_win_set_cursor(vim.fn.bufwinid({ANSWERS}), {{ 1, 0 }})")
    neovim.command("Missy ask second")
    idle(neovim)
    assert neovim.exec_lua(f"return vim.fn.line('.', vim.fn.bufwinid({ANSWERS}))") > 100


def test_answers_go_on_after_their_buffer_was_deleted(neovim: Any, api: FakeApi) -> None:
    event = threading.Event()
    api.enqueue(held(event, "begins, ", "ends."), answer("Whole."))
    neovim.command("Missy ask first")
    shows(neovim, "begins")
    neovim.exec_lua(f"vim.cmd.bdelete({ANSWERS})")
    event.set()
    idle(neovim)
    neovim.command("Missy ask second")
    idle(neovim)
    assert answers(neovim).startswith("# second\n\nWhole.")
    assert neovim.exec_lua(f"return vim.bo[{ANSWERS}].filetype .. vim.bo[{ANSWERS}].buftype") == "markdownnofile"


def test_without_a_server_no_window_opens(neovim: Any) -> None:
    neovim.command("lua vim.lsp.enable('missy', false)")
    until(neovim, "return #vim.lsp.get_clients({name='missy'}) == 0")
    neovim.command("Missy ask is anyone there?")
    said(neovim, "the server does not run here")
    assert neovim.exec_lua(f"return {ANSWERS}") == -1


def test_a_server_that_ends_is_told_of_and_can_be_started_again(neovim: Any, api: FakeApi) -> None:
    api.enqueue(stream(message_start(), block_start(), text_delta("slowly"), Hold()), answer("Again."))
    neovim.command("Missy ask what takes so long?")
    shows(neovim, "slowly")
    neovim.exec_lua(
        "for _, p in ipairs(vim.api.nvim_get_proc_children(vim.fn.getpid())) do vim.uv.kill(p, 'sigkill') end"
    )
    said(neovim, "the server has ended before its answer")
    assert neovim.exec_lua("return require('missy').statusline()") == ""
    assert "slowly\n\n*The server has ended." in answers(neovim)
    neovim.command("edit")
    until(neovim, ATTACHED)
    neovim.command("Missy ask once more")
    shows(neovim, "Again.")


def test_a_server_that_is_stopping_is_not_used_again(neovim: Any) -> None:
    neovim.exec_lua("vim.lsp.stop_client(vim.lsp.get_clients({name='missy'})) vim.cmd.edit()")
    until(neovim, f"local old = vim.lsp.get_client_by_id(1); {ATTACHED} and not old")


def test_the_change_whose_diff_is_shown_is_the_one_that_is_meant(neovim: Any, api: FakeApi) -> None:
    propose_two(neovim, api)
    neovim.command("call cursor(5, 5)")
    neovim.command("Missy diff")
    until(neovim, "return vim.fn.bufwinid('missy://proposal') ~= -1")
    neovim.exec_lua("vim.api.nvim_set_current_win(vim.fn.bufwinid('missy://proposal'))")
    neovim.command("Missy accept")
    until(neovim, "return vim.fn.bufwinid('missy://proposal') == -1 and #vim.diagnostic.get(0) == 1")
    assert text(neovim)[3] == "def add(a: int, b: int) -> int:"
    assert text(neovim)[7] == CODE[7]


def test_after_the_latest_change_the_one_before_it_is_meant(neovim: Any, api: FakeApi) -> None:
    propose_two(neovim, api)
    neovim.command("call cursor(1, 1)")
    neovim.exec_lua("vim.cmd('Missy accept') vim.cmd('Missy accept')")
    until(
        neovim, "return #vim.diagnostic.get(0) == 0 and vim.fn.getline(4):find('int') and vim.fn.getline(8):find('int')"
    )


def test_a_diff_is_shown_beside_its_document_and_once(neovim: Any, api: FakeApi) -> None:
    propose(neovim, api)
    neovim.command("edit b.py")
    for _ in range(2):
        neovim.command("Missy diff")
        until(neovim, "return vim.wo.diff and #vim.lsp.get_clients({name='missy'})[1].requests == 0")
        assert windows(neovim) == {"a.py": True, "missy://proposal": True}
    assert "Error" not in neovim.exec_lua("return vim.fn.execute('messages')")


def test_a_change_of_a_buffer_without_a_name_is_marked_shown_and_accepted(neovim: Any, api: FakeApi) -> None:
    neovim.command("enew")
    neovim.exec_lua("vim.api.nvim_buf_set_lines(0, 0, -1, false, ...) vim.bo.filetype = 'python'", CODE)
    until(neovim, ATTACHED)
    propose(neovim, api)
    neovim.command("Missy diff")
    until(neovim, "return vim.wo.diff and vim.fn.bufwinid('missy://proposal') ~= -1")
    neovim.command("Missy accept")
    until(neovim, "return vim.fn.getline(4):find('int') ~= nil and #vim.diagnostic.get(0) == 0")
    assert text(neovim) == [line.replace("add(a, b)", "add(a: int, b: int) -> int") for line in CODE]
    assert neovim.exec_lua("return vim.api.nvim_buf_get_name(0) .. vim.fn.bufnr('^/$')") == "-1"
    # A second one would be the same document to the server.
    neovim.command("enew | set filetype=python")
    neovim.command("Missy explain")
    said(neovim, "a buffer without a name needs one")


def test_going_elsewhere_at_once_does_not_change_what_is_meant(neovim: Any, api: FakeApi) -> None:
    api.enqueue(answer(NEW_ADD))
    neovim.exec_lua("vim.cmd('4,5Missy edit add types') vim.cmd.edit('b.py')")
    said(neovim, "a change is ready at line 4")
    assert "def add(a, b):" in api.requests[0].body.decode()


def test_reports_of_all_checkers_on_the_lines_go_along_once_and_in_place(neovim: Any, api: FakeApi) -> None:
    api.enqueue(answer(NEW_ADD))
    neovim.exec_lua(
        """vim.api.nvim_buf_set_lines(0, 3, 5, false, { '😋 = bad', 'more', 'next' })
        local function report(message, line, column, last, stop)
          return { lnum = line, col = column, end_lnum = last, end_col = stop, message = message }
        end
        local place = { start = { line = 3, character = 5 }, ['end'] = { line = 3, character = 8 } }
        local found = { report('of a linter', 3, 7, 3, 10), report('of two lines', 3, 0, 4, 4) }
        table.insert(found, report('below', 5, 0, 5, 4))
        found[1].user_data = { lsp = { range = place } } -- as a server counts in utf-16
        vim.diagnostic.set(vim.api.nvim_create_namespace('checker'), 0, found)"""
    )
    neovim.command("4,5Missy action fix")
    api.wait_for_requests(1, 20)
    body = api.requests[0].body.decode()
    assert "line 4, column 5 to line 4, column 8: error: of a linter" in body
    assert body.count("of two lines") == 1
    assert "below" not in body


def test_stop_and_accept_reach_the_server_of_another_project(neovim: Any, api: FakeApi, tmp_path: Path) -> None:
    source = Path(neovim.exec_lua("return vim.api.nvim_buf_get_name(0)"))
    propose(neovim, api)
    api.enqueue(stream(message_start(), block_start(), text_delta("slowly"), Hold()))
    neovim.command("Missy ask what takes so long?")
    shows(neovim, "slowly")
    (tmp_path / "other" / ".git").mkdir(parents=True)
    neovim.command(f"edit {tmp_path / 'other' / 'b.py'}")
    until(neovim, ATTACHED)
    assert neovim.exec_lua("return #vim.lsp.get_clients({name='missy'})") == 2
    neovim.command("Missy stop")
    said(neovim, "1 stopped")
    neovim.command("Missy accept")
    until(neovim, f"return vim.fn.getbufline([[{source}]], 4)[1]:find('int') ~= nil")


def test_a_mark_is_gone_when_its_buffer_gets_a_name(neovim: Any, api: FakeApi, tmp_path: Path) -> None:
    neovim.command("enew")
    neovim.exec_lua("vim.api.nvim_buf_set_lines(0, 0, -1, false, ...) vim.bo.filetype = 'python'", CODE)
    until(neovim, ATTACHED)
    propose(neovim, api)
    neovim.command(f"write {tmp_path / 'project' / 'new.py'}")
    until(neovim, "return #vim.diagnostic.get(0) == 0")
