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


@pytest.fixture(params=["of its own", "of a further work tree", "of a submodule"])
def work_tree(request: pytest.FixtureRequest, repository: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Return a working folder and the git folder that belongs to it."""
    if request.param == "of its own":
        return repository, repository / ".git"
    git(repository, "commit", "-q", "--allow-empty", "-m", "first")
    if request.param == "of a further work tree":
        git(repository, "worktree", "add", "-q", str(tmp_path / "further"))
        return tmp_path / "further", repository / ".git" / "worktrees" / "further"
    outer = tmp_path / "outer"
    outer.mkdir()
    git(outer, "init", "-q")
    git(outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(repository), "inner")
    return outer / "inner", outer / ".git" / "modules" / "inner"


async def test_what_the_ignore_files_hide_is_not_sent_although_it_is_staged(work_tree: tuple[Path, Path]) -> None:
    folder, git_folder = work_tree
    write(folder / ".missyignore", "private/\n")
    write(folder / "src" / ".gitignore", "made_*.py\n")
    stage(folder, "src/a.py")
    stage(folder, "private/notes.md", "src/made_b.py", "src/private/c.md", text=INSIDE_CANARY)
    diff = await diff_of(git_folder)
    assert "b/src/a.py" in diff
    assert "(3 staged files are not shown" in diff
    assert INSIDE_CANARY not in diff
    assert "notes.md" not in diff


async def test_nothing_is_sent_where_an_ignore_file_can_not_be_read(repository: Path) -> None:
    stage(repository, "a.py")
    (repository / ".missyignore").write_bytes(b"\0")
    with pytest.raises(ModelError, match=r"\.missyignore is no text, so nothing of its folder is shown"):
        await diff_of(repository / ".git")


async def test_nothing_is_sent_where_the_working_folder_is_not_known(repository: Path) -> None:
    stage(repository, "a.py")
    apart = repository.rename(repository.parent / "moved") / ".git"
    with pytest.raises(ModelError, match="working folder of this repository isn't known"):
        await diff_of(apart.rename(repository.parent / "apart"))
