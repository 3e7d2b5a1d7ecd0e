"""staged_diff: what goes out of a repository's staged changes, and that reading them runs and fetches nothing."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from missy_lsp.errors import ModelError
from missy_lsp.tools.staged_diff import staged_diff
from tests.support.workspace import INSIDE_CANARY, write


def git(folder: Path, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    identity = ("-c", "user.name=Nobody", "-c", "user.email=nobody@example.org")
    ran = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, env=environment, check=True, capture_output=True, text=True
    )
    return ran.stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q")
    return folder


def stage(repository: Path, *names: str, text: str = "hello\n") -> None:
    for name in names:
        write(repository / name, text)
    git(repository, "add", "-f", *names)


async def diff_of(git_folder: Path, *ignore: str) -> str:
    return await staged_diff(str(git_folder / "COMMIT_EDITMSG"), ignore)


@pytest.mark.skipif(os.name == "nt", reason="the command is one of a POSIX shell")
@pytest.mark.parametrize(
    ("url", "setting"),
    [
        ("ssh://nowhere.invalid/x", "core.sshCommand"),
        ("./elsewhere", "remote.origin.uploadpack"),
        ("ext::touch PWNED", "core.sshCommand"),
    ],
)
async def test_what_is_missing_of_a_partial_clone_runs_no_command_of_the_repository(
    repository: Path, tmp_path: Path, url: str, setting: str
) -> None:
    marker = tmp_path / "PWNED"
    git(tmp_path, "init", "-q", "--bare", "elsewhere")
    stage(repository, "a.txt")
    blob = git(repository, "rev-parse", ":a.txt").strip()
    (repository / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    for name, value in {
        "core.repositoryFormatVersion": "1",
        "extensions.partialClone": "origin",
        "remote.origin.promisor": "true",
        "remote.origin.url": url.replace("./", f"{tmp_path}/").replace("PWNED", str(marker)),
        "protocol.ext.allow": "always",
        setting: f"touch {marker}; false",
    }.items():
        git(repository, "config", name, value)
    with pytest.raises(ModelError, match="partial clone without these files"):
        await diff_of(repository / ".git")
    assert not marker.exists()


async def test_what_is_staged_is_described_without_secrets_and_ignored_files(repository: Path) -> None:
    stage(repository, "b.txt", "\u00e4.txt")
    stage(repository, ".env", "docs/internal.md", text=INSIDE_CANARY)
    diff = await diff_of(repository / ".git", "docs/")
    assert "b/b.txt" in diff
    assert "b/\u00e4.txt" in diff
    assert "(2 staged files are not shown: they are ignored or may hold secrets.)" in diff
    assert INSIDE_CANARY not in diff
