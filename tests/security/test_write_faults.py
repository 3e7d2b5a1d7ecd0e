"""The n-th call of the system fails, for every n: each state file is the old one or the new one, and can be mended."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from missy_lsp.config.trust import TrustStore
from missy_lsp.credentials.file_store import FileStore
from missy_lsp.credentials.name_index import NameIndex
from missy_lsp.errors import MissyError
from missy_lsp.secret import Secret

CALLS = ("open", "write", "fsync", "replace", "rename", "mkdir", "chmod", "close", "unlink")
FAULTS = {"full": errno.ENOSPC, "read-only": errno.EROFS, "broken": errno.EIO}
MOST_STEPS = 60


@attrs.frozen
class StateFile:
    """How a state is put there in a folder, changed, and read; `safe` is one that is as good as the old one."""

    first: Callable[[Path], object]
    change: Callable[[Path], object]
    read: Callable[[Path], object]
    safe: object = None
    calls: tuple[str, ...] = CALLS


def _project(folder: Path, name: str) -> Path:
    project = folder / name
    project.mkdir(exist_ok=True)
    (project / "AGENTS.md").write_text("one", encoding="utf-8")
    return project


def _trust(folder: Path) -> TrustStore:
    return TrustStore(folder / ".missy" / "trust.json")


STATE_FILES = {
    "trust.json": StateFile(
        lambda folder: [_trust(folder).trust(_project(folder, name)) for name in "ab"],
        lambda folder: _trust(folder).refuse(folder / "b"),
        lambda folder: [_trust(folder).state(folder / name) for name in "ab"],
        ["trusted", "changed"],  # the folder's own file could not be read for its hash: the user is asked again
        tuple(call for call in CALLS if call != "close"),  # most are of files that were only read
    ),
    "vault.enc": StateFile(
        lambda folder: FileStore(folder / "secrets").set("key", Secret("sk-ant-api03-FAKE-old")),
        lambda folder: FileStore(folder / "secrets").set("key", Secret("sk-ant-api03-FAKE-new")),
        lambda folder: FileStore(folder / "secrets").get("key"),
    ),
    "index.json": StateFile(
        lambda folder: NameIndex(folder / "secrets").add("one"),
        lambda folder: NameIndex(folder / "secrets").add("two"),
        lambda folder: NameIndex(folder / "secrets").names(),
    ),
}


class Failing:
    """Let the n-th of some calls of the system fail, once, and count them."""

    def __init__(self, patched: pytest.MonkeyPatch, at: int, code: int, calls: tuple[str, ...]) -> None:
        self.made = 0
        self._at = at
        self._code = code
        for name in calls:
            patched.setattr(os, name, self._counting(name, getattr(os, name)))

    def _counting(self, name: str, call: Callable[..., object]) -> Callable[..., object]:
        def counted(*arguments: object, **options: object) -> object:
            self.made += 1
            if self.made == self._at:
                if name == "close":
                    call(*arguments, **options)  # a failing close has closed all the same
                raise OSError(self._code, os.strerror(self._code))
            return call(*arguments, **options)

        return counted


@pytest.mark.parametrize("code", FAULTS.values(), ids=FAULTS.keys())
@pytest.mark.parametrize("state", STATE_FILES.values(), ids=STATE_FILES.keys())
def test_a_failing_call_leaves_the_old_or_the_new_and_the_next_try_works(
    state: StateFile, code: int, tmp_path: Path
) -> None:
    reference = tmp_path / "reference"
    reference.mkdir()
    state.first(reference)
    old = state.read(reference)
    state.change(reference)
    new = state.read(reference)
    assert old != new
    for step in range(1, MOST_STEPS):
        folder = tmp_path / str(step)
        folder.mkdir()
        state.first(folder)
        with pytest.MonkeyPatch.context() as patched:
            failing = Failing(patched, step, code, state.calls)
            told = None
            try:
                state.change(folder)
            except MissyError as error:
                told = error.message
        assert state.read(folder) in (old, new, state.safe), f"torn at call {step}"
        assert told is None or ("FAKE" not in told and "Traceback" not in told)
        state.change(folder)
        assert state.read(folder) == new
        if failing.made < step:
            assert step > 4, "the failing calls are not the ones that a write makes"
            return
    pytest.fail("the write never passed untouched")


# In a process of its own, since the limit on the size of files holds for all of it. Below the limit a write fails in
# its middle, as on a disk that fills up.
FILLING = """
import itertools, json, resource, sys
from pathlib import Path
from missy_lsp.errors import MissyError
from missy_lsp.llm.ledger import Ledger, Spending
from missy_lsp.llm.types import Usage
from missy_lsp.config.trust import TrustStore
from missy_lsp.server.answer_documents import write_document
from missy_lsp.server.new_files import _write as write_new_file

TEXT = "a line of an answer\\n" * 1000
folder, limits = Path(sys.argv[1]), json.loads(sys.argv[2])
found = []

def attempt(change, limit):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        return change()
    except (MissyError, OSError) as error:
        return str(error)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

def spend(ledger):
    return ledger.record(Spending(1.0, "p", "m", "fast", "ask", "f", Usage(1, 1), 0.5))

for limit in limits:
    here = folder / str(limit)
    here.mkdir()
    ledger = Ledger(here / "state" / "ledger.sqlite")
    for _ in range(4):
        spend(ledger)
    fault = attempt(lambda: spend(ledger), limit)
    counts = [ledger.sums("model")[0].requests]
    again = spend(ledger)
    counts.append(ledger.sums("model")[0].requests)
    fresh = Ledger(here / "new" / "ledger.sqlite")
    attempt(lambda: spend(fresh), limit)
    fresh_again = spend(fresh)
    answer = {"id": "one", "text": TEXT, "model": "m", "tier": "fast", "complete": True}
    attempt(lambda: write_document(here / "answers", "Answer", "why?", answer), limit)
    new = here / "project" / "new.py"
    attempt(lambda: write_new_file(new.parent, new, TEXT), limit)
    sizes = {name: path.stat().st_size if path.exists() else None
             for name, path in (("answer", here / "answers" / "one.md"), ("new file", new))}
    found.append({"limit": limit, "fault": fault, "counts": counts, "again": again,
                  "fresh again": fresh_again, "sizes": sizes})
print(json.dumps(found))
"""
LIMITS = (0, 100, 4096, 12288, 10**8)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, object]]:
    if os.name != "posix":
        pytest.skip("needs a limit on the size of files")
    folder = tmp_path_factory.mktemp("filled")
    run = subprocess.run(
        [sys.executable, "-c", FILLING, str(folder), json.dumps(LIMITS)], capture_output=True, text=True, check=False
    )
    assert run.stderr == ""
    found = json.loads(run.stdout)
    assert isinstance(found, list)
    return found


def test_a_disk_that_fills_in_the_middle_of_the_ledger_loses_no_entry(filled: list[dict[str, object]]) -> None:
    for found in filled:
        recorded = 5 if found["fault"] is None else 4
        assert found["counts"] == [recorded, recorded + 1], found
        assert found["again"] is None, found
        assert found["fresh again"] is None, found
    assert [found["fault"] is None for found in filled][:: len(filled) - 1] == [False, True]


@pytest.mark.parametrize("name", ["answer", "new file"])
def test_a_disk_that_fills_in_the_middle_of_a_file_leaves_no_half_of_it(
    filled: list[dict[str, object]], name: str
) -> None:
    sizes = [found["sizes"][name] for found in filled]  # type: ignore[index]
    assert set(sizes) == {None, sizes[-1]}, f"half written: {dict(zip(LIMITS, sizes, strict=True))}"
