"""The edge of the protocol, over the wire: order, malformed messages, ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.configuration import FAKE_KEY, write_user_config
from tests.support.fake_api import FakeApi, Hold, answer, block_start, message_start, stream, text_delta
from tests.support.lsp_process import LspProcess, server_command


def test_initialize_names_the_server_and_its_commands(isolated_home: Path) -> None:
    with LspProcess() as server:
        result = server.initialize()["result"]
        assert result["serverInfo"]["name"] == "missy-lsp"
        assert "missy.ask" in result["capabilities"]["executeCommandProvider"]["commands"]
        assert result["capabilities"]["textDocumentSync"]["change"] == 2
        assert result["capabilities"]["positionEncoding"] == "utf-16"
        assert server.close() == 0


@pytest.mark.parametrize("wanted", ["utf-8", "utf-16", "utf-32"])
def test_the_position_encoding_is_negotiated(wanted: str, isolated_home: Path) -> None:
    with LspProcess() as server:
        result = server.initialize(capabilities={"general": {"positionEncodings": [wanted]}})["result"]
        assert result["capabilities"]["positionEncoding"] == wanted


def test_the_life_cycle_is_held_to(isolated_home: Path) -> None:
    with LspProcess() as server:
        assert server.request("workspace/executeCommand", {"command": "missy.status"})["error"]["code"] == -32002
        server.initialize()
        assert server.request("initialize", {"capabilities": {}})["error"]["code"] == -32600
        assert server.request("shutdown")["result"] is None
        assert server.command("missy.status")["error"]["code"] == -32600
        server.notify("exit")
        assert server.process.wait(5) == 0


def test_exit_without_shutdown_is_an_error(isolated_home: Path) -> None:
    with LspProcess() as server:
        server.initialize()
        server.notify("exit")
        assert server.process.wait(5) == 1


BAD = [
    (b"{", -32700, None),
    (b"\xff\xfe", -32700, None),
    (b"[1]", -32600, None),
    (b'{"id": 77, "method": "missy"}', -32600, None),
    (b'{"jsonrpc": "2.0", "id": 77, "method": 5}', -32600, 77),
    (b'{"jsonrpc": "2.0", "id": {}, "method": "shutdown"}', -32600, None),
    (b'{"jsonrpc": "2.0", "id": 77, "method": "no/such"}', -32601, 77),
    (b'{"jsonrpc": "2.0", "id": 77, "method": "textDocument/codeAction"}', -32602, 77),
    (b'{"jsonrpc": "2.0", "id": 77, "method": "textDocument/codeAction", "params": {"range": 1}}', -32602, 77),
    (b'{"jsonrpc": "2.0", "id": 77, "method": "workspace/executeCommand", "params": {"command": "no"}}', -32602, 77),
    (b'{"jsonrpc": "2.0", "id": 77, "method": "missy", "params": ' + b"[" * 5000 + b"]" * 5000 + b"}", -32700, None),
]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Any:
    home = tmp_path_factory.mktemp("home")
    with LspProcess(env={"HOME": str(home)}) as server:
        server.initialize()
        yield server


@pytest.mark.parametrize(("body", "code", "message_id"), BAD, ids=lambda value: str(value)[:60])
def test_a_malformed_message_is_answered_and_the_server_lives(
    shared: LspProcess, body: bytes, code: int, message_id: object
) -> None:
    shared.messages.clear()
    shared.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    response = shared.response(message_id)
    assert response["error"]["code"] == code
    assert shared.command("missy.status")["result"]["server"]["name"] == "missy-lsp"


def test_a_nested_key_named_jsonrpc_is_only_data(shared: LspProcess) -> None:
    response = shared.command("missy.stop", {"id": "x", "data": {"jsonrpc": "2.0", "id": 1}})
    assert response["result"] == {"stopped": 0}


def test_an_end_of_input_ends_the_server_and_its_streams(isolated_home: Path, api: FakeApi) -> None:
    write_user_config(isolated_home, api.base_url)
    api.respond = lambda request: stream(message_start(), block_start(), text_delta("x"), Hold(), end=False)
    with LspProcess() as server:
        server.initialize()
        for number in range(4):
            server.start_command("missy.ask", {"prompt": f"hi {number}", "partialResultToken": f"t{number}"})
        api.wait_for_requests(4, 10)
        assert server.process.stdin is not None
        server.process.stdin.close()
        assert server.process.wait(5) == 0
        assert all(request.closed.wait(2) for request in api.requests)


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_server_cleanly(number: signal.Signals, isolated_home: Path) -> None:
    with LspProcess() as server:
        server.initialize()
        server.process.send_signal(number)
        assert server.process.wait(5) == 0
        assert b"".join(server.stderr) == b""


def test_garbage_ends_the_server_with_one_line(isolated_home: Path) -> None:
    with LspProcess() as server:
        server.write(b"GET / HTTP/1.1\r\nHost: x\r\n" * 1000)
        assert server.process.wait(5) == 1
        server._threads[1].join(5)
        assert len(b"".join(server.stderr).splitlines()) == 1


def test_one_client_is_served_on_a_loopback_port(isolated_home: Path) -> None:
    command = [*server_command(), "--tcp", "127.0.0.1:0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        port = int(process.stderr.readline().rsplit(b":", 1)[1])
        with socket.create_connection(("127.0.0.1", port)) as connection, connection.makefile("rwb") as stream_:
            body = b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{}}}'
            stream_.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
            stream_.flush()
            assert stream_.readline().startswith(b"Content-Length")
            with pytest.raises(OSError, match="refused"):
                socket.create_connection(("127.0.0.1", port))
        assert process.wait(5) == 0


def test_a_port_that_is_taken_is_said(isolated_home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = [*server_command(), "--tcp", f"127.0.0.1:{taken.getsockname()[1]}"]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    assert ended.returncode == 1
    assert "can't listen" in ended.stderr


def test_a_log_that_can_not_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    command = [*server_command(), "--log-file", str(tmp_path / "file" / "log")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False, stdin=subprocess.DEVNULL)
    assert ended.returncode == 1
    assert "can't be written" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_log_has_a_line_for_each_model_call_and_neither_key_nor_code(
    isolated_home: Path, api: FakeApi, tmp_path: Path
) -> None:
    write_user_config(isolated_home, api.base_url)
    api.enqueue(answer("fine"))
    log = tmp_path / "missy.log"
    with LspProcess("--log-file", str(log), "--log-level", "debug") as server:
        server.initialize()
        server.open("file:///a.py", "secret_code = 1\n")
        arguments = {"prompt": "my question", "textDocument": {"uri": "file:///a.py"}, "wait": True}
        assert server.command("missy.ask", arguments)["result"]["text"] == "fine"
        server.close()
    written = log.read_text()
    assert "request=req_fake" in written
    assert not [word for word in (FAKE_KEY, "secret_code", "my question") if word in written]
    assert log.stat().st_mode & 0o777 == 0o600
