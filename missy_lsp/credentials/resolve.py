"""Which keys a provider has, in order, and why it has none."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs

from missy_lsp.config.values import KeyReference, ProviderConfig, reference_fault
from missy_lsp.credentials.vault import Vault, is_setup_token, key_fault
from missy_lsp.errors import CredentialError, ErrorKind, ModelError, UsageError
from missy_lsp.secret import Secret

ENVIRONMENT_KEY = "ANTHROPIC_API_KEY"
# The implementation whose key the environment variable holds; another vendor's provider never gets it.
_ENVIRONMENT_KEY_OF = "anthropic"
_SETUP_TOKEN_REFUSED = "setup token sk-ant-oat…; the Messages API needs a key that starts with sk-ant-api"  # noqa: S105 - a sentence


@attrs.frozen
class ResolvedKey:
    """A usable key and where it came from, in words."""

    secret: Secret
    source: str


@attrs.frozen
class KeyResolution:
    """The keys in the order of their use; without any, `kind` and `reason` (one line, no full stop) say why."""

    keys: tuple[ResolvedKey, ...] = ()
    kind: ErrorKind | None = None
    reason: str | None = None

    def error(self, provider_id: str) -> ModelError:
        """Return the failure that a request without a key ends in."""
        # No full stop: the reason may end in a command to copy.
        return ModelError(self.kind or "no_key", f"There is no usable key for {provider_id}: {self.reason}")


class _UnusableError(Exception):
    def __init__(self, kind: ErrorKind, reason: str) -> None:
        super().__init__(reason)
        self.kind: ErrorKind = kind
        self.reason = reason


def resolve_keys(
    provider_id: str, provider: ProviderConfig, environ: Mapping[str, str], open_vault: Callable[[], Vault]
) -> KeyResolution:
    """Find the keys: `api_key` and `api_keys`, else the environment, else the vault's `<provider>_api_key`.

    A reference that can't be resolved is a failure, never a reason to look elsewhere. May block: a keyring
    may ask its user, and is asked only where nothing before it serves.
    """
    references = [("api_key", provider.api_key), *_numbered(provider.api_keys)]
    try:
        keys = [_resolve(place, reference, environ, open_vault) for place, reference in references if reference]
        if not keys:
            keys = [_unreferenced(provider_id, provider, environ, open_vault)]
    except _UnusableError as unusable:
        return KeyResolution((), unusable.kind, unusable.reason)
    return KeyResolution(tuple({key.secret: key for key in reversed(keys)}.values())[::-1])


def _numbered(references: tuple[KeyReference, ...]) -> list[tuple[str, KeyReference]]:
    return [(f"api_keys[{index}]", reference) for index, reference in enumerate(references)]


def _resolve(
    place: str, reference: KeyReference, environ: Mapping[str, str], open_vault: Callable[[], Vault]
) -> ResolvedKey:
    fault = reference_fault(reference)
    if fault is not None:  # the name is not repeated, it may be a key
        raise _UnusableError("no_key", f"{place} is no usable reference: {fault}")
    match reference.kind:
        case "literal":
            return _checked(reference.secret.reveal() if reference.secret else "", place, place)
        case "env":
            text = environ.get(reference.name)
            if not text:
                raise _UnusableError("no_key", f"{place} names ${reference.name}, which is not set in the environment")
            return _checked(text, f"{place} ${reference.name}", f"${reference.name}")
        case "vault":
            key = _from_vault(reference.name, open_vault, f"{place} can't be looked up: ")
            if key is None:
                hint = f"run: missy vault set {reference.name}"
                raise _UnusableError(
                    "no_key", f"{place} names vault://{reference.name}, which is not in the vault; {hint}"
                )
            return key


def _unreferenced(
    provider_id: str, provider: ProviderConfig, environ: Mapping[str, str], open_vault: Callable[[], Vault]
) -> ResolvedKey:
    """Return the key of a provider whose configuration names none."""
    from_environment = provider.name == _ENVIRONMENT_KEY_OF
    if from_environment and environ.get(ENVIRONMENT_KEY):
        return _checked(environ[ENVIRONMENT_KEY], f"environment {ENVIRONMENT_KEY}", f"${ENVIRONMENT_KEY}")
    name = f"{provider_id}_api_key"
    if reference_fault(KeyReference("vault", name)) is not None:
        raise _UnusableError("no_key", "no API key; name one under api_key, as $VARIABLE or vault://ENTRY")
    key = _from_vault(name, open_vault, "no API key; ")
    if key is None:
        variable = f"set {ENVIRONMENT_KEY} or " if from_environment else ""
        raise _UnusableError("no_key", f"no API key; {variable}run: missy vault set {name}")
    return key


def _from_vault(name: str, open_vault: Callable[[], Vault], context: str) -> ResolvedKey | None:
    try:
        secret, store = open_vault().find(name)
    except (CredentialError, UsageError) as error:
        raise _UnusableError("no_key", context + " ".join(error.message.split()).rstrip(".")) from None
    if secret is None:
        return None
    return _checked(secret.reveal(), f"vault {name} ({store})", f"vault://{name}")


def _checked(text: str, source: str, named: str) -> ResolvedKey:
    """Return a key that may go into a header; the space around it is no part of it."""
    text = text.strip()
    if is_setup_token(text):
        raise _UnusableError("setup_token", _SETUP_TOKEN_REFUSED)
    fault = key_fault(text)
    if fault is not None:
        raise _UnusableError("no_key", f"the key from {named} can't be used: {fault}")
    return ResolvedKey(Secret(text), source)
