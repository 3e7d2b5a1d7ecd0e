"""What every command starts from: the user's places, the workspace, the configuration, the model client."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from missy_lsp.cli.output import Output
from missy_lsp.config.folder_providers import at_place
from missy_lsp.config.loading import Loaded, load
from missy_lsp.config.locations import Locations
from missy_lsp.config.values import Config
from missy_lsp.errors import ConfigError, MissyError

if TYPE_CHECKING:
    from missy_lsp.credentials.origins import KeyOrigins
    from missy_lsp.credentials.vault import Vault
    from missy_lsp.llm.client import ModelClient
    from missy_lsp.llm.ledger import Ledger


@attrs.frozen
class Setting:
    """The surroundings of one command; `workspace` is the nearest parent folder with `.missy/` in it."""

    locations: Locations
    workspace: Path | None
    output: Output
    offline: bool = False

    @classmethod
    def here(cls, output: Output, config_option: Path | None = None, *, offline: bool = False) -> Setting:
        locations = Locations.from_environment(os.environ, config_option)
        current = current_folder()
        return cls(locations, locations.find_workspace(current) if current is not None else None, output, offline)

    def folder(self) -> Path:
        """Return the workspace, else the current folder. Raises MissyError where that has been removed."""
        return self.workspace or self.located(Path())

    def located(self, path: Path) -> Path:
        """Return a path seen from the current folder. Raises MissyError where that has been removed."""
        if path.is_absolute():
            return path
        current = current_folder()
        if current is None:
            raise MissyError("The current folder has been removed. Change to one that exists, then try again.")
        return current / path

    def load(self) -> Loaded:
        return load(self.locations, self.workspace)

    def config(self, place: Path | None = None) -> Config:
        """Return the configuration for a file, else for the folder; say its warnings.

        Raises ConfigError with every error's place.
        """
        loaded = self.load()
        if loaded.config is None:
            faults = [str(problem) for problem in loaded.problems if problem.severity == "error"]
            raise ConfigError("\n".join(faults) or "the configuration can't be read")
        for problem in loaded.problems:
            self.output.note(f"{problem.severity}: {problem}", "yellow")
        return self.placed(loaded.config, place)

    def placed(self, config: Config, place: Path | None = None) -> Config:
        """Return a configuration as it holds for a file, else for the folder: who serves there (`folders`)."""
        return at_place(config, self.locations.home, place or self.workspace or current_folder())

    def vault(self) -> Vault:
        from missy_lsp.credentials.vault import open_vault

        return open_vault(self.locations, may_prompt=sys.stdin is not None and sys.stdin.isatty())

    def models(self) -> ModelClient:
        """Build the model client; it imports the SDK only when it is asked something."""
        from missy_lsp.llm.client import ModelClient
        from missy_lsp.llm.registry import ProviderRegistry
        from missy_lsp.llm.told_models import ToldCatalogues

        vault = self.vault()
        registry = ProviderRegistry(offline=self.offline)
        told = ToldCatalogues(self.locations.told_models_file)
        return ModelClient(registry, lambda: vault, ledger=self.ledger(), origins=self.origins(), catalogues=told)

    def origins(self) -> KeyOrigins:
        from missy_lsp.credentials.origins import KeyOrigins

        return KeyOrigins(self.locations.secrets_dir)

    def ledger(self) -> Ledger:
        from missy_lsp.llm.ledger import Ledger

        return Ledger(self.locations.ledger_file)


def current_folder() -> Path | None:
    """Return the current folder; None where it was deleted under us."""
    try:
        return Path.cwd()
    except OSError:
        return None
