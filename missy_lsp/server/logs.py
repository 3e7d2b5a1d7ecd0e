"""Where the server's log goes: a file of the user's, or warnings on standard error; never the protocol."""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from missy_lsp.outbound.spellings import KnownSecrets
from missy_lsp.server.log_redaction import QUIET_LIBRARIES, RedactingFilter

MAX_LOG_BYTES = 5 * 1024 * 1024
FINISH_WITHIN_S = 0.5
_WAITING_MOST = 1000


class DroppingQueueHandler(logging.handlers.QueueHandler):
    """Hand records to a thread, so that nobody ever waits for a log that nobody reads; count what is dropped."""

    dropped = 0

    def enqueue(self, record: logging.LogRecord) -> None:
        try:
            self.queue.put_nowait(record)
        except queue.Full:
            self.dropped += 1

    def handleError(self, record: logging.LogRecord) -> None:
        """Count it; logging would print the record with its arguments, unredacted, to standard error."""
        self.dropped += 1


class _StandardError(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:
        """Say nothing: there is nowhere to say it."""


class _LogFile(logging.handlers.RotatingFileHandler):
    def handleError(self, record: logging.LogRecord) -> None:
        """Say nothing: a full disk must not fill the editor's own log instead."""


def start_logging(log_file: Path | None, level: str, known: KnownSecrets | None = None) -> Callable[[], None]:
    """Log at `level` to `log_file` (rotating, 0600 where the system can), else warnings to standard error.

    Nothing that has a provider key's shape is written, nor a secret that `known` holds or is given later.
    Returns what ends it: what still waits is written, within half a second.
    """
    target: logging.Handler
    if log_file is None:
        target = _StandardError()
    else:
        log_file.parent.mkdir(parents=True, exist_ok=True)
        log_file.touch(mode=0o600)
        target = _LogFile(log_file, maxBytes=MAX_LOG_BYTES, backupCount=1, encoding="utf-8", errors="backslashreplace")
    target.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    # With the writer, whose thread nobody waits for; what waits in the queue is only in memory.
    target.addFilter(RedactingFilter(known or KnownSecrets()))
    waiting: queue.Queue[logging.LogRecord] = queue.Queue(_WAITING_MOST)
    root = logging.getLogger()
    root.handlers[:] = [DroppingQueueHandler(waiting)]
    root.setLevel(level.upper() if log_file is not None else max(logging.WARNING, _number(level)))
    listener = logging.handlers.QueueListener(waiting, target, respect_handler_level=True)
    listener.start()
    # Libraries log what they send and receive, which is the user's code.
    for name in QUIET_LIBRARIES:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return lambda: _finish(listener, target)


def _finish(listener: logging.handlers.QueueListener, target: logging.Handler) -> None:
    """Write what still waits, but wait for nobody who does not read it."""

    def stop() -> None:
        with contextlib.suppress(queue.Full, OSError):
            listener.stop()
            target.close()

    stopping = threading.Thread(target=stop, name="missy-log-end", daemon=True)
    stopping.start()
    stopping.join(FINISH_WITHIN_S)


def _number(level: str) -> int:
    number = logging.getLevelName(level.upper())
    return number if isinstance(number, int) else logging.WARNING
