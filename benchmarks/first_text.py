"""From the key press to the first text that a user sees in a real Neovim, beside the server's own first delta."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.support.lsp_process import server_command
from tests.support.neovim import PLUGIN, running_neovim, until

ROUNDS = 20
_ASK = """
local number = ...
local buffer = vim.fn.bufnr('missy://answers')
local known = (require('missy').last() or {}).id
local begin = vim.uv.hrtime()
vim.cmd('Missy ask hi ' .. number)
local shown
vim.wait(10000, function()
  buffer = vim.fn.bufnr('missy://answers')
  if buffer < 0 then return false end
  local text = table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), ' ')
  shown = text:find('# hi ' .. number .. '.*hello world') ~= nil
  return shown
end, 1)
local visible = (vim.uv.hrtime() - begin) / 1e6
vim.wait(10000, function()
  local last = require('missy').last()
  return last and last.id ~= known
end, 1)
return { shown, visible, require('missy').last() }
"""


def measure(env: Mapping[str, str]) -> dict[str, object]:
    visible_ms: list[float] = []
    first_ms: list[float] = []
    with tempfile.TemporaryDirectory() as folder, running_neovim("--cmd", f"set rtp^={PLUGIN}") as editor:
        source = Path(folder) / "a.py"
        source.write_text("x = 1\n")
        editor.exec_lua(
            """local command, env, path = ...
            vim.lsp.config('missy', { cmd = command, cmd_env = env })
            vim.lsp.enable('missy')
            vim.cmd.edit(path)""",
            server_command(),
            dict(env),
            str(source),
        )
        until(editor, "local c = vim.lsp.get_clients({name='missy', bufnr=0})[1]; return c and c.initialized")
        for number in range(ROUNDS + 1):
            shown, visible, last = editor.exec_lua(_ASK, number)
            if not shown:
                raise RuntimeError("Neovim showed no text within 10 s")
            if number:  # the first one warms up
                visible_ms.append(visible)
                first_ms.append(float(last["timing"]["firstTokenMs"]))
    return {
        "asks": ROUNDS,
        "key_press_to_visible_median_ms": round(statistics.median(visible_ms), 1),
        "key_press_to_visible_max_ms": round(max(visible_ms), 1),
        "servers_first_delta_median_ms": round(statistics.median(first_ms), 1),
    }
