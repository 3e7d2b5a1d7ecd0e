"""`missy ask --tools edit`: a diff for each file, and nothing written without --apply."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Missy
from tests.support.actions import edit_call, tool_turn
from tests.support.configuration import write_user_config
from tests.support.fake_api import FakeApi, answer
from tests.support.workspace import write

A = "def add(a, b):\r\n    return a + b\r\n"
TURN = tool_turn(edit_call("a.py", "def add", "def plus"), edit_call("b.py", "", "import a\n"))


@pytest.fixture(autouse=True)
def folder(isolated_home: Path, api: FakeApi, tmp_path: Path) -> Path:
    write_user_config(isolated_home, api.base_url, tools={"mode": "edit"})
    (tmp_path / "a.py").write_bytes(A.encode())
    return tmp_path


def test_a_diff_for_each_file_is_shown_and_nothing_written(missy: Missy, api: FakeApi, folder: Path) -> None:
    api.enqueue(TURN, answer("Renamed."))
    run = missy("ask", "rename", "--tools", "edit")
    assert run.code == 0, run.err
    assert run.out.startswith("Renamed.\n--- a.py\n+++ a.py\n")
    assert "-def add(a, b):\n+def plus(a, b):\n" in run.out
    assert "--- b.py\n+++ b.py\n" in run.out
    assert "add --apply" in run.err
    assert (folder / "a.py").read_bytes() == A.encode()
    assert not (folder / "b.py").exists()


def test_apply_writes_every_file(missy: Missy, api: FakeApi, folder: Path) -> None:
    api.enqueue(TURN, answer("Renamed."))
    run = missy("ask", "rename", "--tools", "edit", "--apply", "--json")
    edit = json.loads(run.out)["edit"]
    assert (edit["status"], [file["path"] for file in edit["files"]]) == ("applied", ["a.py", "b.py"])
    assert (folder / "a.py").read_bytes() == A.replace("add", "plus").encode()
    assert (folder / "b.py").read_text("utf-8") == "import a\n"


def test_apply_writes_no_file_where_something_is_in_the_way_of_one(missy: Missy, api: FakeApi, folder: Path) -> None:
    write(folder / "z.py", "z = 1\n")
    (folder / "z.py").chmod(0o444)
    last = edit_call("z.py", "z = 1", "z = 2")
    api.enqueue(tool_turn(edit_call("a.py", "def add", "def plus"), last), answer("Done."))
    run = missy("ask", "rename", "--tools", "edit", "--apply")
    assert run.code == 1
    assert "z.py is read-only. Make it writable to change it. Nothing was written; try again." in " ".join(
        run.err.split()
    )
    assert (folder / "a.py").read_bytes() == A.encode()


def test_an_answer_that_is_cut_writes_nothing(missy: Missy, api: FakeApi, folder: Path) -> None:
    api.enqueue(TURN, answer("Half", stop_reason="max_tokens"))
    run = missy("ask", "rename", "--tools", "edit", "--apply")
    assert run.code == 1
    assert "The 2 edits that the model had drafted were dropped" in run.err
    assert (folder / "a.py").read_bytes() == A.encode()
    assert not (folder / "b.py").exists()


def test_a_cut_answer_fails_also_as_json_and_without_apply(missy: Missy, api: FakeApi) -> None:
    api.enqueue(TURN, answer("Half", stop_reason="max_tokens"))
    run = missy("ask", "rename", "--tools", "edit", "--json")
    assert (run.code, json.loads(run.out)["edit"]["status"]) == (1, "refused")


def test_a_new_file_without_text_is_named(missy: Missy, api: FakeApi, folder: Path) -> None:
    api.enqueue(tool_turn(edit_call("pkg/__init__.py", "", "")), answer("Done."))
    run = missy("ask", "make a package", "--tools", "edit", "--apply")
    assert (run.code, run.out) == (0, "Done.\npkg/__init__.py: a new file without any text\n")
    assert (folder / "pkg" / "__init__.py").read_bytes() == b""


def test_a_diff_that_is_too_long_is_not_shown(missy: Missy, api: FakeApi) -> None:
    api.enqueue(tool_turn(edit_call("b.py", "", "number = 1234567890\n" * 10_000)), answer("Done."))
    assert missy("ask", "write it", "--tools", "edit").out == "Done.\nb.py: the diff is too long to be shown\n"


def test_a_refusal_says_that_the_draft_is_dropped(missy: Missy, api: FakeApi, folder: Path) -> None:
    api.enqueue(TURN, answer("No.", stop_reason="refusal"))
    run = missy("ask", "rename", "--tools", "edit", "--apply")
    assert run.code == 1
    assert "were dropped" in run.err
    assert not (folder / "b.py").exists()


@pytest.mark.parametrize("why", ["mode", "trust"])
def test_where_edits_are_not_allowed_the_model_only_reads_and_it_is_said(
    missy: Missy, api: FakeApi, isolated_home: Path, folder: Path, why: str
) -> None:
    if why == "mode":
        write_user_config(isolated_home, api.base_url)
    else:
        write(folder / ".missy" / "config.yaml", "routing: {mode: fast}\n")
    api.enqueue(answer("Hello."))
    run = missy("ask", "rename", "--tools", "edit")
    assert "the model may only read" in run.err
    assert len(api.requests[0].json["tools"]) == 5  # type: ignore[arg-type]
