"""The start of both commands: nothing of the current folder, which may be a stranger's, is ever imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.lsp_process import LspProcess, server_command

# Modules that a start of ours, or an answer, does import, or could.
NAMES = (
    *("__future__", "argparse", "ast", "asyncio", "attr", "attrs", "cattrs", "concurrent", "contextlib", "ctypes"),
    *("dataclasses", "filelock", "functools", "getpass", "hashlib", "heapq", "httpx2", "importlib_metadata", "inspect"),
    *("ipaddress", "itertools_more", "json", "keyring", "logging", "lsprotocol", "markdown_it", "pathlib", "pathspec"),
    *("pwd", "pydantic", "pygls", "queue", "random", "re", "secrets", "select", "selectors", "shutil", "signal"),
    *("socket", "ssl", "stat", "string", "subprocess", "tempfile", "textwrap", "threading", "traceback"),
    *("tree_sitter", "typing", "unicodedata", "urllib", "uuid", "weakref", "yaml", "zlib", "anthropic", "cryptography"),
)
# The interpreter takes these by itself before any program runs, from wherever it was told to.
TAKEN_BEFORE = ("sitecustomize", "usercustomize", "missy_lsp")

# What the console scripts do, with the path as an installed script has it.
SERVER = "import sys; from missy_lsp.__main__ import run_server; sys.exit(run_server())"
MISSY = "import sys; from missy_lsp.__main__ import run_missy; sys.exit(run_missy())"


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """Return a folder whose modules leave a marker when they are imported, in itself and in `lib`."""
    folder = tmp_path / "hostile"
    (folder / "lib").mkdir(parents=True)
    for name in NAMES:
        source = f"open({str(folder / 'marker')!r}, 'a').write({name!r} + ' ')\n"
        (folder / f"{name}.py").write_text(source)
        (folder / "lib" / f"{name}.py").write_text(source)
    return folder


def marker(folder: Path) -> str:
    file = folder / "marker"
    return file.read_text() if file.exists() else ""


def test_the_server_imports_nothing_of_the_folder_that_it_is_started_in(hostile: Path, isolated_home: Path) -> None:
    for name in TAKEN_BEFORE:
        (hostile / f"{name}.py").write_text((hostile / "yaml.py").read_text())
    with LspProcess("--offline", cwd=hostile, installed=True) as server:
        server.initialize(hostile)
        assert server.command("missy.ask", {"prompt": "hi", "wait": True})["result"]["complete"] is True
        assert server.close() == 0
    assert marker(hostile) == ""


def test_the_command_line_imports_nothing_of_the_folder_that_it_is_started_in(
    hostile: Path, isolated_home: Path
) -> None:
    for name in TAKEN_BEFORE:
        (hostile / f"{name}.py").write_text((hostile / "yaml.py").read_text())
    missy = str(Path(server_command()[0]).with_name("missy"))
    run = subprocess.run([missy, "ask", "hi", "--offline"], cwd=hostile, capture_output=True, timeout=30, check=False)
    assert run.returncode == 0, run.stderr
    assert marker(hostile) == ""


PYTHON_PATHS = ("{sep}", "{sep}/nowhere", ".", "lib", "./lib{sep}", "{here}", "{here}/lib")
STARTS = [(path, (SERVER, "--version")) for path in PYTHON_PATHS]
STARTS += [(path, (MISSY, "ask", "hi", "--offline")) for path in ("{sep}", "{here}/lib")]


@pytest.mark.parametrize(("python_path", "program"), STARTS, ids=lambda value: value if isinstance(value, str) else "")
def test_python_path_may_name_the_folder_all_the_same(
    python_path: str, program: tuple[str, ...], hostile: Path, isolated_home: Path
) -> None:
    environment = {**os.environ, "PYTHONPATH": python_path.format(sep=os.pathsep, here=hostile)}
    run = subprocess.run(
        [sys.executable, "-P", "-c", *program],
        cwd=hostile,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert marker(hostile) == ""


def test_modules_elsewhere_stay_importable(hostile: Path, tmp_path: Path, isolated_home: Path) -> None:
    """A provider's plugin may lie on PYTHONPATH, below the home of whoever works there too."""
    (tmp_path / "plugins").mkdir()
    for here in (hostile, isolated_home, tmp_path):
        environment = {**os.environ, "PYTHONPATH": str(tmp_path / "plugins"), "HOME": str(tmp_path)}
        program = "import sys; from missy_lsp import __main__ as m; m._leave_out_current_folder(); print(*sys.path)"
        command = [sys.executable, "-P", "-c", program]
        printed = subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, check=True).stdout
        assert str(tmp_path / "plugins") in printed.split()
