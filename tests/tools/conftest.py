"""A workspace with everything in it that must not be read, beside a secret outside of it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from missy_lsp.tools.toolbox import Toolbox
from tests.support.workspace import INSIDE_CANARY, OUTSIDE_CANARY, SECRETS, write


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "ws"
    write(tmp_path / "outside" / "secret.txt", OUTSIDE_CANARY)
    write(tmp_path / "ws-evil" / "x.txt", OUTSIDE_CANARY)
    write(folder / "src" / "app.py", "import os\n\n\ndef main():\n    return os.name\n")
    write(folder / "src" / "deep" / "util.py", "def helper():\n    return 1\n")
    write(folder / "README.md", "# A project\n")
    write(folder / ".gitignore", "build/\n*.log\n!kept.log\n")
    write(folder / ".missyignore", "private/\n")
    write(folder / "src" / ".gitignore", "generated_*.py\n")
    for name in ("build/out.py", "debug.log", "private/notes.md", "src/generated_a.py", "docs/internal.md"):
        write(folder / name, INSIDE_CANARY)
    write(folder / "kept.log", "kept\n")
    for name in SECRETS:
        write(folder / name, INSIDE_CANARY)
    if sys.platform != "win32":
        for name, target in {
            "notes.txt": ".env",
            "leak.txt": "../outside/secret.txt",
            "everything": "/",
            "up": "..",
            "loop": "loop",
            "code": "src/app.py",
            "code_folder": "src",
            "environment": "/proc/self/environ",
            "hidden_by_ignore": "build/out.py",
        }.items():
            os.symlink(target, folder / name)
    return folder


@pytest.fixture
def toolbox(workspace: Path) -> Toolbox:
    return Toolbox((workspace,), ("docs/",), dict)
