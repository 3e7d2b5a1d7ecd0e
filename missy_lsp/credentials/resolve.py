"""Which keys a provider has, in order, and why it has none."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs

from missy_lsp.config.values import KeyReference, ProviderConfig
from missy_lsp.credentials.vault import Vault, key_fault
from missy_lsp.errors import CredentialError, ErrorKind, ModelError
from missy_lsp.secret import Secret

ENVIRONMENT_KEY = "ANTHROPIC_API_KEY"
_SETUP_TOKEN_REFUSED = "setup token sk-ant-oat…; the Messages API needs a key that starts with sk-ant-api"  # noqa: S105 - a sentence


@attrs.frozen
class ResolvedKey:
    """A usable key and where it came from, in words."""

    secret: Secret
    source: str


@attrs.frozen
class KeyResolution:
    """The keys in the order of their use; without any, `kind` and `reason` (half a sentence) say why."""

    keys: tuple[ResolvedKey, ...] = ()
    kind: ErrorKind | None = None
    reason: str | None = None

    def error(self, provider_id: str) -> ModelError:
        """Return the failure that a request without a key ends in."""
        return ModelError(self.kind or "no_key", f"{provider_id} has no usable key: {self.reason}.")


class _Unusable(Exception):
    def __init__(self, kind: ErrorKind, reason: str) -> None:
        super().__init__(reason)
        self.kind: ErrorKind = kind
        self.reason = reason


def resolve_keys(
    provider_id: str, provider: ProviderConfig, environ: Mapping[str, str], open_vault: Callable[[], Vault]
) -> KeyResolution:
    """Find the keys: `api_key` and `api_keys`, else the environment, else the vault's `<provider>_api_key`.

    A reference that can't be resolved is a failure, never a reason to look elsewhere. May block: a keyring
    may ask its user.
    """
    references = [("api_key", provider.api_key)] if provider.api_key is not None else []
    references += [(f"api_keys[{index}]", reference) for index, reference in enumerate(provider.api_keys)]
    try:
        if references:
            keys = [_resolve(place, reference, environ, open_vault) for place, reference in references if reference]
            return KeyResolution(tuple({key.secret: key for key in reversed(keys)}.values())[::-1])
        if environ.get(ENVIRONMENT_KEY):
            text = environ[ENVIRONMENT_KEY]
            return KeyResolution((_checked(text, f"environment {ENVIRONMENT_KEY}", f"${ENVIRONMENT_KEY}"),))
        name = f"{provider_id}_api_key"
        secret, store = open_vault().find(name)
        if secret is not None:
            return KeyResolution((_checked(secret.reveal(), f"vault {name} ({store})", f"vault://{name}"),))
    except _Unusable as unusable:
        return KeyResolution((), unusable.kind, unusable.reason)
    except CredentialError as error:
        return KeyResolution((), "no_key", error.message.rstrip("."))
    return KeyResolution(
        (), "no_key", f"no API key; set {ENVIRONMENT_KEY} or run: missy vault set {provider_id}_api_key"
    )


def _resolve(
    place: str, reference: KeyReference, environ: Mapping[str, str], open_vault: Callable[[], Vault]
) -> ResolvedKey:
    match reference.kind:
        case "literal":
            assert reference.secret is not None
            return _checked(reference.secret.reveal(), place, place)
        case "env":
            text = environ.get(reference.name)
            if not text:
                raise _Unusable("no_key", f"{place} names ${reference.name}, which is not set in the environment")
            return _checked(text, f"{place} ${reference.name}", f"${reference.name}")
        case "vault":
            secret, store = open_vault().find(reference.name)
            if secret is None:
                hint = f"run: missy vault set {reference.name}"
                raise _Unusable("no_key", f"{place} names vault://{reference.name}, which is not in the vault; {hint}")
            return _checked(secret.reveal(), f"vault {reference.name} ({store})", f"vault://{reference.name}")


def _checked(text: str, source: str, named: str) -> ResolvedKey:
    text = text.strip()
    if text.startswith("sk-ant-oat"):
        raise _Unusable("setup_token", _SETUP_TOKEN_REFUSED)
    fault = key_fault(text)
    if fault is not None:
        raise _Unusable("no_key", f"the key from {named} can't be used: {fault}")
    return ResolvedKey(Secret(text), source)
