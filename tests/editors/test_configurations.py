"""The configuration files for editors without a plugin are well-formed, and the pages show exactly them."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = {
    "helix/languages.toml": "helix.md",
    "kate/settings.json": "kate.md",
    "kakoune/missy.kak": "kakoune.md",
    "vim/vim-lsp.vim": "vim.md",
    "vim/ale.vim": "vim.md",
    "vim/coc-settings.json": "vim.md",
    "sublime/LSP.sublime-settings": "sublime.md",
    "zed/settings.json": "zed.md",
}
PAGES = sorted({*FILES.values(), "emacs.md"})


@pytest.mark.parametrize(("name", "page"), FILES.items(), ids=FILES)
def test_the_page_shows_the_file(name: str, page: str) -> None:
    file = ROOT / "editors" / name
    text = file.read_text(encoding="utf-8")
    assert "missy-lsp" in text
    assert f"\n{text}```" in (ROOT / "docs" / "how-to" / page).read_text(encoding="utf-8")
    if file.suffix in (".json", ".sublime-settings"):
        assert json.loads(text)
    if file.suffix == ".toml":
        assert tomllib.loads(text)


@pytest.mark.parametrize("page", PAGES)
def test_every_page_says_whether_it_was_tested(page: str) -> None:
    text = (ROOT / "docs" / "how-to" / page).read_text(encoding="utf-8")
    assert "**Tested here**" in text or "**Not tested here**" in text
