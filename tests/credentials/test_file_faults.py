"""A disk that fails, a process that dies and writers that come all at once: the vault is whole afterwards."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from missy_lsp.credentials.file_store import FileStore
from missy_lsp.errors import CredentialError
from missy_lsp.secret import Secret

OLD = Secret("sk-ant-api03-FAKE-old")
NEW = Secret("sk-ant-api03-FAKE-new")
posix_only = pytest.mark.skipif(os.name != "posix", reason="system calls as POSIX has them")
# What a write goes through; each can fail, and a process can die at each.
CALLS = ("open", "fsync", "replace", "mkdir", "chmod", "close")


class Counted:
    """Let the n-th call of any of `CALLS` below a folder end in `disaster`, and count them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int, disaster: Callable[[], None]) -> None:
        self.made = 0
        self._at = at
        self._disaster = disaster
        for name in CALLS:
            monkeypatch.setattr(os, name, self._counting(getattr(os, name)))

    def _counting(self, call: Callable[..., object]) -> Callable[..., object]:
        def counted(*arguments: object, **options: object) -> object:
            self.made += 1
            if self.made == self._at:
                self._disaster()
            return call(*arguments, **options)

        return counted


def out_of_space() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("is_filled", [True, False], ids=["an old vault", "no vault yet"])
def test_a_full_disk_at_any_step_leaves_the_old_or_the_new(tmp_path: Path, is_filled: bool) -> None:
    steps = 0
    told: list[str] = []
    while True:
        steps += 1
        home = tmp_path / str(steps)
        home.mkdir()
        store = FileStore(home / ".missy" / "secrets")
        if is_filled:
            store.set("key", OLD)
        with pytest.MonkeyPatch.context() as patched:
            counted = Counted(patched, steps, out_of_space)
            try:
                store.set("key", NEW)
            except CredentialError as error:
                told.append(error.message)
        kept = FileStore(home / ".missy" / "secrets").get("key")
        assert kept in ((OLD, NEW) if is_filled else (None, NEW))
        store.set("key", NEW)  # and it can be mended by trying again
        assert store.get("key") == NEW
        if counted.made < steps:
            break
    assert len(told) >= 5, "the failing calls were not the ones that a write makes"
    assert not [message for message in told if "No space left" not in message or "FAKE" in message]


@posix_only
def test_a_process_killed_at_any_step_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    program = """
import os, sys
from pathlib import Path
from missy_lsp.credentials.file_store import FileStore
from missy_lsp.secret import Secret
import filelock, cryptography.hazmat.primitives.ciphers.aead

folder, calls, step = Path(sys.argv[1]), sys.argv[2].split(","), 0
while True:
    step += 1
    home = folder / str(step)
    home.mkdir()
    store = FileStore(home / "secrets")
    if step % 2:
        store.set("key", Secret("old"))
    child = os.fork()
    if not child:
        made = 0
        def counting(call):
            def counted(*arguments, **options):
                global made
                made += 1
                if made == step // 2:
                    os.kill(os.getpid(), 9)
                return call(*arguments, **options)
            return counted
        for name in calls:
            setattr(os, name, counting(getattr(os, name)))
        store.set("key", Secret("new"))
        os._exit(0)
    died = os.waitpid(child, 0)[1] != 0
    found = store.get("key")
    assert found in ((Secret("old"), Secret("new")) if step % 2 else (None, Secret("new"))), (step, found)
    store.set("key", Secret("new"))
    assert store.get("key") == Secret("new")
    if not died and step > 2:
        print(step)
        break
"""
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, str(tmp_path), ",".join(CALLS)], capture_output=True, text=True
    )
    assert run.stderr == ""
    assert int(run.stdout) > 10


@posix_only
def test_a_disk_that_fills_in_the_middle_of_a_file_leaves_no_half(tmp_path: Path) -> None:
    program = """
import resource, sys
from pathlib import Path
from missy_lsp.credentials.file_store import FileStore
from missy_lsp.errors import CredentialError
from missy_lsp.secret import Secret
store = FileStore(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (10, resource.RLIM_INFINITY))
try:
    store.set("key", Secret("new"))
except CredentialError as error:
    print(error.message.startswith(sys.argv[1]), store.get("key"))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
store.set("key", Secret("new"))
print(store.get("key").reveal())
"""
    run = subprocess.run([sys.executable, "-c", program, str(tmp_path / "secrets")], capture_output=True, text=True)
    assert (run.stdout, run.stderr) == ("True None\nnew\n", "")


@pytest.fixture
def without_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    def flock(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(fcntl, "flock", flock)


@posix_only
@pytest.mark.usefixtures("without_locks")
@pytest.mark.filterwarnings("ignore:flock not supported")
def test_without_file_locks_nothing_is_stored_and_nothing_stays_locked(folder: Path) -> None:
    store = FileStore(folder)
    for _ in range(2):
        with pytest.raises(CredentialError, match="no file locks"):
            store.set("key", NEW)
    assert not [path for path in folder.iterdir() if path.name.startswith("vault.enc")]
    assert store.get("key") is None


def test_a_lock_that_an_older_filelock_refuses_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import filelock

    def acquire(*arguments: object, **options: object) -> None:
        raise NotImplementedError("FileSystem does not appear to support flock")

    monkeypatch.setattr(filelock.FileLock, "acquire", acquire)
    with pytest.raises(CredentialError, match="no file locks"):
        FileStore(folder).set("key", NEW)


def test_a_vault_that_somebody_holds_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import filelock

    monkeypatch.setattr("missy_lsp.credentials.private_files.LOCK_TIMEOUT_S", 0.02)
    store = FileStore(folder)
    store.set("key", OLD)
    with filelock.FileLock(folder / "vault.lock"), pytest.raises(CredentialError, match="Another process holds"):
        store.set("key", NEW)
    assert store.get("key") == OLD


def test_thirty_threads_in_each_of_two_processes_lose_nothing(folder: Path) -> None:
    program = """
import sys, threading
from pathlib import Path
from missy_lsp.credentials.file_store import FileStore
from missy_lsp.secret import Secret
folder, name = Path(sys.argv[1]), sys.argv[2]
begin = threading.Barrier(30)
def write(number):
    begin.wait()
    FileStore(folder).set(f"{name}-{number}", Secret(f"{name}-value-{number}"))
threads = [threading.Thread(target=write, args=(number,)) for number in range(30)]
sys.stdin.readline()
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(folder), name],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in ("one", "two")
    ]
    for writer in writers:
        assert writer.stdin
        writer.stdin.write("go\n")
        writer.stdin.flush()
    assert [writer.communicate()[1] for writer in writers] == ["", ""]
    store = FileStore(folder)
    expected = {f"{name}-{number}": f"{name}-value-{number}" for name in ("one", "two") for number in range(30)}
    assert {name: store.get(name) for name in store.names()} == {n: Secret(v) for n, v in expected.items()}


def test_threads_that_delete_and_write_do_not_disturb_each_other(folder: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    store = FileStore(folder)
    for number in range(10):
        store.set(f"old-{number}", OLD)
    with ThreadPoolExecutor(20) as pool:
        deleted = [pool.submit(store.delete, f"old-{number}") for number in range(10)]
        written = [pool.submit(store.set, f"new-{number}", NEW) for number in range(10)]
        assert all(future.result() for future in deleted)
        assert [future.result() for future in written] == [None] * 10
    assert store.names() == tuple(f"new-{number}" for number in range(10))


def test_the_index_of_names_survives_writers_that_come_together(folder: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from missy_lsp.credentials.name_index import NameIndex

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda number: NameIndex(folder).add(f"name-{number}"), range(20)))
    assert json.loads((folder / "index.json").read_bytes()) == sorted(f"name-{number}" for number in range(20))
