"""Where a key may go is remembered by a hash of it, across processes, and never guessed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from missy_lsp.credentials.origins import KeyOrigins
from missy_lsp.errors import CredentialError
from missy_lsp.secret import Secret
from tests.support.canary import assert_absent

KEY = Secret("sk-ant-api03-FAKE-7b2d4f6a8c0e-Origins-Test")
A, B = "https://api.anthropic.com", "https://gateway.example"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "secrets"


def test_a_key_has_the_addresses_that_were_allowed_the_last_one_last(folder: Path) -> None:
    origins = KeyOrigins(folder)
    assert origins.of(KEY) == ()
    for origin in (A, B, A):
        origins.allow(KEY, origin)
    assert KeyOrigins(folder).of(KEY) == (B, A)
    assert origins.of(Secret("another")) == ()


def test_the_file_is_private_and_says_nothing_about_the_key(folder: Path) -> None:
    KeyOrigins(folder).allow(KEY, A)
    assert_absent(KEY.reveal(), [folder])
    if os.name == "posix":
        assert (folder / "origins.json").stat().st_mode & 0o777 == 0o600


def test_two_users_files_have_other_names_for_one_key(tmp_path: Path) -> None:
    for name in ("a", "b"):
        KeyOrigins(tmp_path / name).allow(KEY, A)
    one, other = (json.loads((tmp_path / name / "origins.json").read_text())["origins"] for name in ("a", "b"))
    assert set(one).isdisjoint(other)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        b"[" * 50_000,
        b'{"version": 9, "salt": "00", "origins": {}}',
        b'{"version": 1, "salt": "xx", "origins": {}}',
        b'{"version": 1, "salt": "00", "origins": {"a": "https://x"}}',
    ],
)
def test_a_damaged_file_stops_every_key_and_says_what_to_do(folder: Path, data: bytes) -> None:
    KeyOrigins(folder).allow(KEY, A)
    (folder / "origins.json").write_bytes(data)
    for attempt in (lambda: KeyOrigins(folder).of(KEY), lambda: KeyOrigins(folder).allow(KEY, B)):
        with pytest.raises(CredentialError, match="Move it away"):
            attempt()


def test_several_processes_lose_nothing(folder: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from missy_lsp.credentials.origins import KeyOrigins;"
        "from missy_lsp.secret import Secret\n"
        "for n in range(10): KeyOrigins(Path(sys.argv[1])).allow(Secret('shared'), f'https://{sys.argv[2]}-{n}')"
    )
    processes = [subprocess.Popen([sys.executable, "-P", "-c", program, str(folder), str(number)]) for number in "abc"]
    assert [process.wait(30) for process in processes] == [0, 0, 0]
    assert len(KeyOrigins(folder).of(Secret("shared"))) == 30
