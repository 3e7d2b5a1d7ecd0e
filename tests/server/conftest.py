"""The real server in front of the fake upstream."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.configuration import write_user_config
from tests.support.fake_api import FakeApi
from tests.support.lsp_process import LspProcess


@pytest.fixture
def server(isolated_home: Path, api: FakeApi, tmp_path: Path) -> Iterator[LspProcess]:
    """A server that was initialized with one workspace folder, `tmp_path / "project"`."""
    write_user_config(isolated_home, api.base_url)
    folder = tmp_path / "project"
    folder.mkdir()
    with LspProcess() as process:
        process.initialize(folder)
        yield process
