"""One request, one reply: run a handler, tie its task to the request, map what it raises.

A handler is called while its message is being read, so that what it looks at (documents,
configuration) is what the client meant; the part that has to wait is an awaitable that it returns.
This is the only place with a broad `except` and the only one that turns errors into protocol errors.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import uuid
from collections.abc import Awaitable, Callable

import attrs

from missy_lsp.errors import ConfigError, CredentialError, MissyError, ModelError, TrustError, UsageError

logger = logging.getLogger(__name__)

# JSON-RPC 2.0 §5.1 and LSP 3.17, ErrorCodes and LSPErrorCodes.
PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
SERVER_NOT_INITIALIZED = -32002
REQUEST_CANCELLED = -32800
CONTENT_MODIFIED = -32801
SERVER_CANCELLED = -32802
REQUEST_FAILED = -32803

MessageId = str | int

# What a library may raise that is no Exception: it is answered too, and does not end the server.
_FAULTS = (Exception, SystemExit, KeyboardInterrupt)


@attrs.frozen
class ProtocolError:
    """An error as it goes to the client."""

    code: int
    message: str
    data: dict[str, object] | None = None

    def to_json(self) -> dict[str, object]:
        shape: dict[str, object] = {"code": self.code, "message": self.message}
        if self.data is not None:
            shape["data"] = self.data
        return shape


class ContentModifiedError(MissyError):
    """The request speaks of a version of a document that is not the current one (LSP: ContentModified)."""


class RequestCancelledError(MissyError):
    """The task of a request was cancelled; `partial_text` is what had arrived."""

    def __init__(self, partial_text: str = "") -> None:
        super().__init__("Cancelled; nothing was applied.")
        self.partial_text = partial_text


@attrs.frozen
class Request:
    """What a handler knows of the request that it serves."""

    id: MessageId
    work_done_token: str | int | None = None


class Dispatcher:
    """Keep the tasks of unanswered requests and answer each of them exactly once."""

    def __init__(self, reply: Callable[[MessageId, object, ProtocolError | None], None]) -> None:
        self._reply = reply
        self._tasks: dict[MessageId, asyncio.Task[None]] = {}
        self._cancelled: set[MessageId] = set()

    def serve(self, message_id: MessageId, handle: Callable[[], object]) -> None:
        """Call `handle` now, and reply with its result, or later with what its awaitable gives."""
        if message_id in self._tasks:
            self._reply(message_id, None, ProtocolError(INVALID_REQUEST, "a request with this id is still running"))
            return
        try:
            outcome = handle()
        except asyncio.CancelledError:  # no task of ours is being cancelled here
            self._reply_cancelled(message_id, "")
            return
        except _FAULTS as error:  # the boundary: whatever a handler raises becomes a reply
            self._reply(message_id, None, to_protocol_error(error))
            return
        if not inspect.isawaitable(outcome):
            self._reply_result(message_id, outcome)
            return
        task = asyncio.ensure_future(self._finish(message_id, outcome))
        self._tasks[message_id] = task
        task.add_done_callback(lambda done: self._close(message_id, done, outcome))

    def notify(self, method: str, handle: Callable[[], object]) -> None:
        """Call the handler of a notification; it has no reply, so its failure is only logged."""
        try:
            handle()
        except MissyError as error:
            logger.warning("%s was ignored: %s", method, error.message)
        except (*_FAULTS, asyncio.CancelledError) as error:  # the boundary
            logger.error("%s was not handled: %s", method, to_protocol_error(error).message)

    def cancel(self, message_id: MessageId) -> None:
        """Cancel a request that the client no longer wants; an unknown id is one already answered."""
        task = self._tasks.get(message_id)
        if task is not None:
            self._cancelled.add(message_id)
            # After its first step, which is due before this: a task that never began can't pass the cancel on to
            # what it was to wait for.
            asyncio.get_running_loop().call_soon(task.cancel)

    async def close(self, timeout_s: float) -> None:
        """Cancel everything that runs and wait a little for it to end."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=timeout_s)

    async def _finish(self, message_id: MessageId, outcome: Awaitable[object]) -> None:
        try:
            result = await outcome
        except asyncio.CancelledError:
            self._reply_cancelled(message_id, "")
        except RequestCancelledError as error:
            self._reply_cancelled(message_id, error.partial_text)
        except _FAULTS as error:  # the boundary
            self._reply(message_id, None, to_protocol_error(error))
        else:
            self._reply_result(message_id, result)

    def _close(self, message_id: MessageId, task: asyncio.Task[None], outcome: object) -> None:
        # A task that is cancelled before its first step never runs `_finish`.
        if task.cancelled():
            self._reply_cancelled(message_id, "")
            if inspect.iscoroutine(outcome):
                outcome.close()
        self._tasks.pop(message_id, None)
        self._cancelled.discard(message_id)

    def _reply_result(self, message_id: MessageId, result: object) -> None:
        try:
            self._reply(message_id, result, None)
        except Exception as error:  # a result that is no JSON: nothing of it was sent
            self._reply(message_id, None, to_protocol_error(error))

    def _reply_cancelled(self, message_id: MessageId, partial_text: str) -> None:
        if message_id in self._cancelled:
            data: dict[str, object] = {"kind": "cancelled", "retryable": False}
            if partial_text:
                data["partialText"] = partial_text
            error = ProtocolError(REQUEST_CANCELLED, "Cancelled; nothing was applied.", data)
        else:
            error = ProtocolError(SERVER_CANCELLED, "The server is stopping.", {"kind": "cancelled", "retryable": True})
        self._reply(message_id, None, error)


def to_protocol_error(error: BaseException) -> ProtocolError:
    """Map an exception to what the client may see: a sentence and its kind, never a traceback."""
    match error:
        case ModelError():
            return ProtocolError(REQUEST_FAILED, error.message, _model_error_data(error))
        case UsageError():
            return ProtocolError(INVALID_PARAMS, error.message, {"kind": "invalid_request", "retryable": False})
        case ContentModifiedError():
            return ProtocolError(CONTENT_MODIFIED, error.message)
        case ConfigError():
            return ProtocolError(REQUEST_FAILED, error.message, {"kind": "invalid_request", "retryable": False})
        case CredentialError():
            return ProtocolError(REQUEST_FAILED, error.message, {"kind": "no_key", "retryable": False})
        case TrustError():
            return ProtocolError(REQUEST_FAILED, error.message, {"kind": "untrusted", "retryable": False})
        case MissyError():
            return ProtocolError(REQUEST_FAILED, error.message, {"kind": "internal", "retryable": False})
        case _:
            incident = uuid.uuid4().hex[:8]
            logger.error("incident %s", incident, exc_info=error)
            message = f"Something went wrong inside the server (incident {incident}); its log has the details."
            return ProtocolError(INTERNAL_ERROR, message, {"kind": "internal", "retryable": False})


def _model_error_data(error: ModelError) -> dict[str, object]:
    data: dict[str, object] = {"kind": error.kind, "retryable": error.retryable}
    if error.retry_after_s is not None:
        data["retryAfterS"] = error.retry_after_s
    if error.request_id is not None:
        data["requestId"] = error.request_id
    if error.partial_text:
        data["partialText"] = error.partial_text
    return data
