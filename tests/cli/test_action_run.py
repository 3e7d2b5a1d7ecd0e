"""`missy ask --action`: an action on a file, its change as a diff, written only when asked."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.support.commands import Missy
from tests.support.fake_api import FakeApi, answer

CODE = "import os\r\n\r\n\r\ndef add(a, b):\r\n    return a + b\r\n"
NEW = "<replacement>\ndef add(a: int, b: int) -> int:\n    return a + b\n</replacement>"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "a.py"
    file.write_bytes(CODE.encode())
    file.chmod(0o755)
    return file


def test_the_change_is_shown_as_a_diff_and_nothing_is_written(missy: Missy, api: FakeApi, source: Path) -> None:
    api.enqueue(answer("One word first.\n", NEW))
    run = missy("ask", "--action", "add-types", "--file", "a.py:4-5")
    assert run.code == 0
    assert "@@" in run.out
    assert "-def add(a, b):" in run.out
    assert "+def add(a: int, b: int) -> int:" in run.out
    assert "     return a + b" in run.out
    assert "<replacement>" not in run.out
    assert "One word first." in run.err
    assert "--apply" in run.err
    assert source.read_bytes() == CODE.encode()


def test_apply_writes_the_changed_lines_and_keeps_line_ends_and_mode(missy: Missy, api: FakeApi, source: Path) -> None:
    api.enqueue(answer(NEW))
    run = missy("ask", "--action", "add-types", "--file", "a.py:4-5", "--apply")
    assert run.code == 0
    assert source.read_bytes() == CODE.replace("(a, b):", "(a: int, b: int) -> int:").encode()
    assert source.stat().st_mode & 0o777 == 0o755


def test_json_holds_the_answer_with_its_edit(missy: Missy, api: FakeApi, source: Path) -> None:
    api.enqueue(answer(NEW))
    run = missy("ask", "use floats", "--action", "edit", "--file", "a.py:4-5", "--json")
    result = json.loads(run.out)
    assert result["edit"]["status"] == "pending"
    assert result["edit"]["newText"] == "def add(a: int, b: int) -> int:\r\n    return a + b\r\n"
    assert "use floats" in json.dumps(api.requests[0].json["messages"])


def test_an_answering_action_prints_its_answer(missy: Missy, api: FakeApi, source: Path) -> None:
    api.enqueue(answer("It adds."))
    run = missy("ask", "--action", "explain", "--file", "a.py")
    assert (run.code, run.out) == (0, "It adds.\n")


def test_an_action_of_ones_own_says_how_hard_the_model_works(
    missy: Missy, api: FakeApi, source: Path, isolated_home: Path
) -> None:
    actions = isolated_home / ".missy" / "actions"
    actions.mkdir()
    (actions / "glance.md").write_text("---\ntitle: Glance\neffort: low\n---\nSay what this is.\n")
    api.enqueue(answer("A sum."), answer("A sum."))
    missy("ask", "--action", "glance", "--file", "a.py", "--tier", "primary")
    missy("ask", "--action", "glance", "--file", "a.py", "--tier", "premium")
    sent = [(request.json["output_config"], request.json.get("thinking")) for request in api.requests]
    assert sent == [({"effort": "low"}, None), ({"effort": "low"}, {"type": "adaptive"})]


def test_a_file_that_changed_meanwhile_is_left_as_it_is(missy: Missy, api: FakeApi, source: Path) -> None:
    def respond(request: object) -> object:
        source.write_text("someone else was here\n")
        return answer(NEW)

    api.respond = respond  # type: ignore[assignment]
    run = missy("ask", "--action", "add-types", "--file", "a.py:4-5", "--apply")
    assert run.code == 1
    assert "has changed since it was read" in run.err
    assert source.read_text() == "someone else was here\n"


def test_what_a_commit_will_hold_is_read_from_the_repository(missy: Missy, api: FakeApi, tmp_path: Path) -> None:
    for command in (("init", "-q"), ("add", "b.txt", ".env")):
        for name in ("b.txt", ".env"):
            (tmp_path / name).write_text("SECRET=1\n" if name == ".env" else "hello\n")
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    message = tmp_path / ".git" / "COMMIT_EDITMSG"
    message.write_text("\n# Please enter the commit message\n")
    api.enqueue(answer("<replacement>\nAdd b\n</replacement>"))
    run = missy("ask", "--action", "commit-message", "--file", ".git/COMMIT_EDITMSG", "--apply")
    assert run.code == 0, run.err
    said = json.dumps(api.requests[0].json["messages"])
    assert "+hello" in said
    assert "SECRET" not in said
    assert message.read_text() == "Add b\n\n# Please enter the commit message\n"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--action", "dance", "--file", "a.py"), 2, "There is no action 'dance'"),
        (("--action", "explain"), 2, "--action needs --file"),
        (("--apply", "why?"), 2, "--apply needs --action"),
        (("--action", "edit", "--file", "a.py"), 2, "needs an instruction"),
        (("--action", "refactor", "--file", "a.py:1-99"), 2, "has 5 lines"),
    ],
    ids=["unknown", "no file", "no action", "no instruction", "no such lines"],
)
def test_wrong_usage_says_what_is_missing(
    missy: Missy, api: FakeApi, source: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    run = missy("ask", *arguments)
    assert (run.code, run.out) == (code, "")
    assert words in run.err
    assert api.requests == []


def test_a_reply_without_an_edit_fails_and_shows_what_was_said(missy: Missy, api: FakeApi, source: Path) -> None:
    api.respond = lambda request: answer("I would not.")
    run = missy("ask", "--action", "refactor", "--file", "a.py:4-5", "--apply")
    assert run.code == 1
    assert "I would not." in run.out + run.err
    assert source.read_bytes() == CODE.encode()
