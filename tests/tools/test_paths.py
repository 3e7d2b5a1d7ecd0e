"""security.md 5.2: no path leads out of the workspace or to a secret, and no answer tells what exists."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest

from missy_lsp.config.globs import glob_spec
from missy_lsp.tools import locating
from missy_lsp.tools.locating import is_windows_unsafe
from missy_lsp.tools.outcome import shown
from missy_lsp.tools.rules import is_secret
from missy_lsp.tools.toolbox import Toolbox
from tests.support.workspace import INSIDE_CANARY, OUTSIDE_CANARY, SECRETS, needs_links

OUTSIDE = [
    "../outside/secret.txt", "src/../../outside/secret.txt", "/etc/passwd", "~/x", "~root/x", "file:///etc/passwd",
    "%2e%2e/outside/secret.txt", "..\\..\\outside\\secret.txt", "....//outside/secret.txt", "./../outside/secret.txt",
    "/proc/self/environ", "/".join(("/proc/self", "root", "etc/passwd")), "/dev/stdin", "/sys/kernel", "//etc/passwd",
    "\\\\server\\share\\x",
    "C:..\\x", "\\\\?\\C:\\x", "untitled:a", "git:/src/app.py", "http://localhost/", "src/app.py\0", "\0", "\ud800",
    "a/" * 2_500, "b" * 300, "", ".", "..", "src", "src/app.py/x", "x.txt::$DATA",
]  # fmt: skip
LINKED = [
    "leak.txt", "notes.txt", "everything/etc/passwd", "up/outside/secret.txt", "loop", "loop/x", "environment",
    "hidden_by_ignore", "code_folder/../../outside/secret.txt", "everything/proc/self/environ",
]  # fmt: skip
IGNORED = ["build/out.py", "debug.log", "private/notes.md", "src/generated_a.py", "docs/internal.md"]


async def refusal_of(toolbox: Toolbox, path: str) -> str:
    outcome = await toolbox.call("read_file", {"path": path})
    assert outcome.is_error
    assert outcome.summary.isprintable()
    assert INSIDE_CANARY not in outcome.text
    assert OUTSIDE_CANARY not in outcome.text
    return outcome.text


@pytest.mark.parametrize("path", [*OUTSIDE, *IGNORED, *SECRETS], ids=lambda path: ascii(path)[:40])
async def test_a_path_that_is_not_for_the_model_is_refused_as_a_missing_one_is(toolbox: Toolbox, path: str) -> None:
    missing = await refusal_of(toolbox, "no/such/file.py")
    assert (await refusal_of(toolbox, path)) == missing.replace("no/such/file.py", shown(path))


@needs_links
@pytest.mark.parametrize("path", LINKED)
async def test_a_link_to_what_is_not_for_the_model_is_refused(toolbox: Toolbox, path: str) -> None:
    missing = await refusal_of(toolbox, "no/such/file.py")
    assert (await refusal_of(toolbox, path)) == missing.replace("no/such/file.py", shown(path))


@needs_links
async def test_where_the_system_can_not_open_part_by_part_nothing_more_is_given(
    toolbox: Toolbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The way of Windows, run here on another system: what was opened is compared with what was decided on."""
    monkeypatch.setattr(locating, "HAS_DIRECTORY_OPEN", False)
    for path in [*OUTSIDE, *LINKED, *IGNORED, *SECRETS]:
        await refusal_of(toolbox, path)
    assert "def main()" in (await toolbox.call("read_file", {"path": "code"})).text
    assert "src/app.py" in (await toolbox.call("list_files", {})).text.splitlines()
    assert (await toolbox.call("search_text", {"pattern": INSIDE_CANARY})).text == "No line contains it."


@needs_links
async def test_a_link_within_the_workspace_is_read(toolbox: Toolbox) -> None:
    assert "def main()" in (await toolbox.call("read_file", {"path": "code"})).text
    assert "def main()" in (await toolbox.call("read_file", {"path": "code_folder/app.py"})).text


async def test_absolute_paths_are_taken_by_whole_names(workspace: Path, toolbox: Toolbox) -> None:
    assert "def main()" in (await toolbox.call("read_file", {"path": str(workspace / "src" / "app.py")})).text
    for path in (
        workspace.parent / "ws-evil" / "x.txt",
        workspace.parent / "outside" / "secret.txt",
        workspace / ".env",
    ):
        await refusal_of(toolbox, str(path))


@needs_links
async def test_a_chain_of_links_ends_where_it_leads(workspace: Path, toolbox: Toolbox) -> None:
    os.symlink("../outside/secret.txt", workspace / "link_0")
    for number in range(1, 41):
        os.symlink(f"link_{number - 1}", workspace / f"link_{number}")
    await refusal_of(toolbox, "link_40")


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
async def test_system_trees_are_closed_even_where_everything_is_the_workspace() -> None:
    toolbox = Toolbox((Path("/"),))
    for path in ("/proc/self/environ", "proc/self/status", "sys/kernel/hostname", "dev/null"):
        await refusal_of(toolbox, path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
async def test_a_pipe_is_no_file(workspace: Path, toolbox: Toolbox) -> None:
    os.mkfifo(workspace / "pipe")
    await refusal_of(toolbox, "pipe")
    assert "pipe (link or special file, not followed)" in (await toolbox.call("list_files", {})).text


@pytest.mark.skipif(sys.platform == "win32", reason="such names can't be made on Windows")
async def test_a_file_name_can_not_forge_a_line(workspace: Path, toolbox: Toolbox) -> None:
    name = "a\n.env: readable \x1b[31m\u202e.py"
    (workspace / name).write_text("x = 1\n")
    listed = (await toolbox.call("list_files", {})).text
    assert "a\\u000a.env: readable \\u001b[31m\\u202e.py" in listed.splitlines()
    assert "\x1b" not in listed
    found = (await toolbox.call("search_text", {"pattern": "x = 1"})).text
    assert len(found.splitlines()) == 1
    outcome = await toolbox.call("read_file", {"path": name})
    assert outcome.text.splitlines()[1] == "1\tx = 1"
    assert outcome.summary.isprintable()


@needs_links
@pytest.mark.parametrize("swapped", ["file", "folder"])
async def test_a_link_put_in_place_while_a_file_is_opened_leaks_nothing(
    workspace: Path, toolbox: Toolbox, swapped: str
) -> None:
    """PATH-07 and PATH-08: a thread exchanges a file or the folder above it for a link, again and again."""
    (workspace / "race").mkdir()
    (workspace / "race" / "data.txt").write_text("harmless\n")
    outside = workspace.parent / "outside"
    (outside / "data.txt").write_text(OUTSIDE_CANARY)
    place, target = workspace / "race", outside
    if swapped == "file":
        place, target = place / "data.txt", target / "data.txt"
    aside, link, stop = workspace / "aside", workspace / "link_aside", threading.Event()

    def swap() -> None:
        while not stop.is_set():
            os.symlink(target, link)
            os.rename(place, aside)
            os.rename(link, place)
            os.rename(place, link)
            os.rename(aside, place)
            os.unlink(link)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        tries = 100_000 if os.environ.get("MISSY_SOAK") else 1_500
        outcomes = [toolbox._run("read_file", {"path": "race/data.txt"}, {}) for _ in range(tries)]
    finally:
        stop.set()
        thread.join()
    assert not [outcome for outcome in outcomes if OUTSIDE_CANARY in outcome.text]
    assert [outcome for outcome in outcomes if "harmless" in outcome.text]


@pytest.mark.parametrize(
    "path",
    [*SECRETS, ".ENV", "\uff0eenv", ".e\u200bnv", ".env.", ".git/hooks/x", "a/.GIT/config", "Id_Rsa", "x.PEM",
     "id_work"],
    ids=ascii,
)  # fmt: skip
def test_secrets_are_known_by_name_however_it_is_written(path: str) -> None:
    assert is_secret(tuple(path.split("/")))


@pytest.mark.parametrize(
    "path",
    ["environment.py", "id_map.py", "keys.py", "monkey.py", ".github/workflows/ci.yml", ".gitignore", "src/env/x.py",
     "pem.md", "secrets.py", "config.json", ".vscode/settings.json", "src/missy/config.yaml", "docker/config.json"],
)  # fmt: skip
def test_ordinary_files_are_no_secrets(path: str) -> None:
    assert not is_secret(tuple(path.split("/")))


@pytest.mark.parametrize(
    "name", ["x.txt::$DATA", "CON", "con.txt", "a. ", "a.", "PROGRA~1", "NUL", "com1.log", "LPT²", "C:x"]
)
def test_names_that_windows_takes_for_something_else_are_known(name: str) -> None:
    assert is_windows_unsafe(name)
    assert not is_windows_unsafe("console.py")


@pytest.mark.parametrize(
    ("pattern", "path", "hidden"),
    [
        ("*.py[cod]", "a/b.pyc", True),
        ("a*b*c*d", "a_b_other", True),
        ("a*b*c*d", "x", False),
        ("!a*b*c*d", "a_b_c_d", False),
        ("a/**/b/**/c/**/d", "a/x", True),
        ("[", "[", False),
        ("\\", "x", False),
        ("x" * 300, "x" * 300, False),
    ],
)
def test_patterns_are_bounded_to_broader_ones(pattern: str, path: str, hidden: bool) -> None:
    spec = glob_spec([pattern])
    assert (spec is not None and spec.match_file(path)) == hidden


def test_hostile_patterns_take_no_time() -> None:
    spec = glob_spec(["*a*a*a*a*a*a*a*a*a*b"] * 10_000 + ["**/" * 60 + "x", "a" * 10_000])
    assert spec is not None
    assert not spec.match_file("b" * 250)


@pytest.mark.parametrize("user_glob", ["src/", "*.py", "/src/app.py", "app.py"])
async def test_a_repository_brings_nothing_back_that_the_user_hides(workspace: Path, user_glob: str) -> None:
    (workspace / ".gitignore").write_text("!src/\n!*.py\n!/src/app.py\n!**\n")
    (workspace / ".missyignore").write_text("!src/\n!*.py\n!/src/app.py\n!**\n")
    await refusal_of(Toolbox((workspace,), (user_glob,)), "src/app.py")
