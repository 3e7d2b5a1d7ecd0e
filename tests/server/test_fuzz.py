"""Sessions changed at random, against the real server: every request is answered once, and the server lives.

A failure names its seed; with it the same messages are sent again.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from pygls.lsp.server import LanguageServer

from missy_lsp.server.lenient import new_converter
from missy_lsp.server.methods import register
from missy_lsp.server.options import ServerOptions
from missy_lsp.server.protocol import MissyProtocol
from missy_lsp.server.session import Session
from tests.support.lsp_process import NO_ANSWER, LspProcess
from tests.support.mutating import Mutator, Sent

RECORDED = sorted((Path(__file__).parents[1] / "data" / "clients").glob("*.json"))
SOAK = bool(os.environ.get("MISSY_SOAK"))
MESSAGES = 100_000 if SOAK else 1_000
MESSAGES_PER_SESSION = 1_000 if SOAK else 500
CLIENTS_CHANGED = 20_000 if SOAK else 200
FIRST_ID = 10**9

SERVER_REQUESTS = (
    *("workspace/configuration", "window/showMessageRequest", "window/showDocument", "workspace/applyEdit"),
    *("window/workDoneProgress/create", "workspace/codeLens/refresh", "client/registerCapability"),
)


@pytest.mark.timeout(3600 if SOAK else 180)
@pytest.mark.parametrize("seed", range(MESSAGES // MESSAGES_PER_SESSION))
def test_every_request_of_a_changed_session_is_answered_once(seed: int, isolated_home: Path, tmp_path: Path) -> None:
    mutator = Mutator(seed)
    sent = list(mutator.messages(MESSAGES_PER_SESSION))
    params: dict[str, Any] = json.loads(mutator.random.choice(RECORDED).read_text(encoding="utf-8"))
    log = tmp_path / "missy.log"
    with LspProcess("--offline", "--log-file", str(log), "--log-level", "error", first_id=FIRST_ID) as server:
        junk = Mutator(seed)  # one of its own, for the thread that answers
        for method in SERVER_REQUESTS:
            server.answer(method, lambda _: NO_ANSWER if junk.random.random() < 0.1 else junk.junk())
        server.request("initialize", {**params, "processId": None, "rootUri": tmp_path.as_uri()})
        server.notify("initialized")
        for message in sent:
            server.write(b"Content-Length: %d\r\n\r\n%s" % (len(message.body), message.body))
        server.command("missy.stop", timeout_s=60)
        waiting = {message.reply_to for message in sent if message.reply_to is not None}
        server.until(lambda _: waiting <= replied(server), timeout_s=90)
        assert server.command("missy.status")["result"]["server"]["name"] == "missy-lsp"
        assert_answered_once(server, sent)
        assert server.close() == 0
        server.wait_for_end()
    assert b"".join(server.stderr) == b""
    logged = log.read_text(encoding="utf-8")
    assert not logged, logged[-3000:]


def replied(server: LspProcess) -> set[str | int]:
    return {message["id"] for message in list(server.messages) if "method" not in message and message["id"] is not None}


def assert_answered_once(server: LspProcess, sent: list[Sent]) -> None:
    counted = Counter(message["id"] for message in server.messages if "method" not in message)
    for message in sent:
        assert message.reply_to is None or counted[message.reply_to] == 1, message.body[:500]
    assert counted[None] == sum(message.is_junk for message in sent)


class Wire:
    """What would have gone out."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    def send(self, body: bytes, *, droppable: bool = False) -> None:
        self.messages.append(json.loads(body))


async def test_every_changed_client_can_go_on(isolated_home: Path) -> None:
    mutator = Mutator(1)
    converter = new_converter()
    recorded = [json.loads(path.read_text(encoding="utf-8")) for path in RECORDED]
    for number in range(CLIENTS_CHANGED):
        params = mutator.changed(mutator.random.choice(recorded), mutator.random.randrange(1, 20))
        wire = Wire()
        server = LanguageServer("missy-lsp", "0", protocol_cls=MissyProtocol, converter_factory=lambda: converter)
        protocol = server.protocol
        assert isinstance(protocol, MissyProtocol)
        register(server, protocol)
        protocol.connect(wire, Session(protocol, ServerOptions()))  # type: ignore[arg-type]
        message = {"jsonrpc": "2.0", "id": number, "method": "initialize", "params": params}
        protocol.receive(json.dumps(message).encode())
        assert [message["id"] for message in wire.messages] == [number]
        is_one = isinstance(params, dict) and isinstance(params.get("capabilities"), dict | None)
        assert wire.messages[0].get("error", {}).get("code") == (None if is_one else -32602), params
