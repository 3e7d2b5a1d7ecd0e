"""PATH-23: whatever path is written, what is read lies in the workspace and is no secret."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from missy_lsp.features.replies import path_fault
from missy_lsp.tools.locating import locations_of, open_file
from missy_lsp.tools.overlay import Overlay
from missy_lsp.tools.rules import is_secret
from missy_lsp.tools.toolbox import Toolbox
from tests.support.workspace import INSIDE_CANARY, OUTSIDE_CANARY, needs_links, write

CASES = 1_000_000 if os.environ.get("MISSY_SOAK") else 10_000
PARTS = (
    "..", ".", "", "src", "a.py", "deep", "b.py", ".env", ".ENV", "secret.txt", "outside", "ws", "ws-evil", "to_root",
    "to_up", "to_env", "to_outside", "to_src", "to_loop", "to_deep_up", ".git", "config", "build", "...", "~", "%2e%2e",
    "a.py ", "to_src_link", "*", "\\", "..\\", ".env\0", "to_root_tmp", "proc", "self", "cwd", "root", "environ", "x",
    "id_rsa",
)  # fmt: skip


@pytest.fixture(scope="module")
def tree() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        base = Path(os.path.realpath(name))
        folder = base / "ws"
        write(base / "outside" / "secret.txt", OUTSIDE_CANARY)
        write(base / "ws-evil" / "a.py", OUTSIDE_CANARY)
        for path in ("src/a.py", "src/deep/b.py", "a.py", "x"):
            write(folder / path, "harmless\n")
        for path in (".env", "src/.env", ".git/config", "id_rsa", "build/a.py", "src/deep/secret.txt"):
            write(folder / path, INSIDE_CANARY)
        write(folder / ".gitignore", "build\n")
        write(folder / "src" / ".gitignore", "secret.txt\n")
        links = {
            "to_root": "/", "to_up": "..", "to_env": ".env", "to_outside": "../outside", "to_src": "src",
            "to_loop": "to_loop", "to_build": "build/a.py",
            "src/to_deep_up": "deep/../..", "to_src_link": "to_src", "to_root_tmp": str(base),
            "src/deep/to_env": "../../to_env", "src/to_up": "..",
        }  # fmt: skip
        for link, target in links.items():
            os.symlink(target, folder / link)
        yield folder


KNOWN = ("src/a.py", "a.py", "src/deep/b.py", "to_src/a.py", "src/to_up/a.py", "x", ".env", "to_env")
ODD = "\0\n\r\t .~*?:<>|\"'$%/\\aéß漢\u202e\u200b\ufeff\ud800\U0001f600"


def paths(tree: Path, count: int) -> Iterator[str]:
    """Yield paths of parts that lead somewhere, odd ones among them; the same ones each time."""
    random = Random(count)
    starts = ["", "", "", "./", "../", "../ws/", "/", f"{tree}/", f"{tree.parent}/", "~/", "to_root_tmp/ws/"]
    middles = ["", "", "src/../", "to_src/"]
    for _ in range(count):
        if random.random() < 0.3:
            end = random.choice(KNOWN)
        else:
            parts = random.choices(PARTS, k=random.randrange(5))
            if parts and random.random() < 0.2:
                parts[random.randrange(len(parts))] = "".join(random.choices(ODD, k=random.randrange(1, 5)))
            end = "/".join(parts)
        yield random.choice(starts) + random.choice(middles) + end


@needs_links
def test_a_path_never_leads_out_or_to_a_secret(tree: Path) -> None:
    read = 0
    for path in paths(tree, CASES):
        for location in locations_of(path, (tree,), ()):
            real = Path(os.path.realpath(location.path))
            assert real == location.path, path
            assert real == tree or tree in real.parents, path
            assert not is_secret(location.parts), path
            descriptor = open_file(location)
            if descriptor is None:
                continue
            with os.fdopen(descriptor, "rb") as file:
                assert os.path.samestat(os.fstat(file.fileno()), real.stat()), path
                assert file.read() in (b"harmless\n", b"build\n", b"secret.txt\n"), path
            read += 1
    assert read >= CASES / 100, "the paths that may be read were hardly tried"


@needs_links
def test_no_tool_shows_a_secret_for_any_path(tree: Path) -> None:
    toolbox = Toolbox((tree,))
    for path in paths(tree, CASES // 20):
        for name, arguments in (("read_file", {}), ("list_files", {}), ("search_text", {"pattern": "CANARY"})):
            outcome = toolbox._run(name, {"path": path, **arguments}, {})
            assert INSIDE_CANARY not in outcome.text, path
            assert OUTSIDE_CANARY not in outcome.text, path
            assert outcome.summary.isprintable(), path


@needs_links
def test_no_path_lets_an_edit_out_of_the_workspace_or_into_what_is_kept_back(tree: Path) -> None:
    edited = created = 0
    for path in paths(tree, CASES // 5):
        overlay = Overlay()
        toolbox = Toolbox((tree,), overlay=overlay)
        toolbox._run("edit_file", {"path": path, "old_text": "harmless", "new_text": "x"}, {})
        toolbox._run("edit_file", {"path": path, "old_text": "", "new_text": "x"}, {})
        for change in overlay.changes():
            real = Path(os.path.realpath(change.path))
            assert real == change.path, path
            assert tree in real.parents, path
            assert not is_secret(change.location.parts), path
            assert path_fault("/".join(change.location.parts)) is None, path
            assert change.location.parts[0] != "build", path
            assert change.before in ("harmless\n", None), path
            edited += change.before is not None
            created += change.before is None
    assert min(edited, created) >= CASES / 2000, "the paths that may be edited were hardly tried"
