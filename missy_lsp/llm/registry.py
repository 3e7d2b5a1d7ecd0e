"""Which providers a configuration has: each with its implementation, or the reason why it is left out."""

from __future__ import annotations

import importlib.metadata
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import attrs

from missy_lsp.config.values import Config, Network, ProviderConfig
from missy_lsp.errors import MissyError, ModelError, UsageError
from missy_lsp.llm.providers.anthropic import AnthropicProvider
from missy_lsp.llm.providers.base import Provider
from missy_lsp.llm.providers.bedrock import BedrockProvider
from missy_lsp.llm.providers.offline import OfflineProvider
from missy_lsp.llm.providers.vertex import VertexProvider

ENTRY_POINT_GROUP = "missy_lsp.providers"
OFFLINE = "offline"

Factory = Callable[[str, ProviderConfig, Network], Provider]
EntryPoints = Callable[[], Mapping[str, Callable[[], object]]]

BUILT_IN: Mapping[str, Factory] = {
    "anthropic": AnthropicProvider.from_config,
    "bedrock": BedrockProvider.from_config,
    "vertex": VertexProvider.from_config,
    OFFLINE: OfflineProvider.from_config,
}
# What a provider is told with each request: the fields that may change without its being built anew.
_OF_EACH_REQUEST: Mapping[str, Any] = {
    name: getattr(ProviderConfig(), name)
    for name in (
        "model",
        "fast_model",
        "premium_model",
        "api_key",
        "api_keys",
        "timeout",
        "max_output_tokens",
        "enabled",
    )
}
# What loading or building code of somebody else may raise; one that does is left out.
_BROKEN = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    MissyError,
    NameError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)


def installed_providers() -> Mapping[str, Callable[[], object]]:
    """Return what loads each provider class that other distributions announce; nothing is imported yet."""
    return {found.name: found.load for found in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)}


@attrs.frozen
class ProviderEntry:
    """One entry of `providers`; `reason` says why there is no `provider`, or why it can't serve."""

    id: str
    config: ProviderConfig
    provider: Provider | None
    reason: str | None


@attrs.frozen
class _Connection:
    """What a provider is built from; while it is the same, so is the provider.

    `config` is the whole entry but for what each request brings along: what a provider reads of it when it is built,
    ours or somebody else's, is never missed here.
    """

    provider_id: str
    config: ProviderConfig
    network: Network


class ProviderRegistry:
    """Build providers when they are first needed and keep them while their connection settings hold.

    Folders whose configurations differ only in models share one provider and its connections. With
    `offline` there is a provider `offline` in every configuration, and it is the default.
    """

    def __init__(
        self,
        *,
        offline: bool = False,
        built_in: Mapping[str, Factory] = BUILT_IN,
        entry_points: EntryPoints = installed_providers,
    ) -> None:
        self._offline = offline
        self._built_in = built_in
        self._entry_points = entry_points
        self._providers: dict[_Connection, Provider | str] = {}
        self._replaced: set[_Connection] = set()
        self._running: Counter[_Connection] = Counter()

    def entries(self, config: Config) -> tuple[ProviderEntry, ...]:
        """Return every provider of a configuration, in its order."""
        configs = dict(config.providers)
        if self._offline:
            configs.setdefault(OFFLINE, ProviderConfig(name=OFFLINE))
        return tuple(self._entry(provider_id, provider, config.network) for provider_id, provider in configs.items())

    def default_id(self, config: Config) -> str:
        return OFFLINE if self._offline else config.default_provider

    def chosen(self, config: Config, named: str | None) -> ProviderEntry:
        """Return the provider that serves: the named one, else the default. Another one never stands in for it.

        Code goes only where it may. Raises UsageError for a named one that is not configured, ModelError
        (`provider_unavailable`) for one that can't serve.
        """
        wanted = named or self.default_id(config)
        entries = {entry.id: entry for entry in self.entries(config)}
        entry = entries.get(wanted)
        if entry is None and named is not None:
            raise UsageError(f'There is no provider "{wanted[:60]}" in the configuration; it has {", ".join(entries)}.')
        if entry is None:
            is_default = config.folder_provider is None
            named_by = "default_provider is" if is_default else "folders gives this place to"
            message = (
                f'{named_by} "{wanted[:60]}", which is not under providers; there is {", ".join(entries)}. '
                f"Choose one: missy providers switch NAME{'' if is_default else ' --here'}"
            )
            raise ModelError("provider_unavailable", message)
        if entry.provider is None or entry.reason is not None:
            message = f'The provider "{wanted}" is not available: {entry.reason}. Choose another one, or mend this one.'
            raise ModelError("provider_unavailable", message)
        return entry

    @asynccontextmanager
    async def in_use(self, entry: ProviderEntry, config: Config) -> AsyncIterator[Provider]:
        """Lend an entry's provider to a request; one that was replaced meanwhile is closed when its last one ends."""
        assert entry.provider is not None, "an entry with a reason is never used"
        connection = _connection(entry.id, entry.config, config.network)
        self._running[connection] += 1
        try:
            yield entry.provider
        finally:
            self._running[connection] -= 1
            await self._close_replaced()

    async def aclose(self) -> None:
        """Close the connections of every provider that was built, also where closing one fails."""
        async with AsyncExitStack() as closing:
            for provider in self._providers.values():
                if not isinstance(provider, str):
                    closing.push_async_callback(provider.aclose)

    def _entry(self, provider_id: str, config: ProviderConfig, network: Network) -> ProviderEntry:
        if not config.enabled:
            return ProviderEntry(provider_id, config, None, "disabled")
        connection = _connection(provider_id, config, network)
        if connection not in self._providers:
            self._replaced |= {other for other in self._providers if other.provider_id == provider_id}
            self._providers[connection] = self._build(provider_id, config, network)
        self._replaced.discard(connection)
        built = self._providers[connection]
        if isinstance(built, str):
            return ProviderEntry(provider_id, config, None, built)
        return ProviderEntry(provider_id, config, built, built.unavailable_reason())

    def _build(self, provider_id: str, config: ProviderConfig, network: Network) -> Provider | str:
        factory = self._built_in.get(config.name)
        if factory is None:
            installed = self._entry_points()
            if config.name not in installed:
                known = ", ".join(sorted({*self._built_in, *installed}))
                return f'there is no implementation named "{config.name}"; known: {known}'
            try:
                # Whoever announces one promises the class method that ours have too; what is built is checked below.
                factory = getattr(installed[config.name](), "from_config")  # noqa: B009
            except _BROKEN as error:
                return f'the implementation "{config.name}" can\'t be loaded ({type(error).__name__})'
        try:
            provider = factory(provider_id, config, network)
        except _BROKEN as error:
            return f'the implementation "{config.name}" can\'t be built ({type(error).__name__})'
        if not isinstance(provider, Provider):
            return f'the implementation "{config.name}" is no provider: it lacks some of what each one has'
        return provider

    async def _close_replaced(self) -> None:
        for connection in [replaced for replaced in self._replaced if not self._running[replaced]]:
            self._replaced.discard(connection)
            provider = self._providers.pop(connection, "")
            if not isinstance(provider, str):
                await provider.aclose()


def _connection(provider_id: str, config: ProviderConfig, network: Network) -> _Connection:
    return _Connection(provider_id, attrs.evolve(config, **_OF_EACH_REQUEST), network)
