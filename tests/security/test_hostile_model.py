"""Whatever the model says: nothing outside of the workspace is read, nothing is written, nothing is contacted."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.security.conftest import CODE, KEY, Hostile
from tests.support.actions import run
from tests.support.fake_api import (
    Reply,
    answer,
    block_start,
    block_stop,
    delta,
    message_delta,
    message_start,
    message_stop,
    stream,
    text_delta,
)
from tests.support.markdown_oracle import live_parts

DATA = Path(__file__).parents[1] / "data" / "security"
Case = dict[str, Any]


def cases(name: str) -> Any:
    read = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
    return pytest.mark.parametrize("case", read, ids=[case["name"] for case in read])


def filled(hostile: Hostile, text: str) -> str:
    """Put the names of this run into what the model says."""
    values = {
        "{outside}": str(hostile.outside),
        "{folder}": str(hostile.folder),
        "{home}": str(hostile.home),
        "{attacker}": hostile.attacker.base_url,
        "{megabyte}": "a" * 2**20,
        "{key}": KEY,
        "{key_base64}": base64.b64encode(KEY.encode()).decode(),
    }
    for name, value in values.items():
        text = text.replace(name, value)
    return text


def turn(hostile: Hostile, said: Case) -> Reply:
    """Return what the model sends for one turn of a case."""
    events = [message_start()]
    first = 0
    if text := said.get("text"):
        events += [block_start(), text_delta(filled(hostile, text)), block_stop()]
        first = 1
    for index, call in enumerate(said.get("calls", []), first):
        arguments = {
            name: filled(hostile, value) if isinstance(value, str) else value for name, value in call["input"].items()
        }
        written = json.dumps(arguments)
        size = said.get("piece", len(written))
        pieces = [written[start : start + size] for start in range(0, len(written), size)]
        events += [
            block_start(index, type="tool_use", id=f"toolu_{index}", name=call["name"], input={}),
            *(delta(index, type="input_json_delta", partial_json=piece) for piece in pieces),
            block_stop(index),
        ]
    reason = said.get("stop_reason") or ("tool_use" if said.get("calls") else "end_turn")
    end = [] if said.get("cut") else [message_delta(reason), message_stop()]
    return stream(*events, *end)


def results(hostile: Hostile) -> Iterator[dict[str, Any]]:
    """Yield the results of tools that went back to the model with the last request."""
    messages: Any = hostile.api.requests[-1].json["messages"]
    for message in messages:
        if message["role"] == "user" and isinstance(message["content"], list):
            yield from (block for block in message["content"] if block["type"] == "tool_result")


@cases("tools")
def test_tools_give_a_hostile_model_nothing(hostile: Hostile, case: Case) -> None:
    turns = case["turns"] * case.get("repeat", 1)
    hostile.api.enqueue(*(turn(hostile, said) for said in turns))
    response = hostile.process.command("missy.ask", {"prompt": "look around", "tools": "read", "wait": True})
    expect = case["expect"]
    given = list(results(hostile))
    assert ("error" in response) == expect.get("error", False), response
    if expect.get("refused"):
        called = sum(len(said.get("calls", ())) for said in case["turns"])
        assert [result.get("is_error") for result in given] == [True] * called
    if expect.get("no_results"):
        assert given == []
    if "requests" in expect:
        assert len(hostile.api.requests) == expect["requests"]
    hostile.assert_nothing_leaked()


@cases("tool_edits")
def test_edit_tools_give_a_hostile_model_nothing(hostile: Hostile, case: Case) -> None:
    hostile.api.enqueue(*(turn(hostile, said) for said in case["turns"] * case.get("repeat", 1)))
    response = hostile.process.command("missy.ask", {"prompt": "look around", "tools": "edit", "wait": True})
    expect = case["expect"]
    given = list(results(hostile))
    assert ("error" in response) == expect.get("error", False), response
    edit = response.get("result", {}).get("edit", {})
    assert edit.get("status") == expect.get("status"), edit
    if expect.get("refused"):
        assert [result.get("is_error") for result in given] == [True] * len(case["turns"][0]["calls"])
    if last := expect.get("refused_last"):
        assert [result.get("is_error") for result in given[-last:]] == [True] * last
    if expect.get("same_results"):
        assert len({result["content"] for result in map(_hashable, given)}) == 1
    if "requests" in expect:
        assert len(hostile.api.requests) == expect["requests"]
    if edit.get("status") == "pending":
        hostile.process.command("missy.discard", {"id": edit["id"]})
    hostile.assert_nothing_leaked()


def _hashable(result: dict[str, Any]) -> dict[str, str]:
    return {"content": json.dumps(result["content"])}


@cases("edits")
def test_an_edit_of_a_hostile_model_is_refused_or_waits(hostile: Hostile, case: Case) -> None:
    if "linked/" in case["reply"] and not (hostile.folder / "linked").is_symlink():
        pytest.skip("links need a privilege on Windows")
    editor = hostile.edit()
    reply = filled(hostile, case["reply"])
    hostile.api.enqueue(answer(reply), answer(reply))  # a second time for the repair
    response = run(editor, case.get("action", "add-types"), editor.cursor(0, 4))
    expect = case["expect"]
    edit = response["result"]["edit"]
    assert edit["status"] == expect["status"], edit
    if expect.get("warned"):
        assert edit["warnings"]
    if accepted := expect.get("accepted"):  # even by a user who says yes to it
        assert hostile.process.command("missy.accept", {"id": edit["id"]})["result"]["status"] == accepted
    assert (editor.text, editor.edits) == (CODE, [])
    hostile.assert_nothing_leaked(model_said_the_key=KEY in reply)


@cases("answers")
def test_the_document_of_an_answer_has_nothing_live_in_it(hostile: Hostile, case: Case) -> None:
    text = filled(hostile, case["text"])
    hostile.api.enqueue(answer(f"{text}\n\n{'An answer that is long enough for a document. ' * 6}"))
    answers = hostile.home / "cache" / "missy" / "answers"
    before = set(answers.glob("*.md"))
    hostile.process.command("missy.ask", {"prompt": "explain"})
    shown = hostile.process.until(lambda message: message.get("method") == "window/showMessage")["params"]["message"]
    [document] = set(answers.glob("*.md")) - before
    written = document.read_bytes().decode("utf-8")
    for absent in case["absent"]:
        assert filled(hostile, absent) not in written, written
    assert live_parts(written) == []
    assert all(character.isprintable() for character in shown), shown
    document.unlink()
    hostile.assert_nothing_leaked(model_said_the_key=KEY in text)
