"""Facts about the wire that the SDK decides: if a new version changes one, these tests are the alarm."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from missy_lsp.llm.providers.anthropic import AnthropicProvider
from missy_lsp.llm.providers.anthropic_client import ClientSettings, client_for_key, open_client
from missy_lsp.llm.providers.base import Provider
from missy_lsp.secret import Secret
from tests.llm.providers.conftest import MakeProvider
from tests.support import fake_api as fake
from tests.support.fake_api import FakeApi
from tests.support.provider_calls import FAKE_KEY, call, request

KEY = FAKE_KEY.reveal()
# `x-stainless-*` are the SDK's own facts about itself and the machine.
OUR_HEADERS = {
    "accept",
    "accept-encoding",
    "anthropic-version",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "host",
    "user-agent",
    "x-api-key",
}


def foreign_headers(recorded: fake.Request) -> set[str]:
    return {name for name in recorded.headers if not name.startswith("x-stainless-")} - OUR_HEADERS


def test_it_is_a_provider(provider: AnthropicProvider) -> None:
    assert isinstance(provider, Provider)
    assert (provider.id, provider.name, provider.needs_key) == ("anthropic", "anthropic", True)
    assert (provider.is_available(), provider.unavailable_reason()) == (True, None)


async def test_what_a_request_looks_like(api: FakeApi, provider: AnthropicProvider) -> None:
    api.enqueue(fake.answer("Hi"))
    await call(provider)
    sent = api.requests[0]
    assert (sent.method, sent.path) == ("POST", "/v1/messages")
    assert foreign_headers(sent) == set()
    assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert sent.headers["anthropic-version"] == "2026-10-21"
    assert sent.headers["x-stainless-retry-count"] == "0"
    assert sent.headers["accept-encoding"] == "identity"
    assert KEY not in sent.body.decode()


async def test_a_gateway_gets_the_key_in_both_headers(api: FakeApi, provider: AnthropicProvider) -> None:
    api.enqueue(fake.answer("Hi"))
    await call(provider)
    assert api.requests[0].headers["x-api-key"] == KEY


@pytest.mark.parametrize(
    ("auth", "expected"),
    [
        ("auto", {"authorization", "x-api-key"}),
        ("both", {"authorization", "x-api-key"}),
        ("bearer", {"authorization"}),
        ("x-api-key", {"x-api-key"}),
    ],
)
async def test_a_gateway_gets_the_key_as_the_configuration_says(api: FakeApi, auth: str, expected: set[str]) -> None:
    provider = AnthropicProvider("gateway", ClientSettings(api.base_url, auth=auth))
    api.enqueue(fake.answer("Hi"))
    try:
        await call(provider)
    finally:
        await provider.aclose()
    sent = api.requests[0].headers
    assert {name for name in ("authorization", "x-api-key") if KEY in sent.get(name, "")} == expected
    assert {"authorization", "x-api-key"} & sent.keys() == expected
    headers = provider.preview(request())["headers"]
    assert isinstance(headers, dict)
    assert {"authorization", "x-api-key"} & headers.keys() == expected


async def test_anthropic_itself_gets_only_the_bearer_token() -> None:
    client = await asyncio.to_thread(open_client, ClientSettings())
    try:
        assert str(client.base_url).rstrip("/") == "https://api.anthropic.com"
        copy = client_for_key(client, FAKE_KEY, ClientSettings().key_headers)
        sent = {name.lower(): value for name, value in {**copy.default_headers, **copy.auth_headers}.items()}
        assert sent["authorization"] == f"Bearer {KEY}"
        assert "x-api-key" not in sent
    finally:
        await client.close()


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/"])
async def test_the_path_of_a_base_url_is_kept(api: FakeApi, make_provider: MakeProvider, suffix: str) -> None:
    api.enqueue(fake.answer("Hi"))
    await call(make_provider(f"{api.base_url}/team/llm{suffix}"))
    assert api.requests[0].path == "/team/llm/v1/messages"


async def test_each_request_has_its_own_key_over_the_same_connection(api: FakeApi, provider: AnthropicProvider) -> None:
    api.respond = lambda _: fake.answer("Hi")
    keys = [Secret(f"sk-ant-api03-FAKE-{number}") for number in range(3)]
    for key in keys:
        await call(provider, key=key)
    assert [sent.headers["authorization"] for sent in api.requests] == [f"Bearer {key.reveal()}" for key in keys]
    assert api.connections == 1


@pytest.fixture
def hostile_environment(monkeypatch: pytest.MonkeyPatch, isolated_home: Path) -> Iterator[FakeApi]:
    """Set everything with which a repository could turn the SDK towards a server of its own."""
    with FakeApi() as elsewhere:
        profile = isolated_home / "profiles"
        (profile / "configs").mkdir(parents=True)
        (profile / "configs" / "default.json").write_text(json.dumps({"base_url": elsewhere.base_url}))
        variables = {
            "ANTHROPIC_BASE_URL": elsewhere.base_url,
            "ANTHROPIC_API_KEY": "sk-ant-api03-FAKE-of-the-repository",
            "ANTHROPIC_AUTH_TOKEN": "FAKE-token-of-the-repository",
            "ANTHROPIC_CUSTOM_HEADERS": "Authorization: Bearer stolen\nX-Spy: yes\nanthropic-version: 2023-06-01",
            "ANTHROPIC_PROFILE": "default",
            "ANTHROPIC_CONFIG_DIR": str(profile),
            "ANTHROPIC_LOG": "debug",
            "ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE": "content",
            "SSLKEYLOGFILE": str(isolated_home / "tls-keys"),
            "SSL_CERT_FILE": str(isolated_home / "no-such-ca.pem"),
            **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"), elsewhere.base_url),
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        yield elsewhere


async def test_the_environment_has_no_say(
    api: FakeApi, make_provider: MakeProvider, hostile_environment: FakeApi, isolated_home: Path
) -> None:
    api.enqueue(fake.answer("Hi"))
    outcome = await call(make_provider(api.base_url, environ=os.environ))
    assert (outcome.kind, outcome.text) == ("ok", "Hi")
    assert hostile_environment.connections == 0
    sent = api.requests[0]
    assert foreign_headers(sent) == set()
    assert (sent.headers["authorization"], sent.headers["anthropic-version"]) == (f"Bearer {KEY}", "2026-10-21")
    assert not (isolated_home / "tls-keys").exists()


async def test_the_environments_proxy_is_used_when_the_user_says_so(
    make_provider: MakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeApi() as proxy:
        proxy.enqueue(fake.answer("Hi"))
        monkeypatch.setenv("HTTP_PROXY", proxy.base_url)
        outcome = await call(make_provider("http://gateway.example", use_env_proxy=True))
        assert outcome.text == "Hi"
        assert proxy.requests[0].path == "http://gateway.example/v1/messages"


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "http://[::1"])
async def test_a_proxy_that_can_not_be_used_is_an_error_in_words(
    make_provider: MakeProvider, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy)
    outcome = await call(make_provider("http://gateway.example", use_env_proxy=True))
    assert outcome.error is not None
    assert outcome.kind == "connection"
    assert "HTTPS_PROXY" in outcome.error.message


async def test_neither_key_nor_prompt_is_logged(
    api: FakeApi, provider: AnthropicProvider, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.enqueue(fake.answer("Hi"), fake.api_error(401, "authentication_error", "bad"))
    caplog.set_level(logging.DEBUG)
    for _ in range(2):
        await call(provider, request("CANARY of a prompt"))
    assert "CANARY" not in caplog.text
    assert [
        record.name for record in caplog.records if record.name.startswith(("anthropic", "httpx2", "httpcore2"))
    ] == []


async def test_cookies_are_neither_kept_nor_sent(api: FakeApi, provider: AnthropicProvider) -> None:
    api.respond = lambda _: fake.stream(*fake.text_events("Hi"), headers={"set-cookie": "spy=1; Path=/"})
    for _ in range(2):
        await call(provider)
    assert len(api.requests) == 2
    assert all("cookie" not in sent.headers for sent in api.requests)


async def test_a_cancelled_task_closes_the_connection_at_once(api: FakeApi, provider: AnthropicProvider) -> None:
    api.respond = lambda _: [
        *fake.stream(fake.message_start(), fake.block_start(), fake.text_delta("Hi"), end=False),
        fake.Hold(),
    ]
    delays = []
    for number in range(5):
        first = asyncio.Event()
        task = asyncio.create_task(provider.stream(request(), FAKE_KEY, lambda _, first=first: first.set()))
        await first.wait()
        cancelled_at = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(api.requests[number].closed.wait, 2)
        closed_at = api.requests[number].closed_at
        assert closed_at is not None
        delays.append(closed_at - cancelled_at)
    assert sorted(delays)[2] < 0.05


async def test_a_task_that_waits_for_the_headers_can_be_cancelled(api: FakeApi, provider: AnthropicProvider) -> None:
    api.enqueue([fake.Hold()])
    task = asyncio.create_task(provider.stream(request(), FAKE_KEY, lambda _: None))
    await asyncio.to_thread(api.wait_for_requests, 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(api.requests[0].closed.wait, 2)


async def test_many_requests_run_at_once(api: FakeApi, provider: AnthropicProvider) -> None:
    api.respond = lambda _: fake.answer(*"Hello")
    outcomes = await asyncio.gather(*(call(provider) for _ in range(20)))
    assert {outcome.text for outcome in outcomes} == {"Hello"}


async def test_a_closed_provider_opens_again(api: FakeApi, provider: AnthropicProvider) -> None:
    api.respond = lambda _: fake.answer("Hi")
    for _ in range(2):
        assert (await call(provider)).text == "Hi"
        await provider.aclose()
    await provider.aclose()


def run_python(program: str, **environ: str) -> str:
    """Run a program in a process of its own and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=50,
        cwd=Path(__file__).parents[3],
        env={**os.environ, **environ},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_importing_the_provider_imports_neither_the_sdk_nor_a_http_library() -> None:
    program = (
        "import sys, missy_lsp.llm.providers.anthropic as a, missy_lsp.llm.providers.offline\n"
        "assert a.AnthropicProvider().is_available()\n"
        "print([name for name in ('anthropic', 'httpx2', 'pydantic', 'anyio', 'http.client') if name in sys.modules])"
    )
    assert run_python(program).strip() == "[]"


def test_without_the_package_it_is_not_available_and_says_why() -> None:
    program = """
import asyncio, sys
from importlib.machinery import PathFinder

find_spec = PathFinder.find_spec
PathFinder.find_spec = classmethod(lambda cls, name, *rest: None if name == "anthropic" else find_spec(name, *rest))
from missy_lsp.errors import ModelError
from missy_lsp.llm.providers.anthropic import AnthropicProvider
from missy_lsp.secret import Secret
from tests.support.provider_calls import request

async def main():
    provider = AnthropicProvider()
    print(provider.is_available(), provider.unavailable_reason())
    await provider.warm_up()
    try:
        await provider.stream(request(), Secret("sk-ant-api03-FAKE"), print)
    except ModelError as error:
        print(error.kind, error.message)

asyncio.run(main())
"""
    first, second = run_python(program).splitlines()
    assert first == 'False package "anthropic" is not installed'
    assert second.startswith('provider_unavailable The package "anthropic" can\'t be imported')


def test_debug_logging_by_the_environment_prints_nothing() -> None:
    program = """
import asyncio, logging
logging.basicConfig(level=logging.DEBUG)
from missy_lsp.llm.providers.anthropic import AnthropicProvider
from missy_lsp.llm.providers.anthropic_client import ClientSettings
from tests.support.fake_api import FakeApi, answer
from tests.support.provider_calls import call, request

async def main():
    with FakeApi() as api:
        api.enqueue(answer("Hi"))
        provider = AnthropicProvider("anthropic", ClientSettings(api.base_url))
        assert (await call(provider, request("CANARY of a prompt"))).text == "Hi"
        await provider.aclose()

asyncio.run(main(), debug=True)
"""
    printed = run_python(program, ANTHROPIC_LOG="debug", PYTHONDEVMODE="1")
    assert "CANARY" not in printed
    assert "DEBUG:asyncio" in printed
    assert "DEBUG:anthropic" not in printed
    assert "HTTP Request" not in printed


def test_a_warm_provider_has_nothing_left_to_import() -> None:
    program = """
import asyncio, sys
from missy_lsp.llm.providers.anthropic import AnthropicProvider
from missy_lsp.llm.providers.anthropic_client import ClientSettings
from tests.support.fake_api import FakeApi, answer
from tests.support.provider_calls import call

async def main():
    with FakeApi() as api:
        api.enqueue(answer("Hi"))
        provider = AnthropicProvider("anthropic", ClientSettings(api.base_url))
        await asyncio.gather(provider.warm_up(), provider.warm_up())
        before = set(sys.modules)
        assert (await call(provider)).text == "Hi"
        print(sorted(set(sys.modules) - before))
        await provider.aclose()

asyncio.run(main())
"""
    assert run_python(program).strip() == "[]"


def test_no_span_of_a_request_is_recorded_by_open_telemetry() -> None:
    program = """
import asyncio
from opentelemetry import trace

class Recorder(trace.ProxyTracerProvider):
    def get_tracer(self, name, *rest, **options):
        print("tracer for", name)
        return trace.NoOpTracer()

trace.set_tracer_provider(Recorder())
from missy_lsp.llm.providers.anthropic import AnthropicProvider
from missy_lsp.llm.providers.anthropic_client import ClientSettings
from tests.support.fake_api import FakeApi, answer
from tests.support.provider_calls import call

async def main():
    with FakeApi() as api:
        api.enqueue(answer("Hi"))
        provider = AnthropicProvider("anthropic", ClientSettings(api.base_url))
        assert (await call(provider)).text == "Hi"
        await provider.aclose()

asyncio.run(main())
"""
    assert run_python(program, ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE="content").strip() == ""
