"""What a client agrees on with the server, how it reaches it, and what is logged of that."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

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


def test_an_end_of_input_ends_the_server_and_its_streams(isolated_home: Path, api: FakeApi) -> None:
    write_user_config(isolated_home, api.base_url)
    api.respond = lambda request: stream(message_start(), block_start(), text_delta("x"), Hold(), end=False)
    with LspProcess() as server:
        server.initialize()
        for number in range(16):
            server.start_command("missy.ask", {"prompt": f"hi {number}", "partialResultToken": f"t{number}"})
        api.wait_for_requests(16, 20)
        assert server.process.stdin is not None
        server.process.stdin.close()
        assert server.process.wait(5) == 1  # without a shutdown
        assert all(request.closed.wait(2) for request in api.requests)


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
        assert process.wait(5) == 1  # without a shutdown


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
