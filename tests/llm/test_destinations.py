"""`llm/destinations.py`: where keys may go, and what a refusal advises."""

from __future__ import annotations

from pathlib import Path

import pytest

from missy_lsp.config.values import ProviderConfig
from missy_lsp.credentials.origins import KeyOrigins
from missy_lsp.credentials.resolve import ResolvedKey
from missy_lsp.errors import ModelError
from missy_lsp.llm.destinations import Destinations
from missy_lsp.secret import Secret

KEY = ResolvedKey(Secret("sk-ant-api03-FAKE-of-somebody"), "vault theirs_api_key")


@pytest.mark.parametrize(
    ("now", "advice"),
    [
        (ProviderConfig(base_url="https://b.example"), "missy vault allow theirs https://b.example"),
        (ProviderConfig(), "missy vault allow theirs"),
        (ProviderConfig(name="other"), "missy vault allow theirs"),
    ],
    ids=["an address", "Anthropic's own", "another vendor's own"],
)
async def test_the_command_that_a_refusal_names_can_be_typed(tmp_path: Path, now: ProviderConfig, advice: str) -> None:
    destinations = Destinations(KeyOrigins(tmp_path / "secrets"))
    await destinations.check("theirs", ProviderConfig(name="other", base_url="https://a.example"), (KEY,), None)
    with pytest.raises(ModelError) as refused:
        await destinations.check("theirs", now, (KEY,), None)
    assert refused.value.message.endswith(f"If that is what you want: {advice}")
