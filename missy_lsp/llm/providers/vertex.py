"""Claude on Google Cloud's Vertex AI.

Credentials are Google's own (application default credentials); Missy holds no key for it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from missy_lsp.errors import ModelError
from missy_lsp.llm.providers import anthropic_errors as errors
from missy_lsp.llm.providers.anthropic import AnthropicProvider
from missy_lsp.llm.providers.anthropic_client import ClientSettings, is_installed
from missy_lsp.llm.providers.bedrock import REGION

if TYPE_CHECKING:
    import anthropic

    from missy_lsp.config.values import Network, ProviderConfig
    from missy_lsp.llm.providers.anthropic_client import SdkClient
    from missy_lsp.llm.providers.anthropic_request import Json
    from missy_lsp.llm.providers.anthropic_turn import TurnReader
    from missy_lsp.llm.types import ModelRequest, TurnEnd
    from missy_lsp.secret import Secret

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_SHARED_HOSTS = {
    "global": "https://aiplatform.googleapis.com",
    "us": "https://aiplatform.us.rep.googleapis.com",
    "eu": "https://aiplatform.eu.rep.googleapis.com",
}
_PROJECTS = ("ANTHROPIC_VERTEX_PROJECT_ID", "GOOGLE_CLOUD_PROJECT")


class VertexProvider(AnthropicProvider):
    """One entry `providers.<id>` with `name: vertex`."""

    name = "vertex"
    needs_key = False
    remedy = (
        "Check your Google Cloud credentials (gcloud auth application-default login), and that they may use this model "
        "in this project and region."
    )

    def __init__(
        self,
        provider_id: str,
        settings: ClientSettings,
        region: str | None = None,
        project: str | None = None,
        *,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        environ = os.environ if environ is None else environ
        self._region = region or environ.get("CLOUD_ML_REGION") or "global"
        self._project = project or next((environ[name] for name in _PROJECTS if environ.get(name)), None)
        host = _SHARED_HOSTS.get(self._region, f"https://{self._region}-aiplatform.googleapis.com")
        settings = attrs.evolve(settings, base_url=settings.base_url or host)
        super().__init__(provider_id, settings, environ=environ)

    @classmethod
    def from_config(cls, provider_id: str, provider: ProviderConfig, network: Network) -> VertexProvider:
        settings = ClientSettings(provider.base_url, network.use_env_proxy, network.ca_bundle, auth="bearer")
        return cls(provider_id, settings, provider.region, provider.project)

    def unavailable_reason(self) -> str | None:
        if reason := super().unavailable_reason():
            return reason
        if not REGION.fullmatch(self._region):
            return f"{self._region[:40]!r} is no region; set region of the provider {self.id}, or CLOUD_ML_REGION"
        # Looked for one after the other: `google` belongs to many packages, and its parent has to be there.
        if not (is_installed("google") and is_installed("google.auth") and is_installed("requests")):
            return "package \"google-auth\" is not installed; run: pip install 'missy-lsp[vertex]'"
        return None

    def preview(self, request: ModelRequest) -> Json:
        """Return the request; the model stands in its address."""
        shown = dict(super().preview(request))
        body = dict(shown["body"]) if isinstance(shown["body"], Mapping) else {}
        model = body.pop("model", request.model)
        place = f"projects/{self._project or '[of the credentials]'}/locations/{self._region}"
        shown["url"] = f"{self._settings.endpoint}/v1/{place}/publishers/anthropic/models/{model}:streamRawPredict"
        shown["body"] = body
        return shown

    def _checked(self, key: Secret | None) -> None:
        """Take no key: the credentials are Google's."""

    def _make_client(self, **options: Any) -> anthropic.AsyncAnthropicVertex:
        """Find the credentials and make the client of them. Raises ModelError (`no_key`) where there are none."""
        import anthropic
        import google.auth
        from google.auth.exceptions import GoogleAuthError

        try:
            credentials, project = google.auth.default(scopes=[_SCOPE])
        except GoogleAuthError as error:
            raise ModelError(
                "no_key",
                f"There are no Google Cloud credentials for the provider {self.id} "
                f"({errors.redacted(str(error), None)}). Run: gcloud auth application-default login",
            ) from error
        project = self._project or project
        if not project:
            raise ModelError(
                "no_key",
                f"The credentials name no Google Cloud project. Set project of the provider {self.id}, or "
                "GOOGLE_CLOUD_PROJECT.",
            )
        options["base_url"] = f"{options['base_url']}/v1"
        client = anthropic.AsyncAnthropicVertex(
            region=self._region, project_id=project, credentials=credentials, **options
        )
        client._custom_headers = {}  # those of ANTHROPIC_CUSTOM_HEADERS have no say here
        return client

    async def _exchange(
        self, client: SdkClient, body: Json, timeout_s: float, reader: TurnReader, call: errors.Call
    ) -> TurnEnd:
        from google.auth.exceptions import GoogleAuthError

        try:
            return await super()._exchange(client, body, timeout_s, reader, call)
        except GoogleAuthError as error:  # credentials that can't be renewed
            said = errors.redacted(str(error), None)
            raise ModelError(
                "authentication", f"The Google Cloud credentials can't be used ({said}). {self.remedy}"
            ) from error
