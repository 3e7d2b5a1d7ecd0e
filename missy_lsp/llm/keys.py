"""The keys of each provider as the model client uses them: resolved off the event loop, with their health."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping

import attrs

from missy_lsp.config.values import ProviderConfig
from missy_lsp.credentials.pool import KeyPool
from missy_lsp.credentials.resolve import KeyResolution, resolve_keys
from missy_lsp.credentials.vault import Vault
from missy_lsp.errors import ModelError


@attrs.define
class _Known:
    config: ProviderConfig
    resolution: KeyResolution
    pool: KeyPool


class ProviderKeys:
    """Resolve keys when they are first needed and again when the configuration or their validity changed."""

    def __init__(self, environ: Mapping[str, str], open_vault: Callable[[], Vault], clock: Callable[[], float]) -> None:
        self._environ = environ
        self._open_vault = open_vault
        self._clock = clock
        self._known: dict[str, _Known] = {}

    async def resolution(self, provider_id: str, config: ProviderConfig) -> KeyResolution:
        """Return what is known of a provider's keys; a failure is never remembered."""
        known = self._known.get(provider_id)
        if known is None or _differs(known.config, config) or not known.resolution.keys:
            known = await self._resolve(provider_id, config)
        return known.resolution

    async def pool(self, provider_id: str, config: ProviderConfig) -> KeyPool:
        """Return the keys with their health. Raises ModelError (`no_key`, `setup_token`) where there is none."""
        resolution = await self.resolution(provider_id, config)
        if not resolution.keys:
            raise resolution.error(provider_id)
        pool = self._known[provider_id].pool
        if pool.next_ready_in_s() is None:
            # Every key was refused: the user may have stored another one since, or paid.
            await self._resolve(provider_id, config)
            pool.lift_quarantine()
        return pool

    async def resolve_again(self, provider_id: str, config: ProviderConfig) -> None:
        """Look the keys up anew: one that was refused may have been replaced in the vault."""
        await self._resolve(provider_id, config)

    def states(self) -> dict[str, object]:
        return {provider_id: list(known.pool.states()) for provider_id, known in self._known.items()}

    async def _resolve(self, provider_id: str, config: ProviderConfig) -> _Known:
        resolution = await in_daemon_thread(lambda: resolve_keys(provider_id, config, self._environ, self._open_vault))
        earlier = self._known.get(provider_id)
        known = _Known(config, resolution, earlier.pool if earlier else KeyPool(self._clock))
        known.pool.take(resolution.keys)
        self._known[provider_id] = known
        return known


async def in_daemon_thread(call: Callable[[], KeyResolution]) -> KeyResolution:
    """Await a call that may block for a minute, in a thread that never holds up the end of the process."""
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[KeyResolution | None] = loop.create_future()

    def deliver(result: KeyResolution | None) -> None:
        if not answered.done():
            answered.set_result(result)

    def run() -> None:
        result: KeyResolution | None = None
        try:
            result = call()
        finally:
            if not loop.is_closed():
                loop.call_soon_threadsafe(deliver, result)

    threading.Thread(target=run, name="missy-keys", daemon=True).start()
    result = await answered
    if result is None:
        raise ModelError("internal", "The keys could not be looked up; the log has the details.")
    return result


def _differs(before: ProviderConfig, now: ProviderConfig) -> bool:
    return (before.name, before.api_key, before.api_keys) != (now.name, now.api_key, now.api_keys)
