"""The JSON-RPC edge: pygls' types and capabilities, our own way from a message to its one reply.

pygls 2.1 answers neither malformed requests nor a command that cancels itself, lets a cancelled command
run on, and keeps a request's work-done token from commands (docs/explanation/architecture.md has the
measurements). What is overridden here relies on its names; tests on the wire are the alarm.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cattrs import Converter
from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol

from missy_lsp.server.dispatch import (
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    SERVER_NOT_INITIALIZED,
    Dispatcher,
    MessageId,
    ProtocolError,
    Request,
)
from missy_lsp.server.framing import TooLarge
from missy_lsp.server.lenient import structure_params
from missy_lsp.server.transport import Writer

if TYPE_CHECKING:
    from missy_lsp.server.session import Session

logger = logging.getLogger(__name__)

Handler = Callable[["Session", Any, Request], object]

_OWN_IDS = "missy-"
_SURROGATE = re.compile("[\ud800-\udfff]")


class ClientRefused(Exception):
    """The client answered a request of ours with an error, or not in time."""


class MissyProtocol(LanguageServerProtocol):
    """One connection to one client."""

    def __init__(self, server: LanguageServer, converter: Converter) -> None:
        super().__init__(server, converter)
        self.dispatcher = Dispatcher(self._reply)
        self.handlers: dict[str, Handler] = {}
        self.session: Session | None = None
        self.on_exit: Callable[[int], None] = lambda code: None
        self.initialized = False
        self.shut_down = False
        self._out: Writer | None = None
        self._encode = json.JSONEncoder(
            ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=self._serialize_message
        ).encode
        self._ids = itertools.count(1)
        self._awaited: dict[MessageId, asyncio.Future[object]] = {}

    def connect(self, writer: Writer, session: Session) -> None:
        """Attach the way out and the state that handlers work on."""
        self._out = writer
        self.session = session

    # --- from the client ---------------------------------------------------------------------

    def receive(self, body: bytes | TooLarge) -> None:
        """Handle one message; called on the event loop, in the order of arrival."""
        if isinstance(body, TooLarge):
            size = f"{body.length_bytes / 1024**2:.0f} MiB"
            logger.warning("a message of %s was passed over; it is too large", size)
            self._refuse(None, INVALID_REQUEST, f"a message of {size} is too large")
            return
        try:
            message = json.loads(body.decode("utf-8-sig"), parse_constant=_refuse_constant)
        except (ValueError, RecursionError, MemoryError):
            self._refuse(None, PARSE_ERROR, "the message is not JSON in UTF-8")
            return
        if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
            self._refuse(None, INVALID_REQUEST, "the message is not a JSON-RPC 2.0 object")
            return
        method = message.get("method")
        if method is None:
            self._take_response(message)
        elif not isinstance(method, str):
            self._refuse(_usable_id(message), INVALID_REQUEST, "the method is not a string")
        elif "id" not in message:
            self._take_notification(message, method)
        elif (message_id := _usable_id(message)) is None:
            self._refuse(None, INVALID_REQUEST, "the id is neither a string nor an integer")
        else:
            self._take_request(message, method, message_id)

    def _take_request(self, message: dict[str, Any], method: str, message_id: MessageId) -> None:
        if method == types.EXIT:  # with an id it is no less meant
            self._reply(message_id, None, None)
            self.on_exit(0 if self.shut_down else 1)
        elif self.shut_down:
            self._refuse(message_id, INVALID_REQUEST, "the server has been shut down")
        elif not self.initialized and method != types.INITIALIZE:
            self._refuse(message_id, SERVER_NOT_INITIALIZED, "initialize comes first")
        elif self.initialized and method == types.INITIALIZE:
            self._refuse(message_id, INVALID_REQUEST, "initialize comes only once")
        elif (handler := self.handlers.get(method)) is None or _is_notification(method):
            self._refuse(message_id, METHOD_NOT_FOUND, f"{method[:200]} is not supported")
        else:
            self.dispatcher.serve(message_id, lambda: self._call(handler, method, message, message_id))

    def _take_notification(self, message: dict[str, Any], method: str) -> None:
        if method == types.EXIT:
            self.on_exit(0 if self.shut_down else 1)
        elif method == types.CANCEL_REQUEST:
            params = message.get("params")
            cancelled = _usable_id(params) if isinstance(params, dict) else None
            if cancelled is not None:
                self.dispatcher.cancel(cancelled)
        elif (handler := self.handlers.get(method)) is None or not _is_notification(method):
            return
        elif self.initialized and not self.shut_down:
            self.dispatcher.notify(method, lambda: self._call(handler, method, message, ""))

    def _call(self, handler: Handler, method: str, message: dict[str, Any], message_id: MessageId) -> object:
        params = structure_params(self._converter, method, message.get("params"))
        return handler(self._session(), params, Request(message_id, getattr(params, "work_done_token", None)))

    def _session(self) -> Session:
        assert self.session is not None, "connect() comes before the first message"
        return self.session

    # --- to the client -----------------------------------------------------------------------

    def send(self, message: dict[str, object], *, droppable: bool = False) -> None:
        """Send one message; `droppable` ones are the first to go when the client does not read."""
        if self._out is not None:
            self._out.send(self._encode(message).encode("utf-8", "replace"), droppable=droppable)

    def send_progress(self, token: str | int, value: dict[str, object], *, droppable: bool = False) -> None:
        params: dict[str, object] = {"token": token, "value": value}
        self.send({"jsonrpc": "2.0", "method": types.PROGRESS, "params": params}, droppable=droppable)

    def notify(self, method: str, params: Any | None = None) -> None:
        """Send a notification; overrides pygls' so that everything leaves by one door."""
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    async def request(self, method: str, params: object, timeout_s: float) -> object:
        """Ask the client and return the raw JSON of its result.

        The result is not structured: several clients answer `null` or other shapes where the protocol
        names a type. Raises ClientRefused for an error and for silence of `timeout_s` seconds.
        """
        message_id = f"{_OWN_IDS}{next(self._ids)}"
        answered: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._awaited[message_id] = answered
        self.send({"jsonrpc": "2.0", "id": message_id, "method": method, "params": params})
        try:
            return await asyncio.wait_for(answered, timeout_s)
        except TimeoutError:
            raise ClientRefused(f"{method} was not answered within {timeout_s:g} s") from None
        finally:
            self._awaited.pop(message_id, None)

    def _take_response(self, message: dict[str, Any]) -> None:
        message_id = _usable_id(message)
        if "result" not in message and "error" not in message and not str(message_id).startswith(_OWN_IDS):
            self._refuse(message_id, INVALID_REQUEST, "the message has neither a method nor a result")
            return
        answered = None if message_id is None else self._awaited.get(message_id)
        if answered is None or answered.done():
            return
        # Some libraries send both keys, one of them null, and some leave a result of null out.
        if (error := message.get("error")) is not None:
            text = error.get("message") if isinstance(error, dict) else error
            answered.set_exception(ClientRefused(str(text)[:200]))
        else:
            answered.set_result(message.get("result"))

    def _refuse(self, message_id: MessageId | None, code: int, text: str) -> None:
        self._reply(message_id, None, ProtocolError(code, text))

    def _reply(self, message_id: MessageId | None, result: object, error: ProtocolError | None) -> None:
        message: dict[str, object] = {"jsonrpc": "2.0", "id": message_id}
        if error is None:
            message["result"] = result
        else:
            message["error"] = error.to_json()
        self.send(message)


def _is_notification(method: str) -> bool:
    return method not in types.METHOD_TO_TYPES or types.METHOD_TO_TYPES[method][1] is None


def _usable_id(message: dict[str, Any]) -> MessageId | None:
    """Return the id, which Lua's JSON may have made 1.0 of 1; None for one that can't be answered as it came."""
    message_id = message.get("id")
    if isinstance(message_id, float) and message_id.is_integer():
        return int(message_id)
    if isinstance(message_id, str):
        return None if _SURROGATE.search(message_id) else message_id
    return message_id if isinstance(message_id, int) and not isinstance(message_id, bool) else None


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")
