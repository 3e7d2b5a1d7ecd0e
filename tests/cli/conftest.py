"""Run commands in this process, as the console script would, and see their streams and exit code."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from missy_lsp.cli.main import main
from tests.support import artefacts
from tests.support.commands import Missy, Run
from tests.support.configuration import write_user_config
from tests.support.fake_api import FakeApi

NO_KEYRING = "keyring.backends.fail.Keyring"


@pytest.fixture(autouse=True)
def quiet_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Work in an empty folder, without the developer's keyring and without colours."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", NO_KEYRING)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def missy(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Missy:
    """Return a function that runs `missy ARGUMENTS...`; `stdin` comes as a regular file would."""

    def run(*arguments: str, stdin: bytes | None = None, env: Mapping[str, str] | None = None) -> Run:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in (env or {}).items():
                patch.setenv(name, value)
            if stdin is not None:
                file = tmp_path.parent / "standard-input"
                file.write_bytes(stdin)
                patch.setattr(sys, "stdin", io.TextIOWrapper(file.open("rb"), encoding="utf-8"))
            try:
                code = main(arguments)
            except SystemExit as end:  # how argparse ends
                code = end.code if isinstance(end.code, int) else 1
            finally:
                if stdin is not None:
                    sys.stdin.close()
        captured = capsys.readouterr()
        artefacts.record("commands", captured.out, captured.err)
        return Run(code, captured.out, captured.err)

    return run


@pytest.fixture
def api(isolated_home: Path) -> Iterator[FakeApi]:
    """Serve a scripted API and point the user's configuration at it."""
    with FakeApi() as server:
        write_user_config(isolated_home, server.base_url)
        yield server


@pytest.fixture
def script() -> Callable[[str], str]:
    """Return the path of a console script that was installed beside this interpreter."""
    suffix = ".exe" if os.name == "nt" else ""
    return lambda name: str(Path(sys.executable).with_name(name + suffix))
