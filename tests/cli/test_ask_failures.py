from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.commands import Missy
from tests.support.configuration import FAKE_KEY, write_user_config
from tests.support.fake_api import (
    Close,
    FakeApi,
    Hold,
    Reply,
    Step,
    answer,
    api_error,
    block_start,
    document,
    event,
    message_start,
    stream,
    text_delta,
)

ESCAPES = "\x1b[31mred\x1b]0;title\x07\x1b]52;c;aGk=\x1b\\ \x9b2J\x08\rover\x1bPq\x1b\\\u202etxt\x00\x7f"


def no_controls(text: str) -> bool:
    return all(character in "\n\t" or character.isprintable() for character in text)


def sent(api: FakeApi) -> str:
    """Return everything that was sent in the user's and the system's name."""
    body = api.requests[-1].json
    return json.dumps([body["system"], body["messages"]], ensure_ascii=False)


def half_an_answer(*then: bytes | Step) -> Reply:
    return stream(message_start(), block_start(), text_delta("Half an"), *then, end=False)


# --- what goes wrong ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["ask"],
        ["ask", ""],
        ["ask", "  \n"],
        ["ask", "hello", "--tier", "huge"],
        ["ask", "hello", "--tools", "write"],
        ["ask", "hello", "--provider", "nobody"],
        ["ask", "hello", "--bogus"],
        ["ask", "hello", "--file"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_said_and_exits_2(missy: Missy, api: FakeApi, arguments: list[str]) -> None:
    run = missy(*arguments)
    assert (run.code, run.out) == (2, "")
    assert run.err.strip()
    assert not api.requests


@pytest.mark.parametrize(
    "arguments",
    [["hello", "--bogus", "more"], ["hello", "--offline", "more", "-q"], ["--offline", "hello", "--bogus=1"]],
    ids=" ".join,
)
def test_an_unknown_option_is_never_taken_for_a_word(missy: Missy, arguments: list[str]) -> None:
    run = missy("ask", *arguments)
    assert (run.code, run.out) == (2, "")
    assert "unrecognized arguments" in run.err


def test_an_empty_pipe_is_an_empty_question(missy: Missy, api: FakeApi) -> None:
    run = missy("ask", "-", stdin=b"")
    assert (run.code, run.out) == (2, "")
    assert "empty" in run.err


@pytest.mark.parametrize(
    ("provider", "said"),
    [
        ({"api_key": None}, "missy vault set anthropic_api_key"),
        ({"api_key": "sk-ant-oat01-FAKE-CANARY"}, "sk-ant-api"),
        ({"api_key": "sk-ant-api03-FAKE-CANARY\nsecond"}, "line"),
        ({"api_key": "$MISSING_VARIABLE"}, "MISSING_VARIABLE"),
        ({"api_key": "vault://missing_entry"}, "missing_entry"),
        ({"enabled": False}, "disabled"),
        ({"name": "nobody"}, "nobody"),
        ({"base_url": "http://127.0.0.1:9"}, "127.0.0.1:9"),
    ],
    ids=["no key", "setup token", "newline", "no variable", "no entry", "disabled", "implementation", "dead"],
)
def test_a_provider_that_can_not_serve_is_said_and_exits_1(
    missy: Missy, isolated_home: Path, provider: dict[str, object], said: str
) -> None:
    write_user_config(isolated_home, providers={"anthropic": {"api_key": FAKE_KEY, **provider}})
    run = missy("ask", "hello")
    assert (run.code, run.out) == (1, ""), run.err
    assert said in run.err
    assert "CANARY" not in run.err
    assert "Traceback" not in run.err
    printed = json.loads(missy("ask", "hello", "--json").out)
    assert printed["error"]["kind"] in (
        "no_key",
        "setup_token",
        "provider_unavailable",
        "connection",
        "invalid_request",
    )
    assert "CANARY" not in str(printed)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (api_error(401, "authentication_error", "invalid x-api-key"), "authentication"),
        (api_error(404, "not_found_error", "model: claude-nope"), "invalid_request"),
        (api_error(400, "invalid_request_error", "prompt is too long: 300000 tokens > 200000"), "context_too_long"),
        (document(b"<html>login</html>", content_type="text/html"), "invalid_response"),
        (document(b"", 302, headers={"location": "http://127.0.0.1:9/"}), "connection"),
    ],
    ids=["wrong key", "unknown model", "too long", "html", "redirect"],
)
def test_a_refusal_of_upstream_is_said_and_exits_1(missy: Missy, api: FakeApi, reply: Reply, kind: str) -> None:
    api.enqueue(reply, reply)
    run = missy("ask", "hello")
    assert (run.code, run.out) == (1, "")
    assert run.err.startswith("missy: ")
    as_json = missy("ask", "hello", "--json")
    assert as_json.code == 1
    assert json.loads(as_json.out)["error"]["kind"] == kind


@pytest.mark.parametrize("options", [[], ["--no-stream"]], ids=["streamed", "whole"])
@pytest.mark.parametrize(
    "then",
    [[], [event("error", error={"type": "overloaded_error", "message": "Overloaded"})]],
    ids=["dropped", "error event"],
)
def test_a_failure_in_mid_stream_keeps_the_text_and_exits_1(
    missy: Missy, api: FakeApi, then: list[bytes], options: list[str]
) -> None:
    api.enqueue(half_an_answer(*then, Close()))
    run = missy("ask", "hello", *options)
    assert (run.code, run.out) == (1, "Half an\n")
    assert run.err.startswith("missy: ")


def test_a_failure_in_mid_stream_has_its_text_in_json(missy: Missy, api: FakeApi) -> None:
    api.enqueue(half_an_answer(Close()))
    run = missy("ask", "hello", "--json")
    assert run.code == 1
    assert json.loads(run.out)["error"]["partialText"] == "Half an"


@pytest.mark.parametrize(
    "content",
    [b"providers: [", b"providers: {anthropic: {timeout: soon}}", b"\x00", b"config_version: 99\n"],
    ids=["syntax", "type", "nul", "future"],
)
def test_a_bad_user_file_is_shown_with_its_place(missy: Missy, isolated_home: Path, content: bytes) -> None:
    path = isolated_home / ".missy" / "config.yaml"
    path.parent.mkdir()
    path.write_bytes(content)
    run = missy("ask", "hello")
    assert (run.code, run.out) == (1, "")
    assert re.search(rf"^missy: {re.escape(str(path))}:[12]:\d+: \w", run.err)


# --- hostile text ---------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [[], ["--no-stream"], ["--json"]], ids=["streamed", "whole", "json"])
def test_control_sequences_of_the_model_never_reach_the_terminal(
    missy: Missy, api: FakeApi, options: list[str]
) -> None:
    api.enqueue(answer(*ESCAPES))
    run = missy("ask", "hello", *options)
    assert run.code == 0
    assert no_controls(run.out), run.out
    assert no_controls(run.err)


def test_control_sequences_of_everything_else_never_reach_the_terminal(
    missy: Missy, api: FakeApi, tmp_path: Path
) -> None:
    name = "evil" + ESCAPES.replace("\0", "")
    (tmp_path / name).write_text("one\n")
    api.enqueue(
        api_error(400, "invalid_request_error", ESCAPES),
        answer("x", stop_reason=ESCAPES),
        api_error(404, "not_found_error", f"model: {ESCAPES}"),
    )
    for arguments in (
        ["ask", "hello"],
        ["ask", "hello"],
        ["ask", "hello", "--model", name],
        ["ask", "hello", "--file", name + ":9"],
        ["ask", "hello", "--file", name + "missing"],
        ["ask", "hello", "--provider", name],
        ["ask", "hello", "--tier", name],
        ["ask", "hello", f"--{name.replace(' ', '')}"],
        [name],
    ):
        run = missy(*arguments)
        assert no_controls(run.out + run.err), run.err
        assert run.out + run.err


def test_an_argument_that_is_no_text_does_no_harm(missy: Missy, api: FakeApi) -> None:
    api.enqueue(answer("yes"), answer("yes"))
    broken = os.fsdecode(b"caf\xe9")
    assert missy("ask", broken).code == 0
    assert "caf\ufffd" in sent(api)
    for option in ("--model", "--provider"):
        run = missy("ask", "hello", option, broken)
        assert (run.code, run.err) == (2, f"missy: {option} is not a text in UTF-8.\n")


@pytest.mark.skipif(os.name == "nt" or sys.platform == "darwin", reason="file names are Unicode there")
def test_a_file_name_that_is_no_text_can_be_asked_about(missy: Missy, api: FakeApi, tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.\xff")
    (tmp_path / name).write_text("INSIDE")
    api.enqueue(answer("yes"))
    assert missy("ask", "hello", "--file", name).code == 0
    assert "INSIDE" in sent(api)


# --- real processes -------------------------------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal")
def test_ctrl_c_keeps_the_text_closes_upstream_and_exits_130(api: FakeApi, script: Callable[[str], str]) -> None:
    api.enqueue(half_an_answer(Hold()))
    with subprocess.Popen(
        [script("missy"), "ask", "hello"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.read(7) == b"Half an"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out) == (130, b"\n")
    assert err == b"missy: stopped; the text so far is kept\n"
    assert b"Traceback" not in err
    assert api.requests[0].closed.wait(5)


@pytest.mark.skipif(os.name == "nt", reason="there is no such descriptor")
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["ask", "hello", "--offline"], 0, ""),
        (["ask", "-", "--offline"], 2, "missy: Standard input is not open for reading"),
        (["route", "--jsonl"], 2, "missy: Standard input is not open for reading"),
        (["vault", "set", "name"], 2, "missy: No value came"),
    ],
    ids=["not needed", "needed", "cases", "secret"],
)
def test_standard_input_that_can_not_be_read_is_a_true_sentence(
    script: Callable[[str], str], tmp_path: Path, arguments: list[str], code: int, said: str
) -> None:
    with (tmp_path / "written-only").open("wb") as file:
        run = subprocess.run([script("missy"), *arguments], stdin=file, capture_output=True, text=True, timeout=30)
    assert (run.returncode, bool(run.stdout)) == (code, code == 0), run.stderr
    assert run.stderr.startswith(said)
    assert len(run.stderr.splitlines()) == (1 if said else 0)


@pytest.mark.skipif(os.name == "nt", reason="pipes break otherwise there")
def test_a_reader_that_leaves_early_is_no_error(api: FakeApi, script: Callable[[str], str]) -> None:
    api.enqueue(answer(*(f"line {number}\n" for number in range(20_000))))
    with subprocess.Popen(
        [script("missy"), "ask", "hello"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"line 0\n"
        process.stdout.close()
        err = process.stderr.read()
        assert process.wait(10) in (0, 1, 141)
    assert err == b""


def test_a_console_that_can_not_show_a_character_gets_a_mark(
    monkeypatch: pytest.MonkeyPatch, api: FakeApi, script: Callable[[str], str]
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "cp1252")
    api.enqueue(answer("a 漢 b"))
    run = subprocess.run([script("missy"), "ask", "hello"], stdin=subprocess.DEVNULL, capture_output=True, timeout=30)
    assert (run.returncode, run.stdout.split(), run.stderr) == (0, [b"a", b"?", b"b"], b"")
