"""What is wrong with a configuration file as an editor shows it, saved or not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from missy_lsp.config.actions import check_action
from missy_lsp.config.loading import load
from missy_lsp.config.locations import CONFIG_NAME, WORKSPACE_FOLDER, is_same_place
from missy_lsp.config.problems import Problem
from missy_lsp.features.config_outline import DocumentKind

if TYPE_CHECKING:
    from missy_lsp.server.configuration import Configuration

_UNTRUSTED = "nothing of this file is used before you trust its folder; run: missy trust {folder}"


@attrs.frozen
class ConfigFile:
    """A file of ours: what it is, and for a workspace's the folder that it belongs to."""

    path: Path
    kind: DocumentKind
    folder: Path | None = None


def config_file(configuration: Configuration, path: Path) -> ConfigFile | None:
    """Tell which of our files a path names, None for every other file."""
    locations = configuration.locations
    own = locations.config_dir
    if WORKSPACE_FOLDER not in path.parts and path != locations.user_file:
        return None  # asked of every document that is open, so the file system is left alone
    if is_same_place(path, locations.user_file) or is_same_place(path, own / CONFIG_NAME):
        return ConfigFile(path, "user")
    if path.name == CONFIG_NAME and path.parent.name == WORKSPACE_FOLDER:
        return ConfigFile(path, "workspace", path.parent.parent)
    if path.suffix != ".md" or path.parent.name != "actions" or path.parent.parent.name != WORKSPACE_FOLDER:
        return None
    is_own = is_same_place(path.parent, own / "actions")
    return ConfigFile(path, "action", None if is_own else path.parent.parent.parent)


def problems_of(configuration: Configuration, file: ConfigFile, text: str) -> tuple[Problem, ...]:
    """Return what `missy config check` would say of the file if it held `text`; nothing takes effect."""
    data = text.encode("utf-8", "replace")
    trust = configuration.trust
    trusted = file.folder is None or trust.state(file.folder) in ("trusted", "not_needed")
    if file.kind == "action":
        source = "user" if file.folder is None else "workspace"
        others = [action for action in configuration.actions_for(str(file.path)) if action.source != "workspace"]
        problems = check_action(data, file.path, "user" if source == "user" else "workspace", others)
    else:
        locations = configuration.locations
        if file.kind == "user":
            locations = attrs.evolve(locations, user_file=file.path)
        loaded = load(locations, file.folder, trusted=trusted, unsaved={file.path: data})
        problems = tuple(problem for problem in loaded.problems if problem.path == file.path)
    if trusted:
        return problems
    message = _UNTRUSTED.format(folder=file.folder)
    return (*problems, Problem(file.path, 0, 0, 0, 1, "information", "untrusted", message))
