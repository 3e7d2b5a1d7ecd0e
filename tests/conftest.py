"""Every test runs with a home of its own and without the developer's keys, proxies or configuration."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.support import artefacts, egress
from tests.support.canary import hits
from tests.support.configuration import FAKE_KEY
from tests.support.fake_api import FakeApi
from tests.support.llmock_server import LlmockServer
from tests.support.request_oracle import assert_valid_request

_FOREIGN_PREFIXES = ("ANTHROPIC_", "MISSY_", "OTEL_")
_FOREIGN_NAMES = {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "PYTHON_KEYRING_BACKEND"}
_KEPT = {"MISSY_SOAK"}
# Here, before anything is imported on behalf of a test; a worker of pytest-xdist has one of its own.
_EGRESS = egress.install()
# The same generated cases every time, so that a change that breaks one is the change that turns the run red.
hypothesis.settings.register_profile("fixed", derandomize=True)
if not os.environ.get("MISSY_SOAK"):
    hypothesis.settings.load_profile("fixed")
_LEAKS = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session", autouse=True)
def recorded_egress() -> Iterator[egress.Egress]:
    """Fail the run where this process spoke to any host but its own machine (security.md, G2)."""
    yield _EGRESS
    foreign = [str(contact) for contact in _EGRESS.foreign()]
    assert not foreign, "a test spoke to a foreign host:\n" + "\n".join(foreign)


@pytest.fixture(scope="session", autouse=True)
def recorded_artefacts(tmp_path_factory: pytest.TempPathFactory) -> None:
    artefacts.keep_in(tmp_path_factory.getbasetemp() / "seen")


def pytest_collection_finish() -> None:
    """Look no more for garbage among the thousands of tests and what was imported for them: it takes 6 % of a run."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run where anything that it left behind holds the key that the tests configure (security.md, G3)."""
    if hasattr(session.config, "workerinput"):
        return  # a worker of pytest-xdist: what they all left lies below one folder
    folder = session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
    found = hits(FAKE_KEY, artefacts.left_on_disk(folder))
    if found:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        session.config.stash[_LEAKS] = [str(hit) for hit in found]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for leak in config.stash.get(_LEAKS, [])[:20]:
        terminalreporter.line(f"LEAKED the tests' key: {leak}", red=True)


@pytest.fixture(autouse=True)
def isolated_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point HOME and the XDG folders into a fresh folder and drop what a developer's shell may hold."""
    home = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        foreign = name.upper() in _FOREIGN_NAMES or name.startswith(_FOREIGN_PREFIXES)
        if foreign and name not in _KEPT:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    for name, folder in (
        ("CONFIG", ".config"),
        ("DATA", ".local/share"),
        ("STATE", ".local/state"),
        ("CACHE", ".cache"),
    ):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / folder))
    return home


@pytest.fixture
def api() -> Iterator[FakeApi]:
    """Serve scripted bytes; every request that it got has to be one that the real API accepts."""
    with FakeApi() as server:
        yield server
    for request in server.requests:
        assert request.path.endswith("/v1/messages")
        assert_valid_request(request.json)


@pytest.fixture(scope="session")
def llmock_process() -> Iterator[LlmockServer]:
    with LlmockServer() as server:
        yield server


@pytest.fixture
def llmock_api(llmock_process: LlmockServer) -> Iterator[LlmockServer]:
    llmock_process.reset()
    yield llmock_process
    for record in llmock_process.requests():
        assert_valid_request(record["body"])
