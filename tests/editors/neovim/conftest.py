"""A Neovim with the plugin and a file of a project, whose server talks to a scripted upstream."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.configuration import write_user_config
from tests.support.fake_api import FakeApi
from tests.support.lsp_process import server_command
from tests.support.neovim import PLUGIN, running_neovim, until

CODE = ["import os", "", "", "def add(a, b):", "    return a + b", "", "", "def sub(a, b):", "    return a - b"]


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
