"""Keyring backends that behave well, oddly or badly; real subclasses, found by their class path like any other."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import ClassVar

from keyring.backend import KeyringBackend
from keyring.compat import properties
from keyring.errors import KeyringLocked, PasswordDeleteError


class Memory(KeyringBackend):
    """A keyring as it should be; `held` is emptied by the fixture that hands it out."""

    held: ClassVar[dict[tuple[str, str], str]] = {}

    @properties.classproperty
    def priority(cls) -> float:
        return 5

    def get_password(self, service: str, username: str) -> str | None:
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.held[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if (service, username) not in self.held:
            raise PasswordDeleteError("there is none")
        del self.held[service, username]


class Preferred(Memory):
    """One that is better than `Memory` where both are allowed, with its own content."""

    held: ClassVar[dict[tuple[str, str], str]] = {}

    @properties.classproperty
    def priority(cls) -> float:
        return 6


class Forgetful(Memory):
    """Takes everything, gives nothing back, as keyring's own null backend does."""

    def set_password(self, service: str, username: str, password: str) -> None:
        return None


class Lying(Memory):
    """Gives back something else than it was given."""

    def get_password(self, service: str, username: str) -> str | None:
        value = super().get_password(service, username)
        return None if value is None else f"{value}-not"


class Locked(Memory):
    """Its user does not unlock it."""

    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("the user dismissed the prompt")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise KeyringLocked("the user dismissed the prompt")


class WriteProtected(Memory):
    """Reads, but fails to write or delete."""

    def set_password(self, service: str, username: str, password: str) -> None:
        raise OSError(5, "I/O error")

    def delete_password(self, service: str, username: str) -> None:
        raise OSError(5, "I/O error")


class DriverError(Exception):
    """What no caller knows of: a backend's library has exceptions of its own."""


class Talkative(Memory):
    """Fails with the secret in its exception."""

    def set_password(self, service: str, username: str, password: str) -> None:
        raise DriverError(f"could not store {password}")


class Hanging(Memory):
    """Does not answer before `let_go` is set; `calls` counts who waits."""

    let_go: ClassVar[threading.Event] = threading.Event()
    calls: ClassVar[list[str]] = []

    def get_password(self, service: str, username: str) -> str | None:
        self.calls.append(username)
        self.let_go.wait()
        return None

    def set_password(self, service: str, username: str, password: str) -> None:
        self.calls.append(username)
        self.let_go.wait()


class HangingProbe(Memory):
    """Does not even say whether it works here."""

    @properties.classproperty
    def priority(cls) -> float:
        Hanging.let_go.wait()
        return 5


class NotHere(Memory):
    """Does not work on this machine."""

    @properties.classproperty
    def priority(cls) -> float:
        raise RuntimeError("no service answers")


class PlainTextFile(KeyringBackend):
    """Wants to be chosen before all others and writes plain text, as keyrings.alt does."""

    @properties.classproperty
    def priority(cls) -> float:
        return 99

    @property
    def _file(self) -> Path:
        return Path(os.environ["HOME"]) / "keyring_pass.cfg"

    def get_password(self, service: str, username: str) -> str | None:
        return self._file.read_text() if self._file.exists() else None

    def set_password(self, service: str, username: str, password: str) -> None:
        self._file.write_text(password)


def allowed(*backends: type[KeyringBackend]) -> dict[str, str]:
    """Return an allow-list of these backends."""
    return {f"{backend.__module__}.{backend.__qualname__}": f"the {backend.__name__} keyring" for backend in backends}
