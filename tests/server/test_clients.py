"""The same question from every client whose abilities were recorded, through pytest-lsp's own client."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from pytest_lsp import LanguageClient, client_capabilities

from tests.support.configuration import write_user_config
from tests.support.fake_api import FakeApi, answer
from tests.support.prepared import PreparedProcess

RECORDED = sorted((Path(__file__).parents[1] / "data" / "clients").glob("*.json"))
TEXT = "def add(a, b):\n    return a + b\n"
URI = "file:///project/a.py"


@pytest.fixture
async def client(isolated_home: Path, api: FakeApi) -> AsyncIterator[LanguageClient]:
    write_user_config(isolated_home, api.base_url)
    api.respond = lambda request: answer("It ", "adds.")
    connected = LanguageClient()

    @connected.feature(types.WORKSPACE_CONFIGURATION)
    def configuration(params: types.ConfigurationParams) -> list[None]:
        return [None for _ in params.items]

    @connected.feature(types.WINDOW_WORK_DONE_PROGRESS_CREATE)
    def create(params: types.WorkDoneProgressCreateParams) -> None:
        return None

    @connected.feature(types.CLIENT_REGISTER_CAPABILITY)
    def register(params: types.RegistrationParams) -> None:
        return None

    with PreparedProcess(["--tcp", "127.0.0.1:0"], dict(os.environ)) as server:
        port = int((await asyncio.to_thread(server.stderr.readline)).rsplit(b":", 1)[1])
        await connected.start_tcp("127.0.0.1", port)
        yield connected
        await connected.shutdown_session()
        assert await asyncio.to_thread(server.wait, 20) == 0


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda path: path.stem)
async def test_every_recorded_client_gets_its_answer(recorded: Path, client: LanguageClient) -> None:
    raw: dict[str, Any] = json.loads(recorded.read_text(encoding="utf-8"))
    params = {"processId": None, "rootUri": None, "capabilities": raw["capabilities"]}
    params |= {key: raw[key] for key in ("clientInfo", "initializationOptions") if raw.get(key) is not None}
    structured = client.protocol._converter.structure(params, types.InitializeParams)
    result = await client.initialize_session(structured)
    assert set(result.capabilities.execute_command_provider.commands) >= {
        "missy.ask",
        "missy.listProviders",
        "missy.stop",
    }
    wanted = ((raw["capabilities"].get("general") or {}).get("positionEncodings") or ["utf-16"])[0]
    assert result.capabilities.position_encoding == wanted

    client.text_document_did_open(types.DidOpenTextDocumentParams(types.TextDocumentItem(URI, "python", 0, TEXT)))
    arguments = {"prompt": "explain", "textDocument": {"uri": URI, "version": 0}, "wait": True}
    given = types.ExecuteCommandParams(command="missy.ask", arguments=[arguments])
    reply = await asyncio.wait_for(client.workspace_execute_command_async(given), 20)
    assert reply["text"] == "It adds."
    assert reply["complete"] is True


@pytest.mark.parametrize("name", ["visual_studio_code", "neovim", "emacs"])
async def test_the_published_abilities_of_a_client_are_understood(name: str, client: LanguageClient) -> None:
    capabilities = client_capabilities(name)
    await client.initialize_session(types.InitializeParams(capabilities=capabilities, process_id=None))
    status = await client.workspace_execute_command_async(types.ExecuteCommandParams(command="missy.status"))
    assert status["client"]["abilities"]["work_done_progress"] is True
