"""One server per kind of client for a whole module of tests, since starting one takes longer than a test does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

import attrs
import pytest

from tests.support.configuration import write_user_config
from tests.support.fake_api import FakeApi
from tests.support.lsp_process import LspProcess
from tests.support.request_oracle import assert_valid_request


@attrs.define(eq=False)
class RunningEditors:
    """To be derived from by a module that opens documents in them.

    `number` rises from test to test, so that each can have code of its own which no cache knows.
    """

    running: ExitStack
    api: FakeApi
    home: Path
    folder: Path
    number: int = 0
    _servers: dict[object, LspProcess] = attrs.Factory(dict)

    def configure(self, **sections: object) -> None:
        """Write the user's configuration anew; the next request reads it."""
        write_user_config(self.home, self.api.base_url, **sections)

    def server(self, kind: object, capabilities: object, *, fresh: bool = False, **more: object) -> LspProcess:
        """Return the server of a kind of client, started with these parameters of `initialize` if there is none yet."""
        if fresh:
            self._servers.pop(kind, None)
        if kind not in self._servers:
            env = {"HOME": str(self.home), "USERPROFILE": str(self.home)}
            names = ("CONFIG", "DATA", "STATE", "CACHE")
            env |= {f"XDG_{name}_HOME": str(self.home / name.lower()) for name in names}
            process = self.running.enter_context(LspProcess(env=env))
            process.initialize(self.folder, capabilities, **more)
            self._servers[kind] = process
        return self._servers[kind]

    def forget_servers(self) -> None:
        """Begin with new ones, where a test has left them with something to remember."""
        self._servers.clear()

    @classmethod
    @contextmanager
    def of_a_module(cls, folders: pytest.TempPathFactory) -> Iterator[Self]:
        """Return editors with a home and a workspace folder of their own; their servers end with the module."""
        with FakeApi() as api, ExitStack() as running:
            yield cls(running, api, folders.mktemp("home"), folders.mktemp("project"))

    @contextmanager
    def one_test(self) -> Iterator[Self]:
        """Begin with nothing of the test before; what was sent has to be what the real API accepts."""
        self.number += 1
        self.api.forget()
        for process in self._servers.values():
            process.messages.clear()
        yield self
        for request in self.api.requests:
            assert_valid_request(request.json)
