from __future__ import annotations

import traceback
from collections.abc import Mapping
from pathlib import Path

import pytest

from missy_lsp.config.values import KeyReference, ProviderConfig
from missy_lsp.credentials.resolve import KeyResolution, resolve_keys
from missy_lsp.credentials.vault import Vault
from missy_lsp.secret import Secret
from tests.credentials.conftest import OpenVault
from tests.support import keyrings

CANARY = "canary-31d0"
KEY = f"sk-ant-api03-FAKE-{CANARY}"
SETUP_TOKEN = f"sk-ant-oat01-FAKE-{CANARY}"
SETUP_TOKEN_REASON = "setup token sk-ant-oat…; the Messages API needs a key that starts with sk-ant-api"
NO_KEY_REASON = "no API key; set ANTHROPIC_API_KEY or run: missy vault set anthropic_api_key"


def never() -> Vault:
    raise AssertionError("the vault was asked")


def provider(
    api_key: str | None = None, *api_keys: str, name: str = "anthropic", base_url: str | None = None
) -> ProviderConfig:
    return ProviderConfig(
        name=name,
        api_key=None if api_key is None else KeyReference.parse(api_key),
        api_keys=tuple(KeyReference.parse(key) for key in api_keys),
        base_url=base_url,
    )


def found(resolution: KeyResolution) -> list[tuple[str, str]]:
    return [(key.secret.reveal(), key.source) for key in resolution.keys]


@pytest.mark.parametrize(
    ("config", "environ", "expected"),
    [
        (provider(KEY), {"ANTHROPIC_API_KEY": "other"}, [(KEY, "api_key")]),
        (provider(None, "a", "b"), {"ANTHROPIC_API_KEY": "other"}, [("a", "api_keys[0]"), ("b", "api_keys[1]")]),
        (provider(KEY, "a"), {}, [(KEY, "api_key"), ("a", "api_keys[0]")]),
        (provider(KEY, "a", KEY, "a"), {}, [(KEY, "api_key"), ("a", "api_keys[0]")]),
        (provider("$WORK_KEY"), {"WORK_KEY": KEY}, [(KEY, "api_key $WORK_KEY")]),
        (provider(None, "${WORK_KEY}"), {"WORK_KEY": KEY}, [(KEY, "api_keys[0] $WORK_KEY")]),
        (provider(), {"ANTHROPIC_API_KEY": KEY}, [(KEY, "environment ANTHROPIC_API_KEY")]),
        (provider(), {"ANTHROPIC_API_KEY": f" {KEY}\r\n"}, [(KEY, "environment ANTHROPIC_API_KEY")]),
        (provider("local-gateway-token", base_url="http://127.0.0.1:1"), {}, [("local-gateway-token", "api_key")]),
    ],
    ids=[
        "api_key first",
        "api_keys in order",
        "then more",
        "each once",
        "$",
        "${}",
        "environment",
        "trimmed",
        "gateway",
    ],
)
def test_keys_come_in_their_order_without_asking_the_vault(
    config: ProviderConfig, environ: Mapping[str, str], expected: list[tuple[str, str]]
) -> None:
    resolution = resolve_keys("anthropic", config, environ, never)
    assert found(resolution) == expected
    assert (resolution.kind, resolution.reason) == (None, None)


def test_the_vault_is_asked_last(open_vault: OpenVault) -> None:
    vault = open_vault()
    vault.set("anthropic_api_key", KEY)
    environ = {"ANTHROPIC_API_KEY": ""}  # an empty variable is as good as none
    assert found(resolve_keys("anthropic", provider(), environ, lambda: vault)) == [
        (KEY, "vault anthropic_api_key (file vault)")
    ]


def test_a_reference_into_the_vault_says_which_store_it_came_from(open_vault: OpenVault) -> None:
    vault = open_vault(keyrings.Memory)
    vault.set("work", KEY)
    assert found(resolve_keys("anthropic", provider("vault://work"), {}, lambda: vault)) == [
        (KEY, "vault work (keyring)")
    ]


def test_another_vendors_provider_never_gets_the_anthropic_key(open_vault: OpenVault) -> None:
    vault = open_vault()
    config = provider(name="elsewhere")
    resolution = resolve_keys("other", config, {"ANTHROPIC_API_KEY": KEY}, lambda: vault)
    assert (resolution.keys, resolution.reason) == ((), "no API key; run: missy vault set other_api_key")
    vault.set("other_api_key", "its-own")
    assert found(resolve_keys("other", config, {"ANTHROPIC_API_KEY": KEY}, lambda: vault)) == [
        ("its-own", "vault other_api_key (file vault)")
    ]


@pytest.mark.parametrize(
    ("config", "environ", "kind", "reason"),
    [
        (provider(), {}, "no_key", NO_KEY_REASON),
        (provider(), {"ANTHROPIC_API_KEY": SETUP_TOKEN}, "setup_token", SETUP_TOKEN_REASON),
        (provider(SETUP_TOKEN), {}, "setup_token", SETUP_TOKEN_REASON),
        (provider(SETUP_TOKEN, base_url="http://127.0.0.1:1"), {}, "setup_token", SETUP_TOKEN_REASON),
        (provider(KEY, SETUP_TOKEN), {}, "setup_token", SETUP_TOKEN_REASON),
        (
            provider("$GONE"),
            {"ANTHROPIC_API_KEY": KEY},
            "no_key",
            "api_key names $GONE, which is not set in the environment",
        ),
        (provider("$GONE"), {"GONE": ""}, "no_key", "api_key names $GONE, which is not set in the environment"),
        (provider(KEY, "$GONE"), {}, "no_key", "api_keys[0] names $GONE, which is not set in the environment"),
        (
            provider("vault://gone"),
            {"ANTHROPIC_API_KEY": KEY},
            "no_key",
            "api_key names vault://gone, which is not in the vault; run: missy vault set gone",
        ),
        (provider(""), {"ANTHROPIC_API_KEY": KEY}, "no_key", "the key from api_key can't be used: it is empty"),
        (
            provider(f"{KEY}\n{KEY}"),
            {},
            "no_key",
            "the key from api_key can't be used: it has a line break in it",
        ),
        (
            provider(),
            {"ANTHROPIC_API_KEY": f"'{KEY}'"},
            "no_key",
            "the key from $ANTHROPIC_API_KEY can't be used: it stands in quotation marks; leave them away",
        ),
        (
            provider("$WORK"),
            {"WORK": f"{KEY} {KEY}"},
            "no_key",
            "the key from $WORK can't be used: it has a space, a control character or a letter outside of ASCII in it",
        ),
        (
            provider(f"${KEY}"),
            {},
            "no_key",
            "api_key is no usable reference: after `$` the name of an environment variable is expected",
        ),
        (
            provider("vault://a b"),
            {},
            "no_key",
            "api_key is no usable reference: after `vault://` a name of letters, digits, `_`, `-` or `.` is expected",
        ),
    ],
    ids=[
        "none",
        "setup token in the environment",
        "setup token in the file",
        "setup token for a gateway",
        "setup token among keys",
        "variable not set",
        "variable empty",
        "second variable not set",
        "entry not there",
        "empty",
        "line break",
        "quotation marks",
        "space",
        "key after $",
        "no name",
    ],
)
def test_without_a_usable_key_the_reason_is_one_line_and_no_key(
    open_vault: OpenVault, config: ProviderConfig, environ: Mapping[str, str], kind: str, reason: str
) -> None:
    resolution = resolve_keys("anthropic", config, environ, open_vault)
    assert (resolution.keys, resolution.kind, resolution.reason) == ((), kind, reason)
    error = resolution.error("anthropic")
    assert (error.kind, error.message) == (kind, f"There is no usable key for anthropic: {reason}")
    assert CANARY not in repr(resolution) + repr(error) + "".join(traceback.format_exception(error))


def test_a_key_in_the_place_of_a_vault_name_is_not_repeated(open_vault: OpenVault) -> None:
    resolution = resolve_keys("anthropic", provider(f"vault://{KEY}"), {}, open_vault)
    assert resolution.kind == "no_key"
    assert "looks like a key" in (resolution.reason or "")
    assert CANARY not in (resolution.reason or "")


def test_a_provider_whose_id_is_no_vault_name_is_told_what_to_do(open_vault: OpenVault) -> None:
    resolution = resolve_keys("my gateway", provider(), {}, open_vault)
    assert resolution.reason == "no API key; name one under api_key, as $VARIABLE or vault://ENTRY"


def test_a_keyring_that_fails_is_named_instead_of_a_missing_key(open_vault: OpenVault) -> None:
    vault = open_vault(keyrings.Locked)
    reason = resolve_keys("anthropic", provider(), {}, lambda: vault).reason or ""
    assert reason.startswith("no API key; The Locked keyring is locked. Unlock it and try again")
    reason = resolve_keys("anthropic", provider("vault://work"), {}, lambda: vault).reason or ""
    assert reason.startswith("api_key can't be looked up: The Locked keyring is locked. Unlock it")


def test_a_broken_vault_is_named_instead_of_a_missing_key(open_vault: OpenVault, folder: Path) -> None:
    vault = open_vault()
    vault.set("anthropic_api_key", KEY)
    (folder / "vault.enc").write_bytes(b"x" * 40)
    resolution = resolve_keys("anthropic", provider(), {}, lambda: vault)
    assert resolution.kind == "no_key"
    assert "can't be decrypted" in (resolution.reason or "")
    assert "\n" not in (resolution.reason or "")


def test_a_setup_token_that_the_assistant_stored_is_refused(open_vault: OpenVault, folder: Path) -> None:
    from missy_lsp.credentials.file_store import FileStore

    FileStore(folder).set("anthropic_api_key", Secret(SETUP_TOKEN))
    resolution = resolve_keys("anthropic", provider(), {}, open_vault)
    assert (resolution.kind, resolution.reason) == ("setup_token", SETUP_TOKEN_REASON)


def test_no_key_is_in_what_a_resolution_shows() -> None:
    resolution = resolve_keys("anthropic", provider(KEY, f"{KEY}2"), {}, never)
    assert len(resolution.keys) == 2
    assert CANARY not in repr(resolution) + str(resolution) + f"{resolution.keys[0]}"
