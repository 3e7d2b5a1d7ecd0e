from __future__ import annotations

import json
from pathlib import Path

import pytest

from missy_lsp.config.locations import Locations
from missy_lsp.credentials.file_store import FileStore
from missy_lsp.credentials.vault import VaultEntry, check_name, checked_value, open_vault
from missy_lsp.errors import CredentialError, UsageError
from missy_lsp.secret import Secret
from tests.credentials.conftest import Clock, OpenVault
from tests.support import keyrings

KEY = "sk-ant-api03-FAKE-canary-9b3e"
FILE = "the encrypted file vault"
NONE = "no keyring of the operating system serves here"


def test_without_a_keyring_the_file_serves_and_says_why(open_vault: OpenVault, folder: Path) -> None:
    vault = open_vault()
    assert vault.description == f"{FILE} in {folder} ({NONE})"
    assert vault.set("one", KEY) == vault.description
    assert vault.find("one") == (Secret(KEY), "file vault")
    assert vault.entries() == (VaultEntry("one", (FILE,)),)
    assert FileStore(folder).get("one") == Secret(KEY)
    assert (vault.delete("one"), vault.delete("one")) == (True, False)
    assert vault.get("one") is None


def test_with_a_keyring_the_file_is_not_written(open_vault: OpenVault, folder: Path) -> None:
    vault = open_vault(keyrings.Memory)
    assert vault.set("one", KEY) == vault.description == "the Memory keyring"
    assert vault.find("one") == (Secret(KEY), "keyring")
    assert vault.entries() == (VaultEntry("one", ("the Memory keyring",)),)
    assert json.loads((folder / "index.json").read_bytes()) == ["one"]
    assert {path.name for path in folder.iterdir()} == {"index.json", "vault.lock"}
    assert (vault.delete("one"), vault.delete("one")) == (True, False)
    assert (vault.get("one"), vault.entries(), keyrings.Memory.held) == (None, (), {})


def test_an_entry_in_both_comes_from_the_keyring_and_goes_from_both(open_vault: OpenVault, folder: Path) -> None:
    keyrings.Memory.held["missy", "one"] = "in-keyring"
    FileStore(folder).set("one", Secret("in-file"))
    vault = open_vault(keyrings.Memory)
    assert vault.find("one") == (Secret("in-keyring"), "keyring")
    where = vault.set("one", KEY)
    assert where == "the Memory keyring, and in the encrypted file vault, which held one too"
    assert vault.entries() == (VaultEntry("one", ("the Memory keyring", FILE)),)
    assert open_vault().get("one") == Secret(KEY)
    assert vault.delete("one") is True
    assert (open_vault(keyrings.Memory).get("one"), open_vault().get("one")) == (None, None)


def test_what_another_tool_put_into_the_keyring_is_found_and_removed(open_vault: OpenVault) -> None:
    keyrings.Memory.held["missy", "one"] = KEY
    vault = open_vault(keyrings.Memory)
    assert vault.get("one") == Secret(KEY)
    assert vault.entries() == ()
    assert vault.delete("one") is True
    assert vault.get("one") is None


def test_a_name_whose_secret_is_gone_from_the_keyring_can_be_deleted(open_vault: OpenVault) -> None:
    vault = open_vault(keyrings.Memory)
    vault.set("one", KEY)
    keyrings.Memory.held.clear()
    assert (vault.get("one"), vault.delete("one"), vault.entries()) == (None, True, ())


@pytest.mark.parametrize(
    ("backend", "reason"),
    [
        (keyrings.Forgetful, "the Forgetful keyring took a secret but did not give it back"),
        (keyrings.Lying, "the Lying keyring took a secret but did not give it back"),
        (keyrings.Locked, "the Locked keyring is locked"),
        (keyrings.WriteProtected, "the WriteProtected keyring failed (OSError)"),
        (keyrings.HangingProbe, "the keyring did not answer within 0.05 s"),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_a_keyring_that_fails_is_replaced_by_the_file_and_named(
    open_vault: OpenVault, folder: Path, backend: type[keyrings.Memory], reason: str
) -> None:
    vault = open_vault(backend, limit_s=0.05 if backend is keyrings.HangingProbe else 20)
    assert vault.set("one", KEY) == f"{FILE} in {folder} ({reason})"
    assert vault.find("one") == (Secret(KEY), "file vault")
    assert vault.entries() == (VaultEntry("one", (FILE,)),)


def test_a_secret_in_a_keyring_that_fails_is_never_shadowed_by_another_one(
    open_vault: OpenVault, folder: Path, clock: Clock
) -> None:
    open_vault(keyrings.Memory).set("one", "old")
    vault = open_vault(keyrings.WriteProtected)
    with pytest.raises(CredentialError, match=r"could not be replaced there: .* failed \(OSError\)\. Unlock it"):
        vault.set("one", KEY)
    with pytest.raises(CredentialError, match="failed"):
        vault.delete("one")
    assert not (folder / "vault.enc").exists()
    clock.now_s += 61
    assert vault.get("one") == Secret("old")


def test_where_the_keyring_is_out_of_reach_that_is_said(open_vault: OpenVault) -> None:
    open_vault(keyrings.Memory).set("one", "old")
    without = open_vault()
    assert without.entries() == (VaultEntry("one", ("the keyring, which does not serve now",)),)
    assert without.set("one", KEY).endswith("; a keyring holds an older one, which counts where that keyring serves")
    assert without.get("one") == Secret(KEY)
    with pytest.raises(CredentialError, match="one is removed from the encrypted file vault, but not from the keyring"):
        without.delete("one")


def test_a_locked_keyring_is_an_error_where_the_secret_may_be_in_it(open_vault: OpenVault, folder: Path) -> None:
    vault = open_vault(keyrings.Locked)
    with pytest.raises(CredentialError, match=r"^The Locked keyring is locked\. Unlock it .* environment variable"):
        vault.get("one")
    with pytest.raises(CredentialError, match="Unlock it"):
        vault.delete("one")
    FileStore(folder).set("one", Secret(KEY))
    assert vault.find("one") == (Secret(KEY), "file vault")
    assert vault.delete("one") is True


def test_a_broken_file_does_not_hide_what_the_keyring_holds(open_vault: OpenVault, folder: Path) -> None:
    FileStore(folder).set("two", Secret(KEY))
    (folder / "vault.key").unlink()
    vault = open_vault(keyrings.Memory)
    stored = vault.set("one", KEY)
    assert stored.startswith("the Memory keyring (the encrypted file vault was left as it is: ")
    assert vault.get("one") == Secret(KEY)
    with pytest.raises(CredentialError, match="is missing"):
        vault.get("two")


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'["one"', b"\xff", b"[" * 100_000], ids=repr)
def test_a_broken_index_is_told_before_anything_is_stored(open_vault: OpenVault, folder: Path, content: bytes) -> None:
    folder.mkdir(mode=0o700)
    (folder / "index.json").touch(0o600)
    (folder / "index.json").write_bytes(content)
    vault = open_vault(keyrings.Memory)
    for use in (lambda: vault.set("one", KEY), vault.entries):
        with pytest.raises(CredentialError, match="not a list of names"):
            use()
    assert keyrings.Memory.held == {}
    assert (folder / "index.json").read_bytes() == content


@pytest.mark.parametrize(
    "name",
    ["", "a b", "a/b", "../a", "ä", "a\n", "x" * 129, "sk-ant-api03-FAKE-canary-9b3e", "a:b", "a\0"],
    ids=lambda name: repr(name[:20]),
)
def test_what_is_no_name_is_refused_without_repeating_it(open_vault: OpenVault, name: str) -> None:
    vault = open_vault()
    for use in (lambda: vault.set(name, KEY), lambda: vault.get(name), lambda: vault.delete(name)):
        with pytest.raises(UsageError) as caught:
            use()
        assert "canary" not in caught.value.message
        assert vault.entries() == ()


@pytest.mark.parametrize("name", ["a", "anthropic_api_key", "A-1._z", "x" * 128])
def test_names_have_letters_digits_and_a_few_signs(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("", "empty"),
        (" \n", "empty"),
        (f"{KEY}\n{KEY}", "line break"),
        (f"{KEY}\r{KEY}", "line break"),
        (f"{KEY} {KEY}", "a space"),
        (f"{KEY}\0", "control character"),
        (f"{KEY}\x1b", "control character"),
        (f"{KEY}\x7f", "control character"),
        (f"{KEY}é", "outside of ASCII"),
        (f"{KEY}\u200b", "outside of ASCII"),
        (f'"{KEY}"', "quotation marks"),
        (f"'{KEY}'", "quotation marks"),
        (f'"{KEY}', "quotation marks"),
        (KEY + "x" * 8192, "longer than 8192"),
        ("sk-ant-oat01-FAKE-canary", "setup token (sk-ant-oat…)"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_can_be_no_key_is_refused_without_repeating_it(open_vault: OpenVault, value: str, told: str) -> None:
    vault = open_vault()
    with pytest.raises(UsageError) as caught:
        vault.set("anthropic_api_key", value)
    assert told in caught.value.message
    assert "canary" not in caught.value.message
    assert "\n" not in caught.value.message
    assert vault.entries() == ()


def test_the_space_around_a_piped_key_is_no_part_of_it() -> None:
    assert checked_value("one", f"  {KEY}\r\n") == KEY


def test_opening_a_vault_touches_nothing(isolated_home: Path) -> None:
    vault = open_vault(Locations.from_environment({"HOME": str(isolated_home), "USERPROFILE": str(isolated_home)}), {})
    assert list(isolated_home.iterdir()) == []
    assert KEY not in repr(vault)
