"""`missy cache clear` removes what can be made again, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.commands import Missy
from tests.support.workspace import needs_links


@pytest.fixture
def cache(isolated_home: Path) -> Path:
    folder = isolated_home / ".cache" / "missy"
    for name in ("hover/a.json", "hover/b.json", "answers/c.md", "proposals/d/change.diff", "other/kept"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    return folder


def test_what_was_removed_is_counted(missy: Missy, cache: Path) -> None:
    run = missy("cache", "clear")
    assert (run.code, run.err) == (0, "")
    assert "2 explanations, 1 shown answers, 1 drafts of changes" in run.out
    assert [path.name for path in cache.iterdir()] == ["other"]
    assert "is empty" in missy("cache", "clear").out


def test_json_names_the_folder_and_the_counts(missy: Missy, cache: Path) -> None:
    printed = json.loads(missy("cache", "clear", "--json").out)
    assert printed == {"folder": str(cache), "removed": {"hover": 2, "answers": 1, "proposals": 1}}


@needs_links
def test_a_link_in_the_cache_is_not_followed(missy: Missy, cache: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("x")
    for path in (cache / "hover").iterdir():
        path.unlink()
    (cache / "hover").rmdir()
    (cache / "hover").symlink_to(tmp_path / "mine")
    (cache / "answers" / "link").symlink_to(tmp_path / "mine")
    assert missy("cache", "clear").code == 0
    assert (tmp_path / "mine" / "file").exists()


def test_an_action_has_to_be_named(missy: Missy) -> None:
    assert missy("cache").code == 2
