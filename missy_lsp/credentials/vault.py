"""The vault: the operating system's keyring where a real one serves, else the encrypted file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import attrs

from missy_lsp.config.locations import Locations
from missy_lsp.credentials.file_store import FileStore
from missy_lsp.credentials.keyring_store import CALL_LIMIT_S, PROMPT_LIMIT_S, KeyringFault, KeyringStore
from missy_lsp.credentials.name_index import NameIndex
from missy_lsp.errors import CredentialError, UsageError
from missy_lsp.secret import Secret

MAX_SECRET_CHARACTERS = 8192
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_KEY_PREFIX = "sk-ant-"
_SETUP_TOKEN_PREFIX = "sk-ant-oat"  # noqa: S105 - not a secret
_WAYS_OUT = "Unlock it and try again, or give the key in an environment variable such as ANTHROPIC_API_KEY."


@attrs.frozen
class VaultEntry:
    """A stored secret: its name, and the stores that hold it, the one that counts first."""

    name: str
    where: tuple[str, ...]


class Vault:
    """Secrets by name. Reading looks into the keyring, then the file; writing goes to the keyring where one serves.

    Every method may block, for a minute where the keyring asks its user. Safe for several threads.
    """

    def __init__(self, folder: Path, keyring: KeyringStore) -> None:
        self._folder = folder
        self._file = FileStore(folder)
        self._keyring = keyring
        self._index = NameIndex(folder)

    @property
    def description(self) -> str:
        """Say in one line where secrets go, and why not into the keyring."""
        try:
            return self._keyring.description()
        except KeyringFault as fault:
            return self._file_with_reason(fault)

    def get(self, name: str) -> Secret | None:
        """Return a secret, None where no store has it. Raises CredentialError, UsageError for a bad name."""
        return self.find(name)[0]

    def find(self, name: str) -> tuple[Secret | None, str]:
        """Return a secret and the store that it came from. Raises as `get` does."""
        check_name(name)
        fault: KeyringFault | None = None
        try:
            if (secret := self._keyring.get(name)) is not None:
                return secret, "keyring"
        except KeyringFault as failure:
            fault = failure
        if (secret := self._file.get(name)) is not None:
            return secret, "file vault"
        if fault is not None and not fault.absent:  # the secret may be there
            raise _unusable(fault)
        return None, ""

    def set(self, name: str, value: str) -> str:
        """Store a secret and say where it went.

        A copy in the other store is renewed too, so that the two never disagree. Raises UsageError for a bad
        name or value, CredentialError where nothing could be stored.
        """
        check_name(name)
        secret = Secret(checked_value(name, value))
        try:
            return self._set_in_keyring(name, secret)
        except KeyringFault as fault:
            return self._set_in_file(name, secret, fault)

    def delete(self, name: str) -> bool:
        """Remove a secret from every store; tell whether it was in one. Raises as `get` does."""
        check_name(name)
        gone = self._file.delete(name)
        try:
            gone = self._keyring.delete(name) or gone
        except KeyringFault as fault:
            listed = name in self._index.names()
            if listed or not (gone or fault.absent):
                done = f"{name} is removed from {self._file.description}, but not from the keyring: " if gone else ""
                raise CredentialError(f"{done}{_capitalised(fault.message)}. {_WAYS_OUT}") from None
            return gone
        return self._index.discard(name) or gone

    def entries(self) -> tuple[VaultEntry, ...]:
        """Return every known name, sorted; no secret is read, so nothing prompts.

        In the keyring those are known that Missy stored there. Raises CredentialError.
        """
        where: dict[str, list[str]] = {name: [self._keyring_label()] for name in self._index.names()}
        for name in self._file.names():
            where.setdefault(name, []).append(self._file.description)
        return tuple(VaultEntry(name, tuple(stores)) for name, stores in sorted(where.items()))

    def _set_in_keyring(self, name: str, secret: Secret) -> str:
        description = self._keyring.description()
        # The name first: a crash in between leaves a name without a secret, not a secret that nobody lists.
        is_new = self._index.add(name)
        try:
            self._keyring.set(name, secret)
        except KeyringFault:
            if is_new:
                self._index.discard(name)
            raise
        try:
            if name not in self._file.names():
                return description
            self._file.set(name, secret)
        except CredentialError as error:
            return f"{description} ({self._file.description} was left as it is: {error.message})"
        return f"{description}, and in {self._file.description}, which held {name} too"

    def _set_in_file(self, name: str, secret: Secret, fault: KeyringFault) -> str:
        listed = name in self._index.names()
        if listed and not fault.absent:
            raise CredentialError(
                f"{name} is in the keyring and could not be replaced there: {fault.message}. {_WAYS_OUT}"
            )
        self._file.set(name, secret)
        older = f"; a keyring holds an older {name}, which counts where that keyring serves" if listed else ""
        return f"{self._file_with_reason(fault)}{older}"

    def _keyring_label(self) -> str:
        try:
            return self._keyring.description()
        except KeyringFault:
            return "the keyring, which does not serve now"

    def _file_with_reason(self, fault: KeyringFault) -> str:
        return f"{self._file.description} in {self._folder} ({fault.message})"


def open_vault(locations: Locations, environ: Mapping[str, str] | None = None, *, may_prompt: bool = True) -> Vault:
    """Open the user's vault; nothing is read before it is asked for.

    With `may_prompt` a keyring has a minute to answer, for its user may have to unlock it; else seconds.
    """
    limit_s = PROMPT_LIMIT_S if may_prompt else CALL_LIMIT_S
    return Vault(locations.secrets_dir, KeyringStore(environ=environ, prompt_limit_s=limit_s))


def check_name(name: str) -> None:
    """Raise UsageError for a name that no entry can have; the name itself is never repeated, it may be a key."""
    if name.startswith(_KEY_PREFIX):
        raise UsageError(
            "A vault entry is called by a name such as anthropic_api_key; this one looks like a key. "
            "To store a key: missy vault set anthropic_api_key"
        )
    if not _NAME.fullmatch(name):
        raise UsageError("A vault entry's name is made of letters, digits, `_`, `-` and `.`, at most 128 of them.")


def checked_value(name: str, value: str) -> str:
    """Return a secret without the space around it; raise UsageError for what can't be one."""
    value = value.strip()
    fault = key_fault(value)
    if fault is not None:
        raise UsageError(f"The value for {name} is not stored: {fault}.")
    return value


def key_fault(value: str) -> str | None:
    """Say why a text can't be a key, None where it can; the text itself is never repeated."""
    if not value:
        return "it is empty"
    if len(value) > MAX_SECRET_CHARACTERS:
        return f"it is longer than {MAX_SECRET_CHARACTERS} characters"
    if value[0] in "\"'" or value[-1] in "\"'":
        return "it stands in quotation marks; leave them away"
    if "\n" in value or "\r" in value:
        return "it has a line break in it"
    if any(not "!" <= character <= "~" for character in value):
        return "it has a space, a control character or a letter outside of ASCII in it"
    if is_setup_token(value):
        return "it is a setup token (sk-ant-oat…); the Messages API needs a key that starts with sk-ant-api"
    return None


def is_setup_token(value: str) -> bool:
    """Tell whether a text is an OAuth setup token, which the Messages API does not take."""
    return value.startswith(_SETUP_TOKEN_PREFIX)


def _unusable(fault: KeyringFault) -> CredentialError:
    return CredentialError(f"{_capitalised(fault.message)}. {_WAYS_OUT}")


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
