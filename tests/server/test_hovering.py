"""How long a hover waits for its explanation, in the process, with an upstream that says nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from lsprotocol import types

from missy_lsp.document import Position
from missy_lsp.server import hovering
from missy_lsp.server.client_features import ClientFeatures
from missy_lsp.server.options import ServerOptions
from missy_lsp.server.session import Session
from tests.support.configuration import write_user_config
from tests.support.fake_api import FakeApi, Hold, answer, stream, text_events


class Client:
    """The receiving end, with one document open."""

    def __init__(self) -> None:
        self.session = Session(self, ServerOptions())  # type: ignore[arg-type]
        self.session.client = ClientFeatures(name="Neovim")
        item = types.TextDocumentItem("file:///a.py", "python", 1, "def add(a, b):\n    return a + b\n")
        self.session.documents.open(item)
        self.told: list[str] = []

    def notify(self, method: str, params: dict[str, str]) -> None:
        assert method == types.WINDOW_LOG_MESSAGE
        self.told.append(params["message"])

    async def hover(self) -> object:
        document = self.session.documents.get("file:///a.py")
        assert document is not None
        answer = self.session.hovering.hover(document, Position(0, 5))
        assert answer is not None
        return await answer


async def test_an_explanation_that_does_not_come_in_time_is_no_hover_and_closes_its_connection(
    isolated_home: Path, api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_user_config(isolated_home, api.base_url)
    api.respond = lambda request: stream(*text_events("It")[:3], Hold(), end=False)
    client = Client()
    await client.session.warm_up()
    monkeypatch.setattr(hovering, "WITHIN_S", 1.5)
    assert [await client.hover(), await client.hover()] == [None, None]
    [told] = client.told  # once a minute
    assert "did not come within" in told
    await client.session.close(5)
    for request in api.requests:
        assert await asyncio.to_thread(request.closed.wait, 5)


async def test_a_document_that_is_closed_before_anybody_is_asked_asks_nobody(isolated_home: Path, api: FakeApi) -> None:
    write_user_config(isolated_home, api.base_url)
    api.respond = lambda request: answer("It adds.")
    client = Client()
    await client.session.warm_up()
    hovering = client.hover()
    document = client.session.documents.get("file:///a.py")
    assert document is not None
    asked = client.session.hovering.hover(document, Position(0, 5))
    assert asked is not None
    client.session.documents.open(types.TextDocumentItem("file:///a.py", "python", 1, document.buffer.text))
    assert await asked is None
    assert api.requests == []
    assert await hovering is not None  # the one that is open now
    await client.session.close(5)
