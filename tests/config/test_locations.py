"""Where files live, whatever the environment says."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from missy_lsp.config.locations import Locations

posix = pytest.mark.skipif(sys.platform == "win32", reason="HOME and XDG are not Windows'")


def test_the_users_file_is_the_option_else_the_variable_else_the_one_at_home(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
    variable = {**home, "MISSY_CONFIG": str(tmp_path / "variable.yaml")}
    option = tmp_path / "option.yaml"
    assert Locations.from_environment(variable, option).user_file == option
    assert Locations.from_environment(variable).user_file == tmp_path / "variable.yaml"
    assert Locations.from_environment(home).user_file == tmp_path / ".missy" / "config.yaml"


def test_a_tilde_is_the_home_of_this_environment(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path), "MISSY_CONFIG": "~/own.yaml"}
    assert Locations.from_environment(environ).user_file == tmp_path / "own.yaml"


@posix
@pytest.mark.parametrize("environ", [{}, {"HOME": ""}, {"HOME": "."}, {"HOME": "relative"}], ids=repr)
def test_a_home_that_is_no_absolute_path_never_becomes_the_current_folder(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOME", raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    locations = Locations.from_environment(os.environ)
    assert locations.user_file.is_absolute()
    assert Path.cwd() not in locations.user_file.parents


@posix
def test_a_relative_xdg_folder_is_ignored(tmp_path: Path) -> None:
    given = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "elsewhere"), "XDG_STATE_HOME": "relative"}
    locations = Locations.from_environment(given)
    assert locations.cache_dir == tmp_path / "elsewhere" / "missy"
    assert locations.state_dir.is_relative_to(tmp_path)


def test_the_workspace_is_the_nearest_folder_above_with_missy_files(tmp_path: Path) -> None:
    home = tmp_path / "home"
    inner = home / "code" / "project" / "src" / "deep"
    inner.mkdir(parents=True)
    (home / ".missy").mkdir()
    locations = Locations.from_environment({"HOME": str(home), "USERPROFILE": str(home)})
    assert locations.find_workspace(inner) is None, "the home's own files are the user's"
    (home / "code" / "project" / ".missy").mkdir()
    assert locations.find_workspace(inner) == home / "code" / "project"


@posix
def test_the_home_is_no_workspace_under_another_name_either(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / ".missy").mkdir(parents=True)
    (tmp_path / "link").symlink_to(home)
    locations = Locations.from_environment({"HOME": str(tmp_path / "link")})
    assert locations.find_workspace(home) is None
