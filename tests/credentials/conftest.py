"""A vault on a folder of its own, with the keyring that a test names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest
from keyring.backend import KeyringBackend

from missy_lsp.credentials.keyring_store import KeyringStore
from missy_lsp.credentials.vault import Vault
from tests.support import keyrings

OpenVault = Callable[..., Vault]


@attrs.define
class Clock:
    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def folder(isolated_home: Path) -> Path:
    """The folder of secrets; it does not exist yet."""
    (isolated_home / ".missy").mkdir(mode=0o700)
    return isolated_home / ".missy" / "secrets"


@pytest.fixture(autouse=True)
def empty_keyrings() -> Iterator[None]:
    keyrings.Memory.held.clear()
    keyrings.Preferred.held.clear()
    keyrings.Hanging.calls.clear()
    keyrings.Hanging.let_go.clear()
    yield
    keyrings.Hanging.let_go.set()


@pytest.fixture
def open_vault(folder: Path, clock: Clock) -> OpenVault:
    """Open the vault as on a machine with these keyring backends, none by default."""

    def vault(*backends: type[KeyringBackend], limit_s: float = 20) -> Vault:
        store = KeyringStore(
            keyrings.allowed(*backends), environ={}, clock=clock, call_limit_s=limit_s, prompt_limit_s=limit_s
        )
        return Vault(folder, store)

    return vault
