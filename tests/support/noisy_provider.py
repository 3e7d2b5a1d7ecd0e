"""A provider as a careless plugin brings it: it prints everywhere, starts processes and ends the interpreter.

Copied beside an entry point of its own by `install`, and loaded by the real server.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import sys
from pathlib import Path

from missy_lsp.llm.providers.base import OnEvent
from missy_lsp.llm.providers.offline import OfflineProvider
from missy_lsp.llm.types import ModelRequest, TurnEnd
from missy_lsp.secret import Secret

_CHILD = "import os, sys; print('of a child'); print(len(sys.stdin.read()), *sorted(os.listdir('/proc/self/fd')))"


def make_noise(size: int = 1) -> None:
    """Write `size` bytes or more by every way there is."""
    print("stray" * size)
    sys.__stdout__.write("stray" * size)  # type: ignore[union-attr]
    sys.__stdout__.flush()  # type: ignore[union-attr]
    for descriptor in (1, 2):
        with contextlib.suppress(BlockingIOError):  # which native code would not even look at
            os.write(descriptor, b"stray" * size)
    if os.name == "posix":
        native = ctypes.CDLL(None)
        native.puts(b"stray")
        native.fflush(None)


class NoisyProvider(OfflineProvider):
    """Answer as the offline provider does, with noise; some prompts make it do worse."""

    name = "noisy"

    async def stream(self, request: ModelRequest, key: Secret | None, on_event: OnEvent) -> TurnEnd:
        question = str(request.prompt.messages[-1])
        make_noise(1_000_000 if "loudly" in question else 1)
        if "with a child" in question:
            subprocess.run([sys.executable, "-c", _CHILD], check=True, timeout=20)
        if "leave" in question:
            sys.exit(3)
        if "interrupt" in question:
            raise KeyboardInterrupt
        if "exhaust" in question:
            raise RecursionError("sk-ant-CANARY")
        return await super().stream(request, key, on_event)


def install(folder: Path) -> dict[str, str]:
    """Install this file as a distribution below `folder`; return the environment that finds it."""
    information = folder / "noisy-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: noisy\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[missy_lsp.providers]\nnoisy = noisy_provider:NoisyProvider\n")
    (folder / "noisy_provider.py").write_text(Path(__file__).read_text(encoding="utf-8"), encoding="utf-8")
    before = os.environ.get("PYTHONPATH")
    return {"PYTHONPATH": os.pathsep.join([str(folder), before] if before else [str(folder)])}


make_noise()
