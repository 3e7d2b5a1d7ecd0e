"""What the API's prompt cache gets to see, over the wire: the same prefix for every request about one document."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.conftest import Shared
from tests.support.actions import run
from tests.support.editor import Editor
from tests.support.fake_api import Request
from tests.support.prompt_cache import PromptCache

MODEL = "claude-sonnet-4-6"
TOKEN = "ghp_" + "A1b2C3d4E5" * 3 + "F6g7H8"
CODE = "import os\n\n\n" + "".join(
    f"def compute_{number}(first, second):\n    return first * {number} + second\n\n\n" for number in range(120)
)
REPORT = {
    "range": {"start": {"line": 4, "character": 4}, "end": {"line": 4, "character": 10}},
    "message": "first is not a number",
    "severity": 1,
}


def ask(editor: Editor, prompt: str = "why?", **more: Any) -> dict[str, Any]:
    arguments = {"textDocument": {"uri": editor.uri}, "model": MODEL, "tools": "off", "wait": True, **more}
    return editor.server.command("missy.ask", {"prompt": prompt, **arguments})["result"]


def blocks_of(request: Request) -> list[dict[str, Any]]:
    messages: Any = request.json["messages"]
    return list(messages[0]["content"])


def prefix_of(request: Request) -> tuple[object, object]:
    """Return all that the API reads up to the last mark, and the mark."""
    blocks = blocks_of(request)
    last = max(number for number, block in enumerate(blocks) if "cache_control" in block)
    return request.json.get("system"), blocks[: last + 1]


@pytest.fixture
def cache(shared: Shared) -> PromptCache:
    cache = PromptCache("<replacement>\ndef compute_0(first: int, second: int):\n    return second\n</replacement>\n")
    shared.api.respond = cache.respond
    return cache


def test_every_request_about_an_unchanged_document_sends_the_same_prefix(shared: Shared, cache: PromptCache) -> None:
    editor = shared.edit(CODE.replace("import os", f'import os\n\nTOKEN = "{TOKEN}"', 1))
    run(editor, "explain", editor.cursor(6, 4), model=MODEL)
    run(editor, "fix", editor.cursor(6, 4), model=MODEL, diagnostics=[REPORT])
    run(editor, "edit", editor.select(9, 10), model=MODEL, instruction="make it faster")
    cache.reply = "<path>test_a.py</path>\n<content>\nassert True\n</content>\n"
    run(editor, "write-tests", editor.select(200, 260), model=MODEL)
    answers = [ask(editor), ask(editor, "and this?", range=editor.select(300, 320))]
    requests = shared.api.requests
    prefixes = [prefix_of(request) for request in requests]
    assert len(prefixes) >= 6
    assert all(prefix == prefixes[0] for prefix in prefixes)
    assert len({str(request.json["messages"]) for request in requests}) == len(requests)
    assert TOKEN not in str(prefixes[0])
    assert all(share > 0.6 for share in cache.shares[1:])
    assert all(answer["usage"]["cacheReadTokens"] > 1_024 for answer in answers)


def test_a_small_edit_goes_out_behind_the_document_as_it_was(shared: Shared, cache: PromptCache) -> None:
    editor = shared.edit(CODE)
    ask(editor)
    editor.type(0, 0, "import sys\nimport json\n")
    editor.type(9, 15, "0000")
    ask(editor, range=editor.select(9, 9))
    first, second = shared.api.requests
    assert prefix_of(first) == prefix_of(second)
    _, changes, selection, _ = (block["text"] for block in blocks_of(second))
    assert "+import sys\n+import json\n" in changes
    assert "the document as it is now" in changes
    assert "lines 10-10" in selection
    assert editor.text.splitlines()[9] in selection
    assert "0000" in selection
    assert cache.shares[1] > 0.6


def test_an_edit_is_made_in_the_text_as_it_is_now(shared: Shared, cache: PromptCache) -> None:
    editor = shared.edit(CODE)
    run(editor, "explain", editor.cursor(3, 4), model=MODEL)
    editor.type(0, 0, "import sys\n")
    edit = run(editor, "add-types", editor.cursor(4, 4), model=MODEL)["result"]["edit"]
    assert prefix_of(shared.api.requests[0]) == prefix_of(shared.api.requests[1])
    editor.server.command("missy.accept", {"id": edit["id"]})
    changed = CODE.replace(
        "compute_0(first, second):\n    return first * 0 + second",
        "compute_0(first: int, second: int):\n    return second",
    )
    assert editor.text == "import sys\n" + changed


@pytest.mark.parametrize(
    ("code", "new_text"),
    [
        pytest.param(CODE, "# a line of a comment that is new\n" * 60, id="a large edit"),
        pytest.param("import os\n" * 20, "import sys\n", id="a document that no cache takes"),
        pytest.param(CODE, f'token = "{TOKEN}"\n', id="a secret that was not there"),
    ],
)
def test_a_document_goes_out_as_it_is_where_its_older_text_is_worth_little(
    shared: Shared, cache: PromptCache, code: str, new_text: str
) -> None:
    editor = shared.edit(code)
    ask(editor)
    editor.type(0, 0, new_text)
    ask(editor)
    sent = "\n".join(block["text"] for block in blocks_of(shared.api.requests[1]))
    assert TOKEN not in sent
    if TOKEN in new_text:
        assert "[secret:" in sent
    else:
        assert len(blocks_of(shared.api.requests[1])) == 2
        assert editor.text in sent


def test_after_a_large_edit_the_new_text_is_what_further_edits_refer_to(shared: Shared, cache: PromptCache) -> None:
    editor = shared.edit(CODE)
    ask(editor)
    editor.type(0, 0, "# a line of a comment that is new\n" * 60)
    ask(editor)
    editor.type(0, 0, "import sys\n")
    ask(editor)
    _, second, third = (prefix_of(request) for request in shared.api.requests)
    assert second == third
    assert "+import sys\n" in blocks_of(shared.api.requests[2])[1]["text"]


def test_a_document_that_is_opened_anew_goes_out_as_it_is(shared: Shared, cache: PromptCache) -> None:
    editor = shared.edit(CODE)
    ask(editor)
    shared.process.notify("textDocument/didClose", {"textDocument": {"uri": editor.uri}})
    shared.process.open(editor.uri, "import sys\n" + CODE, "python")
    ask(editor)
    assert [block["text"] for block in blocks_of(shared.api.requests[1])][1:] == ["why?"]


def test_selections_near_each_other_in_a_document_that_is_too_long_share_a_prefix(
    shared: Shared, cache: PromptCache
) -> None:
    shared.configure(context={"max_tokens": 8_000})
    editor = shared.edit(CODE * 10)
    for line in (2_010, 2_060, 2_110):
        ask(editor, range=editor.select(line, line + 20))
    prefixes = [prefix_of(request) for request in shared.api.requests]
    assert prefixes[0] == prefixes[1] == prefixes[2]
    assert cache.shares[2] > 0.6


@pytest.mark.parametrize(
    ("model", "functions", "is_marked"),
    [
        ("claude-sonnet-5-5", 30, True),
        ("claude-sonnet-4-6", 1, False),
        ("claude-sonnet-4-6", 60, True),
        ("claude-haiku-4-5", 60, False),
        ("claude-haiku-4-5", 300, True),
        ("claude-opus-4-6", 60, False),
    ],
)
def test_below_the_floor_of_a_model_nothing_is_marked(
    shared: Shared, cache: PromptCache, model: str, functions: int, is_marked: bool
) -> None:
    editor = shared.edit("def compute(a):\n    return a * 2 + 1\n\n" * functions)
    ask(editor, model=model)
    assert cache.marks == [1 if is_marked else 0]
