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
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cattrs import Converter
from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol

from missy_lsp.server.dispatch import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    SERVER_NOT_INITIALIZED,
    Dispatcher,
    MessageId,
    ProtocolError,
    Request,
)
from missy_lsp.server.transport import Writer

if TYPE_CHECKING:
    from missy_lsp.server.session import Session

logger = logging.getLogger(__name__)

Handler = Callable[["Session", Any, Request], object]


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
            ensure_ascii=False, separators=(",", ":"), default=self._serialize_message
        ).encode
        self._ids = itertools.count(1)
        self._awaited: dict[MessageId, asyncio.Future[object]] = {}

    def connect(self, writer: Writer, session: Session) -> None:
        """Attach the way out and the state that handlers work on."""
        self._out = writer
        self.session = session

    # --- from the client ---------------------------------------------------------------------

    def receive(self, body: bytes) -> None:
        """Handle one message; called on the event loop, in the order of arrival."""
        try:
            message = json.loads(body, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            self._reply(None, None, ProtocolError(PARSE_ERROR, "the message is not JSON in UTF-8"))
            return
        if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
            self._reply(None, None, ProtocolError(INVALID_REQUEST, "the message is not a JSON-RPC 2.0 object"))
            return
        method = message.get("method")
        if method is None:
            self._settle(message)
        elif not isinstance(method, str):
            self._reply(_usable_id(message), None, ProtocolError(INVALID_REQUEST, "the method is not a string"))
        elif "id" in message:
            self._take_request(message, method)
        else:
            self._take_notification(message, method)

    def _take_request(self, message: dict[str, Any], method: str) -> None:
        message_id = _usable_id(message)
        if message_id is None:
            self._reply(None, None, ProtocolError(INVALID_REQUEST, "the id is neither a string nor an integer"))
            return
        if self.shut_down:
            self._reply(message_id, None, ProtocolError(INVALID_REQUEST, "the server has been shut down"))
        elif not self.initialized and method != types.INITIALIZE:
            self._reply(message_id, None, ProtocolError(SERVER_NOT_INITIALIZED, "initialize comes first"))
        elif self.initialized and method == types.INITIALIZE:
            self._reply(message_id, None, ProtocolError(INVALID_REQUEST, "initialize comes only once"))
        elif (handler := self.handlers.get(method)) is None:
            self._reply(message_id, None, ProtocolError(METHOD_NOT_FOUND, f"{method[:200]} is not supported"))
        else:
            structured = self._structured(message)
            if isinstance(structured, ProtocolError):
                self._reply(message_id, None, structured)
                return
            params = structured.params
            request = Request(message_id, getattr(params, "work_done_token", None))
            self.dispatcher.serve(message_id, lambda: handler(self._session(), params, request))

    def _take_notification(self, message: dict[str, Any], method: str) -> None:
        if method == types.EXIT:
            self.on_exit(0 if self.shut_down else 1)
            return
        if method == types.CANCEL_REQUEST:
            params = message.get("params")
            cancelled = params.get("id") if isinstance(params, dict) else None
            if isinstance(cancelled, str | int):
                self.dispatcher.cancel(cancelled)
            return
        handler = self.handlers.get(method)
        if handler is None or not self.initialized or self.shut_down:
            return
        structured = self._structured(message)
        if isinstance(structured, ProtocolError):
            logger.warning("%s was ignored: %s", method[:200], structured.message)
            return
        self.dispatcher.notify(method, lambda: handler(self._session(), structured.params, Request("")))

    def _structured(self, message: dict[str, Any]) -> Any:
        try:
            return self.structure_message(message)
        except (JsonRpcException, RecursionError):
            return ProtocolError(INVALID_PARAMS, f"the parameters of {message['method'][:200]} are malformed")

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
        message_id = f"missy-{next(self._ids)}"
        answered: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._awaited[message_id] = answered
        self.send({"jsonrpc": "2.0", "id": message_id, "method": method, "params": params})
        try:
            return await asyncio.wait_for(answered, timeout_s)
        except TimeoutError:
            raise ClientRefused(f"{method} was not answered within {timeout_s:g} s") from None
        finally:
            self._awaited.pop(message_id, None)

    def _settle(self, message: dict[str, Any]) -> None:
        answered = self._awaited.get(message["id"]) if isinstance(message.get("id"), str | int) else None
        if answered is None or answered.done():
            return
        if "error" in message:
            error = message["error"]
            text = error.get("message") if isinstance(error, dict) else error
            answered.set_exception(ClientRefused(str(text)[:200]))
        else:
            answered.set_result(message.get("result"))

    def _reply(self, message_id: MessageId | None, result: object, error: ProtocolError | None) -> None:
        message: dict[str, object] = {"jsonrpc": "2.0", "id": message_id}
        if error is None:
            message["result"] = result
        else:
            message["error"] = error.to_json()
        self.send(message)


def _usable_id(message: dict[str, Any]) -> MessageId | None:
    message_id = message.get("id")
    return message_id if isinstance(message_id, str | int) and not isinstance(message_id, bool) else None


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")
