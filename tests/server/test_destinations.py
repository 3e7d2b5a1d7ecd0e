"""A key that went to one address goes to another only after a yes (contract 2, security.md R3, KEY-16)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.configuration import write_user_config
from tests.support.fake_api import FakeApi, answer
from tests.support.lsp_process import LspProcess

CAN_ASK = {"window": {"showMessage": {"messageActionItem": {}}}}


@pytest.fixture
def other() -> Iterator[FakeApi]:
    with FakeApi() as server:
        server.respond = lambda request: answer("from the other one")
        yield server


@pytest.fixture
def moved(isolated_home: Path, api: FakeApi, other: FakeApi) -> None:
    """A key that was used with one address, and a configuration that names another one since."""
    write_user_config(isolated_home, api.base_url)
    api.enqueue(answer("from the first one"))
    with LspProcess() as server:
        server.initialize()
        assert ask(server)["result"]["text"] == "from the first one"
    write_user_config(isolated_home, other.base_url)


def ask(server: LspProcess) -> Any:
    return server.command("missy.ask", {"prompt": "hi", "wait": True})


@pytest.mark.usefixtures("moved")
def test_without_anybody_to_ask_nothing_is_sent_and_the_way_out_is_named(api: FakeApi, other: FakeApi) -> None:
    with LspProcess() as server:
        server.initialize()
        error = ask(server)["error"]
    assert (error["code"], error["data"]["kind"]) == (-32803, "permission")
    assert f"missy vault allow anthropic {other.base_url}" in error["message"]
    assert api.base_url in error["message"]
    assert other.connections == 0


@pytest.mark.usefixtures("moved")
def test_a_yes_counts_from_then_on_also_for_other_processes(other: FakeApi) -> None:
    asked: list[Any] = []
    with LspProcess() as server:
        server.answer("window/showMessageRequest", lambda params: asked.append(params) or params["actions"][0])
        server.initialize(capabilities=CAN_ASK)
        for _ in range(2):
            assert ask(server)["result"]["text"] == "from the other one"
    assert len(asked) == 1
    assert other.base_url in asked[0]["message"]
    with LspProcess() as server:
        server.initialize()
        assert ask(server)["result"]["text"] == "from the other one"


@pytest.mark.usefixtures("moved")
@pytest.mark.parametrize("reply", [lambda params: params["actions"][1], lambda params: None, lambda params: "yes"])
def test_everything_but_a_yes_is_a_no_and_is_asked_once(other: FakeApi, reply: Any) -> None:
    asked: list[Any] = []
    with LspProcess() as server:
        server.answer("window/showMessageRequest", lambda params: (asked.append(params), reply(params))[1])
        server.initialize(capabilities=CAN_ASK)
        for _ in range(2):
            assert ask(server)["error"]["data"]["kind"] == "permission"
    assert (len(asked), other.connections) == (1, 0)


@pytest.mark.usefixtures("moved")
def test_several_requests_at_once_ask_one_question(other: FakeApi) -> None:
    asked: list[Any] = []
    with LspProcess() as server:
        server.answer("window/showMessageRequest", lambda params: asked.append(params) or params["actions"][0])
        server.initialize(capabilities=CAN_ASK)
        ids = [server.start_command("missy.ask", {"prompt": "hi", "wait": True}) for _ in range(5)]
        assert {server.response(request_id)["result"]["text"] for request_id in ids} == {"from the other one"}
    assert len(asked) == 1


def test_a_damaged_record_sends_nothing(isolated_home: Path, api: FakeApi) -> None:
    write_user_config(isolated_home, api.base_url)
    secrets = isolated_home / ".missy" / "secrets"
    secrets.mkdir(mode=0o700)
    (secrets / "origins.json").write_text("{")
    (secrets / "origins.json").chmod(0o600)
    with LspProcess() as server:
        server.initialize()
        assert "Move it away" in ask(server)["error"]["message"]
    assert api.connections == 0
