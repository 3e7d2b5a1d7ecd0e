"""What a client may do the moment that it is told of the end; in the process, with the offline provider."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from lsprotocol import types

from missy_lsp.errors import MissyError, ModelError
from missy_lsp.server.dispatch import Request
from missy_lsp.server.handlers.commands import execute_command
from missy_lsp.server.options import ServerOptions
from missy_lsp.server.session import Session


class Client:
    """The receiving end; when told of the end, it looks at what the server would answer right then."""

    def __init__(self) -> None:
        self.session = Session(self, ServerOptions(offline=True))  # type: ignore[arg-type]
        self.kinds: list[object] = []
        self.run_id = ""
        self.running_at_end: int | None = None
        self.result_at_end: dict[str, object] | MissyError | None = None

    def send_progress(self, token: object, value: dict[str, object], *, droppable: bool = False) -> None:
        self.kinds.append(value["kind"])
        if value["kind"] == "start":
            self.run_id = str(value["id"])
        if value["kind"] == "end":
            self.running_at_end = self.session.running.count
            try:
                self.result_at_end = self.session.running.result(self.run_id)
            except MissyError as error:
                self.result_at_end = error

    def notify(self, method: str, params: object) -> None:
        raise AssertionError(f"nothing is to be shown: {params}")

    def ask(self) -> asyncio.Future[object]:
        arguments = {"prompt": "hi", "partialResultToken": "t"}
        params = types.ExecuteCommandParams(command="missy.ask", arguments=[arguments])
        return asyncio.ensure_future(execute_command(self.session, params, Request(1)))  # type: ignore[arg-type]

    async def until(self, kind: str) -> None:
        while kind not in self.kinds:
            await asyncio.sleep(0)


@pytest.fixture
def client(isolated_home: Path) -> Client:
    return Client()


async def test_the_answer_can_be_had_when_its_end_is_told(client: Client) -> None:
    answer = await client.ask()
    assert (client.running_at_end, client.result_at_end) == (0, answer)


async def test_a_stopped_answer_can_be_had_when_its_end_is_told(client: Client) -> None:
    asked = client.ask()
    await client.until("text")
    assert client.session.running.stop() == 1
    assert (await asked, client.running_at_end) == (client.result_at_end, 0)


async def test_a_cancelled_request_runs_no_more_when_its_end_is_told(client: Client) -> None:
    asked = client.ask()
    await client.until("text")
    asked.cancel()
    with pytest.raises(MissyError):
        await asked
    assert client.running_at_end == 0
    assert isinstance(client.result_at_end, ModelError)
    assert (client.result_at_end.kind, bool(client.result_at_end.partial_text)) == ("cancelled", True)
