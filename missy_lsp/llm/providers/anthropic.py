"""Claude through the Messages API: a request goes in, a stream of typed events comes out, one outcome.

The parts: `anthropic_request` (our values to the body), `anthropic_client` (the SDK, built so that the
environment has no say), `anthropic_stream` (bytes within limits), `anthropic_turn` (events to the outcome),
`anthropic_errors` (what went wrong, in words). The SDK sends the request; its event parsing is not used,
since it costs twice the time per event and lets a message pass that breaks off.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from missy_lsp.errors import ModelError
from missy_lsp.llm.catalogue import Catalogue, ModelFacts
from missy_lsp.llm.providers import anthropic_errors as errors
from missy_lsp.llm.providers.anthropic_client import (
    ClientSettings,
    client_for_key,
    direct_client,
    is_installed,
    open_client,
)
from missy_lsp.llm.providers.anthropic_listing import fetch_models
from missy_lsp.llm.providers.anthropic_request import Json, request_body
from missy_lsp.llm.providers.anthropic_stream import ContentTimeout, StreamLimits, read_start, read_turn
from missy_lsp.llm.providers.anthropic_turn import TurnFault, TurnReader
from missy_lsp.llm.providers.base import OnEvent
from missy_lsp.llm.types import Message, ModelRequest, Prompt, TextBlock, TurnEnd
from missy_lsp.secret import Secret

if TYPE_CHECKING:
    import anthropic
    import httpx2

    from missy_lsp.config.values import Network, ProviderConfig
    from missy_lsp.llm.providers.anthropic_client import SdkClient

_MOST_CLIENTS = 64
_LISTING_S = 60.0
_PROXY_VARIABLES = frozenset({"http_proxy", "https_proxy", "all_proxy"})


class AnthropicProvider:
    """One entry `providers.<id>` with `name: anthropic`; keeps one client and its connections."""

    name = "anthropic"
    needs_key = True
    remedy = ""

    def __init__(
        self,
        provider_id: str = "anthropic",
        settings: ClientSettings | None = None,
        *,
        limits: StreamLimits | None = None,
        catalogue: Catalogue | None = None,
        environ: Mapping[str, str] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.id = provider_id
        self._settings = settings or ClientSettings()
        self._limits = limits or StreamLimits()
        self._catalogue = catalogue
        self._environ = os.environ if environ is None else environ
        self._now = now
        self._opening = asyncio.Lock()
        self._client: SdkClient | None = None
        self._clients: dict[Secret, anthropic.AsyncAnthropic] = {}
        self._is_installed = False

    @classmethod
    def from_config(cls, provider_id: str, provider: ProviderConfig, network: Network) -> AnthropicProvider:
        """Make the provider of one entry in the configuration."""
        return cls(
            provider_id,
            ClientSettings(provider.base_url, network.use_env_proxy, network.ca_bundle, auth=provider.auth),
        )

    def is_available(self) -> bool:
        return self.unavailable_reason() is None

    def unavailable_reason(self) -> str | None:
        # Looking for a package reads folders: what was found once is not looked for at every request.
        self._is_installed = self._is_installed or is_installed("anthropic")
        return None if self._is_installed else 'package "anthropic" is not installed'

    async def warm_up(self) -> None:
        """Import the SDK and build the client in a thread. A problem is reported by the first request."""
        try:
            await self._opened()
        except ModelError:
            return

    async def aclose(self) -> None:
        client, self._client = self._client, None
        self._clients.clear()
        if client is not None:
            await client.close()

    async def stream(self, request: ModelRequest, key: Secret | None, on_event: OnEvent) -> TurnEnd:
        """Run one turn; see `Provider.stream`."""
        secret = self._checked(key)
        call = errors.Call(self.id, self._settings.endpoint, request.model, secret, self.remedy)
        body = request_body(request, self._facts(request))
        client = self._client_for(await self._opened(), secret)
        import anthropic
        import httpx2

        reader = TurnReader(request.model, on_event, lambda data: errors.event_error(call, data), request.prompt)
        try:
            return await self._exchange(client, body, request.timeout_s, reader, call)
        except ModelError as error:
            failure = error
        except TurnFault as fault:
            sentence = errors.fault_sentence(call, fault.kind, fault.fault)
            failure = ModelError(fault.kind, sentence, retryable=fault.retryable)
        except ContentTimeout:
            failure = self._timeout(call, f"sent no text for {self._limits.content_s:.0f} seconds")
        except TimeoutError:
            failure = self._timeout(call, f"did not finish within {self._limits.total_s / 60:.0f} minutes")
        except (anthropic.APITimeoutError, httpx2.TimeoutException) as error:
            failure = self._silence(call, error, request.timeout_s)
        except (anthropic.APIConnectionError, httpx2.HTTPError, OSError) as error:
            failure = self._broken(call, error, reader)
        failure.partial_text = reader.text
        failure.request_id = failure.request_id or reader.request_id
        raise failure

    async def list_models(self, key: Secret, timeout_s: float) -> list[object]:
        """Ask for the models; see `Listing.list_models`."""
        secret = self._checked(key)
        call = errors.Call(self.id, self._settings.endpoint, "", secret)
        client = self._client_for(await self._opened(), secret)
        import anthropic
        import httpx2

        try:
            async with asyncio.timeout(_LISTING_S):
                return await fetch_models(client, call, timeout_s, self._now())
        except (anthropic.APITimeoutError, httpx2.TimeoutException) as error:
            raise self._silence(call, error, timeout_s) from None
        except TimeoutError:
            raise self._timeout(call, f"did not finish within {_LISTING_S:.0f} seconds") from None
        except (anthropic.APIConnectionError, httpx2.HTTPError, OSError) as error:
            raise self._broken(call, error) from None

    def preview(self, request: ModelRequest) -> Json:
        """Return the request; see `Previewing.preview`."""
        endpoint = self._settings.endpoint
        shown = {"authorization": "Bearer [redacted]", "x-api-key": "[redacted]"}
        headers: Json = {name: shown[name] for name in self._settings.key_headers}
        headers["content-type"] = "application/json"
        body = request_body(request, self._facts(request))
        return {"method": "POST", "url": f"{endpoint}/v1/messages", "headers": headers, "body": body}

    async def _exchange(
        self,
        client: SdkClient,
        body: Json,
        timeout_s: float,
        reader: TurnReader,
        call: errors.Call,
    ) -> TurnEnd:
        import anthropic
        import httpx2

        timeout = httpx2.Timeout(timeout_s, connect=min(timeout_s, self._settings.connect_timeout_s))
        async with asyncio.timeout(self._limits.total_s):
            # With this `cast_to` the SDK hands out the response itself, its body unread, whatever the status:
            # the middleware takes care of the latter.
            response = cast(
                "httpx2.Response",
                await client.post(
                    "/v1/messages",
                    body=body,
                    cast_to=httpx2.Response,
                    options={"timeout": timeout},
                    stream=True,
                    stream_cls=anthropic.AsyncStream[object],
                ),
            )
            try:
                reader.request_id = response.headers.get("request-id")
                if not response.is_success:
                    start = await read_start(response, self._limits)
                    raise errors.status_error(call, response.status_code, response.headers, start, self._now())
                content_type = response.headers.get("content-type", "")
                if content_type and "text/event-stream" not in content_type.lower():
                    raise errors.foreign_answer(call, content_type, await read_start(response, self._limits))
                await read_turn(response, reader, self._limits)
                if not reader.started:
                    raise errors.foreign_answer(call, "an empty event stream", b"")
                return reader.finish()
            finally:
                reader.tell_usage()
                await response.aclose()

    def _make_client(self, **options: Any) -> SdkClient:
        """Make the SDK's client, in a thread."""
        return direct_client(**options)

    def _client_for(self, client: SdkClient, key: Secret | None) -> SdkClient:
        """Return the client as it speaks with one key; copies share the connections and are kept."""
        if key is None:
            return client
        if key not in self._clients:
            if len(self._clients) >= _MOST_CLIENTS:
                self._clients.clear()
            self._clients[key] = client_for_key(
                cast("anthropic.AsyncAnthropic", client), key, self._settings.key_headers
            )
        return self._clients[key]

    async def _opened(self) -> SdkClient:
        if self._client is None:
            async with self._opening:
                if self._client is None:
                    self._client = await asyncio.to_thread(self._open)
        return self._client

    def _open(self) -> SdkClient:
        """Import, build, and send one request to nowhere, so that the first real one finds everything built."""
        client = open_client(self._settings, make=self._make_client)
        asyncio.run(_rehearse(self._models()))
        return client

    def _facts(self, request: ModelRequest) -> ModelFacts:
        return request.facts or self._models().facts(request.model)

    def _models(self) -> Catalogue:
        if self._catalogue is None:
            self._catalogue = Catalogue.load()
        return self._catalogue

    def _checked(self, key: Secret | None) -> Secret | None:
        """Return the key, if it can be one: a wrong one is told here, in words that HTTP libraries don't have."""
        text = key.reveal() if key else ""
        if key is None or not text:
            raise ModelError(
                "no_key",
                f"There is no API key for the provider {self.id}. Set ANTHROPIC_API_KEY, or run: "
                f"missy vault set {self.id}_api_key",
            )
        if text.startswith("sk-ant-oat"):
            raise ModelError(
                "setup_token",
                "The key is a setup token (sk-ant-oat…); the Messages API needs a key that starts with sk-ant-api. "
                "Create one at console.anthropic.com.",
            )
        if not (text.isascii() and text.isprintable()) or " " in text:
            raise ModelError(
                "authentication",
                "The API key has a space, a line end or another character that no key has. Store it again: "
                f"missy vault set {self.id}_api_key",
            )
        return key

    def _timeout(self, call: errors.Call, what: str) -> ModelError:
        return ModelError("timeout", f"{call.host} {what}. Ask again, or raise the provider's timeout.", retryable=True)

    def _silence(self, call: errors.Call, error: Exception, timeout_s: float) -> ModelError:
        """Tell a server that can't be reached from one that stopped sending."""
        if any(type(cause).__name__ == "ConnectTimeout" for cause in _causes(error)):
            return ModelError(
                "connection",
                f"{call.host} can't be reached: no connection within "
                f"{min(timeout_s, self._settings.connect_timeout_s):g} seconds. Check the network{self._proxy_hint()}.",
                retryable=True,
            )
        return self._timeout(call, f"sent nothing for {timeout_s:g} seconds")

    def _broken(self, call: errors.Call, error: Exception, reader: TurnReader | None = None) -> ModelError:
        if reader is not None and reader.started:
            return ModelError(
                "truncated", errors.fault_sentence(call, "truncated", "the connection broke"), retryable=True
            )
        for cause in _causes(error):
            if isinstance(cause, ssl.SSLCertVerificationError):
                return ModelError(
                    "connection",
                    f"The certificate of {call.host} is not trusted ({cause.verify_message}). If your company's proxy "
                    "issues its own, set network.ca_bundle in ~/.missy/config.yaml.",
                )
        reason = _reason(error)
        return ModelError("connection", f"{call.host} {reason}{self._proxy_hint()}.", retryable=True)

    def _proxy_hint(self) -> str:
        """Return a clause about proxy variables that are set but not obeyed, empty where there are none."""
        names = sorted(name for name, value in self._environ.items() if value and name.lower() in _PROXY_VARIABLES)
        if self._settings.use_env_proxy or not names:
            return ""
        verb = "is" if len(names) == 1 else "are"
        return f". {' and '.join(names)} {verb} set but not obeyed; to use the proxy set network.use_env_proxy: true"


def _reason(error: Exception) -> str:
    for cause in _causes(error):
        match cause:
            case socket.gaierror():
                return "can't be found: its name has no address. Check the network and base_url"
            case OverflowError():
                return "is no address: the port has to be at most 65535. Check base_url"
            case ConnectionRefusedError():
                return "refused the connection: nothing listens there. Check that it runs, and base_url"
            case ssl.SSLError():
                return "does not speak TLS as expected. Check whether base_url starts with http or https"
        name = type(cause).__name__
        if name == "UnsupportedProtocol":
            return "can't be asked: base_url has to start with https:// or http://"
        if name == "ProxyError":
            return "can't be reached through the proxy, which refused. Check HTTPS_PROXY"
        if name in ("RemoteProtocolError", "ReadError"):
            return "closed the connection without an answer. Ask again"
    return "can't be reached. Check the network"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and everything that led to it, groups opened."""
    waiting, seen = [error], set[int]()
    while waiting:
        current = waiting.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        if isinstance(current, BaseExceptionGroup):
            waiting.extend(current.exceptions)
        waiting.extend(cause for cause in (current.__cause__, current.__context__) if cause is not None)


_REHEARSAL = (
    b'data: {"type":"message_start","message":{"usage":{}}}\n\n'
    b'data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n'
    b'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"."}}\n\n'
    b'data: {"type":"content_block_stop","index":0}\n\n'
    b'data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{}}\n\n'
    b'data: {"type":"message_stop"}\n\n'
)


async def _rehearse(catalogue: Catalogue) -> None:
    """Run one whole turn over a transport that never leaves the process: it builds what is built at first use."""
    import anyio
    import httpx2

    await anyio.sleep(0)  # The part for asyncio, which opens sockets, is imported at first use.

    async def body() -> AsyncIterator[bytes]:
        yield _REHEARSAL

    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=body())

    rehearsal = AnthropicProvider("rehearsal", catalogue=catalogue, environ={})
    rehearsal._client = open_client(ClientSettings(), httpx2.MockTransport(answer))
    request = ModelRequest("rehearsal", Prompt((), (Message("user", (TextBlock("."),)),)), 1, 1.0)
    await rehearsal.stream(request, Secret("rehearsal"), lambda _: None)
    await rehearsal.aclose()
