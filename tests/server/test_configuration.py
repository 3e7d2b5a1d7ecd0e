"""Settings in a running server: reload, the last good one, trust, providers; over the wire."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.configuration import FAKE_KEY, write_user_config
from tests.support.fake_api import FakeApi, answer
from tests.support.lsp_process import LspProcess

ACTIONS = {"window": {"showMessage": {"messageActionItem": {}}, "workDoneProgress": True}}


def write_workspace(folder: Path, text: str) -> Path:
    path = folder / ".missy" / "config.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def model_of(server: LspProcess, tier: str = "fast") -> str:
    return str(server.command("missy.route", {"prompt": "hi", "tier": tier})["result"]["model"])


def test_a_good_change_takes_effect_at_the_next_request(server: LspProcess, isolated_home: Path) -> None:
    path = isolated_home / ".missy" / "config.yaml"
    assert model_of(server) == "claude-haiku-4-5"
    path.write_text(path.read_text().replace("claude-haiku-4-5", "claude-haiku-5-5"))
    assert model_of(server) == "claude-haiku-5-5"


def test_a_bad_change_keeps_the_last_good_configuration_and_is_shown_in_its_place(
    server: LspProcess, isolated_home: Path
) -> None:
    path = isolated_home / ".missy" / "config.yaml"
    assert model_of(server) == "claude-haiku-4-5"
    good = path.read_text()
    path.write_text(good + "hover:\n  mode: sometimes\n")
    shown = server.until(
        lambda message: (
            message.get("method") == "textDocument/publishDiagnostics" and bool(message["params"]["diagnostics"])
        )
    )["params"]
    assert shown["uri"] == path.as_uri()
    assert shown["diagnostics"][0]["range"]["start"] == {"line": good.count("\n") + 1, "character": 8}
    assert model_of(server) == "claude-haiku-4-5"
    path.write_text(good)
    server.until(
        lambda message: (
            message.get("method") == "textDocument/publishDiagnostics"
            and message["params"] == {"uri": path.as_uri(), "diagnostics": []}
        )
    )


def test_a_bad_file_at_the_start_fails_requests_with_its_place(isolated_home: Path) -> None:
    path = write_user_config(isolated_home)
    path.write_text("providers: [\n")
    with LspProcess() as server:
        server.initialize()
        error = server.command("missy.ask", {"prompt": "hi", "wait": True})["error"]
        assert error["code"] == -32803
        assert f"{path}:" in error["message"]


def test_nothing_of_an_untrusted_folder_counts_before_the_user_says_so(
    isolated_home: Path, api: FakeApi, tmp_path: Path
) -> None:
    write_user_config(isolated_home, api.base_url)
    write_workspace(tmp_path, "providers: {anthropic: {fast_model: claude-of-the-folder}}\n")
    with LspProcess() as server:
        questions: list[Any] = []

        def decide(params: Any) -> Any:
            questions.append(params)
            return {"title": params["actions"][0]["title"]}

        server.answer("window/showMessageRequest", decide)
        server.initialize(tmp_path, ACTIONS)
        server.wait_until_answered("window/showMessageRequest")
        assert model_of(server) == "claude-of-the-folder"
        assert len(questions) == 1
        assert api.requests == []


@pytest.mark.parametrize("given", [None, {"title": "whatever"}, "nonsense", {"title": "Do not trust"}], ids=str)
def test_anything_but_a_yes_leaves_the_folder_restricted(given: object, isolated_home: Path, tmp_path: Path) -> None:
    write_user_config(isolated_home)
    write_workspace(tmp_path, "providers: {anthropic: {fast_model: claude-of-the-folder}}\n")
    with LspProcess() as server:
        server.answer("window/showMessageRequest", lambda params: given)
        server.initialize(tmp_path, ACTIONS)
        server.wait_until_answered("window/showMessageRequest")
        assert model_of(server) == "claude-haiku-4-5"


def test_a_client_without_questions_is_told_how_to_trust(isolated_home: Path, tmp_path: Path) -> None:
    write_user_config(isolated_home)
    write_workspace(tmp_path, "hover: {mode: off}\n")
    with LspProcess() as server:
        server.initialize(tmp_path)
        shown = server.until(lambda message: message.get("method") == "window/showMessage")["params"]["message"]
        assert f"missy trust {tmp_path}" in shown
        assert server.command("missy.trustWorkspace", {"folder": tmp_path.as_uri(), "trust": True})["result"] == {
            "trusted": True
        }
        assert server.command("missy.status")["result"]["trust"] == {str(tmp_path): "trusted"}
        assert server.command("missy.trustWorkspace", {"folder": str(tmp_path), "trust": False})["result"] == {
            "trusted": False
        }


def test_a_workspace_can_not_send_the_key_elsewhere(isolated_home: Path, api: FakeApi, tmp_path: Path) -> None:
    write_user_config(isolated_home, api.base_url)
    with FakeApi() as attacker:
        write_workspace(tmp_path, yaml.safe_dump({"providers": {"anthropic": {"base_url": attacker.base_url}}}))
        api.respond = lambda request: answer("ok")
        with LspProcess() as server:
            server.initialize(tmp_path)
            server.command("missy.trustWorkspace", {"folder": str(tmp_path), "trust": True})
            assert server.command("missy.ask", {"prompt": "hi", "wait": True})["result"]["text"] == "ok"
            diagnostics = list(server.notifications("textDocument/publishDiagnostics"))
        assert attacker.connections == 0
        assert any("base_url" in diagnostic["message"] for shown in diagnostics for diagnostic in shown["diagnostics"])


def test_editor_settings_are_pulled_pushed_and_held_to_their_limits(isolated_home: Path, api: FakeApi) -> None:
    write_user_config(isolated_home, api.base_url)
    with LspProcess() as server:
        server.answer("workspace/configuration", lambda params: [{"routing": {"mode": "premium"}}])
        server.initialize(capabilities={"workspace": {"configuration": True}}, options={"routing": {"mode": "primary"}})
        server.wait_until_answered("workspace/configuration")
        assert model_of(server, "auto") == "claude-opus-4-6"
        pushed = {"missy": {"routing": {"mode": "fast"}, "providers": {"anthropic": {"baseUrl": "http://127.0.0.1:1"}}}}
        server.notify("workspace/didChangeConfiguration", {"settings": pushed})
        assert model_of(server, "auto") == "claude-haiku-4-5"
        warning = server.until(lambda message: message.get("method") == "window/showMessage")["params"]
        assert warning["type"] == 2
        assert "base_url" in warning["message"] or "baseUrl" in warning["message"]
        described = server.command("missy.listProviders")["result"]
        assert described[0]["baseUrl"] == api.base_url


def test_providers_are_listed_and_switched_for_the_session(isolated_home: Path, api: FakeApi) -> None:
    path = write_user_config(isolated_home, api.base_url)
    config = yaml.safe_load(path.read_text())
    config["providers"]["spare"] = {"name": "offline"}
    config["providers"]["off"] = {"enabled": False}
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    with LspProcess() as server:
        server.initialize()
        listed = {entry["name"]: entry for entry in server.command("missy.listProviders")["result"]}
        assert listed["anthropic"] == {
            "name": "anthropic",
            "available": True,
            "model": "claude-sonnet-4-6",
            "fastModel": "claude-haiku-4-5",
            "premiumModel": "claude-opus-4-6",
            "default": True,
            "baseUrl": api.base_url,
            "keys": {"count": 1, "source": "api_key"},
        }
        assert (listed["off"]["available"], listed["off"]["reason"]) == (False, "disabled")
        switched = {
            entry["name"]: entry["default"]
            for entry in server.command("missy.switchProvider", {"name": "spare"})["result"]
        }
        assert switched == {"anthropic": False, "spare": True, "off": False}
        reply = server.command("missy.ask", {"prompt": "hi", "wait": True})["result"]
        assert (reply["provider"], reply["model"], reply["usage"]["costUsd"]) == ("spare", "offline", 0)
        refused = server.command("missy.switchProvider", {"name": "nope"})["error"]
        assert refused["code"] == -32602
        assert "spare" in refused["message"]
        assert FAKE_KEY not in str(server.messages)


def test_a_route_calls_no_model_and_gives_its_reasons(server: LspProcess, api: FakeApi) -> None:
    result = server.command("missy.route", {"prompt": "find the race between these two threads", "tier": "premium"})[
        "result"
    ]
    assert (result["tier"], result["model"], result["provider"]) == ("premium", "claude-opus-4-6", "anthropic")
    assert result["reasons"]
    assert result["estimate"]["maxUsd"] > 0
    assert api.requests == []


def test_a_changed_file_asks_again_while_the_server_runs(isolated_home: Path, tmp_path: Path) -> None:
    write_user_config(isolated_home)
    path = write_workspace(tmp_path, "providers: {anthropic: {fast_model: first-model}}\n")
    with LspProcess() as server:
        questions: list[str] = []

        def decide(params: Any) -> Any:
            questions.append(params["message"])
            return {"title": params["actions"][0]["title"]}

        server.answer("window/showMessageRequest", decide)
        server.initialize(tmp_path, ACTIONS)
        server.wait_until_answered("window/showMessageRequest")
        assert model_of(server) == "first-model"
        path.write_text("providers: {anthropic: {fast_model: second-model}}\n")
        assert model_of(server) == "claude-haiku-4-5"
        server.until(lambda message: len(questions) == 2)
        server.wait_until_answered("window/showMessageRequest")
        assert model_of(server) == "second-model"
        assert "its Missy files have changed" in questions[1]


def test_a_yes_to_what_has_changed_since_is_asked_again(isolated_home: Path, tmp_path: Path) -> None:
    write_user_config(isolated_home)
    path = write_workspace(tmp_path, "providers: {anthropic: {fast_model: shown-model}}\n")
    with LspProcess() as server:
        answers = 0

        def decide(params: Any) -> Any:
            nonlocal answers
            answers += 1
            if answers == 1:  # the folder is exchanged under the question
                path.write_text("providers: {anthropic: {fast_model: other-model}}\n")
                return {"title": params["actions"][0]["title"]}
            return None

        server.answer("window/showMessageRequest", decide)
        server.initialize(tmp_path, ACTIONS)
        server.until(lambda message: answers == 2)
        server.wait_until_answered("window/showMessageRequest")
        assert model_of(server) == "claude-haiku-4-5"


def test_a_decision_that_can_not_be_stored_is_said(isolated_home: Path, tmp_path: Path) -> None:
    write_user_config(isolated_home)
    write_workspace(tmp_path, "hover: {mode: off}\n")
    (isolated_home / ".missy" / "trust.json").write_text("broken")
    with LspProcess() as server:
        server.answer("window/showMessageRequest", lambda params: {"title": params["actions"][0]["title"]})
        server.initialize(tmp_path, ACTIONS)
        shown = server.until(lambda message: message.get("method") == "window/showMessage")["params"]
        assert shown["type"] == 1
        assert "trust.json is damaged" in shown["message"]
