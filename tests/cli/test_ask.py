from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from missy_lsp.cli.ask import read_snapshot
from missy_lsp.errors import MissyError
from tests.support.commands import Missy
from tests.support.configuration import write_user_config
from tests.support.fake_api import (
    FakeApi,
    answer,
    block_start,
    block_stop,
    event,
    message_delta,
    message_start,
    message_stop,
    stream,
)


def sent(api: FakeApi) -> str:
    """Return everything that was sent in the user's and the system's name."""
    body = api.requests[-1].json
    return json.dumps([body["system"], body["messages"]], ensure_ascii=False)


# --- what is printed ------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [[], ["--no-stream"]], ids=["streamed", "whole"])
@pytest.mark.parametrize("text", ["Hello there", "Hello there\n", "Zwei\nZeilen: äöü 漢字 👩\u200d👧"])
def test_the_answer_is_all_of_standard_output_and_ends_its_line(
    missy: Missy, api: FakeApi, options: list[str], text: str
) -> None:
    api.enqueue(answer(*text))
    run = missy("ask", "Hello, which model are you?", "--provider", "anthropic", *options)
    assert (run.code, run.out, run.err) == (0, text.rstrip("\n") + "\n", "")
    assert api.requests[0].json["messages"][-1]["role"] == "user"  # type: ignore[index]
    assert "Hello, which model are you?" in sent(api)


def test_json_prints_the_answer_with_the_names_of_the_contract(missy: Missy, api: FakeApi) -> None:
    api.enqueue(answer("Hi", " there"))
    run = missy("ask", "hello", "--json")
    printed = json.loads(run.out)
    assert (run.code, printed["text"], printed["stopReason"], printed["complete"]) == (0, "Hi there", "end_turn", True)
    assert list(printed) == [
        *("id", "text", "model", "provider", "tier", "routeReasons", "stopReason", "complete", "usage", "timing")
    ]
    assert list(printed["usage"]) == [
        *("inputTokens", "outputTokens", "cacheReadTokens", "cacheCreationTokens", "costUsd")
    ]
    assert list(printed["timing"]) == ["firstTokenMs", "totalMs"]


def test_an_answer_that_is_cut_off_is_printed_and_said(missy: Missy, api: FakeApi) -> None:
    api.enqueue(answer("cut", stop_reason="max_tokens"))
    run = missy("ask", "hello")
    assert (run.code, run.out) == (0, "cut\n")
    assert "max_tokens" in run.err


@pytest.mark.parametrize(
    ("options", "model", "tier"),
    [
        (["--tier", "fast"], "claude-haiku-4-5", "fast"),
        (["--tier", "primary"], "claude-sonnet-4-6", "primary"),
        (["--tier", "premium"], "claude-opus-4-6", "premium"),
        (["--model", "claude-of-tomorrow"], "claude-of-tomorrow", None),
        (["--tier", "fast", "--model", "claude-of-tomorrow"], "claude-of-tomorrow", "fast"),
    ],
    ids=["fast", "primary", "premium", "model", "tier and model"],
)
def test_tier_and_model_are_obeyed(
    missy: Missy, api: FakeApi, options: list[str], model: str, tier: str | None
) -> None:
    api.enqueue(answer("yes"))
    run = missy("ask", "hello", "--json", *options)
    assert run.code == 0, run.err
    assert api.requests[0].json["model"] == model
    assert tier is None or json.loads(run.out)["tier"] == tier


def test_offline_needs_neither_a_key_nor_a_network(missy: Missy) -> None:
    run = missy("ask", "hello", "--offline", "--json")
    assert run.code == 0, run.err
    assert json.loads(run.out)["provider"] == "offline"
    assert "offline" in json.loads(run.out)["text"].lower()


@pytest.mark.parametrize("options", [[], ["--no-stream"]], ids=["streamed", "whole"])
def test_a_windows_line_end_that_is_split_over_two_deltas_is_a_line_end(
    missy: Missy, api: FakeApi, options: list[str]
) -> None:
    api.enqueue(answer("one\r", "\ntwo\r\n"))
    assert missy("ask", "hello", *options).out == "one\ntwo\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["explain", "--tier", "fast", "this"],
        ["--tier", "fast", "explain", "this"],
        ["explain", "this", "--tier", "fast"],
        ["explain", "--tier", "fast", "--", "this"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("command", ["ask", "route"])
def test_words_of_a_question_may_stand_around_options(
    missy: Missy, api: FakeApi, command: str, arguments: list[str]
) -> None:
    api.enqueue(answer("yes"))
    run = missy(command, "--json", *arguments)
    assert run.code == 0, run.err
    if command == "ask":
        assert "explain this" in sent(api)


# --- material -------------------------------------------------------------------------------------


def test_a_pipe_is_added_as_material(missy: Missy, api: FakeApi) -> None:
    api.enqueue(answer("yes"))
    assert missy("ask", "what is this?", stdin=b"PIPED \xff TEXT").code == 0
    assert "what is this?" in sent(api)
    assert "PIPED \ufffd TEXT" in sent(api)


@pytest.mark.parametrize("arguments", [["-"], []], ids=["dash", "no words"])
def test_a_pipe_alone_is_the_question(missy: Missy, api: FakeApi, arguments: list[str]) -> None:
    api.enqueue(answer("yes"))
    assert missy("ask", *arguments, stdin=b"why is the sky blue?").code == 0
    assert "why is the sky blue?" in sent(api)


def test_a_dash_beside_words_adds_standard_input(missy: Missy, api: FakeApi) -> None:
    api.enqueue(answer("yes"))
    assert missy("ask", "explain", "this", "-", stdin=b"PIPED").code == 0
    assert "explain this" in sent(api)
    assert "PIPED" in sent(api)


def test_a_dash_may_follow_an_option(missy: Missy, api: FakeApi) -> None:
    api.enqueue(answer("yes"))
    assert missy("ask", "explain", "--tier", "fast", "-", stdin=b"PIPED").code == 0
    assert "explain" in sent(api)
    assert "PIPED" in sent(api)


@pytest.mark.skipif(os.name == "nt", reason="a drive letter is no part of a name there")
def test_a_drive_letter_is_no_line_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "C:\\code\\some.py").write_text("one\ntwo\n")
    assert read_snapshot("C:\\code\\some.py").span is None
    assert read_snapshot("C:\\code\\some.py:2").selected == "two\n"


@pytest.mark.skipif(os.name == "nt", reason="a file with a hole takes its whole size there")
def test_a_huge_file_is_refused_without_being_read(missy: Missy, tmp_path: Path) -> None:
    with (tmp_path / "huge.log").open("wb") as file:
        file.write(b"text")
        file.truncate(2**40)
    run = missy("ask", "explain", "--file", "huge.log", "--offline")
    assert (run.code, run.out) == (2, "")
    assert "larger than 4 MiB" in run.err


@pytest.mark.parametrize(
    ("part", "expected", "missing"),
    [
        ("", ["one", "four"], []),
        (":2", ["two"], []),
        (":2-3", ["two", "three"], []),
        (":1-4", ["one", "four"], []),
    ],
)
def test_a_file_is_material(
    missy: Missy, api: FakeApi, tmp_path: Path, part: str, expected: list[str], missing: list[str]
) -> None:
    (tmp_path / "some.py").write_text("one\ntwo\nthree\nfour\n")
    api.enqueue(answer("yes"))
    run = missy("ask", "explain", "--file", f"some.py{part}")
    assert run.code == 0, run.err
    assert all(word in sent(api) for word in expected)


@pytest.mark.parametrize(
    ("text", "part", "selected"),
    [
        ("one\ntwo\nthree", ":3", "three"),
        ("one\ntwo\nthree\n", ":2-3", "two\nthree\n"),
        ("one\r\ntwo\r\n", ":2-2", "two\r\n"),
        ("😀\nzwei\n", ":2", "zwei\n"),
    ],
)
def test_lines_are_counted_from_one_and_both_ends_belong(tmp_path: Path, text: str, part: str, selected: str) -> None:
    file = tmp_path / "some.txt"
    file.write_bytes(text.encode())
    snapshot = read_snapshot(f"{file}{part}")
    assert snapshot.span is not None
    assert snapshot.selected == selected


def test_a_name_with_a_colon_and_digits_is_a_name_first(tmp_path: Path) -> None:
    file = tmp_path / "notes:12"
    file.write_text("inside")
    assert read_snapshot(str(file)).text == "inside"


@pytest.mark.parametrize(
    "part", [":0", ":4", ":3-2", ":1-4", ":0-1", ":99999999999999999999", ":1-99999999999999999999", ":-1", ":a-b"]
)
def test_a_range_that_is_not_in_the_file_is_wrong_usage(missy: Missy, tmp_path: Path, part: str) -> None:
    (tmp_path / "three.txt").write_text("1\n2\n3\n")
    run = missy("ask", "explain", "--file", f"three.txt{part}", "--offline")
    assert (run.code, run.out) == (2, "")
    assert run.err.startswith("missy: three.txt")


def test_a_line_number_of_thousands_of_digits_is_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_text("x")
    with pytest.raises(MissyError):
        read_snapshot(f"{file}:{'9' * 5000}")


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda path: None, 2),
        (lambda path: path.mkdir(), 2),
        (lambda path: path.write_bytes(b"\x7fELF\0\0"), 2),
        (lambda path: os.mkfifo(path), 2),
        (lambda path: path.symlink_to(path), 2),
    ],
    ids=["missing", "folder", "binary", "fifo", "loop"],
)
def test_a_file_that_is_no_text_file_is_wrong_usage(
    missy: Missy, tmp_path: Path, make: Callable[[Path], object], code: int
) -> None:
    make(tmp_path / "material")
    run = missy("ask", "explain", "--file", "material", "--offline")
    assert (run.code, run.out) == (code, "")
    assert run.err.startswith("missy: material")
    assert "Traceback" not in run.err


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_fails(missy: Missy, tmp_path: Path) -> None:
    (tmp_path / "material").write_text("x")
    (tmp_path / "material").chmod(0)
    run = missy("ask", "explain", "--file", "material", "--offline")
    assert (run.code, run.out) == (1, "")
    assert "material can't be read" in run.err


@pytest.mark.parametrize("text", ["nul\0name", "x" * 5000], ids=["nul", "too long"])
def test_a_file_name_that_no_system_takes_is_a_sentence(missy: Missy, text: str) -> None:
    run = missy("ask", "explain", "--file", text, "--offline")
    assert run.code in (1, 2)
    assert run.err.startswith("missy: ")


def test_tools_are_offered_only_on_request(missy: Missy, api: FakeApi) -> None:
    api.enqueue(answer("a"), answer("b"))
    assert missy("ask", "hello").code == 0
    assert missy("ask", "hello", "--tools", "read").code == 0
    assert not api.requests[0].json.get("tools")
    assert api.requests[1].json["tools"]


def test_tools_never_exceed_what_is_configured(missy: Missy, api: FakeApi, isolated_home: Path) -> None:
    write_user_config(isolated_home, api.base_url, tools={"mode": "off"})
    api.enqueue(answer("a"))
    run = missy("ask", "hello", "--tools", "read")
    assert run.code == 0
    assert "tools.mode" in run.err
    assert not api.requests[0].json.get("tools")


def test_a_tool_reads_the_folder_and_its_call_is_shown(missy: Missy, api: FakeApi, tmp_path: Path) -> None:
    (tmp_path / ".missy").mkdir()
    (tmp_path / "notes.txt").write_text("the answer is 42\n")
    call = json.dumps({"path": "notes.txt"})
    api.enqueue(
        stream(
            message_start(),
            block_start(type="tool_use", id="toolu_1", name="read_file", input={}),
            event("content_block_delta", index=0, delta={"type": "input_json_delta", "partial_json": call}),
            block_stop(),
            message_delta("tool_use"),
            message_stop(),
        ),
        answer("It is 42."),
    )
    run = missy("ask", "what is the answer?", "--tools", "read")
    assert (run.code, run.out) == (0, "It is 42.\n"), run.err
    assert "notes.txt" in run.err
    assert "the answer is 42" in sent(api)


# --- what the user and the project want of every answer -------------------------------------------


@pytest.mark.parametrize(("trusted", "expected"), [(True, True), (False, False)])
def test_a_trusted_projects_instructions_and_the_reply_language_go_along(
    missy: Missy, api: FakeApi, isolated_home: Path, tmp_path: Path, trusted: bool, expected: bool
) -> None:
    write_user_config(isolated_home, api.base_url, reply_language="Esperanto")
    (tmp_path / ".missy").mkdir()
    (tmp_path / "AGENTS.md").write_text("Speak of wombats.\n")
    if trusted:
        assert missy("trust", ".").code == 0
    api.enqueue(answer("Saluton"))
    assert missy("ask", "hello").code == 0
    assert "Esperanto" in sent(api)
    assert ("wombats" in sent(api)) is expected
