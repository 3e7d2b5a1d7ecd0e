"""The operating system's keyring, where a real one serves; never a look-alike that stores plain text."""

from __future__ import annotations

import importlib
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Protocol, TypeVar

import attrs

from missy_lsp.errors import CredentialError
from missy_lsp.secret import Secret

SERVICE = "missy"
CALL_LIMIT_S = 5.0
PROMPT_LIMIT_S = 60.0
REFUSAL_LASTS_S = 60.0
# Backends of the keyring package that keep secrets in the system's own store; nothing else is ever used.
ALLOWED_BACKENDS: Mapping[str, str] = {
    "keyring.backends.macOS.Keyring": "the macOS Keychain",
    "keyring.backends.Windows.WinVaultKeyring": "the Windows Credential Manager",
    "keyring.backends.SecretService.Keyring": "the Secret Service keyring",
    "keyring.backends.libsecret.Keyring": "the libsecret keyring",
    "keyring.backends.kwallet.DBusKeyring": "KWallet",
    "keyring.backends.kwallet.DBusKeyringKWallet4": "KWallet",
}
_NONE_SERVES = "no keyring of the operating system serves here"
_BACKEND_VARIABLE = "PYTHON_KEYRING_BACKEND"

Result = TypeVar("Result")


class KeyringFault(CredentialError):
    """The keyring can't be used; `absent` where this machine has none, so that no secret can be in it."""

    def __init__(self, message: str, *, absent: bool) -> None:
        super().__init__(message)
        self.absent = absent


class Backend(Protocol):
    """What is used of `keyring.backend.KeyringBackend`."""

    def get_password(self, service: str, username: str) -> str | None: ...
    def set_password(self, service: str, username: str, password: str) -> None: ...
    def delete_password(self, service: str, username: str) -> None: ...


@attrs.frozen
class _Serving:
    backend: Backend
    description: str
    priority: float


@attrs.frozen
class _Refusal:
    message: str
    absent: bool
    until_s: float


class KeyringStore:
    """Secrets in the best real keyring; each call is bounded in time and every write read back.

    A keyring that failed is not asked again for a minute: one that hangs would cost its limit each time.
    `allowed` maps the path of a backend's class to its name for a user; limits are in seconds. Safe for
    several threads.
    """

    def __init__(
        self,
        allowed: Mapping[str, str] = ALLOWED_BACKENDS,
        *,
        environ: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
        call_limit_s: float = CALL_LIMIT_S,
        prompt_limit_s: float = PROMPT_LIMIT_S,
    ) -> None:
        self._allowed = allowed
        self._environ = os.environ if environ is None else environ
        self._clock = clock
        self._call_limit_s = call_limit_s
        self._prompt_limit_s = prompt_limit_s
        self._lock = threading.Lock()
        self._serving: _Serving | None = None
        self._refusal: _Refusal | None = None

    def description(self) -> str:
        """Name the keyring that serves. Raises KeyringFault where none does."""
        return self._find().description

    def get(self, name: str) -> Secret | None:
        """Return a secret, None where there is none. Raises KeyringFault."""
        value = self._call(lambda backend: backend.get_password(SERVICE, name))
        return Secret(value) if isinstance(value, str) and value else None

    def set(self, name: str, secret: Secret) -> None:
        """Store a secret and read it back. Raises KeyringFault."""
        self._call(lambda backend: backend.set_password(SERVICE, name, secret.reveal()))
        if self.get(name) != secret:
            raise self._refused(f"{self.description()} took a secret but did not give it back")

    def delete(self, name: str) -> bool:
        """Remove a secret; tell whether it was there. Raises KeyringFault."""
        if self.get(name) is None:
            return False
        self._call(lambda backend: backend.delete_password(SERVICE, name))
        if self.get(name) is not None:
            raise self._refused(f"{self.description()} did not remove {name}")
        return True

    def _call(self, call: Callable[[Backend], Result]) -> Result:
        serving = self._find()
        outcome = within(self._prompt_limit_s, lambda: call(serving.backend))
        if isinstance(outcome, Failed):
            raise self._refused(f"{serving.description} {outcome.reason}")
        return outcome[0]

    def _find(self) -> _Serving:
        with self._lock:
            if self._refusal is not None and self._clock() < self._refusal.until_s:
                raise KeyringFault(self._refusal.message, absent=self._refusal.absent)
            if self._serving is None:
                self._serving = self._probe()
            return self._serving

    def _probe(self) -> _Serving:
        allowed = dict(self._allowed)
        chosen = self._environ.get(_BACKEND_VARIABLE)
        if chosen:
            if chosen not in allowed:
                reason = f"{_BACKEND_VARIABLE} names none of the operating system's keyrings, so none is used"
                raise self._refused(reason, absent=True)
            allowed = {chosen: allowed[chosen]}
        outcome = within(self._call_limit_s, lambda: list(_viable(allowed)))
        if isinstance(outcome, Failed):
            raise self._refused(f"the keyring {outcome.reason}")
        if not outcome[0]:
            raise self._refused(_NONE_SERVES, absent=True)
        return max(outcome[0], key=lambda serving: serving.priority)

    def _refused(self, message: str, *, absent: bool = False) -> KeyringFault:
        self._refusal = _Refusal(message, absent, self._clock() + REFUSAL_LASTS_S)
        self._serving = None
        return KeyringFault(message, absent=absent)


@attrs.frozen
class Failed:
    """Why a call of a keyring has no result, as the second half of a sentence."""

    reason: str


def within(limit_s: float, call: Callable[[], Result]) -> tuple[Result] | Failed:
    """Call a keyring in a thread that nobody waits for longer than `limit_s` seconds, also not at exit."""
    answers: queue.SimpleQueue[tuple[Result] | Failed] = queue.SimpleQueue()

    def run() -> None:
        trap = _Trap()
        answer: tuple[Result] | None = None
        with trap:
            answer = (call(),)
        answers.put(answer if answer is not None else trap.failed())

    threading.Thread(target=run, name="missy-keyring", daemon=True).start()
    try:
        return answers.get(timeout=limit_s)
    except queue.Empty:
        return Failed(f"did not answer within {limit_s:g} s")


class _Trap:
    """Stop what a backend raises: foreign code raises what its D-Bus or system library does.

    Only the exception's type is kept, for its text may hold the secret.
    """

    def __init__(self) -> None:
        self._kind = "nothing"

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self._kind = kind.__name__ if kind is not None else "nothing"
        return kind is not None and issubclass(kind, Exception)

    def failed(self) -> Failed:
        return Failed("is locked" if self._kind == "KeyringLocked" else f"failed ({self._kind})")


def _viable(allowed: Mapping[str, str]) -> Iterator[_Serving]:
    """Build the allowed backends that work here, each from its own module.

    Not through `keyring.get_keyring()`: that obeys a file that can add folders to `sys.path`, and
    `get_all_keyring()` loads every backend that some package registered.
    """
    for path, description in allowed.items():
        module, _, name = path.rpartition(".")
        with _Trap():
            backend = getattr(importlib.import_module(module), name)
            priority = float(backend.priority)  # raises where the backend does not work
            yield _Serving(backend(), description, priority)
