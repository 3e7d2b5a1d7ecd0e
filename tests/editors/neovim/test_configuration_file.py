"""A real Neovim on a configuration file: completion, hover and a quick fix through its own LSP client."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.configuration import write_user_config
from tests.support.lsp_process import server_command
from tests.support.neovim import IGNORED_WARNINGS, running_neovim, until

pytestmark = [pytest.mark.editor, pytest.mark.filterwarnings(*IGNORED_WARNINGS)]

_ASK = """local method, line, character = ...
local client = vim.lsp.get_clients({name='missy', bufnr=0})[1]
return client:request_sync(method, {textDocument = vim.lsp.util.make_text_document_params(0),
  position = {line = line, character = character}}, 10000, vim.api.nvim_get_current_buf()).result"""


def test_neovim_completes_explains_and_fixes_a_configuration_file(isolated_home: Path) -> None:
    path = write_user_config(isolated_home)
    path.write_text("hoover:\n  mode: \n")
    with running_neovim() as editor:
        editor.exec_lua(
            """local command, path = ...
            vim.lsp.config('missy', {cmd = command, filetypes = {'yaml'}})
            vim.lsp.enable('missy')
            vim.cmd('filetype on')
            vim.cmd.edit(path)""",
            server_command(),
            str(path),
        )
        until(editor, "return #vim.diagnostic.get(0) > 0")
        editor.exec_lua(
            """local only = {'quickfix.missy.did-you-mean'}
            vim.lsp.buf.code_action({apply = true, context = {only = only, diagnostics = {}}})"""
        )
        until(editor, "return vim.api.nvim_buf_get_lines(0, 0, 1, false)[1] == 'hover:'")
        items = editor.exec_lua(_ASK, "textDocument/completion", 1, 8)
        assert [item["label"] for item in items] == ["off", "cached", "auto", "always"]
        assert "hover.mode" in editor.exec_lua(_ASK, "textDocument/hover", 1, 3)["contents"]["value"]
