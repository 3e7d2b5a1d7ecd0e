"""Everything that can go wrong on purpose.

    MissyError
      + UsageError            the caller asked for something that does not exist (CLI exit 2, LSP -32602)
      + ConfigError           a configuration file can't be used; has its problems with their places
      + CredentialError       the vault or a key reference can't be used
      + TrustError            a folder's trust can't be read or stored
      + ModelError            a request to a model failed; has the kind of contract 3.7
          + BudgetError       it may pass a cap of the user's; has the figures

Messages say what happened and what to do next, in one or two sentences, without a key, a traceback or a
path inside the package. They are mapped once: for editors in `server/dispatch.py`, for the terminal in
`cli/main.py`.
"""

from __future__ import annotations

from typing import Literal, get_args

ErrorKind = Literal[
    "no_key",
    "setup_token",
    "authentication",
    "permission",
    "rate_limited",
    "overloaded",
    "timeout",
    "connection",
    "context_too_long",
    "invalid_request",
    "invalid_response",
    "refused",
    "truncated",
    "budget",
    "untrusted",
    "cancelled",
    "provider_unavailable",
    "internal",
]
ERROR_KINDS: tuple[ErrorKind, ...] = get_args(ErrorKind)


class MissyError(Exception):
    """The base of all errors that a user may read."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class UsageError(MissyError):
    """The arguments are wrong: an unknown command, provider, tier, or a value of the wrong type."""


class ConfigError(MissyError):
    """The configuration can't be used; the message starts with the place (`path:line:column`)."""


class CredentialError(MissyError):
    """The vault can't be read or written, or a key reference can't be resolved."""


class TrustError(MissyError):
    """The trust file can't be read or written."""


class ModelError(MissyError):
    """A request to a model failed.

    `kind` is one of `ERROR_KINDS`; `retry_after_s` is in seconds; `status` is the HTTP status where one
    was received; `partial_text` is what had arrived (the user keeps it); `retryable` says whether the
    same request may succeed later without a change.
    """

    def __init__(
        self,
        kind: ErrorKind,
        message: str,
        *,
        retryable: bool = False,
        retry_after_s: float | None = None,
        request_id: str | None = None,
        status: int | None = None,
        partial_text: str = "",
    ) -> None:
        super().__init__(message)
        self.kind: ErrorKind = kind
        self.retryable = retryable
        self.retry_after_s = retry_after_s
        self.request_id = request_id
        self.status = status
        self.partial_text = partial_text


class BudgetError(ModelError):
    """A request may cost more than a cap leaves; nothing of it was sent. `figures` is a clause with the amounts."""

    def __init__(self, figures: str, advice: str) -> None:
        super().__init__("budget", f"{figures[0].upper()}{figures[1:]}. {advice}")
        self.figures = figures
