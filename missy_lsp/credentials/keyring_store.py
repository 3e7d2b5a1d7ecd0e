"""The operating system's keyring, where a real one serves; never a look-alike that stores plain text."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from missy_lsp.errors import CredentialError
from missy_lsp.secret import Secret

SERVICE = "missy"
PROBE_TIMEOUT_S = 5.0
PROMPT_TIMEOUT_S = 60.0
# Backends of the keyring package that keep secrets in the system's own store; nothing else is ever used.
ALLOWED_BACKENDS: Mapping[str, str] = {
    "keyring.backends.macOS.Keyring": "the macOS Keychain",
    "keyring.backends.Windows.WinVaultKeyring": "the Windows Credential Manager",
    "keyring.backends.SecretService.Keyring": "the Secret Service keyring",
    "keyring.backends.libsecret.Keyring": "the libsecret keyring",
    "keyring.backends.kwallet.DBusKeyring": "KWallet",
}

Result = TypeVar("Result")


class KeyringStore:
    """Secrets in one real keyring backend, each call bounded in time and every write read back."""

    def __init__(self, backend: Any, description: str) -> None:
        self._backend = backend
        self.description = description

    def get(self, name: str) -> Secret | None:
        """Return a secret, None where there is none. Raises CredentialError where the keyring fails."""
        value = within(PROMPT_TIMEOUT_S, lambda: self._backend.get_password(SERVICE, name), self.description)
        return Secret(value) if isinstance(value, str) and value else None

    def set(self, name: str, secret: Secret) -> None:
        """Store a secret and read it back. Raises CredentialError."""
        within(PROMPT_TIMEOUT_S, lambda: self._backend.set_password(SERVICE, name, secret.reveal()), self.description)
        if self.get(name) != secret:
            raise CredentialError(f"{self.description} took the secret but did not give it back. It is not stored.")

    def delete(self, name: str) -> bool:
        if self.get(name) is None:
            return False
        within(PROMPT_TIMEOUT_S, lambda: self._backend.delete_password(SERVICE, name), self.description)
        return True


def find_keyring(
    allowed: Mapping[str, str] = ALLOWED_BACKENDS, candidates: Callable[[], list[Any]] | None = None
) -> tuple[KeyringStore | None, str]:
    """Return the best real keyring, or None, and a reason in words.

    The configured backend of the keyring package is not asked for: its configuration file and the
    environment can name a module of anybody's.
    """
    try:
        backends = within(PROBE_TIMEOUT_S, candidates or _all_backends, "the keyring")
    except CredentialError as error:
        return None, error.message
    usable = [backend for backend in backends if _name(backend) in allowed]
    if not usable:
        return None, "no keyring of the operating system serves here"
    best = max(usable, key=_priority)
    return KeyringStore(best, allowed[_name(best)]), ""


def within(timeout_s: float, call: Callable[[], Result], what: str) -> Result:
    """Call a keyring in a thread that nobody waits for longer than `timeout_s`. Raises CredentialError."""
    answers: queue.SimpleQueue[tuple[Result] | None] = queue.SimpleQueue()

    def run() -> None:
        # A backend is foreign code that raises what it likes, with texts that may hold anything.
        with contextlib.suppress(Exception):
            answers.put((call(),))
        answers.put(None)

    threading.Thread(target=run, name="missy-keyring", daemon=True).start()
    try:
        answer = answers.get(timeout=timeout_s)
    except queue.Empty:
        raise CredentialError(f"{what} did not answer within {timeout_s:g} s. Unlock it, then try again.") from None
    if answer is None:
        raise CredentialError(f"{what} refused. Unlock it, then try again.")
    return answer[0]


def _all_backends() -> list[Any]:
    from keyring.backend import get_all_keyring

    return list(get_all_keyring())


def _name(backend: Any) -> str:
    return f"{type(backend).__module__}.{type(backend).__qualname__}"


def _priority(backend: Any) -> float:
    return float(backend.priority)
