from __future__ import annotations

import json
from pathlib import Path

import pytest

from missy_lsp.config.actions import built_in_actions
from tests.support.commands import Missy
from tests.support.configuration import write_user_config

BUILT_IN = [action.fields({}) for action in built_in_actions().actions]
GOOD = "---\ntitle: Count\ntier: fast\n---\nCount the lines.\n"


def put(folder: Path, name: str, content: str = GOOD) -> Path:
    file = folder / ".missy" / "actions" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content, encoding="utf-8")
    file.chmod(0o600)
    return file


def test_the_built_in_actions_are_listed_everywhere(missy: Missy) -> None:
    run = missy("actions", "--json")
    assert (run.code, run.err) == (0, "")
    assert json.loads(run.out) == BUILT_IN
    assert list(BUILT_IN[0]) == ["id", "title", "kind", "when", "result", "tier", "source"]


def test_the_table_has_a_row_for_each(missy: Missy) -> None:
    run = missy("actions")
    head, *rows = run.out.splitlines()
    assert head.split() == ["id", "title", "kind", "result", "tier", "source"]
    assert [row.split()[0] for row in rows] == [action["id"] for action in BUILT_IN]
    places = {row.index("built-in") for row in rows}
    assert places == {head.index("source")}


def test_a_users_action_is_listed_with_its_source(missy: Missy, isolated_home: Path) -> None:
    put(isolated_home, "count.md")
    assert json.loads(missy("actions", "--json").out)[-1] == {
        "id": "count",
        "title": "Count",
        "kind": "missy.count",
        "when": "always",
        "result": "answer",
        "tier": "fast",
        "source": "user",
    }


def test_a_workspaces_actions_are_listed_once_it_is_trusted(
    missy: Missy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "count.md")
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    before = missy("actions", "--json")
    assert json.loads(before.out) == BUILT_IN
    assert "run: missy trust" in before.err
    assert missy("trust").code == 0
    after = missy("actions", "--json")
    assert [action["source"] for action in json.loads(after.out) if action["id"] == "count"] == ["workspace"]
    assert after.err == ""


def test_a_bad_file_is_told_with_its_place_and_the_others_are_listed(missy: Missy, isolated_home: Path) -> None:
    bad = put(isolated_home, "explain-sql.md", "---\ntitle: X\nresluts: answer\n---\nDo.\n")
    put(isolated_home, "count.md")
    run = missy("actions")
    assert run.code == 0
    assert run.err == f"error: {bad}:3:1: resluts is not a field of an action; did you mean `result`?\n"
    assert "\ncount " in run.out
    assert "explain-sql" not in run.out


def test_a_bad_configuration_file_hides_no_action(missy: Missy, isolated_home: Path) -> None:
    put(isolated_home, "count.md")
    (isolated_home / ".missy" / "config.yaml").write_text("hover: [")
    assert missy("actions").code == 0


def test_what_a_file_says_never_reaches_the_terminal(missy: Missy, isolated_home: Path) -> None:
    put(isolated_home, "count.md", '---\ntitle: "a\\e]0;x\\a"\n---\nDo.')
    put(isolated_home, "other.md", "---\ntitle: \x1b[31mX\n---\nDo.")
    put(isolated_home, "evil\x1b[31m.md")
    for arguments in (["actions"], ["actions", "--json"]):
        run = missy(*arguments)
        assert run.code == 0
        assert "\x1b" not in run.out + run.err


@pytest.mark.parametrize("arguments", [["explain"], ["--jsonl"]])
def test_wrong_usage_exits_2(missy: Missy, arguments: list[str]) -> None:
    run = missy("actions", *arguments)
    assert (run.code, run.out) == (2, "")


def test_the_tier_is_the_one_that_the_configuration_names(missy: Missy, isolated_home: Path) -> None:
    put(isolated_home, "count.md")
    write_user_config(isolated_home, routing={"actions": {"count": "premium", "explain": "fast"}})
    tiers = {action["id"]: action["tier"] for action in json.loads(missy("actions", "--json").out)}
    assert (tiers["count"], tiers["explain"], tiers["fix"]) == ("premium", "fast", "auto")
