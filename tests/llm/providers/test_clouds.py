"""Claude at Amazon and at Google: the same stream, the same errors, the cloud's own credentials.

What needs `missy-lsp[bedrock]` or `[vertex]` is skipped aloud where these are not installed.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from missy_lsp.config.values import Config, ProviderConfig
from missy_lsp.llm.providers.anthropic import AnthropicProvider
from missy_lsp.llm.providers.anthropic_client import ClientSettings
from missy_lsp.llm.providers.bedrock import BedrockProvider
from missy_lsp.llm.providers.vertex import VertexProvider
from missy_lsp.llm.registry import ProviderRegistry
from tests.support import fake_api as fake
from tests.support.fake_api import FakeApi, Reply, Request, answer
from tests.support.provider_calls import call, cancelled_call, request
from tests.support.request_oracle import assert_valid_request

BEARER = "FAKE-bedrock-bearer-token"
HAS = {"boto3": importlib.util.find_spec("boto3") is not None}
HAS["google.auth"] = bool(importlib.util.find_spec("google") and importlib.util.find_spec("google.auth"))
needs_boto3 = pytest.mark.skipif(not HAS["boto3"], reason="missy-lsp[bedrock] is not installed")
needs_google = pytest.mark.skipif(not HAS["google.auth"], reason="missy-lsp[vertex] is not installed")
CLOUDS = [
    pytest.param("bearer", id="bedrock with a token"),
    pytest.param("signed", id="bedrock signed", marks=needs_boto3),
    pytest.param("vertex", id="vertex", marks=needs_google),
]
Script = Callable[[Reply], None]


@pytest.fixture
def api() -> Iterator[FakeApi]:
    """Serve scripted bytes; every model request has to be one that the real API accepts, wherever its model stands."""
    with FakeApi() as server:
        yield server
    for sent in server.requests:
        if sent.path != "/token":
            body = {name: value for name, value in sent.json.items() if name != "anthropic_version"}
            assert_valid_request({"model": "claude-sonnet-4-6", **body})


@pytest.fixture
def script(api: FakeApi) -> Script:
    """Let the upstream answer model requests with a reply, and requests for Google's tokens with a token."""

    def enqueue(reply: Reply) -> None:
        token = fake.document({"access_token": "FAKE-google-token", "expires_in": 3600, "token_type": "Bearer"})
        api.respond = lambda asked: token if asked.path == "/token" else reply

    return enqueue


@pytest.fixture
async def cloud(
    request: pytest.FixtureRequest, api: FakeApi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> AsyncIterator[AnthropicProvider]:
    """Make the provider of a cloud, with credentials of that cloud in the environment and the fake API as its host."""
    settings = ClientSettings(api.base_url, auth="bearer")
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "x-evil: 1")
    monkeypatch.setenv("ANTHROPIC_AWS_API_KEY", "not-obeyed")
    provider: AnthropicProvider
    if request.param == "vertex":
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(service_account(tmp_path, api)))
        provider = VertexProvider("gcp", settings, "europe-west1", environ={})
    else:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAFAKEFAKEFAKEFAKE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "FAKEfakeFAKEfakeFAKEfakeFAKEfakeFAKEfake")
        environ = {"AWS_BEARER_TOKEN_BEDROCK": BEARER} if request.param == "bearer" else {}
        provider = BedrockProvider("aws", settings, "eu-central-1", environ=environ)
    yield provider
    await provider.aclose()


def service_account(folder: Path, api: FakeApi) -> Path:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    path = folder / "credentials.json"
    fields = {"type": "service_account", "project_id": "a-project", "private_key_id": "1", "private_key": pem}
    place = {"client_email": "missy@a-project.iam.gserviceaccount.com", "token_uri": f"{api.base_url}/token"}
    path.write_text(json.dumps({**fields, **place}))
    return path


def asked(api: FakeApi) -> Request:
    [found] = [each for each in api.requests if each.path != "/token"]
    return found


@pytest.mark.parametrize("cloud", CLOUDS, indirect=True)
async def test_an_answer_streams_as_from_anthropic(cloud: AnthropicProvider, api: FakeApi, script: Script) -> None:
    script(answer("Hello ", "there"))
    outcome = await call(cloud, request(model="anthropic.claude-sonnet-4-6"), key=None)
    assert (outcome.kind, outcome.text) == ("ok", "Hello there")
    assert outcome.end is not None
    assert outcome.end.usage.input_tokens == 10
    sent = asked(api)
    assert sent.json["stream"] is True
    assert "x-evil" not in sent.headers
    assert "x-api-key" not in sent.headers


@pytest.mark.parametrize("cloud", CLOUDS[:1], indirect=True)
async def test_a_bearer_token_of_bedrock_is_sent(cloud: AnthropicProvider, api: FakeApi, script: Script) -> None:
    script(answer("Hello"))
    await call(cloud, request(model="anthropic.claude-sonnet-4-6"), key=None)
    assert asked(api).path == "/v1/messages"
    assert asked(api).headers["authorization"] == f"Bearer {BEARER}"
    assert asked(api).json["model"] == "anthropic.claude-sonnet-4-6"


@pytest.mark.parametrize("cloud", CLOUDS[1:2], indirect=True)
async def test_a_request_to_bedrock_is_signed(cloud: AnthropicProvider, api: FakeApi, script: Script) -> None:
    script(answer("Hello"))
    await call(cloud, key=None)
    signature = asked(api).headers["authorization"]
    assert signature.startswith("AWS4-HMAC-SHA256 Credential=AKIAFAKEFAKEFAKEFAKE/")
    assert "/eu-central-1/bedrock-mantle/aws4_request" in signature


@pytest.mark.parametrize("cloud", CLOUDS[2:], indirect=True)
async def test_vertex_gets_the_model_in_the_address(cloud: AnthropicProvider, api: FakeApi, script: Script) -> None:
    script(answer("Hello"))
    await call(cloud, request(model="claude-haiku-4-5@20251001"), key=None)
    place = "/v1/projects/a-project/locations/europe-west1/publishers/anthropic/models/"
    assert asked(api).path == f"{place}claude-haiku-4-5@20251001:streamRawPredict"
    assert asked(api).headers["authorization"] == "Bearer FAKE-google-token"
    assert "model" not in asked(api).json
    assert asked(api).json["anthropic_version"]


@pytest.mark.parametrize("cloud", CLOUDS, indirect=True)
@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (fake.api_error(401, "authentication_error", "expired"), "authentication"),
        (fake.api_error(403, "permission_error", "no access to the model"), "permission"),
        (fake.api_error(429, "rate_limit_error", "slow down", {"retry-after": "7"}), "rate_limited"),
        (fake.api_error(500, "api_error", "internal"), "provider_unavailable"),
        (fake.document(b"", 307, headers={"location": "http://127.0.0.1:9/"}), "connection"),
        (fake.stream(fake.message_start(), fake.block_start(), fake.text_delta("Hal")), "truncated"),
        (fake.stream(fake.event("error", error={"type": "overloaded_error", "message": "busy"})), "overloaded"),
    ],
    ids=["401", "403", "429", "500", "redirect", "broken off", "error event"],
)
async def test_errors_are_those_of_anthropic_and_nothing_is_tried_twice(
    cloud: AnthropicProvider, api: FakeApi, script: Script, reply: Reply, kind: str
) -> None:
    script(reply)
    outcome = await call(cloud, key=None)
    assert outcome.kind == kind
    assert outcome.error is not None
    assert "missy vault" not in outcome.error.message
    assert (cloud.remedy in outcome.error.message) == (kind in ("authentication", "permission"))
    asked(api)


@pytest.mark.parametrize("cloud", CLOUDS, indirect=True)
async def test_a_cancel_closes_the_connection(cloud: AnthropicProvider, api: FakeApi, script: Script) -> None:
    script(fake.stream(fake.message_start(), fake.block_start(), fake.text_delta("Hal"), fake.Hold(), end=False))
    assert (await cancelled_call(cloud)).text == "Hal"
    assert asked(api).closed.wait(5)


@pytest.mark.parametrize("cloud", CLOUDS, indirect=True)
async def test_a_preview_is_what_is_sent(cloud: AnthropicProvider, api: FakeApi, script: Script) -> None:
    script(answer("Hello"))
    shown: dict[str, Any] = dict(cloud.preview(request()))
    await call(cloud, key=None)
    sent = asked(api)
    assert shown["url"].replace("[of the credentials]", "a-project") == api.base_url + sent.path
    assert shown["body"] == {name: value for name, value in sent.json.items() if name != "anthropic_version"}


@needs_google
async def test_vertex_without_credentials_says_how_to_get_some(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    outcome = await call(VertexProvider("gcp", ClientSettings(api.base_url), environ={}), key=None)
    assert outcome.kind == "no_key"
    assert "gcloud auth application-default login" in str(outcome.error)
    assert api.requests == []


@needs_boto3
async def test_bedrock_without_credentials_says_how_to_get_some(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch, isolated_home: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    outcome = await call(BedrockProvider("aws", ClientSettings(api.base_url), "eu-west-1", environ={}), key=None)
    assert outcome.kind == "no_key"
    assert "aws configure" in str(outcome.error)
    assert api.requests == []


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("global", "https://aiplatform.googleapis.com"),
        ("eu", "https://aiplatform.eu.rep.googleapis.com"),
        ("europe-west1", "https://europe-west1-aiplatform.googleapis.com"),
    ],
)
def test_vertex_is_asked_in_the_region_that_was_chosen(region: str, host: str) -> None:
    shown = VertexProvider("gcp", ClientSettings(), region, "p", environ={}).preview(request())
    assert str(shown["url"]).startswith(f"{host}/v1/projects/p/locations/{region}/")


def test_bedrock_is_asked_in_the_region_that_was_chosen() -> None:
    provider = BedrockProvider("aws", ClientSettings(), environ={"AWS_REGION": "us-west-2"})
    assert provider.preview(request())["url"] == "https://bedrock-mantle.us-west-2.api.aws/anthropic/v1/messages"


@pytest.mark.parametrize("region", ["evil.example/#", "a.b", "EU", "us-east-1\n", "-"])
def test_what_is_no_region_never_becomes_part_of_a_host(region: str) -> None:
    token = {"AWS_BEARER_TOKEN_BEDROCK": BEARER}
    bedrock = BedrockProvider("aws", ClientSettings(), environ={"AWS_REGION": region, **token})
    vertex = VertexProvider("gcp", ClientSettings(), environ={"CLOUD_ML_REGION": region})
    for provider in (bedrock, vertex):
        assert "is no region" in (provider.unavailable_reason() or "")
        assert not provider.is_available()
    assert "no-region.invalid" in str(bedrock.preview(request())["url"])


@pytest.mark.parametrize(
    ("name", "package", "words"),
    [("bedrock", "boto3", "missy-lsp[bedrock]"), ("vertex", "google.auth", "missy-lsp[vertex]")],
)
def test_a_cloud_whose_extra_is_missing_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, name: str, package: str, words: str
) -> None:
    if HAS[package]:
        pytest.skip(f"{words} is installed")
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)
    config = Config(providers={"cloud": ProviderConfig(name=name, region="eu-west-1")})
    [entry] = ProviderRegistry().entries(config)
    assert words in (entry.reason or "")


def test_bedrock_without_a_region_says_so() -> None:
    reason = BedrockProvider("aws", ClientSettings(), environ={"AWS_BEARER_TOKEN_BEDROCK": BEARER}).unavailable_reason()
    assert reason == "no region; set region of the provider aws, or AWS_REGION"
