"""Every message of tests/data/protocol against the real server: each request is answered exactly once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.lsp_process import LspProcess
from tests.support.protocol_cases import Case, cases, expected, replies, to_bytes

FIRST_ID = 10**6  # far from the ids of the cases


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LspProcess]:
    home = str(tmp_path_factory.mktemp("home"))
    with LspProcess(env={"HOME": home, "USERPROFILE": home}, first_id=FIRST_ID) as process:
        process.initialize()
        yield process
        assert process.close() == 0


@pytest.mark.parametrize("case", cases("messages"))
def test_every_request_is_answered_once_and_the_server_lives(server: LspProcess, case: Case) -> None:
    server.command("missy.status")  # whatever the case before brought about has been sent
    before = len(server.messages)
    server.write(to_bytes(case))
    status = server.command("missy.status")
    assert status["result"]["server"]["name"] == "missy-lsp"
    arrived = [message for message in server.messages[before:] if message is not status]
    got = replies(arrived)
    if "any_of" in case:  # some versions of Python read deeper than others
        assert [outcome in case["any_of"] for _, outcome in got] == [True]
    else:
        assert got == expected(case)
    assert "window/showMessage" not in [message.get("method") for message in arrived]
    sent = json.dumps(arrived)
    assert not [word for word in ("Traceback", 'File \\"', "site-packages", ".py:") if word in sent]


@pytest.mark.parametrize("case", cases("processes"))
def test_a_server_ends_as_its_client_told_it_to(isolated_home: Path, case: Case) -> None:
    with LspProcess() as process:
        process.write(to_bytes(case))
        if case.get("close"):
            assert process.process.stdin is not None
            process.process.stdin.close()
        assert process.process.wait(10) == case["exit"]
        process.wait_for_end()
        assert replies(process.messages) == expected(case)
        lines = b"".join(process.stderr).decode().splitlines()
    assert len(lines) == ("stderr" in case)
    assert case.get("stderr", "") in "".join(lines)
