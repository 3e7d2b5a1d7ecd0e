"""How much of a prompt comes from the API's cache: the second action on an unchanged file, and after a small edit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from benchmarks.client import Client, Message
from tests.support.configuration import write_user_config
from tests.support.fake_api import FakeApi
from tests.support.lsp_process import server_command
from tests.support.prompt_cache import PromptCache

LINES = (100, 300, 1_000)
URI = "file:///project/{}.py"
FUNCTION = "def compute_{0}(first, second):\n    return first * {0} + second\n\n\n"
EDIT = {"range": {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}, "text": "import sys\n"}


def measure(env: Mapping[str, str]) -> dict[str, object]:
    """Explain, ask, edit a line, explain: for files of several lengths, each request at another place."""
    cache = PromptCache()
    results: dict[str, object] = {}
    with FakeApi() as api:
        api.respond = cache.respond
        write_user_config(Path(env["HOME"]), api.base_url)
        client = Client(server_command(), env)
        client.initialize()
        for lines in LINES:
            uri = URI.format(lines)
            text = "".join(FUNCTION.format(number) for number in range(lines // 4))
            item = {"uri": uri, "languageId": "python", "version": 1, "text": text}
            client.notify("textDocument/didOpen", {"textDocument": item})
            _explain(client, uri, 0)
            second = _explain(client, uri, lines - 8)
            results[f"{lines}_lines_unchanged_share"] = round(cache.shares[-1], 3)
            results[f"{lines}_lines_unchanged_read_tokens"] = second["cacheReadTokens"]
            changed = {"textDocument": {"uri": uri, "version": 2}, "contentChanges": [EDIT]}
            client.notify("textDocument/didChange", changed)
            third = _explain(client, uri, lines // 2)
            results[f"{lines}_lines_edited_share"] = round(cache.shares[-1], 3)
            results[f"{lines}_lines_edited_read_tokens"] = third["cacheReadTokens"]
        client.close()
    return results


def _explain(client: Client, uri: str, line: int) -> Message:
    place = {"line": line // 4 * 4, "character": 4}
    arguments = {"action": "explain", "textDocument": {"uri": uri}, "range": {"start": place, "end": place}}
    more = {"model": "claude-sonnet-4-6", "wait": True}
    usage: Message = client.wait(client.command("missy.runAction", {**arguments, **more}))["result"]["usage"]
    return usage
