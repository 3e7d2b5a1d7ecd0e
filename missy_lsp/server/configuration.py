"""The configuration of every workspace folder, kept current while the server runs.

Each folder has one frozen `Config`, replaced whole. Files are compared by a cheap fingerprint before a
request uses them, so a good change takes effect at the next request; a bad one leaves the last good
configuration in place and its problems are told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import attrs

from missy_lsp.config.actions import Action, action_files, load_actions
from missy_lsp.config.checking import Layer
from missy_lsp.config.folder_providers import at_place
from missy_lsp.config.instructions import Instruction, instruction_files, load_instructions
from missy_lsp.config.loading import Loaded, Source, load
from missy_lsp.config.locations import Locations
from missy_lsp.config.problems import Problem
from missy_lsp.config.trust import COVERED, COVERED_ACTIONS, TrustState, TrustStore
from missy_lsp.config.values import Config
from missy_lsp.config.watch import Fingerprint, fingerprint
from missy_lsp.errors import ConfigError
from missy_lsp.features.material import project_card


@attrs.frozen
class _Additions:
    """What stands beside the configuration: actions and instructions, as they were at `seen`."""

    seen: Fingerprint
    actions: tuple[Action, ...]
    instructions: tuple[Instruction, ...]
    problems: tuple[Problem, ...]


@attrs.define
class _Folder:
    path: Path | None
    config: Config | None = None
    problems: tuple[Problem, ...] = ()
    sources: tuple[Source, ...] = ()
    seen: Fingerprint | None = None
    workspace: Layer | None = None
    decided_at: Fingerprint | None = None
    additions: _Additions | None = None
    asked_about: str | None = None


class Configuration:
    """Settings by folder; `None` stands for what is outside of every folder."""

    def __init__(self, locations: Locations) -> None:
        self.locations = locations
        self.trust = TrustStore(locations.trust_file)
        self._folders: dict[Path | None, _Folder] = {None: _Folder(None)}
        self._editor_settings: object = None

    @property
    def folders(self) -> tuple[Path, ...]:
        return tuple(path for path in self._folders if path is not None)

    def set_folders(self, paths: Iterable[Path]) -> None:
        """Take the workspace folders of the client; known ones keep what they have."""
        known = self._folders
        self._folders = {None: known[None]}
        for path in paths:
            self._folders[path] = known.get(path) or _Folder(path)

    def set_editor_settings(self, settings: object) -> None:
        """Take the editor's settings (section `missy`), whatever their shape; every folder is read again."""
        self._editor_settings = settings
        self.forget()

    def forget(self) -> None:
        """Read every folder's files again at the next use."""
        for folder in self._folders.values():
            folder.seen = None
            folder.additions = None

    def config_for(self, path: str | None) -> Config:
        """Return the configuration for a file, by the innermost folder that holds it; for none, of the first folder.

        Raises ConfigError, with the place, where the user's file is bad and there was no good one before.
        """
        folder = self._current(self.folder_of(path))
        if folder.config is None:
            raise ConfigError(_worst(folder.problems))
        return at_place(folder.config, self.locations.home, folder.path if path is None else Path(path))

    def actions_for(self, path: str | None) -> tuple[Action, ...]:
        """Return the actions that a file's folder has: built in, the user's, and those of a trusted workspace."""
        return self._additions(self.folder_of(path)).actions

    def action_tiers_for(self, path: str | None) -> Mapping[str, str]:
        """Return `routing.actions` of a file's folder, none where no configuration could be read yet."""
        config = self._current(self.folder_of(path)).config
        return config.routing.actions if config is not None else {}

    def card_for(self, path: str | None) -> str:
        """Return what the user and a trusted folder want of every answer, for the prompt."""
        key = self.folder_of(path)
        config = self._current(key).config
        return project_card(self._additions(key).instructions, config.reply_language if config else "")

    def folder_of(self, path: str | None) -> Path | None:
        """Return the innermost workspace folder that holds a file; the first folder for no file."""
        if path is None:
            return self.folders[0] if self.folders else None
        holding = [folder for folder in self.folders if Path(path).is_relative_to(folder)]
        return max(holding, key=lambda folder: len(folder.parts), default=None)

    def refresh(self) -> dict[Path, tuple[Problem, ...]]:
        """Bring every folder up to date and return the problems of each file that was looked at."""
        by_file: dict[Path, tuple[Problem, ...]] = {}
        for key in list(self._folders):
            folder = self._current(key)
            for source in folder.sources:
                if source.path is not None:
                    by_file.setdefault(source.path, ())
            additions = self._additions(key)
            for problem in (*folder.problems, *additions.problems):
                if problem.path is not None and problem not in by_file.setdefault(problem.path, ()):
                    by_file[problem.path] += (problem,)
        return by_file

    def editor_problems(self) -> tuple[Problem, ...]:
        """Return what is wrong with the editor's settings; they have no file to show it on."""
        return tuple(problem for problem in self._current(None).problems if problem.path is None)

    def sources(self) -> dict[Path | None, tuple[Source, ...]]:
        return {key: self._current(key).sources for key in list(self._folders)}

    def undecided(self) -> Iterator[tuple[Path, TrustState, str]]:
        """Yield the folders to ask the user about, with their state and the digest of what is asked about.

        Each content of a folder's files is asked about once; files are only hashed where something changed.
        """
        for path in self.folders:
            folder = self._current(path)
            if folder.decided_at == folder.seen:
                continue
            folder.decided_at = folder.seen
            state, digest = self.trust.state(path), self.trust.digest(path)
            if state in ("untrusted", "changed") and digest is not None and digest != folder.asked_about:
                folder.asked_about = digest
                yield path, state, digest

    def trust_states(self) -> dict[Path, TrustState]:
        return {folder: self.trust.state(folder) for folder in self.folders}

    def _current(self, key: Path | None) -> _Folder:
        folder = self._folders.get(key) or self._folders[None]
        seen = fingerprint(self._watched(folder.path))
        if folder.seen != seen:
            folder.seen = seen
            loaded = load(self.locations, folder.path, self._editor_settings, last_workspace=folder.workspace)
            self._take(folder, loaded)
        return folder

    def _watched(self, folder: Path | None) -> list[Path]:
        files = [self.locations.user_file, self.locations.trust_file]
        if folder is None:
            return files
        # Trust covers more than the configuration: when one of these changes, it has to be given anew.
        return [*files, *(folder / name for name in COVERED), folder / COVERED_ACTIONS]

    def _additions(self, key: Path | None) -> _Additions:
        folder = self._current(key)
        files = [*action_files(self.locations, folder.path), *instruction_files(self.locations, folder.path)]
        seen = fingerprint(files)  # the lists hold what decides on trust as well
        if folder.additions is None or folder.additions.seen != seen:
            actions = load_actions(self.locations, folder.path)
            said = load_instructions(self.locations, folder.path)
            folder.additions = _Additions(seen, actions.actions, said.texts, (*actions.problems, *said.problems))
        return folder.additions

    @staticmethod
    def _take(folder: _Folder, loaded: Loaded) -> None:
        folder.problems = loaded.problems
        folder.sources = loaded.sources
        if loaded.config is not None:
            folder.config = loaded.config
        used = any(source.kind == "workspace" and source.state == "used" for source in loaded.sources)
        if used:
            folder.workspace = next((layer for layer in loaded.layers if layer.kind == "workspace"), None)


def _worst(problems: tuple[Problem, ...]) -> str:
    errors = [problem for problem in problems if problem.severity == "error"] or list(problems)
    if not errors:
        return "The configuration can't be read. Run: missy config check"
    more = f" (and {len(errors) - 1} more; run: missy config check)" if len(errors) > 1 else ""
    return f"The configuration can't be used: {errors[0]}{more}"
