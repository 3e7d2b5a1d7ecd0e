"""Providers for the fake API and llmock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping

import pytest

from missy_lsp.llm.catalogue import Catalogue
from missy_lsp.llm.providers.anthropic import AnthropicProvider
from missy_lsp.llm.providers.anthropic_client import ClientSettings
from missy_lsp.llm.providers.anthropic_stream import StreamLimits
from tests.support.fake_api import FakeApi

MakeProvider = Callable[..., AnthropicProvider]


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return Catalogue.load()


@pytest.fixture
async def make_provider(catalogue: Catalogue) -> AsyncIterator[MakeProvider]:
    """Make providers that are closed at the end of the test."""
    made: list[AnthropicProvider] = []

    def make(
        base_url: str | None,
        *,
        limits: StreamLimits | None = None,
        environ: Mapping[str, str] | None = None,
        now: float = 0.0,
        **settings: object,
    ) -> AnthropicProvider:
        options = ClientSettings(base_url, **settings)  # type: ignore[arg-type]
        made.append(
            AnthropicProvider(
                "anthropic", options, limits=limits, catalogue=catalogue, environ=environ or {}, now=lambda: now
            )
        )
        return made[-1]

    yield make
    for provider in made:
        await provider.aclose()


@pytest.fixture
def provider(api: FakeApi, make_provider: MakeProvider) -> AnthropicProvider:
    return make_provider(api.base_url)
