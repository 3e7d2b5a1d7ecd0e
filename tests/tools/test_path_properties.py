"""PATH-23: whatever path is written, what is read lies in the workspace and is no secret."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from missy_lsp.tools.locating import locations_of, open_file
from missy_lsp.tools.rules import is_secret
from missy_lsp.tools.toolbox import Toolbox
from tests.support.workspace import INSIDE_CANARY, OUTSIDE_CANARY, needs_links, write

CASES = 1_000_000 if os.environ.get("MISSY_SOAK") else 1_500
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


def paths(tree: Path) -> st.SearchStrategy[str]:
    part = st.one_of(*[st.sampled_from(PARTS)] * 9, st.text(max_size=4))
    known = st.sampled_from(
        ["src/a.py", "a.py", "src/deep/b.py", "to_src/a.py", "src/to_up/a.py", "x", ".env", "to_env"]
    )
    ends = st.one_of(known, st.lists(part, max_size=4).map("/".join))
    starts = st.sampled_from(
        ["", "", "", "./", "../", "../ws/", "/", f"{tree}/", f"{tree.parent}/", "~/", "to_root_tmp/ws/"]
    )
    return st.builds(
        lambda start, middle, end: start + middle + end, starts, st.sampled_from(["", "src/../", "to_src/"]), ends
    )


@needs_links
def test_a_path_never_leads_out_or_to_a_secret(tree: Path) -> None:
    read = 0

    @settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(paths(tree))
    def check(path: str) -> None:
        nonlocal read
        for location in locations_of(path, (tree,), ()):
            real = Path(os.path.realpath(location.path))
            assert real == location.path
            assert real == tree or tree in real.parents
            assert not is_secret(location.parts)
            descriptor = open_file(location)
            if descriptor is None:
                continue
            with os.fdopen(descriptor, "rb") as file:
                assert os.path.samestat(os.fstat(file.fileno()), real.stat())
                assert file.read() in (b"harmless\n", b"build\n", b"secret.txt\n")
            read += 1

    check()
    assert read >= 5, "the paths that may be read were never tried"


@needs_links
def test_no_tool_shows_a_secret_for_any_path(tree: Path) -> None:
    toolbox = Toolbox((tree,))

    @settings(max_examples=CASES // 10, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(paths(tree))
    def check(path: str) -> None:
        for name, arguments in (("read_file", {}), ("list_files", {}), ("search", {"pattern": "CANARY"})):
            outcome = toolbox._run(name, {"path": path, **arguments}, {})
            assert INSIDE_CANARY not in outcome.text
            assert OUTSIDE_CANARY not in outcome.text
            assert outcome.summary.isprintable()

    check()
