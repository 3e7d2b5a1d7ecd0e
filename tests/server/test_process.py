"""The server as a process: its standard streams, signals, its parent, odd environments, hostile folders."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from missy_lsp.llm.ledger import Ledger, Spending
from missy_lsp.llm.types import Usage
from missy_lsp.server.parent_watch import IsGone, watch_by_signal, watch_process
from tests.support import noisy_provider
from tests.support.actions import CODE, propose
from tests.support.configuration import write_user_config
from tests.support.editor import CAPABILITIES
from tests.support.fake_api import FakeApi, Hold, block_start, message_start, stream, text_delta
from tests.support.lsp_process import LspProcess, Message, server_command
from tests.support.window import Window

pytestmark = pytest.mark.skipif(os.name != "posix", reason="POSIX processes")

ENDLESS = stream(message_start(), block_start(), text_delta("x"), Hold(), end=False)


# --- ends ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_server_and_its_streams(number: signal.Signals, isolated_home: Path, api: FakeApi) -> None:
    write_user_config(isolated_home, api.base_url)
    api.respond = lambda request: ENDLESS
    with LspProcess(installed=True) as server:
        server.initialize()
        waiting = [server.start_command("missy.ask", {"prompt": f"hi {n}", "wait": True}) for n in range(4)]
        api.wait_for_requests(4, 20)
        begin_s = time.monotonic()
        server.process.send_signal(number)
        server.process.send_signal(number)
        assert server.process.wait(5) == 0
        assert time.monotonic() - begin_s < 2
        assert all(request.closed.wait(2) for request in api.requests)
        server.wait_for_end()
        assert b"".join(server.stderr) == b""
        assert [len(replies_to(server, request_id)) for request_id in waiting] == [1] * 4


def test_a_server_that_is_ended_waits_for_a_ledger_that_is_held(
    isolated_home: Path, api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(isolated_home / "state"))
    file = isolated_home / "state" / "missy" / "ledger.sqlite"
    write_user_config(isolated_home, api.base_url)
    api.respond = lambda request: ENDLESS
    Ledger(file).record(Spending(0, "anthropic", "m", "fast", "ask", "", Usage(1), 0.0))
    with LspProcess(installed=True) as server, closing(sqlite3.connect(file, isolation_level=None)) as other:
        server.initialize()
        server.start_command("missy.ask", {"prompt": "hi", "wait": True, "partialResultToken": "t"})
        server.until(lambda message: '"x"' in json.dumps(message.get("params")))
        other.execute("begin immediate")
        server.process.send_signal(signal.SIGTERM)
        assert api.requests[0].closed.wait(2)
        with pytest.raises(subprocess.TimeoutExpired):
            server.process.wait(1)
        other.execute("rollback")
        assert server.process.wait(5) == 0
        assert other.execute("select count(*), sum(input_tokens) from request").fetchone() == (2, 11)


def test_a_server_that_is_ended_while_a_change_lands_does_not_wait_for_the_editor(
    isolated_home: Path, api: FakeApi, tmp_path: Path
) -> None:
    write_user_config(isolated_home, api.base_url)
    with LspProcess() as server:
        server.initialize(tmp_path, CAPABILITIES)
        window = Window(server, tmp_path)
        edit = propose(window.open("a.py", CODE), api)
        window.hold()
        accept = server.start_command("missy.accept", {"id": edit["id"]})
        window.held()
        assert server.close() == 0
        server.wait_for_end()
        [reply] = replies_to(server, accept)
        assert reply["error"]["message"] == "The server is stopping."


def test_a_client_that_no_longer_reads_its_pipe_ends_the_server(isolated_home: Path) -> None:
    with started() as process:
        assert process.stdout is not None
        process.stdout.close()
        send(process, {"jsonrpc": "2.0", "id": 1, "method": "no/such"})
        assert process.wait(10) == 1
        assert errors_of(process) == b""


# --- streams that nobody reads ------------------------------------------------------------------------


def test_a_client_that_does_not_read_is_still_heard(isolated_home: Path, api: FakeApi) -> None:
    write_user_config(isolated_home, api.base_url)
    api.respond = lambda request: ENDLESS
    with started() as process:
        initialize(process)
        command(process, 2, "missy.ask", prompt="hi", wait=True)
        api.wait_for_requests(1, 20)
        for number in range(3000):  # more replies than a pipe has room for
            send(process, {"jsonrpc": "2.0", "id": f"{number}", "method": "x" * 200})
        send(process, {"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": 2}})
        assert api.requests[0].closed.wait(10)
        found = [read(process) for _ in range(3001)]
        assert [message["error"]["code"] for message in found if message["id"] == 2] == [-32800]
        assert len({message["id"] for message in found}) == 3001


def test_an_error_stream_that_nobody_reads_stops_nothing(isolated_home: Path, tmp_path: Path) -> None:
    with started(env=noisy(isolated_home, tmp_path)) as process:
        initialize(process)
        for _ in range(3000):  # each is a warning in the log
            send(process, {"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"x" * 100: 1}})
        command(process, 2, "missy.ask", prompt="speak loudly", wait=True)
        assert response(process, 2)["result"]["complete"] is True


def test_python_code_is_never_stopped_by_an_error_stream_where_native_code_may_be() -> None:
    program = (
        "import sys; from missy_lsp.server import stdio; stdio._reopen_without_blocking = lambda: None;"
        "errors = stdio.unblock_standard_error(); print('first', file=sys.stderr, flush=True);"
        "[sys.stderr.write('x' * 5000) for _ in range(1000)]; print(errors.drain(0.01), sys.stderr is errors)"
    )
    command_line = [sys.executable, "-c", program]
    with subprocess.Popen(command_line, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read() == b"False True\n"
        assert errors_of(process).startswith(b"first\nxxx")


def test_a_careless_plugin_neither_breaks_the_protocol_nor_ends_the_server(isolated_home: Path, tmp_path: Path) -> None:
    with LspProcess(env=noisy(isolated_home, tmp_path), installed=True) as server:
        server.initialize()
        # The reader of LspProcess fails at anything that is no frame.
        answer = server.command("missy.ask", {"prompt": "with a child", "wait": True})
        assert "offline" in answer["result"]["text"]
        for prompt in ("leave", "interrupt", "exhaust"):
            failed = server.command("missy.ask", {"prompt": prompt, "wait": True})
            assert failed["error"]["data"]["kind"] == "internal"
            assert "CANARY" not in json.dumps(failed)
        assert server.command("missy.status")["result"]["server"]["name"] == "missy-lsp"
        assert server.close() == 0
        server.wait_for_end()
    printed = b"".join(server.stderr)
    assert printed.count(b"stray") >= 8
    assert b"of a child" in printed
    if sys.platform == "linux":  # standard input is empty, and no descriptor of ours is there (3 lists the folder)
        assert b"\n0 0 1 2 3\n" in printed


@pytest.mark.parametrize(("closed", "code"), [("<&-", 1), (">&-", 1), ("2>&-", 1), ("<&- >&- 2>&-", 1)])
def test_a_server_without_a_standard_stream_says_so(closed: str, code: int, isolated_home: Path) -> None:
    line = f'exec "$0" {closed}'
    ended = subprocess.run(
        ["sh", "-c", line, *server_command()], stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False
    )
    assert ended.returncode == code
    said = ended.stderr.splitlines()
    assert len(said) == (1 if "2>" not in closed else 0)
    assert ended.stdout == b""


# --- who the server works for -------------------------------------------------------------------------


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def gone(child: subprocess.Popen[bytes], *, reap: bool) -> None:
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and is a zombie
    if reap:
        child.wait()


@pytest.mark.parametrize("watch", [watch_process, watch_by_signal])
@pytest.mark.parametrize("reap", [True, False], ids=["reaped", "a zombie"])
def test_a_process_is_gone_when_it_has_ended(watch: object, reap: bool, child: subprocess.Popen[bytes]) -> None:
    assert callable(watch)
    if not reap and sys.platform != "linux" and watch is watch_by_signal:
        pytest.skip("a zombie can't be told from a process")
    is_gone: IsGone = watch(child.pid)
    assert is_gone() is False
    gone(child, reap=reap)
    assert is_gone() is True


@pytest.mark.parametrize("process_id", [0, -1, 2**31, 2**70, 2**31 - 1])
def test_a_process_that_is_not_there_is_not_watched(process_id: int) -> None:
    assert watch_process(process_id) is None


def test_another_users_process_is_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbid(process_id: int, number: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", forbid)
    is_gone = watch_by_signal(os.getpid())
    assert is_gone is not None
    assert is_gone() is False


def test_a_server_ends_when_its_client_is_gone_or_has_lost_count(
    isolated_home: Path, child: subprocess.Popen[bytes]
) -> None:
    """Four servers at once, since each looks every two seconds; the last was told not to look."""
    with started() as orphan, started() as other, started(between=True) as left, started(between=True) as unwatched:
        for server, process_id in ((orphan, child.pid), (other, os.getpid()), (left, os.getpid()), (unwatched, None)):
            initialize(server, process_id)
        gone(child, reap=False)
        send(other, {"jsonrpc": "2.0", "id": 2, "method": "no/such"}, surplus=5)
        for between in (left, unwatched):  # the process between; the server itself has inherited the pipes
            between.kill()
        assert orphan.wait(10) == 1
        assert b"the editor's process is gone" in errors_of(orphan)
        assert other.wait(10) == 1
        assert b"Content-Length is too large" in errors_of(other)
        assert b"the process that started the server is gone" in errors_of(left)
        command(unwatched, 3, "missy.stop")
        assert response(unwatched, 3)["result"] == {"stopped": 0}


# --- the machine --------------------------------------------------------------------------------------

XDG = [f"XDG_{name}_HOME" for name in ("CACHE", "CONFIG", "DATA", "STATE")]
NOWHERE = "/dev/null/none"
ENVIRONMENTS = {
    "the C locale, a home that can't be made": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    | {"PYTHONIOENCODING": "ascii", "HOME": NOWHERE, "USERPROFILE": NOWHERE}
    | dict.fromkeys(XDG, ""),
    "no such locale, an empty home": {
        "LC_ALL": "xx_XX.no-such",
        "PYTHONUTF8": "0",
        "PYTHONIOENCODING": "latin-1:strict",
    }
    | dict.fromkeys(["HOME", *XDG], ""),
    "Turkish, developer mode": {"LC_ALL": "tr_TR.UTF-8", "PYTHONDEVMODE": "1", "PYTHONASYNCIODEBUG": "1"},
}


@pytest.mark.parametrize("environment", ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_an_answer_comes_in_any_environment(environment: dict[str, str], tmp_path: Path, isolated_home: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    with LspProcess("--offline", env=environment, cwd=folder, installed=True) as server:
        folder.rmdir()
        server.initialize()
        server.open("untitled:İı-🎈", "def grüße_🎈(): pass\n")
        arguments = {"prompt": "İı 🎈 explain", "textDocument": {"uri": "untitled:İı-🎈"}, "wait": True}
        answer = server.command("missy.ask", arguments)["result"]
        assert answer["complete"] is True
        assert "grüße" in answer["text"]
        assert server.close() == 0
        server.wait_for_end()
        assert b"Traceback" not in b"".join(server.stderr)


# --- helpers ------------------------------------------------------------------------------------------

_BETWEEN = "import subprocess, sys; subprocess.Popen(sys.argv[1:]).wait()"


def started(env: dict[str, str] | None = None, *, between: bool = False) -> subprocess.Popen[bytes]:
    """Start a server whose output nobody reads unless the test does."""
    command_line = [sys.executable, "-c", _BETWEEN, *server_command()] if between else server_command()
    return subprocess.Popen(
        command_line,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **(env or {})},
    )


def replies_to(server: LspProcess, request_id: int) -> list[Message]:
    return [message for message in server.messages if message.get("id") == request_id and "method" not in message]


def noisy(home: Path, folder: Path) -> dict[str, str]:
    path = write_user_config(home, None, default_provider="noisy")
    text = path.read_text().replace("providers:\n", "providers:\n  noisy:\n    name: noisy\n")
    path.write_text(text)
    return noisy_provider.install(folder / "plugin")


def send(process: subprocess.Popen[bytes], message: object, surplus: int = 0) -> None:
    assert process.stdin is not None
    body = json.dumps(message).encode()
    process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body) + surplus, body))
    process.stdin.flush()


def initialize(process: subprocess.Popen[bytes], process_id: int | None = None) -> None:
    params = {"processId": process_id, "capabilities": {}}
    send(process, {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params})
    assert "result" in response(process, 1)
    send(process, {"jsonrpc": "2.0", "method": "initialized", "params": {}})


def command(process: subprocess.Popen[bytes], message_id: int, name: str, **arguments: object) -> None:
    params = {"command": name, "arguments": [arguments]}
    send(process, {"jsonrpc": "2.0", "id": message_id, "method": "workspace/executeCommand", "params": params})


def response(process: subprocess.Popen[bytes], message_id: int) -> dict[str, object]:
    while (message := read(process)).get("id") != message_id:
        pass
    return message


def read(process: subprocess.Popen[bytes]) -> dict[str, object]:
    assert process.stdout is not None
    header = process.stdout.readline()
    assert header.startswith(b"Content-Length: ")
    process.stdout.readline()
    message: dict[str, object] = json.loads(process.stdout.read(int(header.split()[1])))
    return message


def errors_of(process: subprocess.Popen[bytes]) -> bytes:
    """Return what the server said on standard error, once it has ended."""
    assert process.stderr is not None
    return process.stderr.read()
