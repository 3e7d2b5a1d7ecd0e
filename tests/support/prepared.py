"""Servers and commands forked from a process that has imported everything already.

Importing the SDK costs a second and more of CPU, and the tests start some two hundred servers. Each one is still a
process of its own with streams of its own and runs the whole of `missy-lsp` or `missy`; only the interpreter's start
and the imports are shared. What depends on these is tested with the installed program.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import subprocess
import sys
from multiprocessing import reduction
from pathlib import Path

_IMPORTED = ["anthropic", "missy_lsp.cli.lsp", "missy_lsp.server.main", "missy_lsp.server.connection"]
_CONTEXT = None if os.name == "nt" else multiprocessing.get_context("forkserver")


class PreparedProcess:
    """A running server, or `missy` at a terminal; a part of what `subprocess.Popen` has, with the same meaning."""

    def __init__(
        self, arguments: list[str], env: dict[str, str], cwd: Path | None = None, terminal: int | None = None
    ) -> None:
        assert _CONTEXT is not None
        _CONTEXT.set_forkserver_preload(_IMPORTED)
        pipes = [os.pipe() for _ in range(3)]
        theirs = [pipes[0][0], pipes[1][1], pipes[2][1]]
        standard = theirs if terminal is None else [terminal, pipes[1][1], terminal]
        program = "missy-lsp" if terminal is None else "missy"
        self._process = _CONTEXT.Process(
            target=_run, args=(_Streams(standard), [program, *arguments], env, str(cwd or Path.cwd())), daemon=True
        )
        self._process.start()
        for descriptor in theirs:
            os.close(descriptor)
        self.stdin = os.fdopen(pipes[0][1], "wb")
        self.stdout = os.fdopen(pipes[1][0], "rb")
        self.stderr = os.fdopen(pipes[2][0], "rb")
        self.pid = self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def __enter__(self) -> PreparedProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self.wait()
        for stream in (self.stdin, self.stdout, self.stderr):
            stream.close()

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired("missy-lsp", timeout or 0)
        return code

    def kill(self) -> None:
        self._process.kill()


class _Streams:
    """Three descriptors on their way into a process that is being started."""

    def __init__(self, descriptors: list[int]) -> None:
        self._descriptors = descriptors

    def __getstate__(self) -> object:
        return [reduction.DupFd(descriptor) for descriptor in self._descriptors]

    def __setstate__(self, sent: list[object]) -> None:
        self._descriptors = [one.detach() for one in sent]  # type: ignore[attr-defined]

    def become_standard(self) -> None:
        for number, descriptor in enumerate(self._descriptors):
            os.dup2(descriptor, number)
            os.close(descriptor)
        sys.stdin = io.TextIOWrapper(os.fdopen(0, "rb", closefd=False))
        sys.stdout = io.TextIOWrapper(os.fdopen(1, "wb", closefd=False))
        sys.stderr = io.TextIOWrapper(os.fdopen(2, "wb", closefd=False), line_buffering=True)


def _run(streams: _Streams, command: list[str], env: dict[str, str], cwd: str) -> None:
    streams.become_standard()
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = command
    from missy_lsp.__main__ import run_missy, run_server

    sys.exit(run_server() if command[0] == "missy-lsp" else run_missy())
