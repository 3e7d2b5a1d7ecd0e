"""What a burst of letters sends upstream, each with a request for a suggestion: given up for the next one, or not."""

from __future__ import annotations

import time
from collections.abc import Mapping

from benchmarks.client import Client
from benchmarks.hover import asked_upstream
from tests.support.lsp_process import server_command

LETTERS = 100
BETWEEN_S = 0.03
URI = "file:///project/a.py"


def measure(base_url: str, env: Mapping[str, str]) -> dict[str, object]:
    client = Client(server_command(), env)
    client.initialize()
    client.wait_until_ready()
    item = {"uri": URI, "languageId": "python", "version": 0, "text": "total = "}
    client.notify("textDocument/didOpen", {"textDocument": item})
    kept = _burst(client, base_url, 0, cancels=False)
    given_up = _burst(client, base_url, LETTERS, cancels=True)
    client.close()
    return {
        "ms_between_letters": BETWEEN_S * 1000,
        f"upstream_requests_of_{LETTERS}_letters": kept,
        f"upstream_requests_of_{LETTERS}_each_given_up_for_the_next": given_up,
        "target": "1 upstream request",
    }


def _burst(client: Client, base_url: str, typed: int, *, cancels: bool) -> int:
    """Type letters behind those that were typed before, and count the requests that come of it."""
    before = asked_upstream(base_url)
    request_id = None
    for number in range(typed, typed + LETTERS):
        if cancels and request_id is not None:
            client.notify("$/cancelRequest", {"id": request_id})
        place = {"line": 0, "character": len("total = ") + number}
        change = {"range": {"start": place, "end": place}, "text": "x"}
        identifier = {"uri": URI, "version": number + 1}
        client.notify("textDocument/didChange", {"textDocument": identifier, "contentChanges": [change]})
        params = {"position": {**place, "character": place["character"] + 1}, "context": {"triggerKind": 2}}
        request_id = client.request("textDocument/inlineCompletion", {"textDocument": {"uri": URI}, **params})
        time.sleep(BETWEEN_S)
    assert request_id is not None
    assert "result" in client.wait(request_id)
    return asked_upstream(base_url) - before
