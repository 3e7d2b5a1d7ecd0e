"""Which providers a configuration has: each with its implementation, or the reason why it is left out."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Mapping

import attrs

from missy_lsp.config.values import Config, Network, ProviderConfig
from missy_lsp.llm.providers.anthropic import AnthropicProvider
from missy_lsp.llm.providers.base import Provider
from missy_lsp.llm.providers.offline import OfflineProvider

ENTRY_POINT_GROUP = "missy_lsp.providers"
OFFLINE = "offline"

Factory = Callable[[str, ProviderConfig, Network], Provider]

BUILT_IN: Mapping[str, Factory] = {
    "anthropic": AnthropicProvider.from_config,
    OFFLINE: OfflineProvider.from_config,
}


@attrs.frozen
class ProviderEntry:
    """One entry of `providers`; `reason` says why there is no `provider`, or why it can't serve."""

    id: str
    config: ProviderConfig
    provider: Provider | None
    reason: str | None


class ProviderRegistry:
    """Build providers when they are first needed and keep them while their connection settings hold.

    Folders whose configurations differ only in models share one provider and its connections. With
    `offline` there is a provider `offline` in every configuration, and it is the default.
    """

    def __init__(self, *, offline: bool = False, built_in: Mapping[str, Factory] = BUILT_IN) -> None:
        self._offline = offline
        self._built_in = built_in
        self._providers: dict[tuple[str, str, str | None, Network], Provider | str] = {}

    def entries(self, config: Config) -> tuple[ProviderEntry, ...]:
        """Return every provider of a configuration, in its order."""
        configs = dict(config.providers)
        if self._offline:
            configs.setdefault(OFFLINE, ProviderConfig(name=OFFLINE))
        return tuple(self._entry(provider_id, provider, config.network) for provider_id, provider in configs.items())

    def default_id(self, config: Config) -> str:
        return OFFLINE if self._offline else config.default_provider

    async def aclose(self) -> None:
        """Close the connections of every provider that was built."""
        for provider in self._providers.values():
            if not isinstance(provider, str):
                await provider.aclose()

    def _entry(self, provider_id: str, config: ProviderConfig, network: Network) -> ProviderEntry:
        if not config.enabled:
            return ProviderEntry(provider_id, config, None, "disabled")
        key = (provider_id, config.name, config.base_url, network)
        if key not in self._providers:
            self._providers[key] = self._build(provider_id, config, network)
        built = self._providers[key]
        if isinstance(built, str):
            return ProviderEntry(provider_id, config, None, built)
        return ProviderEntry(provider_id, config, built, built.unavailable_reason())

    def _build(self, provider_id: str, config: ProviderConfig, network: Network) -> Provider | str:
        factory = self._built_in.get(config.name)
        if factory is None:
            found = importlib.metadata.entry_points(group=ENTRY_POINT_GROUP, name=config.name)
            if not found:
                return f'there is no implementation named "{config.name}"; built in: {", ".join(self._built_in)}'
            try:
                factory = next(iter(found)).load().from_config
            except (ImportError, AttributeError, SyntaxError, OSError, TypeError, ValueError) as error:
                return f'the implementation "{config.name}" can\'t be loaded ({type(error).__name__})'
        try:
            return factory(provider_id, config, network)
        except (ImportError, OSError, TypeError, ValueError, AttributeError) as error:
            return f'the implementation "{config.name}" can\'t be built ({type(error).__name__})'
