from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from missy_lsp.credentials.file_store import FileStore
from missy_lsp.errors import CredentialError
from missy_lsp.secret import Secret

KEY = "sk-ant-api03-FAKE-canary-5f1d"
posix_only = pytest.mark.skipif(os.name != "posix", reason="permissions and links as POSIX has them")


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


@pytest.fixture
def store(folder: Path) -> FileStore:
    return FileStore(folder)


@pytest.fixture
def filled(store: FileStore) -> FileStore:
    store.set("anthropic_api_key", Secret(KEY))
    return store


def test_a_secret_comes_back_until_it_is_deleted(store: FileStore) -> None:
    assert store.get("one") is None
    store.set("one", Secret(KEY))
    store.set("two", Secret("other"))
    assert store.get("one") == Secret(KEY)
    assert store.names() == ("one", "two")
    assert store.delete("one") is True
    assert store.delete("one") is False
    assert store.get("one") is None
    assert store.get("two") == Secret("other")


def test_looking_creates_nothing(store: FileStore, folder: Path) -> None:
    assert (store.get("one"), store.names(), store.delete("one")) == (None, (), False)
    assert not folder.exists()


def test_the_assistant_can_read_what_is_written(filled: FileStore, folder: Path) -> None:
    key = (folder / "vault.key").read_bytes()
    blob = (folder / "vault.enc").read_bytes()
    assert len(key) == 32
    assert json.loads(ChaCha20Poly1305(key).decrypt(blob[:12], blob[12:], None)) == {"anthropic_api_key": KEY}


def test_what_the_assistant_wrote_is_read_and_kept(store: FileStore, folder: Path) -> None:
    key, nonce = os.urandom(32), os.urandom(12)
    # An umask of 022, as most have it: only the files are secret.
    folder.mkdir(mode=0o755)
    content = {"anthropic_api_key": KEY, "its own": {"nested": [1, "\ud800"]}}
    (folder / "vault.key").write_bytes(key)
    (folder / "vault.enc").write_bytes(nonce + ChaCha20Poly1305(key).encrypt(nonce, json.dumps(content).encode(), None))
    for name in ("vault.key", "vault.enc"):
        (folder / name).chmod(0o600)
    assert store.get("anthropic_api_key") == Secret(KEY)
    store.set("more", Secret("x"))
    assert store.names() == ("anthropic_api_key", "its own", "more")
    blob = (folder / "vault.enc").read_bytes()
    assert json.loads(ChaCha20Poly1305(key).decrypt(blob[:12], blob[12:], None)) == {**content, "more": "x"}
    with pytest.raises(CredentialError, match="not a text"):
        store.get("its own")


def test_no_two_writes_share_a_nonce(store: FileStore, folder: Path) -> None:
    nonces = set()
    for _ in range(5):
        store.set("one", Secret(KEY))
        nonces.add((folder / "vault.enc").read_bytes()[:12])
    assert len(nonces) == 5


@posix_only
def test_files_and_folder_are_private_under_any_umask(store: FileStore, folder: Path) -> None:
    earlier = os.umask(0)
    try:
        store.set("one", Secret(KEY))
    finally:
        os.umask(earlier)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.iterdir()]}
    assert modes == {"secrets": 0o700, "vault.enc": 0o600, "vault.key": 0o600, "vault.lock": 0o600}


@posix_only
def test_a_readable_folder_is_closed_at_the_next_write(filled: FileStore, folder: Path) -> None:
    folder.chmod(0o755)
    assert filled.get("anthropic_api_key") == Secret(KEY)
    filled.set("two", Secret(KEY))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_nothing_on_disk_holds_the_secret_in_plain(filled: FileStore, isolated_home: Path) -> None:
    filled.set("anthropic_api_key", Secret(KEY))
    for path in isolated_home.rglob("*"):
        if path.is_file():
            assert KEY.encode() not in path.read_bytes()
            assert b"canary" not in path.read_bytes()


def _mode(name: str, mode: int) -> Callable[[Path], None]:
    return lambda folder: (folder / name).chmod(mode)


def _symlink(name: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        (folder / name).rename(folder.parent / name)
        (folder / name).symlink_to(folder.parent / name)

    return spoil


def _folder_is_a_link(folder: Path) -> None:
    folder.rename(folder.parent / "elsewhere")
    folder.symlink_to(folder.parent / "elsewhere")


def _directory_in_place(name: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).mkdir()

    return spoil


def _fifo(folder: Path) -> None:
    (folder / "vault.enc").unlink()
    os.mkfifo(folder / "vault.enc", 0o600)


def _bytes(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes(change((folder / name).read_bytes())) and None


def _sealed(plain: bytes) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        key = (folder / "vault.key").read_bytes()
        (folder / "vault.enc").write_bytes(bytes(12) + ChaCha20Poly1305(key).encrypt(bytes(12), plain, None))

    return spoil


SPOILT = {
    "key readable by the group": (_mode("vault.key", 0o640), "chmod 600"),
    "key readable by all": (_mode("vault.key", 0o644), "chmod 600"),
    "vault readable by all": (_mode("vault.enc", 0o604), "chmod 600"),
    "folder writable by the group": (lambda folder: folder.chmod(0o770), "chmod 700"),
    "key is a symlink": (_symlink("vault.key"), "link"),
    "vault is a symlink": (_symlink("vault.enc"), "link"),
    "folder is a symlink": (_folder_is_a_link, "link"),
    "key has a hard link": (lambda folder: os.link(folder / "vault.key", folder / "copy"), "hard link"),
    "vault has a hard link": (lambda folder: os.link(folder / "vault.enc", folder / "copy"), "hard link"),
    "vault is a directory": (_directory_in_place("vault.enc"), "not a regular file"),
    "key is a directory": (_directory_in_place("vault.key"), "not a regular file"),
    "vault is a fifo": (_fifo, "not a regular file"),
    "vault is empty": (_bytes("vault.enc", lambda data: b""), "can't be decrypted"),
    "vault is cut in the nonce": (_bytes("vault.enc", lambda data: data[:7]), "can't be decrypted"),
    "vault is cut": (_bytes("vault.enc", lambda data: data[:-1]), "can't be decrypted"),
    "vault has a flipped bit": (
        _bytes("vault.enc", lambda data: data[:20] + bytes([data[20] ^ 1]) + data[21:]),
        "can't be decrypted",
    ),
    "vault is huge": (_bytes("vault.enc", lambda data: data + bytes(5_000_000)), "larger than"),
    "vault holds no object": (_sealed(b'["' + KEY.encode() + b'"]'), "can't be decrypted"),
    "vault holds no JSON": (_sealed(b"not json " + KEY.encode()), "can't be decrypted"),
    "vault holds no UTF-8": (_sealed(b"\xff\xfe\xfd" + KEY.encode()), "can't be decrypted"),
    "vault is nested too deep": (_sealed(b"[" * 100_000), "can't be decrypted"),
    "key is missing": (lambda folder: (folder / "vault.key").unlink(), "is missing"),
    "key is short": (_bytes("vault.key", lambda data: data[:31]), "31 bytes"),
    "key is empty": (_bytes("vault.key", lambda data: b""), "0 bytes"),
    "key is long": (_bytes("vault.key", lambda data: data + b"\n"), "larger than 32"),
    "key is another": (_bytes("vault.key", lambda data: bytes(32)), "can't be decrypted"),
}


@posix_only
@pytest.mark.parametrize(("spoil", "told"), SPOILT.values(), ids=SPOILT.keys())
def test_a_spoilt_vault_is_told_and_left_as_it_is(
    filled: FileStore, folder: Path, spoil: Callable[[Path], None], told: str
) -> None:
    spoil(folder)
    before = files(folder)
    for use in (
        lambda: filled.get("anthropic_api_key"),
        lambda: filled.set("anthropic_api_key", Secret("sk-ant-api03-FAKE-new")),
        lambda: filled.delete("anthropic_api_key"),
        filled.names,
    ):
        with pytest.raises(CredentialError, match=told) as caught:
            use()
        shown = "".join(traceback.format_exception(caught.value)) + repr(_chain(caught.value))
        assert "canary" not in shown
    assert files(folder) == before


def _chain(error: BaseException | None) -> list[object]:
    """Everything that hangs on an exception, also what `from None` only hides."""
    found: list[object] = []
    while error is not None:
        found += [error, error.args, vars(error)]
        found += [getattr(error, name, None) for name in ("doc", "object")]
        error = error.__cause__ or error.__context__
    return found


@posix_only
@pytest.mark.skipif(os.name == "posix" and os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("name", ["vault.key", "vault.enc", ""], ids=["key", "vault", "folder"])
def test_what_belongs_to_another_user_is_refused(filled: FileStore, folder: Path, name: str) -> None:
    os.chown(folder / name, 12345, -1)
    with pytest.raises(CredentialError, match="another user"):
        filled.get("anthropic_api_key")
    with pytest.raises(CredentialError, match="another user"):
        filled.set("anthropic_api_key", Secret(KEY))


def test_a_file_where_the_folder_should_be_is_told(store: FileStore, folder: Path) -> None:
    folder.write_text("mine")
    with pytest.raises(CredentialError, match="no folder is in its place"):
        store.set("one", Secret(KEY))
    assert folder.read_text() == "mine"


def test_a_home_that_does_not_exist_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(CredentialError, match="can't be created"):
        FileStore(tmp_path / "nobody" / ".missy" / "secrets").set("one", Secret(KEY))
    assert not (tmp_path / "nobody").exists()


def test_a_key_that_a_crash_left_empty_is_made_anew(store: FileStore, folder: Path) -> None:
    folder.mkdir(mode=0o700)
    (folder / "vault.key").touch(0o600)
    store.set("one", Secret(KEY))
    assert store.get("one") == Secret(KEY)


def test_a_key_whose_vault_was_never_written_is_used(store: FileStore, folder: Path) -> None:
    folder.mkdir(mode=0o700)
    (folder / "vault.key").touch(0o600)
    (folder / "vault.key").write_bytes(b"k" * 32)
    store.set("one", Secret(KEY))
    assert (folder / "vault.key").read_bytes() == b"k" * 32


def test_what_a_crash_left_is_removed_at_the_next_write(filled: FileStore, folder: Path) -> None:
    (folder / ".vault.enc.abc123").write_bytes(b"half")
    filled.set("two", Secret(KEY))
    assert set(files(folder)) == {"vault.key", "vault.enc", "vault.lock"}


def test_a_vault_that_could_not_be_read_again_is_not_written(filled: FileStore, folder: Path) -> None:
    before = files(folder)
    with pytest.raises(CredentialError, match="full"):
        filled.set("two", Secret("x" * 5_000_000))
    assert files(folder) == before


def test_a_lock_file_of_a_dead_process_holds_nobody_up(filled: FileStore, folder: Path) -> None:
    program = (
        "import filelock, os, sys\n"
        "lock = filelock.FileLock(sys.argv[1]); lock.acquire(); print('held', flush=True); os._exit(9)\n"
    )
    died = subprocess.run([sys.executable, "-c", program, str(folder / "vault.lock")], capture_output=True, text=True)
    assert died.stdout == "held\n"
    filled.set("two", Secret(KEY))
    assert filled.get("two") == Secret(KEY)
