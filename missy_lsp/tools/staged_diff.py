"""What a commit is going to hold: the staged changes of the repository whose commit message is being written."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from missy_lsp.errors import ModelError
from missy_lsp.tools.locating import ignore_rules
from missy_lsp.tools.rules import is_secret

MAX_DIFF_BYTES = 512 * 1024
GIT_WITHIN_S = 10.0
# The repository may be hostile: nothing that its own configuration names is run, and nothing is written.
_SAFE = (
    *("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "diff.external=", "-c", "core.pager=cat"),
    *("-c", "core.quotePath=false", "--no-pager", "--no-optional-locks", "--literal-pathspecs"),
)
# Of a partial clone git fetches what is missing by itself, with commands that the repository's configuration names:
# with no protocol allowed it contacts nobody and runs nothing, and what is missing is an error.
_FETCHING_NOTHING = {"GIT_ALLOW_PROTOCOL": "", "GIT_NO_LAZY_FETCH": "1"}
_DIFF = ("diff", "--cached", "--no-ext-diff", "--no-textconv", "--no-color", "--submodule=short")


async def staged_diff(message_path: str | None, ignore: tuple[str, ...] = ()) -> str:
    """Return the staged changes as a diff, without files that hold secrets or are ignored.

    `message_path` is the commit message's file, which stands in the repository's git folder; `ignore` are the
    user's `privacy.ignore` globs. What the ignore files of its working folder hide is left out too, staged or not.
    Raises ModelError (`invalid_request`) where there is nothing to describe.
    """
    folder = None if message_path is None else Path(message_path).parent
    git = _find_git()
    if folder is None or not folder.is_dir():
        raise ModelError("invalid_request", "This commit message belongs to no repository on this machine.")
    if git is None:
        raise ModelError("invalid_request", "git was not found on PATH, so the staged changes can't be read.")
    names = [name for name in (await _run(git, folder, (*_DIFF, "--name-only", "-z"))).split("\0") if name]
    root = _working_folder(folder, await _setting(git, folder, "core.worktree"))
    kept = await asyncio.to_thread(_shown, names, root, ignore)
    if not kept:
        raise ModelError("invalid_request", "Nothing is staged that could be described. Stage changes with git add.")
    hidden = len(names) - len(kept)
    diff = await _run(git, folder, (*_DIFF, "--", *_within_limit(kept)))
    note = f"\n({hidden} staged files are not shown: they are ignored or may hold secrets.)\n" if hidden else ""
    return diff + note


def _shown(names: list[str], root: Path | None, ignore: tuple[str, ...]) -> list[str]:
    """Return the names of files that may go out."""
    if root is None:
        raise ModelError(
            "invalid_request",
            "The working folder of this repository isn't known, so what its ignore files hide isn't either; nothing "
            "was read. Set it with git config core.worktree, or describe the commit yourself.",
        )
    rules = ignore_rules(root, ignore)
    kept = []
    for name in names:
        parts = tuple(name.split("/"))
        if not is_secret(parts) and not rules.hides(parts, is_directory=False):
            kept.append(name)
    if names and not kept and rules.fault:
        raise ModelError("invalid_request", f"The staged changes were not read: {rules.fault}")
    return kept


def _working_folder(git_folder: Path, setting: str) -> Path | None:
    """Return the real folder that a git folder belongs to; None where nothing says which.

    `setting` is `core.worktree`, which the git folder of a submodule has; that of a further work tree (`git worktree`)
    names its `.git` file in a file of its own.
    """
    try:
        found = (git_folder / (git_folder / "gitdir").read_text(encoding="utf-8").strip()).parent
    except (OSError, ValueError):
        if not setting and git_folder.name != ".git":
            return None
        found = git_folder / setting if setting else git_folder.parent
    return Path(os.path.realpath(found)) if found.is_dir() else None


def _find_git() -> str | None:
    found = shutil.which("git")
    # On Windows the current folder is searched too, and that may be the repository's.
    return found if found is not None and os.path.isabs(found) and Path(found).parent != Path.cwd() else None


def _within_limit(names: list[str]) -> Iterator[str]:
    left = 100_000  # a command line has its limits; what is over it is left out of the diff
    for name in names:
        left -= len(name.encode("utf-8", "replace")) + 1
        if left < 0:
            return
        yield name


async def _setting(git: str, folder: Path, name: str) -> str:
    """Return a setting of the repository, empty where it has none."""
    listed = await _run(git, folder, ("config", "--list", "-z"))
    values = [value for key, _, value in (entry.partition("\n") for entry in listed.split("\0")) if key == name]
    return values[-1] if values else ""


async def _run(git: str, folder: Path, arguments: tuple[str, ...]) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    process = await asyncio.create_subprocess_exec(
        git,
        f"--git-dir={folder}",
        *_SAFE,
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={**environment, **_FETCHING_NOTHING, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"},
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(GIT_WITHIN_S):
            output = await _read(process.stdout)
            is_cut = len(output) > MAX_DIFF_BYTES
            if is_cut:
                output = output[:MAX_DIFF_BYTES] + b"\n(the diff goes on; it is cut here)\n"
                process.kill()
            await process.wait()
    except TimeoutError:
        raise ModelError("invalid_request", f"git did not answer within {GIT_WITHIN_S:.0f} s.") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0 and not is_cut:
        raise ModelError(
            "invalid_request",
            "git can't read what is staged here: this folder is no repository of yours, or a partial clone without "
            "these files. Missy fetches nothing; if you trust it, run git diff --cached there, which does.",
        )
    return output.decode("utf-8", "replace")


async def _read(stream: asyncio.StreamReader) -> bytes:
    """Read to the end, or until there is more than `MAX_DIFF_BYTES`."""
    pieces = bytearray()
    while len(pieces) <= MAX_DIFF_BYTES and (piece := await stream.read(65536)):
        pieces += piece
    return bytes(pieces)
