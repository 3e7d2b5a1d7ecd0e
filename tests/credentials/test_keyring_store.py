from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import traceback
from pathlib import Path

import pytest
from keyring.backend import KeyringBackend

from missy_lsp.credentials.keyring_store import ALLOWED_BACKENDS, KeyringFault, KeyringStore
from missy_lsp.secret import Secret
from tests.credentials.conftest import Clock
from tests.support import keyrings

KEY = Secret("sk-ant-api03-FAKE-canary-77aa")


def store_of(
    *backends: type[KeyringBackend], clock: Clock | None = None, limit_s: float = 20, **environ: str
) -> KeyringStore:
    return KeyringStore(
        keyrings.allowed(*backends),
        environ=environ,
        clock=clock or Clock(),
        call_limit_s=limit_s,
        prompt_limit_s=limit_s,
    )


def test_a_secret_comes_back_until_it_is_deleted() -> None:
    store = store_of(keyrings.Memory)
    assert store.get("one") is None
    store.set("one", KEY)
    assert store.get("one") == KEY
    assert keyrings.Memory.held == {("missy", "one"): KEY.reveal()}
    assert (store.delete("one"), store.delete("one")) == (True, False)
    assert store.get("one") is None


def test_the_best_of_the_allowed_keyrings_serves() -> None:
    assert store_of(keyrings.Memory, keyrings.Preferred).description() == "the Preferred keyring"
    assert store_of(keyrings.NotHere, keyrings.Memory).description() == "the Memory keyring"


def test_every_allowed_backend_exists_in_the_installed_package() -> None:
    import importlib

    for path in ALLOWED_BACKENDS:
        module, _, name = path.rpartition(".")
        assert issubclass(getattr(importlib.import_module(module), name), KeyringBackend)
    assert not [path for path in ALLOWED_BACKENDS if "null" in path or "fail" in path or "chainer" in path]


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"},
        {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"},
        {"PYTHON_KEYRING_BACKEND": "tests.support.keyrings.PlainTextFile"},
        {"PYTHON_KEYRING_BACKEND": "no.such.module"},
    ],
    ids=["installed only", "null", "fail", "plain text by environment", "missing module"],
)
def test_a_look_alike_is_never_used(
    environ: dict[str, str], isolated_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    # It would be chosen by a program that takes what the keyring package finds best.
    assert keyrings.PlainTextFile.viable
    store = KeyringStore(environ=environ)
    for use in (lambda: store.set("one", KEY), lambda: store.get("one"), store.description):
        with pytest.raises(KeyringFault) as caught:
            use()
        assert caught.value.absent
        assert ("PYTHON_KEYRING_BACKEND" in caught.value.message) == bool(environ)
    assert not list(isolated_home.rglob("*.cfg"))


def test_the_environment_may_choose_among_the_allowed() -> None:
    path = "tests.support.keyrings.Memory"
    store = store_of(keyrings.Memory, keyrings.Preferred, PYTHON_KEYRING_BACKEND=path)
    assert store.description() == "the Memory keyring"


def test_the_keyring_configuration_file_adds_no_folder_to_the_path(
    isolated_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evil = isolated_home / "workspace"
    evil.mkdir()
    (evil / "evil.py").write_text("raise SystemExit('run')")
    settings = isolated_home / ".local" / "share" / "python_keyring" / "keyringrc.cfg"
    for path in (settings, isolated_home / ".config" / "python_keyring" / "keyringrc.cfg"):
        path.parent.mkdir(parents=True)
        path.write_text(f"[backend]\ndefault-keyring=evil.Keyring\nkeyring-path={evil}\n")
    before = list(sys.path)
    store_of(keyrings.Memory).set("one", KEY)
    assert sys.path == before


@pytest.mark.parametrize(
    ("backend", "told"),
    [
        (keyrings.Forgetful, "did not give it back"),
        (keyrings.Lying, "did not give it back"),
        (keyrings.Locked, "the Locked keyring is locked"),
        (keyrings.WriteProtected, "the WriteProtected keyring failed (OSError)"),
        (keyrings.Talkative, "the Talkative keyring failed (DriverError)"),
        (keyrings.Hanging, "did not answer within 0.05 s"),
        (keyrings.HangingProbe, "did not answer within 0.05 s"),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_a_keyring_that_does_not_keep_a_secret_is_told(backend: type[KeyringBackend], told: str) -> None:
    store = store_of(backend, limit_s=0.05 if "Hanging" in backend.__name__ else 20)
    with pytest.raises(KeyringFault) as caught:
        store.set("one", KEY)
    assert told in caught.value.message
    assert not caught.value.absent
    assert "canary" not in "".join(traceback.format_exception(caught.value))
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_a_keyring_that_failed_is_asked_again_after_a_minute(clock: Clock) -> None:
    store = store_of(keyrings.Hanging, clock=clock, limit_s=0.02)
    for _ in range(5):
        with pytest.raises(KeyringFault, match="did not answer"):
            store.get("one")
    assert keyrings.Hanging.calls == ["one"]
    keyrings.Hanging.let_go.set()
    clock.now_s += 59
    with pytest.raises(KeyringFault, match="did not answer"):
        store.get("one")
    clock.now_s += 2
    assert store.get("one") is None
    assert keyrings.Hanging.calls == ["one", "one"]


def test_a_machine_without_a_keyring_is_looked_at_again_after_a_minute(clock: Clock) -> None:
    backends = keyrings.allowed()
    store = KeyringStore(backends, environ={}, clock=clock)
    with pytest.raises(KeyringFault) as caught:
        store.get("one")
    assert caught.value.absent
    backends.update(keyrings.allowed(keyrings.Memory))  # it was started
    with pytest.raises(KeyringFault):
        store.get("one")
    clock.now_s += 61
    assert store.get("one") is None


def test_waiting_for_a_keyring_holds_up_no_exit() -> None:
    store = store_of(keyrings.Hanging, limit_s=0.02)
    with pytest.raises(KeyringFault):
        store.get("one")
    waiting = [thread for thread in threading.enumerate() if thread.name == "missy-keyring" and not thread.daemon]
    assert waiting == []


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="a message bus is a Unix socket")
def test_a_message_bus_that_never_answers_costs_its_limit_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket is at most 108 bytes
    with socket.socket(socket.AF_UNIX) as bus:
        bus.bind("bus")
        bus.listen()
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=bus")
        path = "keyring.backends.SecretService.Keyring"
        store = KeyringStore({path: ALLOWED_BACKENDS[path]}, environ={}, call_limit_s=0.3)
        with pytest.raises(KeyringFault, match=r"did not answer within 0\.3 s") as caught:
            store.get("one")
        assert not caught.value.absent


@pytest.mark.skipif(shutil.which("dbus-run-session") is None, reason="needs dbus-run-session")
def test_a_message_bus_without_a_secret_service_means_no_keyring(tmp_path: Path) -> None:
    program = """
from missy_lsp.config.locations import Locations
from missy_lsp.credentials.vault import open_vault
import os
vault = open_vault(Locations.from_environment(os.environ))
print(vault.set("one", "sk-ant-api03-FAKE"))
print(vault.find("one"))
"""
    run = subprocess.run(
        ["dbus-run-session", "--", sys.executable, "-c", program],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    stored, found = run.stdout.splitlines()
    assert stored.startswith("the encrypted file vault in ")
    assert stored.endswith("(no keyring of the operating system serves here)")
    assert found == "(Secret(***), 'file vault')"
