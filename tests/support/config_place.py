"""A user's home and a workspace folder to put configuration files into."""

from __future__ import annotations

from pathlib import Path

import attrs

from missy_lsp.config.loading import Loaded, load
from missy_lsp.config.locations import Locations
from missy_lsp.config.trust import TrustStore


@attrs.frozen
class Place:
    """One user with one workspace folder."""

    locations: Locations
    folder: Path

    @property
    def user_file(self) -> Path:
        return self.locations.user_file

    @property
    def workspace_file(self) -> Path:
        return self.folder / ".missy" / "config.yaml"

    @property
    def trust(self) -> TrustStore:
        return TrustStore(self.locations.trust_file)

    def user(self, text: str | bytes) -> None:
        self.user_file.write_bytes(text.encode() if isinstance(text, str) else text)
        self.user_file.chmod(0o600)

    def workspace(self, text: str | bytes) -> None:
        self.workspace_file.write_bytes(text.encode() if isinstance(text, str) else text)

    def load(self, editor: object = None, trusted: bool | None = None) -> Loaded:
        return load(self.locations, self.folder, editor, trusted)
