"""Which providers there are, why one is left out, and how long one is kept."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from missy_lsp.config.values import Config, KeyReference, Network, ProviderConfig
from missy_lsp.errors import ConfigError
from missy_lsp.llm.providers.anthropic import AnthropicProvider
from missy_lsp.llm.providers.offline import OfflineProvider
from missy_lsp.llm.registry import BUILT_IN, ENTRY_POINT_GROUP, ProviderRegistry, installed_providers
from tests.support.scripted_provider import ScriptedProvider


def one(registry: ProviderRegistry, config: ProviderConfig) -> tuple[object, str | None]:
    (entry,) = registry.entries(Config(providers={"p": config}))
    assert (entry.id, entry.config) == ("p", config)
    return entry.provider, entry.reason


class Built:
    """A registry whose providers are counted."""

    def __init__(self) -> None:
        self.providers: list[ScriptedProvider] = []
        self.registry = ProviderRegistry(built_in={"anthropic": self.build, "other": self.build}, entry_points=dict)

    def build(self, provider_id: str, config: ProviderConfig, network: Network) -> ScriptedProvider:
        self.providers.append(ScriptedProvider())
        return self.providers[-1]


BASE = Config(providers={"anthropic": ProviderConfig()})


def changed(**fields: object) -> Config:
    provider = attrs.evolve(BASE.providers["anthropic"], **fields)  # type: ignore[arg-type]
    return attrs.evolve(BASE, providers={"anthropic": provider})


def test_the_entries_come_in_the_order_of_the_configuration() -> None:
    names = {"work": "anthropic", "none": "offline", "home": "anthropic"}
    config = Config(providers={provider_id: ProviderConfig(name=name) for provider_id, name in names.items()})
    entries = ProviderRegistry().entries(config)
    assert [(entry.id, type(entry.provider), entry.reason) for entry in entries] == [
        ("work", AnthropicProvider, None),
        ("none", OfflineProvider, None),
        ("home", AnthropicProvider, None),
    ]
    assert [entry.provider.id for entry in entries if entry.provider] == ["work", "none", "home"]


def test_the_offline_provider_is_there_when_it_is_configured_or_asked_for() -> None:
    assert [entry.id for entry in ProviderRegistry().entries(BASE)] == ["anthropic"]
    assert ProviderRegistry().default_id(BASE) == "anthropic"
    asked_for = ProviderRegistry(offline=True)
    assert [entry.id for entry in asked_for.entries(BASE)] == ["anthropic", "offline"]
    assert asked_for.default_id(BASE) == "offline"
    theirs = ProviderConfig(name="offline", timeout=7)
    configured = attrs.evolve(BASE, providers={"offline": theirs, **BASE.providers})
    entries = asked_for.entries(configured)
    assert [entry.id for entry in entries] == ["offline", "anthropic"]
    assert entries[0].config == theirs


def broken(error: Exception) -> Callable[[], object]:
    def load() -> object:
        raise error

    return load


class BuildsNothing:
    @classmethod
    def from_config(cls, *_: object) -> object:
        return object()


class BuildFails:
    @classmethod
    def from_config(cls, *_: object) -> object:
        raise ConfigError("no")


LEFT_OUT: dict[str, tuple[ProviderConfig, str]] = {
    "disabled": (ProviderConfig(enabled=False), "disabled"),
    "unknown": (
        ProviderConfig(name="nope"),
        'no implementation named "nope"; known: absent, anthropic, bad, bedrock, builds',
    ),
    "import fails": (ProviderConfig(name="absent"), '"absent" can\'t be loaded (ModuleNotFoundError)'),
    "import raises": (ProviderConfig(name="bad"), '"bad" can\'t be loaded (KeyError)'),
    "no class": (ProviderConfig(name="module"), '"module" can\'t be loaded (AttributeError)'),
    "no provider": (ProviderConfig(name="nothing"), '"nothing" is no provider'),
    "building fails": (ProviderConfig(name="builds"), '"builds" can\'t be built (ConfigError)'),
}


@pytest.mark.parametrize(("config", "words"), LEFT_OUT.values(), ids=LEFT_OUT)
def test_what_can_not_serve_is_left_out_with_its_reason(config: ProviderConfig, words: str) -> None:
    announced: dict[str, Callable[[], object]] = {
        "absent": broken(ModuleNotFoundError("x")),
        "bad": broken(KeyError("x")),
        "module": lambda: sys,
        "nothing": lambda: BuildsNothing,
        "builds": lambda: BuildFails,
    }
    provider, reason = one(ProviderRegistry(entry_points=lambda: announced), config)
    assert provider is None
    assert words in str(reason)


def test_a_provider_whose_package_is_missing_says_so() -> None:
    missing = ScriptedProvider(reason='package "anthropic" is not installed')
    registry = ProviderRegistry(built_in={"anthropic": lambda *_: missing}, entry_points=dict)
    assert one(registry, ProviderConfig()) == (missing, 'package "anthropic" is not installed')


def test_another_distribution_may_bring_a_provider(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "other-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        f"[{ENTRY_POINT_GROUP}]\nother = other_provider:Other\ngone = not_there_at_all:Provider\n"
    )
    (tmp_path / "other_provider.py").write_text(
        "from missy_lsp.llm.providers.offline import OfflineProvider\n\n"
        "class Other(OfflineProvider):\n    name = 'other'\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert {"other", "gone"} <= set(installed_providers())
    assert "other_provider" not in sys.modules, "nothing is imported before it is configured"
    names = ("other", "gone", "anthropic")
    config = Config(providers={name: ProviderConfig(name=name) for name in names})
    entries = ProviderRegistry().entries(config)
    assert [(getattr(entry.provider, "name", None), bool(entry.reason)) for entry in entries] == [
        ("other", False),
        (None, True),
        ("anthropic", False),
    ]
    monkeypatch.delitem(sys.modules, "other_provider")


def test_the_built_in_providers_can_not_be_replaced_from_outside() -> None:
    registry = ProviderRegistry(entry_points=lambda: {name: broken(RuntimeError("x")) for name in BUILT_IN})
    assert type(one(registry, ProviderConfig())[0]) is AnthropicProvider


async def test_a_provider_is_kept_while_its_connection_settings_hold() -> None:
    built = Built()
    for given in (BASE, changed(model="m"), changed(timeout=5, fast_model="f"), BASE):
        built.registry.entries(given)
    assert len(built.providers) == 1
    built.registry.entries(changed(base_url="https://gateway"))
    built.registry.entries(attrs.evolve(BASE, network=Network(use_env_proxy=True)))
    assert len(built.providers) == 3
    await built.registry.aclose()
    assert [provider.closed for provider in built.providers] == [1, 1, 1]


@pytest.mark.parametrize(
    ("field", "value", "is_rebuilt"),
    [
        ("name", "other", True),
        ("base_url", "https://gateway", True),
        ("auth", "x-api-key", True),
        ("region", "eu-west-1", True),
        ("project", "ours", True),
        ("model", "m", False),
        ("fast_model", "m", False),
        ("premium_model", "m", False),
        ("api_key", KeyReference("env", "OTHER_KEY"), False),
        ("api_keys", (KeyReference("env", "OTHER_KEY"),), False),
        ("timeout", 5, False),
        ("max_output_tokens", 100, False),
        ("enabled", False, False),
    ],
)
def test_a_provider_is_built_anew_when_what_it_was_built_from_changes(
    field: str, value: object, is_rebuilt: bool
) -> None:
    built = Built()
    built.registry.entries(BASE)
    built.registry.entries(changed(**{field: value}))
    built.registry.entries(changed(**{field: value}))
    assert len(built.providers) == (2 if is_rebuilt else 1)


def test_every_field_of_a_provider_is_weighed_by_the_test_above() -> None:
    (marker,) = test_a_provider_is_built_anew_when_what_it_was_built_from_changes.pytestmark
    assert {case[0] for case in marker.args[1]} == {field.name for field in attrs.fields(ProviderConfig)}


async def test_a_replaced_provider_is_closed_when_its_last_request_ends() -> None:
    built = Built()
    moved = changed(base_url="https://gateway")
    (old,) = built.registry.entries(BASE)
    async with built.registry.in_use(old, BASE), built.registry.in_use(old, BASE):
        (new,) = built.registry.entries(moved)
        async with built.registry.in_use(new, moved):
            pass
        assert [provider.closed for provider in built.providers] == [0, 0]
    assert [provider.closed for provider in built.providers] == [1, 0]
    async with built.registry.in_use(new, moved):
        pass
    await built.registry.aclose()
    assert [provider.closed for provider in built.providers] == [1, 1], "each is closed once"


async def test_a_provider_that_comes_back_into_use_stays_open() -> None:
    built = Built()
    (old,) = built.registry.entries(BASE)
    async with built.registry.in_use(old, BASE):
        built.registry.entries(changed(base_url="https://gateway"))
        built.registry.entries(BASE)
    assert [provider.closed for provider in built.providers] == [0, 0]


async def test_closing_goes_on_where_one_provider_fails_to_close() -> None:
    class Stuck(ScriptedProvider):
        async def aclose(self) -> None:
            raise OSError("no")

    built: list[ScriptedProvider] = []

    def build(*_: object) -> ScriptedProvider:
        built.append(ScriptedProvider() if len(built) == 0 else Stuck())
        return built[-1]

    registry = ProviderRegistry(built_in={"anthropic": build})
    registry.entries(Config(providers={"a": ProviderConfig(), "b": ProviderConfig()}))
    with pytest.raises(OSError, match="no"):
        await registry.aclose()
    assert built[0].closed
