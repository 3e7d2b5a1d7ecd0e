"""missy.ask over the wire: the real server process, a scripted upstream."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.server.conftest import Shared
from tests.support.configuration import FAKE_KEY, write_user_config
from tests.support.fake_api import (
    FakeApi,
    Hold,
    answer,
    api_error,
    block_start,
    block_stop,
    event,
    message_delta,
    message_start,
    message_stop,
    stream,
    text_delta,
)
from tests.support.lsp_process import LspProcess, Message

URI = "file:///project/a.py"


@pytest.fixture
def api(shared: Shared) -> FakeApi:
    return shared.api


@pytest.fixture
def server(shared: Shared) -> LspProcess:
    return shared.process


CODE = "def add(a, b):\n    return a + b  # 😋\n"
TOKEN = "partial"


def text_of(values: list[Any]) -> str:
    return "".join(value["text"] for value in values if value["kind"] == "text")


def kind_of(response: Message) -> str:
    assert "error" in response, response
    return str(response["error"]["data"]["kind"])


def test_an_answer_streams_before_its_response_and_is_whole(server: LspProcess, api: FakeApi) -> None:
    api.enqueue(answer("It ", "adds ", "two ", "numbers."))
    server.open(URI, CODE)
    arguments = {
        "prompt": "explain",
        "textDocument": {"uri": URI, "version": 1},
        "range": {"start": {"line": 0, "character": 0}, "end": {"line": 1, "character": 99}},
        "partialResultToken": TOKEN,
    }
    request_id = server.start_request(
        "workspace/executeCommand", {"command": "missy.ask", "arguments": [arguments], "workDoneToken": "work"}
    )
    response = server.response(request_id)

    result = response["result"]
    values = server.progress(TOKEN)
    assert [value["seq"] for value in values] == list(range(len(values)))
    assert values[0]["kind"] == "start"
    assert values[0]["id"] == result["id"]
    assert values[-1]["kind"] == "end"
    assert values[-1]["usage"] == result["usage"]
    assert text_of(values) == result["text"] == "It adds two numbers."
    assert set(result) == {
        *("id", "text", "model", "provider", "tier", "routeReasons", "stopReason", "complete", "usage", "timing")
    }
    assert (result["provider"], result["stopReason"], result["complete"]) == ("anthropic", "end_turn", True)
    assert result["usage"]["inputTokens"] == 10
    assert result["usage"]["costUsd"] > 0
    assert result["timing"]["firstTokenMs"] <= result["timing"]["totalMs"]
    work = server.progress("work")
    assert (work[0]["kind"], work[-1]["kind"]) == ("begin", "end")
    assert work[0]["cancellable"] is True
    assert work[0]["title"] == f"Missy: ask · {values[0]['tier']} · {values[0]['model']}"
    assert server.messages[-1] == response
    body = api.requests[0].body.decode()
    assert "return a + b  # 😋" in body
    assert "explain" in body
    assert FAKE_KEY not in str(server.messages)


def test_the_request_sees_the_text_at_its_own_version(server: LspProcess, api: FakeApi) -> None:
    api.enqueue(answer("ok"))
    server.open(URI, "first = 1\n")
    request_id = server.start_command(
        "missy.ask", {"prompt": "explain", "textDocument": {"uri": URI}, "partialResultToken": TOKEN}
    )
    server.notify(
        "textDocument/didChange",
        {"textDocument": {"uri": URI, "version": 2}, "contentChanges": [{"text": "second = 2\n"}]},
    )
    server.response(request_id)
    body = api.requests[0].body.decode()
    assert "first = 1" in body
    assert "second = 2" not in body


def test_without_a_token_the_command_answers_at_once_and_the_answer_becomes_a_document(
    isolated_home: Path, api: FakeApi, tmp_path: Path
) -> None:
    write_user_config(isolated_home, api.base_url)
    long = "A long answer.\n\n" * 20
    api.enqueue(answer(long))
    capabilities = {"window": {"workDoneProgress": True, "showDocument": {"support": True}}}
    with LspProcess() as server:
        server.answer("window/showDocument", lambda params: {"success": True})
        server.initialize(tmp_path, capabilities)
        response = server.command("missy.ask", {"prompt": "what is this?"})
        assert set(response["result"]) == {"id"}
        shown = server.until(lambda message: message.get("method") == "window/showDocument")["params"]
        path = Path(shown["uri"].removeprefix("file://"))
        assert path.is_relative_to(isolated_home)
        assert path.stat().st_mode & 0o777 == 0o600
        assert long.strip() in path.read_text()
        token = next(params["token"] for params in server.notifications("$/progress"))
        assert [value["kind"] for value in server.progress(token)][::2] == ["begin", "end"] or server.progress(token)
        result = server.command("missy.result", {"id": response["result"]["id"]})["result"]
        assert result["text"] == long


def test_without_show_document_the_head_and_the_file_are_said(server: LspProcess, api: FakeApi) -> None:
    api.enqueue(answer("First line.\n" + "More of it. " * 100))
    server.command("missy.ask", {"prompt": "what is this?"})
    message = server.until(lambda message: message.get("method") == "window/showMessage")["params"]["message"]
    assert message.startswith("First line.")
    assert ".md" in message


def test_wait_false_with_a_token_answers_at_once_and_streams_on(server: LspProcess, api: FakeApi) -> None:
    api.enqueue(answer("streamed"))
    response = server.command("missy.ask", {"prompt": "hi", "wait": False, "partialResultToken": TOKEN})
    assert set(response["result"]) == {"id"}
    server.until(lambda message: message.get("params", {}).get("value", {}).get("kind") == "end")
    assert text_of(server.progress(TOKEN)) == "streamed"


def held(*texts: str) -> list[Any]:
    return stream(message_start(), block_start(), *[text_delta(text) for text in texts], Hold(), end=False)


def started(server: LspProcess, **more: object) -> int:
    request_id = server.start_command("missy.ask", {"prompt": "hi", "partialResultToken": TOKEN, **more})
    server.until(lambda message: message.get("params", {}).get("value", {}).get("kind") == "text")
    return request_id


def test_the_clients_cancel_closes_upstream_and_keeps_the_text(server: LspProcess, api: FakeApi) -> None:
    api.enqueue(held("half a "))
    request_id = started(server)
    server.notify("$/cancelRequest", {"id": request_id})
    response = server.response(request_id)
    assert response["error"]["code"] == -32800
    assert response["error"]["data"]["partialText"] == "half a "
    assert api.requests[0].closed.wait(2)
    assert server.progress(TOKEN)[-1] | {"usage": None} == {
        "kind": "end",
        "seq": 2,
        "stopReason": "cancelled",
        "complete": False,
        "usage": None,
    }
    count = len(server.messages)
    server.command("missy.status")
    assert len(server.messages) == count + 1


def test_a_stop_by_command_ends_in_a_normal_answer(server: LspProcess, api: FakeApi) -> None:
    api.enqueue(held("so far"))
    request_id = started(server, tier="primary")
    assert server.command("missy.stop", {"id": "unknown"})["result"] == {"stopped": 0}
    assert server.command("missy.stop")["result"] == {"stopped": 1}
    result = server.response(request_id)["result"]
    assert (result["text"], result["stopReason"], result["complete"]) == ("so far", "cancelled", False)
    usage = result["usage"]
    assert usage["costUsd"] == pytest.approx((usage["inputTokens"] * 3 + usage["outputTokens"] * 15) / 1e6)
    assert api.requests[0].closed.wait(2)


def test_cancelling_the_progress_stops_the_request(server: LspProcess, api: FakeApi) -> None:
    api.enqueue(held("so far"))
    request_id = started(server)
    begin = server.until(lambda message: message.get("params", {}).get("value", {}).get("kind") == "begin")
    server.notify("window/workDoneProgress/cancel", {"token": begin["params"]["token"]})
    assert server.response(request_id)["result"]["stopReason"] == "cancelled"


def test_a_stop_action_is_offered_while_something_runs_on_the_document(server: LspProcess, api: FakeApi) -> None:
    api.enqueue(held("so far"))
    server.open(URI, CODE)
    place = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}
    request = {"textDocument": {"uri": URI}, "range": place, "context": {"diagnostics": [], "triggerKind": 2}}
    assert server.request("textDocument/codeAction", request)["result"] == []
    request_id = started(server, textDocument={"uri": URI})
    (action,) = server.request("textDocument/codeAction", request)["result"]
    assert "Stop" in action["title"]
    only = {**request, "context": {"diagnostics": [], "only": ["refactor"]}}
    offered = server.request("textDocument/codeAction", only)["result"]
    assert not [action for action in offered if "Stop" in action["title"]]
    command = action["command"] if isinstance(action["command"], dict) else action
    server.command(command["command"], command["arguments"][0])
    assert server.response(request_id)["result"]["stopReason"] == "cancelled"


CUT = [message_start(), block_start(), text_delta("half")]
OVERLOADED = event("error", error={"type": "overloaded_error", "message": "busy"})


@pytest.mark.parametrize(
    ("reply", "kind", "partial"),
    [
        (api_error(401, "authentication_error", "invalid key"), "authentication", ""),
        (api_error(403, "permission_error", "no"), "permission", ""),
        (api_error(404, "not_found_error", "model: claude-nope"), "invalid_request", ""),
        (api_error(413, "request_too_large", "too large"), "context_too_long", ""),
        (stream(*CUT), "truncated", "half"),
        (stream(*CUT, OVERLOADED), "overloaded", "half"),
        (
            stream(*CUT, block_stop(), message_delta("refusal"), message_stop()),
            "refused",
            "half",
        ),
    ],
    ids=["401", "403", "404", "413", "cut", "error event", "refusal"],
)
def test_a_failure_has_its_kind_and_loses_no_text(
    server: LspProcess, api: FakeApi, reply: list[Any], kind: str, partial: str
) -> None:
    api.enqueue(reply)
    response = server.command("missy.ask", {"prompt": "hi", "partialResultToken": TOKEN})
    assert response["error"]["code"] == -32803
    assert kind_of(response) == kind
    assert response["error"]["data"].get("partialText", "") == partial == text_of(server.progress(TOKEN))
    assert server.progress(TOKEN)[-1]["kind"] == "end"
    assert "Traceback" not in str(response)


def test_a_failure_in_the_background_is_shown(server: LspProcess, api: FakeApi) -> None:
    api.enqueue(api_error(401, "authentication_error", "invalid key"))
    run_id = server.command("missy.ask", {"prompt": "hi"})["result"]["id"]
    shown = server.until(lambda message: message.get("method") == "window/showMessage")["params"]
    assert shown["type"] == 1
    assert kind_of(server.command("missy.result", {"id": run_id})) == "authentication"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"prompt": "  "}, -32602),
        ({"prompt": 3}, -32602),
        ({"prompt": "hi", "tier": "huge"}, -32602),
        ({"prompt": "hi", "provider": "nowhere"}, -32602),
        ({"prompt": "hi", "textDocument": {"uri": "file:///closed.py"}}, -32803),
        ({"prompt": "hi", "textDocument": {"uri": URI, "version": 7}}, -32801),
        (
            {
                "prompt": "hi",
                "textDocument": {"uri": URI},
                "range": {"start": {"line": 0, "character": 0}, "end": {"line": 99, "character": 0}},
            },
            -32803,
        ),
    ],
    ids=["empty prompt", "number", "tier", "provider", "not open", "old version", "range past the end"],
)
def test_bad_input_is_refused_with_a_sentence(
    server: LspProcess, api: FakeApi, arguments: dict[str, object], code: int
) -> None:
    server.open(URI, CODE)
    response = server.command("missy.ask", {**arguments, "wait": True})
    assert response["error"]["code"] == code
    assert len(response["error"]["message"]) > 20
    assert api.requests == []


def test_a_key_without_an_upstream_is_a_connection_error(isolated_home: Path) -> None:
    write_user_config(isolated_home, "http://127.0.0.1:1")
    with LspProcess() as server:
        server.initialize()
        response = server.command("missy.ask", {"prompt": "hi", "wait": True}, timeout_s=30)
        assert kind_of(response) == "connection"
        assert "127.0.0.1" in response["error"]["message"]


def test_no_key_says_how_to_give_one(isolated_home: Path) -> None:
    with LspProcess() as server:
        server.initialize()
        response = server.command("missy.ask", {"prompt": "hi", "wait": True})
        assert kind_of(response) == "no_key"
        assert "missy vault set anthropic_api_key" in response["error"]["message"]


def test_sixteen_questions_run_at_once_and_are_all_answered(server: LspProcess, api: FakeApi) -> None:
    api.respond = lambda request: answer("one of many")
    begin = time.monotonic()
    ids = [server.start_command("missy.ask", {"prompt": f"hi {number}", "wait": True}) for number in range(16)]
    assert {server.response(request_id)["result"]["text"] for request_id in ids} == {"one of many"}
    assert time.monotonic() - begin < 20


def in_one_write(server: LspProcess, *messages: object) -> None:
    bodies = [json.dumps(message).encode() for message in messages]
    server.write(b"".join(b"Content-Length: %d\r\n\r\n%s" % (len(body), body) for body in bodies))


def command(request_id: int, name: str, arguments: object) -> dict[str, object]:
    params = {"command": name, "arguments": [arguments]}
    return {"jsonrpc": "2.0", "id": request_id, "method": "workspace/executeCommand", "params": params}


def test_a_stop_in_the_same_breath_as_its_request_is_a_normal_answer(server: LspProcess, api: FakeApi) -> None:
    api.respond = lambda request: held("too late")
    server.command("missy.status")
    asked = command(1000, "missy.ask", {"prompt": "hi", "partialResultToken": TOKEN})
    in_one_write(server, asked, command(1001, "missy.stop", {}))
    assert server.response(1001)["result"] == {"stopped": 1}
    assert server.response(1000)["result"]["stopReason"] == "cancelled"
    assert [value["kind"] for value in server.progress(TOKEN)][-1] == "end"


def test_a_cancel_in_the_same_breath_as_its_request_stops_it_too(server: LspProcess, api: FakeApi) -> None:
    api.respond = lambda request: held("too late")
    server.command("missy.status")
    ids = range(1000, 1020)
    for request_id in ids:
        asked = command(request_id, "missy.ask", {"prompt": "hi", "partialResultToken": f"t{request_id}"})
        in_one_write(server, asked, {"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": request_id}})
    assert {server.response(request_id)["error"]["code"] for request_id in ids} == {-32800}
    assert server.command("missy.status")["result"]["server"]["running"] == 0
    assert all(request.closed.wait(2) for request in api.requests)
    answered = {message.get("id"): at for at, message in enumerate(server.messages)}
    for at, message in enumerate(server.messages):
        if message.get("method") == "$/progress" and str(message["params"]["token"]).startswith("t1"):
            assert at < answered[int(message["params"]["token"][1:])]
