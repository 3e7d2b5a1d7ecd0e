"""Say what went wrong upstream: one `ModelError` for every status, error event and broken connection.

The kinds by status are those of contract 3.7. Text from upstream is shown as one short line without
anything that looks like a key, least of all ours.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

import attrs

from missy_lsp.config.urls import ANTHROPIC_URL
from missy_lsp.errors import ErrorKind, ModelError
from missy_lsp.secret import Secret

MAX_UPSTREAM_CHARS = 500

_SHORTEST_KEY_PIECE = 8
_KEY_LIKE = re.compile(
    r"""sk-[A-Za-z]{2,}[-_.*A-Za-z0-9…]*      # sk-ant-..., masked ones too
      | \bsk-[A-Za-z0-9_-]{16,}
      | \bBearer\s+[^\s"',;]+
      | \beyJ[A-Za-z0-9_-]{8,}[A-Za-z0-9_.-]* # JSON web tokens of gateways
    """,
    re.VERBOSE,
)
_CONTEXT_OVERFLOW = re.compile(
    r"prompt is too long|exceeds? (the )?(model'?s )?(maximum )?context|context[ _](length|window)|maximum context"
    r"|too many (input )?tokens|input is too long|context limit",
    re.IGNORECASE,
)
_KIND_BY_STATUS: Mapping[int, ErrorKind] = {
    401: "authentication",
    402: "permission",
    403: "permission",
    407: "connection",
    408: "timeout",
    413: "context_too_long",
    429: "rate_limited",
    504: "timeout",
    529: "overloaded",
}
_KIND_BY_TYPE: Mapping[str, ErrorKind] = {
    "api_error": "provider_unavailable",
    "authentication_error": "authentication",
    "billing_error": "permission",
    "invalid_request_error": "invalid_request",
    "not_found_error": "invalid_request",
    "overloaded_error": "overloaded",
    "permission_error": "permission",
    "rate_limit_error": "rate_limited",
    "request_too_large": "context_too_long",
    "timeout_error": "timeout",
}
# What LiteLLM says with a status that means something else: 422 or 429 for a key whose budget is spent, which no wait
# mends, and 400 for an unknown key where it has no database of keys.
_KIND_BY_GATEWAY_TYPE: Mapping[str, ErrorKind] = {
    "budget_exceeded": "permission",
    "no_db_connection": "authentication",
}
_RETRYABLE: frozenset[ErrorKind] = frozenset({"overloaded", "provider_unavailable", "rate_limited", "timeout"})


@attrs.frozen
class Call:
    """What an error message may name: the entry in the configuration, the endpoint, the model; and what it may not.

    `remedy` says what to do about refused credentials that are not a key of ours.
    """

    provider_id: str
    base_url: str
    model: str
    key: Secret | None
    remedy: str = ""

    @property
    def host(self) -> str:
        return urlsplit(self.base_url).netloc.rpartition("@")[2] or self.base_url

    @property
    def is_gateway(self) -> bool:
        return self.base_url != ANTHROPIC_URL


def status_error(call: Call, status: int, headers: Mapping[str, str], body: bytes, now: float) -> ModelError:
    """Return the error for an answer whose status is not 2xx; `now` is the time of day in seconds, for dates."""
    error_type, api_message = _api_error(body)
    kind = _kind_of(status, error_type, api_message)
    retryable = kind in _RETRYABLE or status == 409
    if headers.get("x-should-retry") == "false":
        retryable = False
    retry_after_s = _retry_after_s(headers, now)
    return ModelError(
        kind,
        _sentence(call, kind, status, error_type, redacted(api_message, call.key), retry_after_s),
        retryable=retryable,
        retry_after_s=retry_after_s,
        request_id=headers.get("request-id") or headers.get("x-request-id"),
        status=status,
    )


def event_error(call: Call, data: Mapping[str, object]) -> ModelError:
    """Return the error for an `error` event inside a stream, whose status was 200: by its type."""
    error = data.get("error")
    error_type, message = _type_and_message(error if isinstance(error, dict) else data)
    kind = _KIND_BY_TYPE.get(error_type, "provider_unavailable")
    if kind == "invalid_request" and _CONTEXT_OVERFLOW.search(message):
        kind = "context_too_long"
    sentence = _sentence(call, kind, 200, error_type, redacted(message, call.key), None)
    return ModelError(kind, sentence, retryable=kind in _RETRYABLE, status=200)


def foreign_answer(call: Call, content_type: str, body: bytes) -> ModelError:
    """Return the error for a 200 that is no event stream: a login page, a JSON document, nothing."""
    _, api_message = _api_error(body)
    what = content_type.partition(";")[0].strip() or "nothing that has a type"
    said = f' It said: "{redacted(api_message, call.key)}".' if api_message else ""
    return ModelError(
        "invalid_response",
        f"{call.host} does not speak the Messages API: it answered with {printable(what)[:80]} instead of an event "
        f"stream.{said} Check base_url of the provider {call.provider_id}.",
        status=200,
    )


def fault_sentence(call: Call, kind: ErrorKind, fault: str) -> str:
    """Return the sentence for a message that broke off or broke the protocol."""
    if kind == "truncated":
        return f"The answer of {call.host} is incomplete ({fault}). What arrived is kept; ask again for the rest."
    hint = f" Check base_url of the provider {call.provider_id}." if call.is_gateway else " Ask again."
    return f"{call.host} sent something that is not the Messages API ({fault}).{hint}"


def redacted(text: str, key: Secret | None) -> str:
    """Return `text` as one line of at most 500 characters, without what looks like a key and without `key` itself."""
    line = printable(text)
    for form in _forms(key.reveal()) if key else ():
        line = line.replace(form, "***")
    line = _KEY_LIKE.sub("***", line)
    return line if len(line) <= MAX_UPSTREAM_CHARS else line[: MAX_UPSTREAM_CHARS - 1] + "…"


def printable(text: str) -> str:
    """Return `text` on one line, without control and invisible characters."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def _forms(key: str) -> list[str]:
    """Return the spellings under which a key could come back, the longest first."""
    encoded = base64.b64encode(key.encode("utf-8", "surrogatepass")).decode("ascii").rstrip("=")
    forms = [key, quote(key, safe="", errors="replace"), encoded, key[:12], key[-_SHORTEST_KEY_PIECE:]]
    return sorted((form for form in forms if len(form) >= _SHORTEST_KEY_PIECE), key=len, reverse=True)


def _api_error(body: bytes) -> tuple[str, str]:
    """Return type and message from an error body, both empty where it is no error object of the API."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return "", ""
    error = document.get("error") if isinstance(document, dict) else None
    if isinstance(error, str):
        return "", error
    return _type_and_message(error if isinstance(error, dict) else document)


def _type_and_message(error: object) -> tuple[str, str]:
    if not isinstance(error, dict):
        return "", ""
    error_type, message = error.get("type"), error.get("message", error.get("detail"))
    return (error_type if isinstance(error_type, str) else "", message if isinstance(message, str) else "")


def _kind_of(status: int, error_type: str, message: str) -> ErrorKind:
    if error_type == "overloaded_error":
        return "overloaded"
    if error_type in _KIND_BY_GATEWAY_TYPE:
        return _KIND_BY_GATEWAY_TYPE[error_type]
    if status in _KIND_BY_STATUS:
        return _KIND_BY_STATUS[status]
    if status == 400 and _CONTEXT_OVERFLOW.search(message):
        return "context_too_long"
    if 300 <= status < 400:
        return "connection"
    return "provider_unavailable" if status >= 500 else "invalid_request"


def _sentence(call: Call, kind: ErrorKind, status: int, error_type: str, said: str, retry_after_s: float | None) -> str:
    code = f"{status}: " if status != 200 else ""
    reason = f" ({code}{said or error_type or 'no reason given'})"
    seconds = math.ceil(retry_after_s or 0)
    wait = f" in {seconds} second{'s' if seconds > 1 else ''}" if seconds else " in a moment"
    host = call.host
    match kind:
        case "authentication" | "permission" if call.remedy:
            return f"{host} refused the request{reason}. {call.remedy}"
        case "authentication":
            return (
                f"{host} refused the API key{reason}. Check it, or store another: "
                f"missy vault set {call.provider_id}_api_key"
            )
        case "permission":
            return f"{host} does not allow this request{reason}. Check the account, its credit and the key's rights."
        case "rate_limited":
            return f"{host} limits the rate of requests{reason}. Ask again{wait}."
        case "overloaded":
            return f"{host} is overloaded{reason}. Ask again{wait}."
        case "timeout":
            return f"{host} did not finish in time{reason}. Ask again{wait}."
        case "context_too_long":
            return f"The request is too long for {call.model}{reason}. Select less code, or shorten the conversation."
        case "connection":
            return _connection_sentence(call, status)
        case "provider_unavailable":
            return f"{host} failed{reason}. Ask again{wait}."
        case _:
            return _refused_request_sentence(call, status, error_type, said, reason)


def _connection_sentence(call: Call, status: int) -> str:
    if status == 407:
        return "The proxy asks for a user name and a password (407). Put them into the proxy's URL."
    return (
        f"{call.host} redirects to another address ({status}); Missy does not follow redirects, since the key and the "
        f"code would go there. Set base_url of the provider {call.provider_id} to the final address."
    )


def _refused_request_sentence(call: Call, status: int, error_type: str, said: str, reason: str) -> str:
    if status == 404 and error_type != "not_found_error":
        return (
            f"{call.host} has no Messages API at {urlsplit(call.base_url).path.rstrip('/')}/v1/messages{reason}. "
            f"Check base_url of the provider {call.provider_id}; it ends before /v1."
        )
    if error_type == "not_found_error" or (call.model in said and "model" in said.lower()):
        return (
            f"{call.host} does not know the model {call.model}{reason}. Set model (or fast_model, premium_model) "
            f"of the provider {call.provider_id} in ~/.missy/config.yaml, or choose one with --model."
        )
    return f"{call.host} did not accept the request for {call.model}{reason}."


def _retry_after_s(headers: Mapping[str, str], now: float) -> float | None:
    """Return the wait that upstream asks for, in seconds: a number of (milli)seconds, or a date."""
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    text = headers.get("retry-after", "")
    seconds = _number(text)
    if seconds is not None:
        return seconds
    if not text:
        return None
    import email.utils

    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return max(0.0, number) if abs(number) < float("inf") else None
