"""A virtual environment that has everything but the anthropic package."""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.support.configuration import FAKE_KEY

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(os.name != "posix", reason="makes links")


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the environment: links to what is installed here, the one package left out."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=False)
    packages = folder / "packages"
    packages.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if not entry.name.startswith(("anthropic", "_editable", "__editable", "missy_lsp", "_missy_lsp")):
            (packages / entry.name).symlink_to(entry)
    (packages / "missy_lsp").symlink_to(ROOT / "missy_lsp")
    interpreter = folder / "bin" / "python"
    purelib = subprocess.run(
        [interpreter, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    (Path(purelib) / "packages.pth").write_text(f"{packages}\n")
    return interpreter


def missy(python: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, "-I", "-m", "missy_lsp", *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def test_the_package_is_really_missing(python: Path) -> None:
    ended = subprocess.run([python, "-I", "-c", "import anthropic"], capture_output=True, text=True, check=False)
    assert "No module named 'anthropic'" in ended.stderr


def test_the_provider_is_skipped_with_its_reason(python: Path) -> None:
    ended = missy(python, "providers")
    assert ended.stdout == 'Providers:\n  anthropic: unavailable (package "anthropic" is not installed)\n'
    assert ended.returncode == 0


def test_asking_says_what_is_missing(python: Path) -> None:
    ended = missy(python, "ask", "hello")
    assert ended.returncode == 1
    assert 'package "anthropic" is not installed' in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_vault_works(python: Path) -> None:
    assert missy(python, "vault", "set", "anthropic_api_key", FAKE_KEY).returncode == 0
    assert missy(python, "vault", "get", "anthropic_api_key", "--reveal").stdout == f"{FAKE_KEY}\n"


def test_the_server_works(python: Path) -> None:
    requests = [
        {"id": 1, "method": "initialize", "params": {"capabilities": {}}},
        {"method": "initialized", "params": {}},
        {"id": 2, "method": "workspace/executeCommand", "params": {"command": "missy.listProviders"}},
    ]
    bodies = [json.dumps({"jsonrpc": "2.0", **request}).encode() for request in requests]
    with subprocess.Popen(
        [python, "-I", "-m", "missy_lsp", "lsp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(b"".join(b"Content-Length: %d\r\n\r\n%s" % (len(body), body) for body in bodies))
        server.stdin.flush()
        answered = b""
        while b'"id":2' not in answered:
            read = os.read(server.stdout.fileno(), 65536)
            assert read, answered
            answered += read
        server.stdin.close()
        server.wait(10)
    assert b'package \\"anthropic\\" is not installed' in answered
