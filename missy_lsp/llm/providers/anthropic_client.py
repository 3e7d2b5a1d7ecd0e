"""Build the SDK's client so that nothing but our configuration decides where a request goes and what is in it.

The SDK and its HTTP library are imported here and only inside functions: the import takes about a second
and must never happen while the server starts. Private names of the SDK used here: `_custom_headers`;
`tests/llm/providers/test_anthropic_wire.py` is the alarm.
"""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import logging
import ssl
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, cast

import attrs

from missy_lsp.config.urls import ANTHROPIC_URL
from missy_lsp.errors import ModelError
from missy_lsp.secret import Secret

if TYPE_CHECKING:
    import anthropic
    import httpx2

    SdkClient = anthropic.AsyncAnthropic | anthropic.AsyncAnthropicBedrockMantle | anthropic.AsyncAnthropicVertex

_MAX_CONNECTIONS = 64
_MAX_IDLE_CONNECTIONS = 8
# A person asks again within minutes; a kept connection saves the TLS handshake.
_IDLE_CONNECTION_S = 120.0
_SDK_LOGGERS = ("anthropic", "httpx2", "httpcore2")


@attrs.frozen
class ClientSettings:
    """Where requests go and how: `base_url` None is Anthropic's own; `ca_bundle` is a PEM file that replaces
    the system's certificates; `use_env_proxy` obeys HTTPS_PROXY and kin; `auth` is that of the configuration.
    """

    base_url: str | None = None
    use_env_proxy: bool = False
    ca_bundle: str | None = None
    connect_timeout_s: float = 5.0
    auth: str = "auto"

    @property
    def key_headers(self) -> tuple[str, ...]:
        """Return the headers that carry the key, in lower case.

        Anthropic reads the bearer token that the SDK sends; gateways and local servers often read only
        `x-api-key`, so they get both unless the user says otherwise.
        """
        auth = ("bearer" if self.endpoint == ANTHROPIC_URL else "both") if self.auth == "auto" else self.auth
        return {"bearer": ("authorization",), "x-api-key": ("x-api-key",)}.get(auth, ("authorization", "x-api-key"))

    @property
    def endpoint(self) -> str:
        """Return the URL before `/v1/messages`; a base_url that already ends in /v1 is meant the same way."""
        return (self.base_url or ANTHROPIC_URL).rstrip("/").removesuffix("/v1").rstrip("/")


def is_installed(package: str) -> bool:
    """Say whether `package` could be imported, without importing it."""
    try:
        return importlib.util.find_spec(package) is not None
    except ValueError:
        return False


def direct_client(**options: Any) -> anthropic.AsyncAnthropic:
    """Make the client that speaks to Anthropic or a gateway."""
    import anthropic

    # A key is given, so that the SDK looks neither into the environment nor for a profile.
    return anthropic.AsyncAnthropic(api_key="replaced-for-each-request", **options)


def open_client(
    settings: ClientSettings,
    transport: httpx2.AsyncBaseTransport | None = None,
    make: Callable[..., SdkClient] = direct_client,
) -> SdkClient:
    """Import the SDK and build the client; slow the first time, so never call it on the event loop.

    `transport` stands in for the network; `make` makes the client of the options that all of them have. Raises
    `ModelError` where the settings or the installation are at fault.
    """
    with _without_garbage_collection():
        try:
            import http.cookiejar

            import anthropic  # noqa: F401  # imported for whoever makes the client
            import httpx2
        except ImportError as error:
            raise ModelError(
                "provider_unavailable",
                f'The package "anthropic" can\'t be imported ({error}). Install Missy again, or: pip install anthropic',
            ) from error
        _quiet_loggers()
        try:
            http_client = httpx2.AsyncClient(
                transport=transport,
                verify=_tls_context(settings.ca_bundle) if transport is None else True,
                trust_env=settings.use_env_proxy,
                follow_redirects=False,
                cookies=http.cookiejar.CookieJar(http.cookiejar.DefaultCookiePolicy(allowed_domains=[])),
                headers={"accept-encoding": "identity"},
                timeout=httpx2.Timeout(30.0, connect=settings.connect_timeout_s),
                limits=httpx2.Limits(
                    max_connections=_MAX_CONNECTIONS,
                    max_keepalive_connections=_MAX_IDLE_CONNECTIONS,
                    keepalive_expiry=_IDLE_CONNECTION_S,
                ),
            )
            return make(
                base_url=settings.endpoint,
                max_retries=0,
                http_client=http_client,
                middleware=[_hand_out_response],
                open_telemetry=False,
            )
        except (httpx2.InvalidURL, ImportError, ValueError) as error:
            raise ModelError("connection", _settings_sentence(settings)) from error


def client_for_key(client: anthropic.AsyncAnthropic, key: Secret, headers: tuple[str, ...]) -> anthropic.AsyncAnthropic:
    """Return a light copy that sends `key` in these headers, and over the same connections."""
    import anthropic

    copy = client.with_options(api_key=key.reveal())
    # The constructor, run again for a copy, takes headers from ANTHROPIC_CUSTOM_HEADERS.
    custom: dict[str, str | anthropic.Omit] = {"x-api-key": key.reveal()} if "x-api-key" in headers else {}
    if "authorization" not in headers:
        custom["Authorization"] = anthropic.Omit()
    copy._custom_headers = custom  # type: ignore[assignment]  # the SDK takes Omit in every other place of headers
    return copy


async def _hand_out_response(
    request: anthropic.APIRequest, call_next: anthropic.AsyncCallNext
) -> anthropic.AsyncAPIResponse[object]:
    """Return the bare response whatever its status: the SDK would read a failed one's body without any limit."""
    response: object = await call_next(request)
    return cast("anthropic.AsyncAPIResponse[object]", getattr(response, "http_response", response))


def _tls_context(ca_bundle: str | None) -> ssl.SSLContext:
    """Make a TLS context without SSL_CERT_FILE, SSL_CERT_DIR or SSLKEYLOGFILE: a repository may set those."""
    if ca_bundle is None:
        import httpx2

        return httpx2.create_ssl_context(trust_env=False)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cafile=ca_bundle)
    except OSError as error:
        reason = "it is not a PEM file" if isinstance(error, ssl.SSLError) else error.strerror
        raise ModelError(
            "connection",
            f"The certificates in {ca_bundle} can't be read ({reason}). "
            "Correct network.ca_bundle in ~/.missy/config.yaml.",
        ) from error
    return context


def _settings_sentence(settings: ClientSettings) -> str:
    if settings.use_env_proxy:
        return (
            "The proxy that the environment names can't be used: its URL is not valid, or it needs a package that is "
            "not installed. Correct HTTPS_PROXY, HTTP_PROXY or ALL_PROXY, or set network.use_env_proxy: false."
        )
    return "base_url is not a valid URL. Write it like https://gateway.example.com, without /v1."


def _quiet_loggers() -> None:
    """Keep prompts out of the log, whatever ANTHROPIC_LOG or the root logger's level say."""
    for name in _SDK_LOGGERS:
        logger = logging.getLogger(name)
        logger.setLevel(logging.WARNING)
        logger.propagate = False
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())


@contextlib.contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Hold the collector off: its full passes during the import stall every other thread for 60 ms at a time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
