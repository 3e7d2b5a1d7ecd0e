"""The real server in front of the fake upstream."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from tests.support.configuration import write_user_config
from tests.support.editor import CAPABILITIES, Editor
from tests.support.fake_api import FakeApi
from tests.support.lsp_process import LspProcess
from tests.support.request_oracle import assert_valid_request
from tests.support.typist import Typists
from tests.support.window import A, B, Window
from tests.support.workspace import write


@pytest.fixture
def server(isolated_home: Path, api: FakeApi, tmp_path: Path) -> Iterator[LspProcess]:
    """A server that was initialized with one workspace folder, `tmp_path / "project"`."""
    write_user_config(isolated_home, api.base_url)
    folder = tmp_path / "project"
    folder.mkdir()
    with LspProcess() as process:
        process.initialize(folder)
        yield process


@attrs.frozen
class Shared:
    """A server for a whole module of tests, since starting one takes longer than a test does."""

    process: LspProcess
    api: FakeApi
    home: Path
    folder: Path
    numbers: Iterator[int]

    def configure(self, **sections: object) -> None:
        """Write the user's configuration anew; the next request reads it."""
        write_user_config(self.home, self.api.base_url, **sections)

    def edit(self, text: str, language_id: str = "python") -> Editor:
        """Open a document of its own in an editor in miniature."""
        return Editor(self.process, f"file:///project/{next(self.numbers)}/a.py", text, language_id)


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    home = tmp_path_factory.mktemp("home")
    folder = tmp_path_factory.mktemp("project")
    env = {"HOME": str(home), "USERPROFILE": str(home), "ANTHROPIC_API_KEY": ""}
    env |= {f"XDG_{name}_HOME": str(home / name.lower()) for name in ("CONFIG", "DATA", "STATE", "CACHE")}
    with FakeApi() as api:
        write_user_config(home, api.base_url)
        with LspProcess(env={name: value for name, value in env.items() if value or name in os.environ}) as process:
            process.initialize(folder, CAPABILITIES)
            yield Shared(process, api, home, folder, itertools.count())


@pytest.fixture
def shared(started: Shared) -> Iterator[Shared]:
    """The server of the module, with nothing left of the test before; what it sent is what the real API accepts."""
    started.process.messages.clear()
    started.api.forget()
    started.configure()
    yield started
    for request in started.api.requests:
        assert request.path.endswith("/v1/messages")
        assert_valid_request(request.json)


@pytest.fixture
def two_files(shared: Shared) -> Iterator[Path]:
    """The workspace folder with the two files that a model edits; what tests make of them is gone after each."""
    shared.configure(tools={"mode": "edit"})
    write(shared.folder / "a.py", A)
    write(shared.folder / "b.py", B)
    yield shared.folder
    for name in ("a.py", "b.py", "c.py", "tests/c.py", "new.py"):
        (shared.folder / name).unlink(missing_ok=True)
        uri = (shared.folder / name).as_uri()
        shared.process.notify("textDocument/didClose", {"textDocument": {"uri": uri}})


@pytest.fixture
def window(shared: Shared, two_files: Path) -> Window:
    return Window(shared.process, two_files)


@pytest.fixture(scope="module")
def started_typists(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Typists]:
    with Typists.of_a_module(tmp_path_factory) as typists:
        yield typists


@pytest.fixture
def typists(started_typists: Typists) -> Iterator[Typists]:
    """Somebody who types in an editor of each kind."""
    with started_typists.one_test() as begun:
        yield begun
