"""Whether the keys of a provider may go where its configuration points to now."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import attrs

from missy_lsp.config.urls import ANTHROPIC_URL
from missy_lsp.config.values import ProviderConfig
from missy_lsp.credentials.origins import KeyOrigins
from missy_lsp.credentials.resolve import ResolvedKey
from missy_lsp.errors import CredentialError, ModelError
from missy_lsp.secret import Secret


@attrs.frozen
class OriginChange:
    """A key that is about to go somewhere new: `source` says in words which one, the addresses are URLs."""

    provider_id: str
    source: str
    before: str
    now: str

    @property
    def question(self) -> str:
        return (
            f"The key from {self.source} went to {self.before} so far. Now it would go to {self.now}, with your code. "
            "Is that what you want?"
        )


AskAboutOrigin = Callable[[OriginChange], Awaitable[bool]]


def origin_of(config: ProviderConfig) -> str:
    """Return the address that keys go to, in its one spelling; of other vendors' own defaults the vendor's name."""
    if config.base_url is not None:
        return config.base_url
    return ANTHROPIC_URL if config.name == "anthropic" else f"the default address of {config.name}"


class Destinations:
    """Take a key's first address as meant, and ask about every other one, once.

    Without anybody to ask, and after a no, the key is not sent.
    """

    def __init__(self, origins: KeyOrigins) -> None:
        self._origins = origins
        self._allowed: set[tuple[Secret, str]] = set()
        self._declined: set[tuple[Secret, str]] = set()
        self._asking = asyncio.Lock()

    async def check(
        self, provider_id: str, config: ProviderConfig, keys: tuple[ResolvedKey, ...], ask: AskAboutOrigin | None
    ) -> None:
        """Return if every key may go to the provider's address. Raises ModelError (`permission`) where one may not."""
        origin = origin_of(config)
        if all((key.secret, origin) in self._allowed for key in keys):
            return
        async with self._asking:  # several requests at once ask one question
            for key in keys:
                await self._check(provider_id, key, origin, ask, has_url=config.base_url is not None)

    async def _check(
        self, provider_id: str, key: ResolvedKey, origin: str, ask: AskAboutOrigin | None, *, has_url: bool
    ) -> None:
        place = key.secret, origin
        if place in self._allowed:
            return
        try:
            known = await asyncio.to_thread(self._origins.of, key.secret)
        except CredentialError as error:
            raise ModelError("permission", error.message) from None
        if known and origin not in known:
            change = OriginChange(provider_id, key.source, known[-1], origin)
            if place in self._declined or ask is None or not await ask(change):
                if ask is not None:
                    self._declined.add(place)
                address = f" {origin}" if has_url else ""
                raise ModelError(
                    "permission",
                    f"The key from {key.source} went to {known[-1]} so far, and the configuration now sends it to "
                    f"{origin}. Nothing was sent. If that is what you want: missy vault allow {provider_id}{address}",
                )
        if known[-1:] != (origin,):
            # What can't be kept (a read-only home) holds for this process: it is the first address, or was agreed to.
            with contextlib.suppress(CredentialError):
                await asyncio.to_thread(self._origins.allow, key.secret, origin)
        self._allowed.add(place)
