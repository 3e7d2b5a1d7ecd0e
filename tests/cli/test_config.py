from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.commands import Missy
from tests.support.configuration import write_user_config

CANARY = "sk-ant-api03-FAKE-CANARY"


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return path


def test_show_prints_every_default_of_the_contract(missy: Missy) -> None:
    run = missy("config", "show", "--json")
    assert (run.code, run.err) == (0, "")
    assert json.loads(run.out) == {
        "default_provider": "anthropic",
        "folders": {},
        "reply_language": "",
        "providers.anthropic.name": "anthropic",
        "providers.anthropic.model": "claude-sonnet-4-6",
        "providers.anthropic.api_key": None,
        "providers.anthropic.api_keys": [],
        "providers.anthropic.timeout": 30,
        "providers.anthropic.fast_model": "",
        "providers.anthropic.premium_model": "",
        "providers.anthropic.enabled": True,
        "providers.anthropic.base_url": None,
        "providers.anthropic.max_output_tokens": None,
        "providers.anthropic.auth": "auto",
        "providers.anthropic.region": None,
        "providers.anthropic.project": None,
        "routing.mode": "auto",
        "routing.confirm_premium": False,
        "routing.thinking": "premium",
        "routing.fast_effort": "auto",
        "routing.primary_effort": "auto",
        "routing.premium_effort": "auto",
        "routing.actions": {},
        "routing.paths": {},
        "hover.mode": "auto",
        "hover.max_per_hour": 60,
        "completion.mode": "off",
        "completion.max_per_hour": 120,
        "completion.debounce_ms": 250,
        "completion.max_lines": 12,
        "edits.review": "pending",
        "tools.mode": "read",
        "context.max_tokens": 12000,
        "privacy.ignore": [],
        "privacy.redact_secrets": True,
        "budget.daily_usd": None,
        "budget.request_usd": None,
        "budget.on_exceed": "refuse",
        "limits.concurrent": 16,
        "network.use_env_proxy": False,
        "network.ca_bundle": None,
    }


def test_show_names_the_source_of_each_value(missy: Missy, isolated_home: Path) -> None:
    path = write(isolated_home / ".missy/config.yaml", "config_version: 2\nhover:\n  max_per_hour: 5\n")
    lines = missy("config", "show").out.splitlines()
    assert f"hover.max_per_hour: 5  # {path}:3" in lines
    assert "hover.mode: auto  # default" in lines


@pytest.mark.parametrize("options", [[], ["--json"]], ids=["text", "json"])
@pytest.mark.parametrize(
    "provider",
    [{"api_key": CANARY}, {"api_keys": [CANARY, CANARY + "2"]}, {"base_url": f"https://user:{CANARY}@example.org"}],
    ids=["key", "keys", "address"],
)
def test_keys_are_never_shown(
    missy: Missy, isolated_home: Path, provider: dict[str, object], options: list[str]
) -> None:
    write_user_config(isolated_home, providers={"anthropic": provider})
    for command in (["config", "show"], ["config", "check"], ["providers", "-v"], ["doctor"], ["config", "path"]):
        run = missy(*command, *(options if "-v" not in command else []))
        assert "CANARY" not in run.out + run.err, command


def test_references_are_shown_by_their_name(missy: Missy, isolated_home: Path) -> None:
    write_user_config(isolated_home, providers={"anthropic": {"api_keys": ["vault://my_key", "$MY_KEY"]}})
    shown = json.loads(missy("config", "show", "--json").out)["providers.anthropic.api_keys"]
    assert shown == ["vault://my_key", "$MY_KEY"]


def test_path_names_the_files_in_their_order(missy: Missy, isolated_home: Path, tmp_path: Path) -> None:
    write(tmp_path / ".missy/config.yaml", "hover: {mode: off}\n")
    run = missy("config", "path")
    assert (run.code, run.out) == (
        0,
        f"user: {isolated_home / '.missy/config.yaml'} (absent)\n"
        f"workspace: {tmp_path / '.missy/config.yaml'} (untrusted)\n",
    )
    assert [source["state"] for source in json.loads(missy("config", "path", "--json").out)] == ["absent", "untrusted"]


@pytest.mark.parametrize("place", ["before", "after", "variable"])
def test_the_user_file_can_be_named(missy: Missy, tmp_path: Path, place: str) -> None:
    path = str(write(tmp_path / "mine.yaml", "hover: {max_per_hour: 7}\n"))
    option = ["--config", path]
    env = {"MISSY_CONFIG": path} if place == "variable" else {"MISSY_CONFIG": str(tmp_path / "other.yaml")}
    arguments = [*(option if place == "before" else []), "config", "show", *(option if place == "after" else [])]
    run = missy(*arguments, env=env)
    assert f"hover.max_per_hour: 7  # {path}:1" in run.out.splitlines(), run.err


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        ("", 0, ""),
        ("config_version: 2\n", 0, ""),
        ("shell: {enabled: true}\nplugins: {}\n", 0, ""),
        ("hover:\n  mod: auto\n", 0, ":2:3: "),
        ("hover:\n  max_per_hour: soon\n", 1, ":2:17: "),
        ("config_version: 99\n", 1, ":1:"),
        ("hover: [\n", 1, ":2:1: "),
        ("a: &a [*a]\n", 1, ":1:"),
    ],
    ids=["empty", "version", "sections of others", "unknown key", "wrong type", "future", "syntax", "alias"],
)
@pytest.mark.parametrize("named", [True, False], ids=["named", "own"])
def test_check_prints_each_problem_with_its_place(
    missy: Missy, isolated_home: Path, tmp_path: Path, content: str, code: int, said: str, named: bool
) -> None:
    path = write(tmp_path / "checked.yaml" if named else isolated_home / ".missy/config.yaml", content)
    run = missy("config", "check", *([str(path)] if named else []))
    assert run.code == code, run
    if said:
        assert run.out.startswith(f"{path}{said}"), run.out
    else:
        assert run.out == ""
        assert run.err == "no problems\n"
    printed = json.loads(missy("config", "check", *([str(path)] if named else []), "--json").out)
    assert bool(printed) == bool(said)
    assert all(set(problem) >= {"path", "line", "column", "severity", "message"} for problem in printed)


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda path: None, 2),
        (lambda path: path.mkdir(), 1),
        (lambda path: os.mkfifo(path), 1),
        (lambda path: path.write_bytes(b"a: \xff\n"), 1),
        (lambda path: path.write_bytes(b"a: \0\n"), 1),
        (lambda path: path.write_bytes(b"# " + b"x" * 10_000_000), 1),
    ],
    ids=["missing", "folder", "fifo", "no UTF-8", "nul", "huge"],
)
def test_checking_what_is_no_configuration_file_is_a_sentence(
    missy: Missy, tmp_path: Path, make: Callable[[Path], object], code: int
) -> None:
    path = tmp_path / "checked.yaml"
    make(path)
    run = missy("config", "check", str(path))
    assert run.code == code
    assert "checked.yaml" in run.out + run.err
    assert "Traceback" not in run.err


@pytest.mark.parametrize(
    "name", ["evil\x1b[31m\x1b]0;x\x07.yaml", os.fsdecode(b"caf\xe9.yaml")], ids=["escapes", "no text"]
)
@pytest.mark.skipif(os.name == "nt", reason="no such names there")
def test_a_hostile_file_name_or_key_never_reaches_the_terminal(missy: Missy, tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, 'hover:\n  "mod\\e[31m\\u202e": "\\e]0;x\\a"\n"\\e[2J": 1\n')
    for arguments in (["config", "check", str(path)], ["--config", str(path), "config", "show"], ["config", "path"]):
        run = missy(*arguments, env={"MISSY_CONFIG": str(path)})
        assert all(c == "\n" or c.isprintable() or "\udc80" <= c <= "\udcff" for c in run.out + run.err)
        assert run.out


def test_values_with_escapes_never_reach_the_terminal(missy: Missy, isolated_home: Path) -> None:
    write(
        isolated_home / ".missy/config.yaml",
        'providers:\n  anthropic: {model: "m\\e[31m\\n  evil: available (x)", api_key: $NO_SUCH_KEY}\n',
    )
    for arguments in (["config", "show"], ["providers"], ["providers", "-v"], ["doctor"], ["ask", "x"], ["route", "x"]):
        run = missy(*arguments)
        assert "\x1b" not in run.out + run.err
        assert "\n  evil" not in run.out, arguments


def test_schema_is_a_json_schema(missy: Missy) -> None:
    for arguments in (["config", "schema"], ["config", "schema", "--json"]):
        schema = json.loads(missy(*arguments).out)
        assert "$schema" in schema
        assert {"providers", "hover", "routing"} <= set(schema["properties"])


@pytest.mark.parametrize("arguments", [[], ["drop"], ["show", "x"], ["check", "a", "b"]], ids=" ".join)
def test_wrong_usage_exits_2(missy: Missy, arguments: list[str]) -> None:
    run = missy("config", *arguments)
    assert (run.code, run.out) == (2, "")
    assert run.err


def test_a_map_is_shown_on_one_line(missy: Missy, isolated_home: Path) -> None:
    write(isolated_home / ".missy" / "config.yaml", "routing: {paths: {'docs/**': fast, 'src/**': primary}}\n")
    assert "routing.paths: {docs/**: fast, src/**: primary}  # " in missy("config", "show").out
    shown = json.loads(missy("config", "show", "--json").out)
    assert shown["routing.paths"] == {"docs/**": "fast", "src/**": "primary"}
