from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from tests.support.commands import Missy


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a workspace file, somewhere else than the current folder."""
    folder = tmp_path / "project"
    (folder / ".missy").mkdir(parents=True)
    (folder / ".missy" / "config.yaml").write_text("hover: {max_per_hour: 3}\n")
    return folder


def hover(missy: Missy) -> object:
    return json.loads(missy("config", "show", "--json").out)["hover.max_per_hour"]


def test_a_folder_is_trusted_without_a_question(missy: Missy, folder: Path, isolated_home: Path) -> None:
    run = missy("trust", str(folder))
    assert (run.code, run.out) == (0, "")
    assert "config.yaml" in run.err
    assert missy("trust", "--list").out == f"{folder}: trusted\n"
    store = isolated_home / ".missy" / "trust.json"
    assert os.name != "posix" or stat.S_IMODE(store.stat().st_mode) == 0o600


def test_its_file_counts_from_then_on_until_it_changes(
    missy: Missy, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    assert hover(missy) == 60
    assert missy("trust").code == 0
    assert hover(missy) == 3
    (folder / ".missy" / "config.yaml").write_text("hover: {max_per_hour: 4}\n")
    assert hover(missy) == 60
    assert missy("trust", "--list").out == f"{folder}: changed\n"


def test_the_workspace_is_the_nearest_folder_above(missy: Missy, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "deep" / "down").mkdir(parents=True)
    monkeypatch.chdir(folder / "deep" / "down")
    assert missy("trust").code == 0
    assert hover(missy) == 3


def test_trust_is_taken_back(missy: Missy, folder: Path) -> None:
    missy("trust", str(folder))
    assert missy("trust", str(folder), "--revoke").code == 0
    assert missy("trust", "--list").out == ""
    again = missy("trust", str(folder), "--revoke")
    assert again.code == 0
    assert "no decision" in again.err


def test_every_form_has_json(missy: Missy, folder: Path) -> None:
    trusted = json.loads(missy("trust", str(folder), "--json").out)
    assert trusted == {"folder": str(folder), "state": "trusted", "files": [".missy/config.yaml"]}
    assert json.loads(missy("trust", "--list", "--json").out) == [{"folder": str(folder), "state": "trusted"}]
    assert json.loads(missy("trust", str(folder), "--revoke", "--json").out)["state"] == "untrusted"


def test_a_folder_without_missy_files_needs_no_trust(missy: Missy, tmp_path: Path) -> None:
    run = missy("trust", str(tmp_path))
    assert run.code == 0
    assert "nothing to trust" in run.err


@pytest.mark.parametrize(
    "arguments", [["missing"], ["project/.missy/config.yaml"], ["loop"], ["--revoke", "--list"], ["a", "b"]]
)
def test_what_is_no_folder_is_wrong_usage(missy: Missy, folder: Path, arguments: list[str]) -> None:
    if os.name != "nt":
        (folder.parent / "loop").symlink_to("loop")
    run = missy("trust", *arguments)
    assert (run.code, run.out) == (2, "")
    assert run.err
    assert "Traceback" not in run.err


@pytest.mark.parametrize("arguments", [[], ["--list"], ["--revoke"]], ids=["trust", "list", "revoke"])
def test_a_broken_trust_file_fails_and_stays(
    missy: Missy, folder: Path, isolated_home: Path, arguments: list[str]
) -> None:
    store = isolated_home / ".missy" / "trust.json"
    store.parent.mkdir()
    store.write_text("{broken")
    run = missy("trust", *([] if "--list" in arguments else [str(folder)]), *arguments)
    assert (run.code, run.out) == (1, "")
    assert "trust.json" in run.err
    assert store.read_text() == "{broken"


@pytest.mark.skipif(os.name == "nt", reason="no such names there")
def test_a_hostile_folder_name_never_reaches_the_terminal(missy: Missy, tmp_path: Path) -> None:
    folder = tmp_path / "evil\x1b[31m\x1b]0;x\x07"
    (folder / ".missy").mkdir(parents=True)
    (folder / ".missy" / "config.yaml").write_text("hover: {mode: off}\n")
    for arguments in ([str(folder)], ["--list"], [str(folder), "--revoke"], [str(folder / "missing")]):
        run = missy("trust", *arguments)
        assert "\x1b" not in run.out + run.err
        assert run.out + run.err
