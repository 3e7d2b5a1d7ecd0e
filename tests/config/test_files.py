"""What lies at a configuration's path can neither hold up nor fool the reader (security.md, CF1, CFG-23)."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from missy_lsp.config.files import CLOCKS_DIFFER_S, FileFault, keep_newest, read_config_file
from missy_lsp.config.yaml_reading import MAX_BYTES

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX files")


def test_a_file_that_is_not_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert read_config_file(tmp_path / "missing") is None
    assert read_config_file(tmp_path / "file" / "below") is None


def test_a_folder_is_refused(tmp_path: Path) -> None:
    for within in (None, tmp_path):
        with pytest.raises(FileFault, match="not a regular file"):
            read_config_file(tmp_path, within)


@posix
def test_a_pipe_and_a_device_are_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    for name in ("pipe", "zero"):
        with pytest.raises(FileFault, match="not a regular file"):
            read_config_file(tmp_path / name)


@posix
def test_a_users_file_that_everybody_may_write_to_is_refused_with_the_command_that_helps(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("")
    file.chmod(0o666)
    with pytest.raises(FileFault, match=f"chmod go-w {file}"):
        read_config_file(file)


@posix
def test_a_link_is_followed_for_the_user_and_within_a_workspace_only(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    (tmp_path / "outside").write_text("outside")
    (tmp_path / "outside").chmod(0o600)
    (folder / "inside").write_text("inside")
    (folder / "out").symlink_to(tmp_path / "outside")
    (folder / "in").symlink_to(folder / "inside")
    assert read_config_file(folder / "out") == b"outside"
    assert read_config_file(folder / "in", folder) == b"inside"
    with pytest.raises(FileFault, match="outside of the folder"):
        read_config_file(folder / "out", folder)


def test_no_more_is_read_than_is_allowed(tmp_path: Path) -> None:
    file = tmp_path / "large"
    with file.open("wb") as writing:
        writing.truncate(50 * MAX_BYTES)
    data = read_config_file(file)
    assert data is not None
    assert len(data) == MAX_BYTES + 1


def test_a_name_that_no_system_has_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileFault, match="can't be read"):
        read_config_file(tmp_path / "a\0b")


@posix
def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    folders = Path("/proc/self/fd")
    if not folders.exists():
        pytest.skip("needs /proc")
    before = len(list(folders.iterdir()))
    for _ in range(20):
        with pytest.raises(FileFault):
            read_config_file(tmp_path)
    assert len(list(folders.iterdir())) <= before


def test_only_the_newest_entries_of_a_cache_are_kept(tmp_path: Path) -> None:
    for number in range(4):
        folder = tmp_path / f"folder-{number}"
        folder.mkdir()
        (folder / "file").write_text("x")
        os.utime(folder, (number, number))
    (tmp_path / "file").write_text("x")
    keep_newest(tmp_path.iterdir(), 3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder-2", "folder-3"]
    keep_newest([*tmp_path.iterdir(), tmp_path / "gone"], 0)
    assert list(tmp_path.iterdir()) == []


def test_entries_from_the_future_are_the_first_to_go(tmp_path: Path) -> None:
    for name, ahead_s in (("ahead", 3600), ("a little ahead", CLOCKS_DIFFER_S / 2), ("new", 0), ("old", -3600)):
        (tmp_path / name).write_text("x")
        os.utime(tmp_path / name, (time.time() + ahead_s,) * 2)
    keep_newest(tmp_path.iterdir(), 3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a little ahead", "new", "old"]
