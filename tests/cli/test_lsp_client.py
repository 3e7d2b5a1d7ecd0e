from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from missy_lsp.cli.lsp_client import LspClient
from missy_lsp.errors import MissyError

SILENT = "import sys; sys.stdin.buffer.read()"  # lives until its input is closed
STUBBORN = "import time; time.sleep(60)"  # lives whatever happens


def server(program: str) -> list[str]:
    return [sys.executable, "-I", "-c", program]


def says(message: str, then: str = SILENT) -> str:
    return f"import sys; sys.stdout.buffer.write({message.encode()!r}); sys.stdout.flush()\n{then}"


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("", "has ended (exit code 0)"),
        ("raise SystemExit(3)", "has ended (exit code 3)"),
        (says("Content-Length: 50\r\n\r\n{}", "pass"), "has ended (exit code 0)"),
        (says("Content-Length: many\r\n\r\n{}"), "no message of the protocol"),
        (says("Content-Length: -5\r\n\r\n{}"), "no message of the protocol"),
        (says("a word to the user\r\n\r\n"), "no message of the protocol"),
        (says("Content-Length: 5\r\n\r\nhello"), "no message of the protocol"),
        (says("Content-Length: 2\r\n\r\n[]"), "no message of the protocol"),
    ],
    ids=["ends", "fails", "cut off", "length", "negative", "no header", "no JSON", "no object"],
)
def test_a_server_that_can_not_be_understood_is_a_sentence_at_once(program: str, said: str) -> None:
    client = LspClient(server(program))
    begin_s = time.monotonic()
    with pytest.raises(MissyError, match="The server") as raised:
        client.initialize()
    client.close()
    assert said in raised.value.message
    assert time.monotonic() - begin_s < 4


def test_a_server_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(MissyError, match="can't be started"):
        LspClient([str(tmp_path / "missy-lsp")])


@pytest.mark.parametrize("program", [SILENT, STUBBORN], ids=["silent", "stubborn"])
def test_a_server_that_never_answers_is_left_in_bounded_time(program: str) -> None:
    client = LspClient(server(program), patience_s=0.2)
    begin_s = time.monotonic()
    client.close()
    assert time.monotonic() - begin_s < 4
