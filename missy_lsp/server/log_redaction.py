"""Keep keys out of the log, whoever logs them and however: in the message, its arguments, a traceback, a stack."""

from __future__ import annotations

import logging

from missy_lsp.outbound.spellings import HIDDEN, KnownSecrets

MAX_RECORD_CHARS = 64 * 1024
# Below a warning these tell what was sent and received: headers, bodies, the user's code.
QUIET_LIBRARIES = frozenset(
    {"pygls", "lsprotocol", "anthropic", "httpx2", "httpcore2", "httpx", "httpcore", "h11", "asyncio", "keyring"}
    | {"filelock", "urllib3", "hpack", "markdown_it", "opentelemetry"}
)


class RedactingFilter(logging.Filter):
    """Write each record out and hide in it the known secrets and whatever has the shape of a provider's key.

    Belongs to a handler, not to a logger: a logger's filters do not see what its children log. Afterwards the record
    has only its message: no arguments and no exception that somebody could write out again.
    """

    def __init__(self, known: KnownSecrets) -> None:
        super().__init__()
        self._known = known
        self._formatter = logging.Formatter()

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact the record in place; refuse what a library says below a warning, whatever its level is set to."""
        if record.levelno < logging.WARNING and record.name.partition(".")[0] in QUIET_LIBRARIES:
            return False
        text = _message_of(record)
        if record.exc_info and not record.exc_text:
            record.exc_text = self._formatter.formatException(record.exc_info)
        for more in (record.exc_text, self._formatter.formatStack(record.stack_info) if record.stack_info else None):
            if more:
                text = f"{text}\n{more}"
        record.msg = record.message = self.redacted(text)
        record.args = record.exc_info = record.exc_text = record.stack_info = None
        record.name = self.redacted(record.name)
        return True

    def redacted(self, text: str) -> str:
        """Return a text for the log: without keys, and cut where it is longer than 64 Ki characters."""
        if len(text) > MAX_RECORD_CHARS:
            text = f"{text[:MAX_RECORD_CHARS]}… ({len(text) - MAX_RECORD_CHARS} more characters)"
        # Its patterns take longer to build than the server has for its start.
        from missy_lsp.outbound.secrets import provider_keys

        text = self._known.hide(text)
        for found in reversed(provider_keys(text)):
            text = text[: found.start] + HIDDEN + text[found.end :]
        return text


def _message_of(record: logging.LogRecord) -> str:
    """Return the message with its arguments; where those do not fit, without them: they may hold a key."""
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError, AttributeError, IndexError, RecursionError):
        return f"{record.msg!s} (its arguments do not fit it)"
