"""One user with one workspace folder, both empty."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from missy_lsp.config.locations import Locations
from tests.support.config_place import Place


@pytest.fixture
def place(isolated_home: Path, tmp_path: Path) -> Place:
    locations = Locations.from_environment(os.environ)
    locations.config_dir.mkdir(mode=0o700)
    folder = tmp_path / "project"
    (folder / ".missy").mkdir(parents=True)
    return Place(locations, folder)
