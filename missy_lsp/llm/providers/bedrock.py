"""Claude on Amazon Bedrock, through its endpoint that speaks the Messages API (`bedrock-mantle`).

Credentials are AWS's own: `AWS_BEARER_TOKEN_BEDROCK`, or what boto3 finds (variables, profiles, single sign-on, the
machine's role), which then signs each request. Missy holds no key for it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from missy_lsp.errors import ModelError
from missy_lsp.llm.providers import anthropic_errors as errors
from missy_lsp.llm.providers.anthropic import AnthropicProvider
from missy_lsp.llm.providers.anthropic_client import ClientSettings, is_installed

if TYPE_CHECKING:
    import anthropic

    from missy_lsp.config.values import Network, ProviderConfig
    from missy_lsp.llm.providers.anthropic_client import SdkClient
    from missy_lsp.llm.providers.anthropic_request import Json
    from missy_lsp.llm.providers.anthropic_turn import TurnReader
    from missy_lsp.llm.types import TurnEnd
    from missy_lsp.secret import Secret

# A region becomes part of a host name: nothing else may.
REGION = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_BEARER_VARIABLE = "AWS_BEARER_TOKEN_BEDROCK"
_NO_HOST = "https://no-region.invalid"


class BedrockProvider(AnthropicProvider):
    """One entry `providers.<id>` with `name: bedrock`."""

    name = "bedrock"
    needs_key = False
    remedy = "Check your AWS credentials (aws sts get-caller-identity), and that they may use this model there."

    def __init__(
        self,
        provider_id: str,
        settings: ClientSettings,
        region: str | None = None,
        *,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        environ = os.environ if environ is None else environ
        self._region = region or environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or ""
        super().__init__(provider_id, _with_endpoint(settings, self._region), environ=environ)
        self._token = environ.get(_BEARER_VARIABLE) or None

    @classmethod
    def from_config(cls, provider_id: str, provider: ProviderConfig, network: Network) -> BedrockProvider:
        settings = ClientSettings(provider.base_url, network.use_env_proxy, network.ca_bundle, auth="bearer")
        return cls(provider_id, settings, provider.region)

    def unavailable_reason(self) -> str | None:
        if reason := super().unavailable_reason():
            return reason
        if not REGION.fullmatch(self._region):
            wrong = f"{self._region[:40]!r} is no region" if self._region else "no region"
            return f"{wrong}; set region of the provider {self.id}, or AWS_REGION"
        if self._token is None and not is_installed("boto3"):
            return "package \"boto3\" is not installed; run: pip install 'missy-lsp[bedrock]'"
        return None

    def _checked(self, key: Secret | None) -> None:
        """Take no key: the credentials are AWS's."""

    def _make_client(self, **options: Any) -> anthropic.AsyncAnthropicBedrockMantle:
        import anthropic

        if self._token is None:
            self._require_credentials()
        client = anthropic.AsyncAnthropicBedrockMantle(api_key=self._token, aws_region=self._region, **options)
        # The constructor also looks at ANTHROPIC_AWS_API_KEY and ANTHROPIC_CUSTOM_HEADERS, which have no say here.
        client.api_key, client._use_sigv4 = self._token, self._token is None
        client._custom_headers = {}
        return client

    def _require_credentials(self) -> None:
        """Find credentials before a request is signed. Raises ModelError (`no_key`) where there are none."""
        import boto3
        from botocore.exceptions import BotoCoreError

        try:
            found = boto3.Session(region_name=self._region).get_credentials()
        except BotoCoreError as error:
            raise ModelError("no_key", f"{_faulty(error)} {self.remedy}") from error
        if found is None:
            raise ModelError(
                "no_key",
                f"There are no AWS credentials for the provider {self.id}. Run: aws configure sso (or aws configure), "
                f"or set {_BEARER_VARIABLE}.",
            )

    async def _exchange(
        self, client: SdkClient, body: Json, timeout_s: float, reader: TurnReader, call: errors.Call
    ) -> TurnEnd:
        if self._token is not None:
            return await super()._exchange(client, body, timeout_s, reader, call)
        from botocore.exceptions import BotoCoreError

        try:
            return await super()._exchange(client, body, timeout_s, reader, call)
        except BotoCoreError as error:  # credentials that can't be renewed
            raise ModelError("authentication", f"{_faulty(error)} {self.remedy}") from error


def _faulty(error: Exception) -> str:
    return f"The AWS credentials can't be used ({errors.redacted(str(error), None)})."


def _with_endpoint(settings: ClientSettings, region: str) -> ClientSettings:
    place = f"https://bedrock-mantle.{region}.api.aws/anthropic" if REGION.fullmatch(region) else _NO_HOST
    return attrs.evolve(settings, base_url=settings.base_url or place)
