"""Providers by folder: the nearest one counts, by what the paths really are."""

from __future__ import annotations

from pathlib import Path

import pytest

from missy_lsp.config.folder_providers import at_place
from missy_lsp.config.values import Config

FOLDERS = {"~/clients": "clients", "~/clients/acme": "acme", "~/clients/acme/open": "anthropic", "~/link": "linked"}


@pytest.mark.parametrize(
    ("place", "provider"),
    [
        ("home/clients/acme/src/a.py", "acme"),
        ("home/clients/acme", "acme"),
        ("home/clients/acme/open/a.py", "anthropic"),
        ("home/clients/acme/../b.py", "clients"),
        ("home/clients/acme-2/a.py", "clients"),
        ("home/clientsx/a.py", None),
        ("elsewhere/a.py", "linked"),
        ("into-acme/src/a.py", "acme"),
        ("home", None),
        ("nul\0", None),
        (None, None),
    ],
)
def test_the_nearest_folder_counts(tmp_path: Path, place: str | None, provider: str | None) -> None:
    home = tmp_path / "home"
    for folder in ("home/clients/acme/open", "elsewhere"):
        (tmp_path / folder).mkdir(parents=True)
    (home / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "into-acme").symlink_to(home / "clients" / "acme")
    config = Config(folders=FOLDERS)
    found = at_place(config, home, None if place is None else tmp_path / place)
    assert found.folder_provider == provider
    assert found.default_provider == (provider or "anthropic")
    assert at_place(Config(), home, home) == Config()
