"""A real Emacs in batch mode, with the language clients that the machine has."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

PLUGIN = Path(__file__).parents[2] / "editors" / "emacs" / "missy.el"
CLIENT_PACKAGES = Path("/usr/share/emacs/site-lisp/elpa-src")  # where Debian has them
# What each way of running Missy needs: `beside` is Eglot with another server, `own` no language client at all.
CLIENTS = {"eglot": "eglot-*", "lsp": "lsp-mode-*", "beside": "eglot-*", "own": ""}
MISSING = (
    "Emacs 28 with the clients Eglot and lsp-mode is not installed. On Debian and Ubuntu: "
    "apt-get install emacs-nox elpa-eglot elpa-lsp-mode elpa-markdown-mode"
)


def emacs() -> str | None:
    return shutil.which("emacs")


def has_client(client: str) -> bool:
    """Tell whether Emacs and the package of a client are there; `own` needs no package."""
    return emacs() is not None and (not CLIENTS[client] or any(CLIENT_PACKAGES.glob(CLIENTS[client])))


def batch(*arguments: str, env: Mapping[str, str] | None = None, timeout_s: float = 120) -> str:
    """Run Emacs without any configuration; return what it printed."""
    program = emacs()
    assert program is not None, MISSING
    done = subprocess.run(
        [program, "--batch", "-Q", *arguments],
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=timeout_s,
        check=False,
    )
    text = done.stdout.decode("utf-8", "replace")
    assert done.returncode == 0, text[-5000:]
    return text


def names_of_tests(file: Path) -> list[str]:
    """Return the names of the tests that an Emacs Lisp file defines."""
    return re.findall(r"^\(tests-define ([\w-]+)", file.read_text(encoding="utf-8"), re.MULTILINE)


def run_tests(file: Path, report: Path, env: Mapping[str, str]) -> dict[str, object]:
    """Run the tests of a file; return what each one came to: empty where it passed."""
    printed = batch("-l", str(file), env={**env, "MISSY_EMACS_REPORT": str(report)})
    assert report.exists(), printed[-5000:]
    outcomes = json.loads(report.read_text(encoding="utf-8"))
    assert isinstance(outcomes, dict)
    return outcomes
