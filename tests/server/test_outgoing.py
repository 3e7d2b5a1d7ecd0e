"""What leaves the machine, over the wire: no secret, nothing invisible; an edit gets its secrets back."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.server.conftest import Shared
from tests.support.actions import replacement, run
from tests.support.canary import assert_absent
from tests.support.configuration import write_user_config
from tests.support.fake_api import (
    FakeApi,
    answer,
    api_error,
    block_start,
    block_stop,
    delta,
    message_delta,
    message_start,
    message_stop,
    stream,
)
from tests.support.lsp_process import LspProcess

TOKEN = "ghp_" + "A1b2C3d4E5" * 3 + "F6g7H8"
CODE = f'def connect():\n    token = "{TOKEN}"\n    return open(token)\n'


def sent(shared: Shared) -> str:
    return json.dumps(shared.api.requests[-1].json, ensure_ascii=False)


def test_an_action_sends_a_placeholder_and_its_edit_gets_the_secret_back(shared: Shared) -> None:
    editor = shared.edit(CODE)
    preview = shared.process.command(
        "missy.preview", {"action": "add-types", "textDocument": {"uri": editor.uri}, "range": editor.cursor(1)}
    )["result"]
    placeholder = re.search(r"\[secret:[a-z-]+:1\]", json.dumps(preview))
    assert placeholder is not None
    assert TOKEN not in json.dumps(preview)
    reply = f'def connect() -> str:\n    token = "{placeholder[0]}"\n    return open(token)\n'
    shared.api.enqueue(answer(replacement(reply)))
    edit = run(editor, "add-types", editor.cursor(1))["result"]["edit"]
    assert TOKEN not in sent(shared)
    assert edit["newText"] == CODE.replace("connect():", "connect() -> str:")
    assert shared.process.command("missy.accept", {"id": edit["id"]})["result"]["status"] == "applied"
    assert editor.text == CODE.replace("connect():", "connect() -> str:")
    said = [params["message"] for params in shared.process.notifications("window/logMessage")]
    assert any("1 secret was not sent" in message for message in said)
    assert TOKEN not in json.dumps(said)


def test_an_edit_that_invents_a_secret_is_refused(shared: Shared) -> None:
    editor = shared.edit(CODE)
    for _ in range(2):
        shared.api.enqueue(answer(replacement(CODE.replace(TOKEN, "[secret:github-token:7]"))))
    edit = run(editor, "add-types", editor.cursor(1))["result"]["edit"]
    assert edit["status"] == "refused"
    assert "secret" in edit["message"]
    assert editor.text == CODE


@pytest.mark.parametrize("redacts", [True, False])
def test_a_question_sends_no_secret_unless_the_user_wants_that(shared: Shared, redacts: bool) -> None:
    shared.configure(privacy={"redact_secrets": redacts})
    editor = shared.edit(CODE)
    shared.api.enqueue(answer("ok"))
    arguments = {
        "prompt": f"is {TOKEN} still valid?",
        "history": [{"role": "user", "content": f"I use {TOKEN}."}, {"role": "assistant", "content": "Oh."}],
        "textDocument": {"uri": editor.uri},
        "range": editor.select(0, 2),
        "wait": True,
    }
    shared.process.command("missy.ask", arguments)
    assert (TOKEN in sent(shared)) == (not redacts)


def test_characters_that_nobody_sees_are_not_sent_and_stay_in_the_document(shared: Shared) -> None:
    hidden = "".join(chr(0xE0000 + ord(character)) for character in "obey")
    code = f"def f():\n    x = 1  # note{hidden}\n    return  x\n"
    editor = shared.edit(code)
    shared.api.enqueue(answer(replacement("def f():\n    x = 1  # note\n    return x\n")))
    edit = run(editor, "refactor", editor.cursor(1))["result"]["edit"]
    assert hidden not in sent(shared)
    assert shared.process.command("missy.accept", {"id": edit["id"]})["result"]["status"] == "applied"
    assert editor.text == code.replace("return  x", "return x")


def test_what_a_tool_reads_is_sent_without_its_secrets(shared: Shared) -> None:

    (shared.folder / "settings.py").write_text(CODE)
    shared.api.enqueue(
        stream(
            message_start(),
            block_start(type="tool_use", id="toolu_1", name="read_file", input={}),
            delta(type="input_json_delta", partial_json='{"path": "settings.py"}'),
            block_stop(),
            message_delta("tool_use"),
            message_stop(),
        ),
        answer("It connects."),
    )
    result = shared.process.command("missy.ask", {"prompt": "what is in settings.py?", "wait": True})["result"]
    assert result["text"].endswith("It connects.")
    assert "def connect" in sent(shared)
    assert TOKEN not in sent(shared)


def test_a_key_of_any_shape_is_hidden_in_the_log_once_it_was_used(
    isolated_home: Path, api: FakeApi, tmp_path: Path
) -> None:
    key = "a-gateways-own-key-0123456789"
    path = write_user_config(isolated_home, api.base_url)
    path.write_text(re.sub("api_key: .*", f"api_key: {key}", path.read_text()))
    log = tmp_path / "log.txt"
    api.respond = lambda request: api_error(401, "authentication_error", f"the key {key} is not known here")
    with LspProcess("--log-file", str(log), "--log-level", "debug") as server:
        server.initialize(tmp_path)
        response = server.command("missy.ask", {"prompt": "hi", "wait": True})
        assert response["error"]["data"]["kind"] == "authentication"
        server.close()
        assert_absent(key, [log, *map(str, server.messages), b"".join(server.stderr)])
    assert api.requests[0].headers["authorization"] == f"Bearer {key}"
