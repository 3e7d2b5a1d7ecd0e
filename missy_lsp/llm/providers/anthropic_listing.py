"""Ask for the models that an endpoint serves: `GET /v1/models`, a few pages, within limits."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

from missy_lsp.errors import ModelError
from missy_lsp.llm.providers import anthropic_errors as errors
from missy_lsp.llm.providers.anthropic_stream import StreamLimits, read_start

if TYPE_CHECKING:
    import httpx2

    from missy_lsp.llm.providers.anthropic_client import SdkClient

MOST_PAGES = 5
_PAGE = 100
_MOST_ID_CHARACTERS = 200
_LIMITS = StreamLimits(error_bytes=1024 * 1024)


async def fetch_models(client: SdkClient, call: errors.Call, timeout_s: float, now: float) -> list[object]:
    """Return the entries as they came, at most five pages of a hundred. Raises ModelError for another answer."""
    entries: list[object] = []
    after: str | None = None
    for _ in range(MOST_PAGES):
        page = await _page(client, call, after, timeout_s, now)
        found = page.get("data")
        if not isinstance(found, list):
            raise _no_list(call)
        entries += found[:_PAGE]
        last = page.get("last_id")
        if page.get("has_more") is not True or not isinstance(last, str) or len(last) > _MOST_ID_CHARACTERS:
            break
        after = last
    return entries


async def _page(
    client: SdkClient, call: errors.Call, after: str | None, timeout_s: float, now: float
) -> dict[str, object]:
    import anthropic
    import httpx2

    response = cast(
        "httpx2.Response",
        await client.get(
            "/v1/models",
            cast_to=httpx2.Response,
            options={
                "timeout": httpx2.Timeout(timeout_s),
                "params": {"limit": _PAGE, **({} if after is None else {"after_id": after})},
            },
            stream=True,
            stream_cls=anthropic.AsyncStream[object],
        ),
    )
    try:
        body = await read_start(response, _LIMITS)
        if response.status_code in (404, 405, 501):
            raise _no_list(call)
        if not response.is_success:
            raise errors.status_error(call, response.status_code, response.headers, body, now)
    finally:
        await response.aclose()
    try:
        page = json.loads(body)
    except (ValueError, RecursionError):
        page = None
    if not isinstance(page, dict):
        raise _no_list(call)
    return page


def _no_list(call: errors.Call) -> ModelError:
    return ModelError("invalid_response", f"{call.host} has no list of models (GET /v1/models).")
