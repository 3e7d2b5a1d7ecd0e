from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.commands import Missy
from tests.support.configuration import write_user_config
from tests.support.fake_api import FakeApi

# A handful of cases in the form of the project's own examples, one a line.
CASES = (
    {"id": "r1", "prompt": "rename this variable to total", "selection_chars": 120},
    {"id": "r2", "prompt": "write a property-based test for this encoder and decoder pair", "selection_chars": 1500},
    {"id": 3, "prompt": "設計を最初から見直してください", "history_length": 14, "tool_count": 0},
    {"prompt": "what is this?", "selection_chars": 0, "tier": "an expectation is ignored"},
)


def lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_each_case_gets_one_decision_with_its_id(missy: Missy, api: FakeApi) -> None:
    piped = "\n".join(json.dumps(case) for case in CASES).encode()
    run = missy("route", "--jsonl", stdin=piped)
    decisions = lines(run.out)
    assert (run.code, run.err) == (0, "")
    assert [decision["id"] for decision in decisions] == ["r1", "r2", 3, None]
    for decision in decisions:
        assert list(decision) == ["id", "tier", "reasons"]
        assert decision["tier"] in ("fast", "primary", "premium")
        assert decision["reasons"]
        assert all(isinstance(reason, str) and reason for reason in decision["reasons"])  # type: ignore[attr-defined]
    assert api.connections == 0


@pytest.mark.parametrize(
    "bad",
    [
        b"{",
        b"[]",
        b"null",
        b"{}",
        b'{"prompt": 1}',
        b'{"prompt": "x", "tool_count": -1}',
        b'{"prompt": "x", "selection_chars": "9"}',
        b'{"prompt": "x", "history_length": true}',
        b'{"prompt": "x", "selection_chars": 1.5}',
        b"\xff\xfe",
        b"[" * 100_000,
        b"9" * 10_000,
    ],
    ids=[
        *("syntax", "list", "null", "no prompt", "number", "negative", "text", "boolean", "fraction"),
        *("bytes", "deep", "digits"),
    ],
)
def test_a_bad_line_is_said_in_its_place_and_the_rest_is_decided(missy: Missy, bad: bytes) -> None:
    good = json.dumps(CASES[0]).encode()
    run = missy("route", "--jsonl", stdin=b"\n".join([good, b"", bad, good]) + b"\n")
    first, middle, last = lines(run.out)
    assert run.code == 1
    assert (first["id"], last["id"]) == ("r1", "r1")
    assert middle["line"] == 3
    assert middle["error"]
    assert "Traceback" not in run.err


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        ({"id": "r9"}, {"id": "r9", "line": 1}),
        ({"id": 7, "prompt": 1}, {"id": 7, "line": 1}),
        ({"id": "r9", "prompt": "x", "tool_count": -1}, {"id": "r9", "line": 1}),
        ({"prompt": 1}, {"line": 1}),
        (["id"], {"line": 1}),
    ],
    ids=["no prompt", "number", "negative", "no id", "list"],
)
def test_a_bad_line_keeps_its_id_where_it_has_one(missy: Missy, bad: object, expected: dict[str, object]) -> None:
    run = missy("route", "--jsonl", stdin=json.dumps(bad).encode())
    (said,) = lines(run.out)
    assert run.code == 1
    assert said.pop("error")
    assert said == expected


@pytest.mark.parametrize("prompt", ["\ud800", "x" * 200_000, "\0\x1b[2J", ""], ids=["half", "long", "codes", "empty"])
def test_any_text_can_be_routed(missy: Missy, prompt: str) -> None:
    run = missy("route", "--jsonl", stdin=json.dumps({"id": "\x1b", "prompt": prompt}).encode())
    assert run.code == 0, run.out
    assert "\x1b" not in run.out


def test_nothing_in_gives_nothing_out(missy: Missy) -> None:
    run = missy("route", "--jsonl", stdin=b"")
    assert (run.code, run.out, run.err) == (0, "", "")


def test_a_byte_order_mark_does_no_harm(missy: Missy) -> None:
    assert missy("route", "--jsonl", stdin=b"\xef\xbb\xbf" + json.dumps(CASES[0]).encode()).code == 0


def test_one_decision_is_explained(missy: Missy, api: FakeApi) -> None:
    run = missy("route", "rename this variable")
    first, *reasons = run.out.splitlines()
    assert (run.code, run.err) == (0, "")
    assert first == "fast: claude-haiku-4-5 (anthropic)"
    assert reasons
    assert all(reason.startswith("  ") for reason in reasons)
    assert api.connections == 0


def test_one_decision_as_json_has_the_names_of_the_contract(missy: Missy, api: FakeApi) -> None:
    run = missy("route", "rename this variable", "--json", "--tier", "premium")
    printed = json.loads(run.out)
    assert run.code == 0
    assert set(printed) == {"tier", "model", "provider", "score", "reasons", "estimate"}
    assert (printed["tier"], printed["model"], printed["provider"]) == ("premium", "claude-opus-4-6", "anthropic")
    assert set(printed["estimate"]) == {"inputTokens", "maxUsd"}
    assert printed["estimate"]["inputTokens"] > 0
    assert printed["estimate"]["maxUsd"] > 0


def test_it_needs_no_key(missy: Missy) -> None:
    run = missy("route", "rename this variable")
    assert run.code == 0, run.err
    assert "claude-sonnet-4-6" in run.out, "an empty tier model falls back to the primary one"


@pytest.mark.parametrize("text", ["text\n", ""], ids=["text", "empty"])
def test_a_pipe_is_the_question(missy: Missy, text: str) -> None:
    run = missy("route", "-", stdin=text.encode())
    assert run.code == (0 if text else 2)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["", "--json"],
        ["x", "--tool-count", "-1"],
        ["x", "--tool-count=-1"],
        ["x", "--history-length", "many"],
        ["x", "--tier", "huge"],
        ["x", "--provider", "nobody"],
        ["x", "--file", "missing.py"],
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_2(missy: Missy, arguments: list[str]) -> None:
    run = missy("route", *arguments)
    assert run.code == 2
    assert "Traceback" not in run.err
    if "--json" in arguments:
        assert json.loads(run.out)["error"]["message"]
    else:
        assert run.out == ""
        assert run.err.strip()


def test_a_rule_for_a_path_of_the_workspace_counts(
    missy: Missy, api: FakeApi, isolated_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    routing = {"paths": {"src/keys/**": "premium"}, "actions": {"ask": "fast"}}
    write_user_config(isolated_home, api.base_url, routing=routing)
    (tmp_path / ".missy").mkdir()
    (tmp_path / "src" / "keys").mkdir(parents=True)
    for name in ("src/keys/aes.py", "src/main.py"):
        (tmp_path / name).write_text("x = 1\n")
    monkeypatch.chdir(tmp_path / "src")
    told = [json.loads(missy("route", "why?", "--json", "--file", name).out) for name in ("keys/aes.py", "main.py")]
    assert [(route["tier"], route["model"], route["reasons"][0]) for route in told] == [
        ("premium", "claude-opus-4-6", "routing.paths: src/keys/** takes the premium tier"),
        ("fast", "claude-haiku-4-5", "routing.actions: ask takes the fast tier"),
    ]
    assert missy("route", "why?", "--tier", "primary", "--file", "keys/aes.py").out.startswith("primary: ")


def test_the_rules_of_the_configuration_decide_many_cases_as_they_decide_one(
    missy: Missy, api: FakeApi, isolated_home: Path
) -> None:
    write_user_config(isolated_home, api.base_url, routing={"actions": {"ask": "fast"}})
    one = json.loads(missy("route", "redesign the whole architecture", "--json").out)
    (many,) = lines(missy("route", "--jsonl", stdin=b'{"prompt": "redesign the whole architecture"}').out)
    assert (many["tier"], many["reasons"]) == (one["tier"], one["reasons"])
    assert many["tier"] == "fast"


def test_many_cases_are_not_decided_for_a_provider_that_was_not_chosen(
    missy: Missy, api: FakeApi, isolated_home: Path
) -> None:
    write_user_config(isolated_home, api.base_url, default_provider="gone")
    one = missy("route", "why?")
    many = missy("route", "--jsonl", stdin=b'{"prompt": "why?"}')
    assert (many.code, many.out, many.err) == (one.code, "", one.err)
    assert 'default_provider is "gone"' in many.err
