"""Where Missy's files live, by environment and system."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import attrs

WORKSPACE_FOLDER = ".missy"
CONFIG_NAME = "config.yaml"


@attrs.frozen
class Locations:
    """The places of one user; `user_file_named` tells that a person chose `user_file` (option or variable)."""

    home: Path
    user_file: Path
    user_file_named: bool
    cache_dir: Path
    state_dir: Path

    @property
    def config_dir(self) -> Path:
        return self.home / WORKSPACE_FOLDER

    @property
    def trust_file(self) -> Path:
        return self.config_dir / "trust.json"

    @property
    def ledger_file(self) -> Path:
        return self.state_dir / "ledger.sqlite"

    @property
    def told_models_file(self) -> Path:
        return self.cache_dir / "models" / "told.json"

    @property
    def secrets_dir(self) -> Path:
        return self.config_dir / "secrets"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], config_option: Path | None = None) -> Locations:
        """Find the places: `--config`, else `$MISSY_CONFIG`, else `~/.missy/config.yaml`."""
        home = _home(environ)
        variable = environ.get("MISSY_CONFIG")
        named = config_option or (Path(variable) if variable else None)
        return cls(
            home=home,
            user_file=_absolute(named, home) if named is not None else home / WORKSPACE_FOLDER / CONFIG_NAME,
            user_file_named=named is not None,
            cache_dir=_folder(environ, home, "XDG_CACHE_HOME", ".cache", "Library/Caches"),
            state_dir=_folder(environ, home, "XDG_STATE_HOME", ".local/state", "Library/Application Support"),
        )

    def workspace_file(self, folder: Path) -> Path:
        return folder / WORKSPACE_FOLDER / CONFIG_NAME

    def find_workspace(self, start: Path) -> Path | None:
        """Return the nearest folder from `start` upwards with `.missy/` in it, the home's own left out."""
        start = _absolute(start, self.home)
        for folder in (start, *start.parents):
            found = folder / WORKSPACE_FOLDER
            # os.path.isdir is False, not an error, where a folder above may not be looked into.
            if os.path.isdir(found) and not is_same_place(found, self.config_dir):
                return folder
        return None


def is_same_place(path: Path, other: Path) -> bool:
    """Tell whether two paths lead to the same file or folder, whether it is there or not."""
    if path == other:
        return True
    try:
        return os.path.normcase(os.path.realpath(path)) == os.path.normcase(os.path.realpath(other))
    except ValueError:  # a NUL in the URI of a folder
        return False


def _home(environ: Mapping[str, str]) -> Path:
    named = environ.get("USERPROFILE" if sys.platform == "win32" else "HOME")
    if named and Path(named).is_absolute():
        return Path(named)
    # Never a relative one: HOME=. would make a repository's file the user's own.
    return _home_of_account() or Path(os.path.abspath(os.sep)) / "nonexistent"


def _home_of_account() -> Path | None:
    """Return the home that the system has for this user; None where there is none that is a folder.

    Without any home, one that does not exist stands in: nothing is found there, and writing says so.
    """
    if sys.platform == "win32":
        return None
    import pwd

    try:
        home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:  # a container's user without an account
        return None
    return home if home.is_absolute() and os.path.isdir(home) else None


def _absolute(path: Path, home: Path) -> Path:
    if path.parts[:1] == ("~",):
        path = home.joinpath(*path.parts[1:])
    try:
        return Path(os.path.abspath(path))
    except OSError:  # the current folder has been removed
        return path


def _folder(environ: Mapping[str, str], home: Path, variable: str, linux: str, mac: str) -> Path:
    if sys.platform == "win32":
        local = environ.get("LOCALAPPDATA")
        return (Path(local) if local else home / "AppData" / "Local") / "missy"
    named = environ.get(variable)
    if named and Path(named).is_absolute():  # the XDG specification: a relative path is ignored
        return Path(named) / "missy"
    return home / (mac if sys.platform == "darwin" else linux) / "missy"
