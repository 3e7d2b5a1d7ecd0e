"""The keys of each provider as the model client uses them: resolved off the event loop, with their health."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Mapping

import attrs

from missy_lsp.config.values import ProviderConfig
from missy_lsp.credentials.pool import KeyPool
from missy_lsp.credentials.resolve import KeyResolution, resolve_keys
from missy_lsp.credentials.vault import Vault
from missy_lsp.errors import ModelError
from missy_lsp.secret import Secret

# The provider's id, its implementation, its base_url, how the key is sent there.
_Upstream = tuple[str, str, str | None, str]


@attrs.define
class _Known:
    config: ProviderConfig
    resolution: KeyResolution
    pool: KeyPool


class ProviderKeys:
    """Resolve keys when they are first needed and again when the configuration or their validity changed."""

    def __init__(
        self,
        environ: Mapping[str, str],
        open_vault: Callable[[], Vault],
        clock: Callable[[], float],
        on_key: Callable[[Secret], object] | None = None,
    ) -> None:
        self._environ = environ
        self._open_vault = open_vault
        self._clock = clock
        self._on_key = on_key
        self._known: dict[_Upstream, _Known] = {}
        self._looking: dict[_Upstream, tuple[ProviderConfig, asyncio.Future[KeyResolution]]] = {}

    async def resolution(self, provider_id: str, config: ProviderConfig) -> KeyResolution:
        """Return what is known of a provider's keys; a failure is never remembered."""
        known = self._known.get(_upstream(provider_id, config))
        if known is None or _differs(known.config, config) or not known.resolution.keys:
            known = await self._resolve(provider_id, config)
        return known.resolution

    async def pool(self, provider_id: str, config: ProviderConfig, *, interactive: bool = True) -> KeyPool:
        """Return the keys with their health. Raises ModelError (`no_key`, `setup_token`) where there is none.

        Refused keys get another chance where a person asks; what runs unasked leaves them alone.
        """
        resolution = await self.resolution(provider_id, config)
        if not resolution.keys:
            raise resolution.error(provider_id)
        upstream = _upstream(provider_id, config)
        self._known[upstream] = known = self._known.pop(upstream)  # the last one used is the one that is shown
        pool = known.pool
        if interactive and pool.next_ready_in_s() is None:
            # Every key was refused: the user may have stored another one since, or paid.
            await self._resolve(provider_id, config)
            pool.lift_quarantine()
        return pool

    async def resolve_again(self, provider_id: str, config: ProviderConfig) -> None:
        """Look the keys up anew: one that was refused may have been replaced in the vault."""
        await self._resolve(provider_id, config)

    def states(self) -> dict[str, object]:
        return {provider_id: list(known.pool.states()) for (provider_id, *_), known in self._known.items()}

    async def _resolve(self, provider_id: str, config: ProviderConfig) -> _Known:
        resolution = await self._look_up(provider_id, config)
        if self._on_key is not None:
            for key in resolution.keys:
                self._on_key(key.secret)  # before it is used: the log hides it from now on
        upstream = _upstream(provider_id, config)
        earlier = self._known.get(upstream)
        known = _Known(config, resolution, earlier.pool if earlier else KeyPool(self._clock))
        known.pool.take(resolution.keys)
        self._known[upstream] = known
        return known

    async def _look_up(self, provider_id: str, config: ProviderConfig) -> KeyResolution:
        """Look up once for all who ask at the same time: a keyring may put a question to its user."""
        upstream = _upstream(provider_id, config)
        looking = self._looking.get(upstream)
        if looking is None or looking[1].done() or _differs(looking[0], config):
            looking = (
                config,
                in_daemon_thread(lambda: resolve_keys(provider_id, config, self._environ, self._open_vault)),
            )
            self._looking[upstream] = looking
        return await asyncio.shield(looking[1])


def in_daemon_thread(call: Callable[[], KeyResolution]) -> asyncio.Future[KeyResolution]:
    """Start a call that may block for a minute, in a thread that never holds up the end of the process."""
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[KeyResolution] = loop.create_future()

    def deliver(result: KeyResolution | None) -> None:
        if answered.done():
            return
        if result is not None:
            answered.set_result(result)
        else:
            sentence = "The keys could not be looked up; the log has the details."
            answered.set_exception(ModelError("internal", sentence))

    def run() -> None:
        result: KeyResolution | None = None
        try:
            result = call()
        finally:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(deliver, result)

    threading.Thread(target=run, name="missy-keys", daemon=True).start()
    return answered


def _differs(before: ProviderConfig, now: ProviderConfig) -> bool:
    return (before.api_key, before.api_keys) != (now.api_key, now.api_keys)


def _upstream(provider_id: str, config: ProviderConfig) -> _Upstream:
    """Return who gets the keys: a request that still runs must never take one that is meant for another host.

    What was refused in one header says nothing of the same key in another.
    """
    return provider_id, config.name, config.base_url, config.auth
