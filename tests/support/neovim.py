"""A real Neovim, headless and embedded, driven by pynvim."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pynvim

# pynvim leaves its pipes to the garbage collector.
IGNORED_WARNINGS = ("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
PLUGIN = Path(__file__).parents[2] / "editors" / "neovim"


@contextmanager
def running_neovim(*arguments: str) -> Iterator[Any]:
    """Start Neovim without a configuration, and end it."""
    binary = Path(sys.executable).with_name("nvim.exe" if os.name == "nt" else "nvim")
    editor = pynvim.attach("child", argv=[str(binary), "--clean", "--headless", "--embed", "-n", *arguments])
    try:
        yield editor
    finally:
        with contextlib.suppress(OSError, EOFError):  # it has quit
            editor.command("qa!")
        editor.close()


def until(editor: Any, lua: str, timeout_s: float = 20) -> Any:
    """Wait inside Neovim, so that its LSP traffic goes on, until the Lua body returns something true."""
    result = editor.exec_lua(
        f"local r; vim.wait({timeout_s * 1000:.0f}, function() r = (function() {lua} end)(); return r end, 10) return r"
    )
    assert result, f"not within {timeout_s} s: {lua}\n{editor.exec_lua('return vim.fn.execute([[messages]])')}"
    return result
