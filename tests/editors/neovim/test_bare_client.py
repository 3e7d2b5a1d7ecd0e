"""A real Neovim, headless, with nothing but its own LSP client: ask and see the text stream in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.configuration import write_user_config
from tests.support.fake_api import FakeApi, answer
from tests.support.llmock_server import LlmockServer
from tests.support.lsp_process import server_command
from tests.support.neovim import IGNORED_WARNINGS, running_neovim, until

pytestmark = [pytest.mark.editor, pytest.mark.filterwarnings(*IGNORED_WARNINGS)]

REPLY = "A fence keeps the loads in order.\nIt is not safe to remove it.\n"


@pytest.fixture
def neovim(isolated_home: Path) -> Iterator[Any]:
    with running_neovim() as editor:
        yield editor


def open_file(editor: Any, folder: Path, text: str) -> Path:
    (folder / ".git").mkdir(parents=True)
    source = folder / "fence.py"
    source.write_text(text)
    editor.exec_lua(
        """local command, path = ...
        _G.values = {}
        vim.lsp.config('missy', {
          cmd = command, filetypes = {'python'}, root_markers = {'.git'},
          handlers = {['$/progress'] = function(err, params, ctx)
            if params.token == 'answer' then table.insert(_G.values, params.value) end
            return vim.lsp.handlers['$/progress'](err, params, ctx)
          end},
        })
        vim.lsp.enable('missy')
        vim.cmd.edit(path)""",
        server_command(),
        str(source),
    )
    until(editor, "local c = vim.lsp.get_clients({name='missy', bufnr=0})[1]; return c and c.initialized")
    return source


def ask(editor: Any, prompt: str) -> None:
    editor.exec_lua(
        """local prompt = ...
        local client = vim.lsp.get_clients({name='missy', bufnr=0})[1]
        local arguments = {prompt = prompt, partialResultToken = 'answer', tools = 'off',
          textDocument = vim.lsp.util.make_text_document_params(0),
          range = {start = {line = 0, character = 0}, ['end'] = {line = 1, character = 0}}}
        _, _G.request_id = client:request('workspace/executeCommand',
          {command = 'missy.ask', arguments = {arguments}, workDoneToken = 'work'},
          function(err, result) _G.answer = {err = err, result = result} end, vim.api.nvim_get_current_buf())""",
        prompt,
    )


def test_asking_about_a_selection_streams_the_text_of_the_answer(
    neovim: Any, isolated_home: Path, tmp_path: Path, llmock_api: LlmockServer
) -> None:
    llmock_api.scenario({"type": "reply", "text": REPLY})
    write_user_config(isolated_home, llmock_api.base_url)
    open_file(neovim, tmp_path / "project", "def fence(): ...\n")
    neovim.exec_lua("vim.api.nvim_buf_set_text(0, 0, 4, 0, 9, {'unsaved'})")

    ask(neovim, "is it safe to remove this fence?")
    until(neovim, "return _G.answer")

    answer = neovim.exec_lua("return _G.answer")
    assert "err" not in answer, answer
    values = neovim.exec_lua("return _G.values")
    assert values[0]["kind"] == "start"
    assert values[-1]["kind"] == "end"
    assert "".join(value["text"] for value in values if value["kind"] == "text") == answer["result"]["text"] == REPLY
    assert "def unsaved()" in str(llmock_api.requests()[-1]["body"])


CODE_ACTION = """local title = ...
local function is_meant(action) return action.title:find(title, 1, true) == 1 end
vim.lsp.buf.code_action({ apply = true, filter = is_meant })"""


def test_a_change_is_chosen_reviewed_accepted_and_undone_in_one_step_without_any_plugin(
    neovim: Any, isolated_home: Path, tmp_path: Path, llmock_api: LlmockServer
) -> None:
    reply = "<replacement>\ndef fence(n: int) -> int:\n    return n\n</replacement>\n"
    llmock_api.scenario({"type": "reply", "text": reply})
    write_user_config(isolated_home, llmock_api.base_url)
    before = "import os\n\n\ndef fence(n):\n    return n\n\n\nx = 1\n"
    open_file(neovim, tmp_path / "project", before)

    def text() -> str:
        return "".join(f"{line}\n" for line in neovim.exec_lua("return vim.api.nvim_buf_get_lines(0, 0, -1, false)"))

    neovim.command("call cursor(5, 5)")
    neovim.exec_lua(CODE_ACTION, "Missy: Add types")
    until(neovim, "return #vim.diagnostic.get(0) == 1")
    assert text() == before
    neovim.exec_lua("vim.api.nvim_buf_set_lines(0, 0, 0, false, {'# typed meanwhile'})")
    neovim.command("call cursor(5, 1)")
    neovim.exec_lua(CODE_ACTION, "Missy: Accept")
    until(neovim, "return vim.fn.getline(5):find('int') ~= nil")
    assert text() == "# typed meanwhile\n" + before.replace("fence(n):", "fence(n: int) -> int:")
    until(neovim, "return #vim.diagnostic.get(0) == 0")
    neovim.command("silent undo")
    assert text() == "# typed meanwhile\n" + before


def test_a_cancelled_question_leaves_the_editor_usable(
    neovim: Any, isolated_home: Path, tmp_path: Path, llmock_api: LlmockServer
) -> None:
    llmock_api.scenario({"type": "slow_first_token", "seconds": 20})
    write_user_config(isolated_home, llmock_api.base_url)
    open_file(neovim, tmp_path / "project", "def fence(): ...\n")
    ask(neovim, "hello")
    until(neovim, "return #_G.values > 0")
    neovim.exec_lua("vim.lsp.get_clients({name='missy', bufnr=0})[1]:cancel_request(_G.request_id)")

    until(neovim, "return _G.values[#_G.values].kind == 'end'")

    assert neovim.exec_lua("return _G.values[#_G.values].stopReason") == "cancelled"
    status = neovim.exec_lua(
        """local client = vim.lsp.get_clients({name='missy', bufnr=0})[1]
        return client:request_sync('workspace/executeCommand', {command = 'missy.status'}, 5000)"""
    )
    assert status["result"]["server"]["running"] == 0


def test_the_set_up_that_the_readme_shows_opens_the_answer_in_a_window(
    neovim: Any, isolated_home: Path, tmp_path: Path
) -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    shown = re.search(r"```lua\n(.*?)```", readme, re.DOTALL)
    assert shown is not None
    (isolated_home / ".missy").mkdir(mode=0o700)
    (isolated_home / ".missy" / "config.yaml").write_text(
        "default_provider: offline\nproviders: {offline: {name: offline}}\n", encoding="utf-8"
    )
    (tmp_path / ".git").mkdir()
    source = tmp_path / "fence.py"
    source.write_text("def fence():\n    return 1\n", encoding="utf-8")
    neovim.exec_lua("vim.env.PATH = ... .. ':' .. vim.env.PATH", str(Path(server_command()[0]).parent))
    neovim.exec_lua("vim.g.mapleader = ' '\n" + shown[1])
    neovim.exec_lua("vim.ui.input = function(_, answer) answer('explain this') end; vim.cmd.edit(...)", str(source))
    until(neovim, "local c = vim.lsp.get_clients({name='missy', bufnr=0})[1]; return c and c.initialized")
    neovim.input("Vj a")
    text = until(
        neovim,
        """for _, window in ipairs(vim.api.nvim_list_wins()) do
          local buffer = vim.api.nvim_win_get_buf(window)
          local text = table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), '\\n')
          if vim.bo[buffer].filetype == 'markdown' and text:find('function') then return text end
        end""",
    )
    assert "Missy is offline" in text
    assert "`function fence`" in text


def test_a_hover_is_explained_on_a_key_and_then_known(neovim: Any, isolated_home: Path, api: FakeApi) -> None:
    write_user_config(isolated_home, api.base_url)
    api.enqueue(answer("It *holds* the loads. [more](https://evil.example)", model="claude-haiku-4-5"))
    open_file(neovim, isolated_home / "project", "def fence(loads):\n    return sorted(loads)\n")
    for _ in range(2):
        neovim.exec_lua("vim.api.nvim_win_set_cursor(0, {2, 18})")
        neovim.input("K")
        text = until(
            neovim,
            """for _, window in ipairs(vim.api.nvim_list_wins()) do
              if vim.api.nvim_win_get_config(window).relative ~= '' then
                return table.concat(vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(window), 0, -1, false), '\\n')
              end
            end""",
        )
        assert text.startswith("**Missy** (claude-haiku-4-5)\n")
        assert "It *holds* the loads." in text
        assert "https" not in text.replace("`https://evil.example`", "")
        neovim.input("<Esc>")
        neovim.exec_lua(
            """for _, window in ipairs(vim.api.nvim_list_wins()) do
              if vim.api.nvim_win_get_config(window).relative ~= '' then vim.api.nvim_win_close(window, true) end
            end"""
        )
    [request] = api.requests
    assert request.json["model"] == "claude-haiku-4-5"
    assert "`loads`" in json.dumps(request.json["messages"])


def test_a_chat_is_sent_by_code_action_streams_in_while_typing_and_is_undone(
    neovim: Any, isolated_home: Path, tmp_path: Path, llmock_api: LlmockServer
) -> None:
    llmock_api.scenario({"type": "reply", "text": REPLY})
    write_user_config(isolated_home, llmock_api.base_url)
    open_file(neovim, tmp_path / "project", "def fence(): ...\n")
    chat = tmp_path / "project" / "talk.missy.md"
    before = "## You\n\nIs it safe? @file:fence.py\n"
    chat.write_text(before)
    neovim.exec_lua("vim.lsp.config('missy', { filetypes = {'python', 'markdown'} })")
    neovim.exec_lua("vim.cmd.edit(...)", str(chat))
    until(neovim, "local c = vim.lsp.get_clients({name='missy', bufnr=0})[1]; return c and c.initialized")

    def text() -> str:
        return "".join(f"{line}\n" for line in neovim.exec_lua("return vim.api.nvim_buf_get_lines(0, 0, -1, false)"))

    neovim.command("call cursor(3, 1)")
    neovim.exec_lua(CODE_ACTION, "Missy: Send")
    until(neovim, "return vim.fn.search('^## Missy', 'nw') > 0")
    neovim.exec_lua("vim.api.nvim_buf_set_lines(0, 0, 0, false, {'# typed meanwhile'})")
    until(neovim, "local _, n = table.concat(vim.fn.getline(1, '$'), '|'):gsub('## You', '') return n == 2")
    assert text() == f"# typed meanwhile\n{before}\n## Missy\n\n{REPLY}\n## You\n\n\n"
    assert "def fence()" in str(llmock_api.requests()[-1]["body"])
    for _ in range(4):
        neovim.command("silent undo")
        if "## Missy" not in text():
            break
    assert "## Missy" not in text()
    assert "Is it safe?" in text()
