"""What the provider says when upstream refuses, fails, or can't be reached."""

from __future__ import annotations

import base64
import socket
import ssl
from pathlib import Path
from urllib.parse import quote

import pytest

from missy_lsp.errors import ModelError
from missy_lsp.llm.providers.anthropic import AnthropicProvider
from missy_lsp.llm.providers.anthropic_errors import Call, redacted, status_error
from missy_lsp.secret import Secret
from tests.llm.providers.conftest import MakeProvider
from tests.support import fake_api as fake
from tests.support.fake_api import FakeApi
from tests.support.provider_calls import FAKE_KEY, call, request
from tests.support.self_signed import self_signed_certificate

GATEWAY = Call("work", "https://gw.example.com/llm", "claude-sonnet-4-6", FAKE_KEY)

STATUSES = [
    (400, "invalid_request_error", "max_tokens: too large", "invalid_request", False),
    (400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum", "context_too_long", False),
    (
        400,
        "invalid_request_error",
        "input length and `max_tokens` exceed context limit: 1 > 0",
        "context_too_long",
        False,
    ),
    (400, "", "This model's maximum context length is 8192 tokens", "context_too_long", False),
    (401, "authentication_error", "invalid bearer token", "authentication", False),
    (402, "billing_error", "no credit", "permission", False),
    (403, "permission_error", "not for you", "permission", False),
    (404, "not_found_error", "model: claude-sonnet-4-6", "invalid_request", False),
    (407, "", "", "connection", False),
    (408, "timeout_error", "", "timeout", True),
    (409, "", "conflict", "invalid_request", True),
    (413, "request_too_large", "Request too large", "context_too_long", False),
    (418, "", "", "invalid_request", False),
    (422, "", "no such field", "invalid_request", False),
    (429, "rate_limit_error", "slow down", "rate_limited", True),
    (422, "budget_exceeded", "Budget has been exceeded! Current cost: 1.5, Max budget: 1.0", "permission", False),
    (400, "no_db_connection", "No connected db.", "authentication", False),
    (500, "api_error", "internal", "provider_unavailable", True),
    (502, "", "", "provider_unavailable", True),
    (503, "overloaded_error", "Overloaded", "overloaded", True),
    (504, "timeout_error", "", "timeout", True),
    (520, "", "", "provider_unavailable", True),
    (529, "overloaded_error", "Overloaded", "overloaded", True),
    (301, "", "", "connection", False),
    (302, "", "", "connection", False),
    (304, "", "", "connection", False),
    (307, "", "", "connection", False),
]


@pytest.mark.parametrize(
    ("status", "error_type", "message", "kind", "retryable"), STATUSES, ids=lambda value: str(value)[:30]
)
async def test_every_status_has_its_kind(
    api: FakeApi, provider: AnthropicProvider, status: int, error_type: str, message: str, kind: str, retryable: bool
) -> None:
    api.enqueue(
        fake.api_error(status, error_type, message) if error_type or message else fake.document(b"<h1>", status)
    )
    outcome = await call(provider)
    assert outcome.error is not None
    assert (outcome.kind, outcome.error.retryable, outcome.error.status) == (kind, retryable, status)
    assert outcome.error.request_id == "req_fake"
    assert not message or kind == "connection" or message in outcome.error.message
    assert len(api.requests) == 1


def refused(status: int, body: bytes = b"{}", **headers: str) -> ModelError:
    return status_error(
        GATEWAY, status, {name.replace("_", "-"): value for name, value in headers.items()}, body, 784_111_777.0
    )


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": "0.5"}, 0.5),
        ({"retry_after": "3600"}, 3600.0),
        ({"retry_after_ms": "250", "retry_after": "9"}, 0.25),
        ({"retry_after": "Sun, 06 Nov 1994 08:49:47 GMT"}, 10.0),
        ({"retry_after": "Sun, 06 Nov 1994 08:00:00 GMT"}, 0.0),
        ({"retry_after": "-3"}, 0.0),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "nan"}, None),
        ({"retry_after": "inf"}, None),
        ({}, None),
    ],
    ids=str,
)
def test_the_wait_that_upstream_asks_for_is_understood(headers: dict[str, str], seconds: float | None) -> None:
    assert refused(429, **headers).retry_after_s == seconds


def test_upstream_may_forbid_a_retry() -> None:
    assert not refused(529, x_should_retry="false").retryable


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (401, b'{"error":{"message":"bad key"}}', ["gw.example.com", "bad key", "missy vault set work_api_key"]),
        (
            404,
            b'{"error":{"type":"not_found_error","message":"model: x"}}',
            ["claude-sonnet-4-6", "model", "config.yaml"],
        ),
        (404, b"<html>", ["/llm/v1/messages", "base_url"]),
        (413, b"", ["too long", "Select less"]),
        (307, b"", ["307", "does not follow", "base_url"]),
        (429, b"", ["in a moment"]),
        (500, b'{"error":"flat text"}', ["flat text"]),
        (500, b'{"detail":"no error object"}', ["no error object"]),
        (500, b'{"error":[1]}', ["no reason given"]),
        (500, b"[" * 100_000, ["no reason given"]),
    ],
    ids=str,
)
def test_the_sentence_says_what_happened_and_what_to_do(status: int, body: bytes, words: list[str]) -> None:
    message = refused(status, body).message
    assert [word for word in words if word not in message] == []


@pytest.mark.parametrize(
    ("seconds", "words"), [("7", "in 7 seconds"), ("1", "in 1 second."), ("0.2", "in 1 second."), ("0", "in a moment")]
)
def test_a_rate_limit_says_when(seconds: str, words: str) -> None:
    assert words in refused(429, retry_after=seconds).message


KEY = FAKE_KEY.reveal()


@pytest.mark.parametrize(
    "echo",
    [
        KEY,
        quote(KEY, safe=""),
        base64.b64encode(KEY.encode()).decode(),
        KEY[:12] + "…",
        f"…{KEY[-8:]}",
        "sk-ant-api03-SOMEBODY-elses-key",
        "Bearer abcdef.ghi",
        "sk-proj-0123456789abcdefghij",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
    ],
)
def test_nothing_that_looks_like_a_key_is_shown(echo: str) -> None:
    shown = redacted(f"the key >{echo}< is wrong", FAKE_KEY)
    assert shown.startswith("the key >")
    assert "***" in shown
    assert echo not in shown
    assert KEY[-8:] not in shown


def test_a_gateways_own_kind_of_key_is_not_shown_either() -> None:
    assert redacted("key gw_0123456789_xyz is wrong", Secret("gw_0123456789_xyz")) == "key *** is wrong"


def test_upstream_text_is_one_short_printable_line() -> None:
    shown = redacted("a\n\x1b[31mb\u202ec\u200bd " + "x" * 1000, None)
    assert shown.startswith("a [31mb c d xxx")
    assert len(shown) == 500


async def test_an_error_body_is_read_only_to_its_limit(api: FakeApi, provider: AnthropicProvider) -> None:
    api.enqueue([fake.head(500, {"content-type": "text/plain"}), fake.Send(b"x" * 300_000), fake.Hold()])
    assert (await call(provider)).kind == "provider_unavailable"
    assert api.requests[0].closed.wait(2)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed_and_nothing_reaches_its_target(
    api: FakeApi, provider: AnthropicProvider, status: int
) -> None:
    with FakeApi() as elsewhere:
        api.enqueue(
            fake.document(b"", status, headers={"location": f"{elsewhere.base_url}/v1/messages", "set-cookie": "a=b"})
        )
        outcome = await call(provider)
        assert outcome.kind == "connection"
        assert (elsewhere.connections, elsewhere.requests) == (0, [])
    assert outcome.error is not None
    assert f"127.0.0.1:{api.port} redirects" in outcome.error.message


async def test_nothing_listening_is_said_with_the_address(make_provider: MakeProvider) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    outcome = await call(make_provider(f"http://127.0.0.1:{port}"))
    assert outcome.error is not None
    assert (outcome.kind, outcome.error.retryable) == ("connection", True)
    assert f"127.0.0.1:{port} refused the connection" in outcome.error.message
    assert "proxy" not in outcome.error.message


async def test_a_proxy_that_is_set_but_not_obeyed_is_named(make_provider: MakeProvider) -> None:
    environ = {"HTTPS_PROXY": "http://user:pw@proxy.example.com", "http_proxy": "http://p", "ALL_PROXY": ""}
    outcome = await call(make_provider("http://127.0.0.1:1", environ=environ))
    assert outcome.error is not None
    assert "HTTPS_PROXY and http_proxy are set but not obeyed" in outcome.error.message
    assert "network.use_env_proxy" in outcome.error.message
    assert "example.com" not in outcome.error.message


@pytest.mark.parametrize(
    ("base_url", "words"),
    [
        ("http://no-such-host.invalid", "no-such-host.invalid can't be found"),
        ("ftp://127.0.0.1", "has to start with https://"),
        ("http://[::1", "base_url is not a valid URL"),
        ("http://127.0.0.1:99999", "the port has to be at most 65535"),
        ("http://127.0.0.1:1", "refused the connection"),
        ("localhost", "has to start with https://"),
    ],
)
async def test_a_wrong_base_url_is_explained(make_provider: MakeProvider, base_url: str, words: str) -> None:
    outcome = await call(make_provider(base_url))
    assert outcome.error is not None
    assert outcome.kind == "connection"
    assert words in outcome.error.message


async def test_tls_against_a_server_without_it(api: FakeApi, make_provider: MakeProvider) -> None:
    outcome = await call(make_provider(api.base_url.replace("http:", "https:")))
    assert outcome.error is not None
    assert outcome.kind == "connection"
    assert "does not speak TLS as expected" in outcome.error.message


async def test_a_certificate_counts_only_when_it_is_configured(make_provider: MakeProvider, tmp_path: Path) -> None:
    certificate, key_file = self_signed_certificate(tmp_path, "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key_file)
    with FakeApi(tls=context) as api:
        api.respond = lambda _: fake.answer("Hi")
        outcome = await call(make_provider(api.base_url))
        assert outcome.error is not None
        assert (outcome.kind, outcome.error.retryable) == ("connection", False)
        assert "is not trusted" in outcome.error.message
        assert "network.ca_bundle" in outcome.error.message
        assert (await call(make_provider(api.base_url, ca_bundle=str(certificate)))).text == "Hi"
        assert len(api.requests) == 1


async def test_certificates_that_can_not_be_read_are_named(make_provider: MakeProvider, tmp_path: Path) -> None:
    not_pem = tmp_path / "ca.pem"
    not_pem.write_text("hello")
    for path, words in ((not_pem, "not a PEM file"), (tmp_path / "none.pem", "No such file")):
        provider = make_provider("https://127.0.0.1:1", ca_bundle=str(path))
        await provider.warm_up()
        outcome = await call(provider)
        assert outcome.error is not None
        assert outcome.kind == "connection"
        assert str(path) in outcome.error.message
        assert words in outcome.error.message


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        (None, "no_key"),
        (Secret(""), "no_key"),
        (Secret("sk-ant-oat01-FAKE-setup-token"), "setup_token"),
        (Secret("sk-ant-api03-FAKE\n"), "authentication"),
        (Secret("sk-ant-api03 FAKE"), "authentication"),
        (Secret("sk-ant-api03-FAKÉ"), "authentication"),
        (Secret("sk-ant-api03-FAKE\x00"), "authentication"),
    ],
    ids=["none", "empty", "setup token", "line end", "space", "not ascii", "nul"],
)
async def test_a_key_that_can_not_work_is_never_sent(
    api: FakeApi, provider: AnthropicProvider, key: Secret | None, kind: str
) -> None:
    outcome = await call(provider, key=key)
    assert outcome.kind == kind
    assert "FAK" not in str(outcome.error)
    assert (api.connections, api.requests) == (0, [])


async def test_a_header_bomb_is_an_error(api: FakeApi, provider: AnthropicProvider) -> None:
    api.enqueue([fake.head(200, {f"x-{number}": "y" * 100 for number in range(10_000)}), fake.Close()])
    assert (await call(provider)).kind == "connection"


async def test_a_model_that_is_not_known_upstream_is_named(api: FakeApi, provider: AnthropicProvider) -> None:
    api.enqueue(fake.api_error(404, "not_found_error", "model: claude-opus-9"))
    outcome = await call(provider, request(model="claude-opus-9"))
    assert outcome.error is not None
    assert "does not know the model claude-opus-9" in outcome.error.message
