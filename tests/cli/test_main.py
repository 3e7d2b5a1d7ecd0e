from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from missy_lsp import __version__
from missy_lsp.cli.main import build_parser, main
from tests.support.commands import Missy
from tests.support.configuration import FAKE_KEY


def test_the_version_is_a_result(missy: Missy) -> None:
    run = missy("--version")
    assert (run.code, run.out, run.err) == (0, f"missy {__version__}\n", "")


def test_help_is_a_result_and_names_every_command(missy: Missy) -> None:
    run = missy("--help")
    assert (run.code, run.err) == (0, "")
    for command in ("ask", "providers", "vault", "route", "config", "trust", "doctor", "demo", "lsp"):
        assert re.search(rf"^\s+{command}\s", run.out, re.MULTILINE), command


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["--nonsense"],
        ["--vers"],
        ["ask", "x", "--prov", "anthropic"],
        ["vault", "get", "x", "--rev"],
        ["--config"],
        ["doctor", "x"],
        ["demo", "x"],
        ["\x1b[31m"],
        ["--\x1b[31m"],
    ],
    ids=ascii,
)
def test_wrong_usage_is_said_on_standard_error_and_exits_2(missy: Missy, arguments: list[str]) -> None:
    run = missy(*arguments)
    assert (run.code, run.out) == (2, "")
    assert run.err
    assert "\x1b" not in run.err


@pytest.mark.parametrize(
    ("arguments", "config"),
    [
        (["--config", "a", "lsp"], "a"),
        (["lsp", "--config", "b"], "b"),
        (["--config", "a", "vault", "list"], "a"),
        (["--config", "a", "ask", "x", "--config", "b"], "b"),
        (["lsp"], None),
    ],
    ids=["before", "after", "nested", "last", "none"],
)
def test_a_named_file_is_kept_wherever_it_stands(arguments: list[str], config: str | None) -> None:
    named = build_parser().parse_args(arguments).config
    assert named == (config and Path(config))


@pytest.mark.parametrize("command", [["providers"], ["ask", "x"], ["doctor"], ["config", "show"]], ids=" ".join)
def test_a_named_file_that_is_not_there_is_said(missy: Missy, tmp_path: Path, command: list[str]) -> None:
    run = missy("--config", str(tmp_path / "missing.yaml"), *command)
    assert run.code == 1
    assert "missing.yaml" in run.out + run.err


def test_no_home_at_all_is_no_traceback(missy: Missy) -> None:
    for arguments in (["providers"], ["vault", "list"], ["trust", "--list"], ["config", "path"]):
        run = missy(*arguments, env={"HOME": "/nonexistent/home", "ANTHROPIC_API_KEY": FAKE_KEY})
        assert run.code == 0, run.err


@pytest.mark.skipif(os.name == "nt", reason="a current folder can't be removed there")
def test_a_current_folder_that_is_gone_is_no_traceback(missy: Missy, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    for arguments in (["providers"], ["config", "path"], ["ask", "x", "--offline"], ["route", "x"], ["doctor"]):
        run = missy(*arguments)
        assert run.code == (1 if arguments == ["doctor"] else 0), run.err  # it has no key
        assert run.out
    for arguments in (["trust"], ["trust", "."], ["config", "check", "x.yaml"], ["ask", "x", "--tools", "read"]):
        run = missy(*arguments)
        assert (run.code, run.out) == (1, ""), arguments
        assert run.err == "missy: The current folder has been removed. Change to one that exists, then try again.\n"


class FullDisk:
    """A stream of a full disk."""

    encoding = "utf-8"

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def flush(self) -> None: ...

    def isatty(self) -> bool:
        return False


@pytest.mark.parametrize("command", [["providers"], ["ask", "x", "--offline"], ["config", "show"]], ids=" ".join)
def test_a_full_disk_is_a_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", FullDisk())
    assert main(command) == 1
    err = capsys.readouterr().err
    assert err.startswith("missy: the output can't be written: ")
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("options", [[], ["--json"]], ids=["text", "json"])
def test_a_fault_of_the_system_is_not_blamed_on_the_output(
    missy: Missy, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "some\x1b[31mfile")

    monkeypatch.setattr("missy_lsp.cli.setting.load", refuse)
    run = missy("providers", *options)
    said = json.loads(run.out)["error"]["message"] if options else run.err
    assert run.code == 1
    assert "some" in said
    assert os.strerror(errno.EACCES) in said
    assert "output" not in said
    assert "\x1b" not in run.out + run.err


def test_closed_streams_are_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    assert main(["providers"]) == 0
    assert main(["ask", "x", "--offline"]) == 0
    assert main(["vault", "set", "name"]) == 2
    assert main(["route", "--jsonl"]) == 0


def test_an_interruption_exits_130(missy: Missy, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("missy_lsp.cli.setting.load", interrupt)
    run = missy("providers")
    assert (run.code, run.out, run.err) == (130, "", "stopped\n")


# --- what a start may import ----------------------------------------------------------------------

HOSTILE = (
    *("yaml", "anthropic", "logging", "argparse", "attrs", "attr", "json", "asyncio", "keyring", "missy_lsp"),
    *("sitecustomize", "usercustomize", "cryptography", "unicodedata", "pygls", "httpx2", "uuid", "getpass", "select"),
)


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """Return a folder whose modules leave a marker when they are imported."""
    folder = tmp_path / "hostile"
    folder.mkdir()
    for name in HOSTILE:
        (folder / f"{name}.py").write_text(f"open({str(folder / 'marker')!r}, 'a').write({name!r} + ' ')\n")
    return folder


def started(*command: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=30,
    )


def test_a_console_script_runs_nothing_of_the_current_folder(hostile: Path, script: Callable[[str], str]) -> None:
    for command in (["missy", "providers"], ["missy", "ask", "x", "--offline"], ["missy-lsp", "--version"]):
        run = started(script(command[0]), *command[1:], cwd=hostile)
        assert run.returncode == 0, run.stderr
        assert not (hostile / "marker").exists(), (hostile / "marker").read_text()


@pytest.mark.parametrize(
    ("flags", "variables", "code"),
    [
        ((), {}, 2),
        ((), {"PYTHONPATH": "."}, 2),
        (("-P",), {"PYTHONPATH": "HERE"}, 2),
        (("-I",), {"PYTHONPATH": "."}, 0),
        (("-P",), {}, 0),
    ],
    ids=["bare", "PYTHONPATH=.", "PYTHONPATH and -P", "isolated", "safe path"],
)
def test_the_module_refuses_to_run_where_the_current_folder_could_be_imported(
    hostile: Path, flags: tuple[str, ...], variables: dict[str, str], code: int
) -> None:
    # Modules that the interpreter itself takes from PYTHONPATH are beyond a program's reach; so is its own name.
    for name in ("sitecustomize", "usercustomize", "missy_lsp", "attr", "attrs"):
        (hostile / f"{name}.py").unlink()
    variables = {name: value.replace("HERE", str(hostile)) for name, value in variables.items()}
    run = started(sys.executable, *flags, "-m", "missy_lsp", "--version", cwd=hostile, **variables)
    assert run.returncode == code, run.stderr
    assert not (hostile / "marker").exists(), (hostile / "marker").read_text()
    if code == 2:
        assert run.stderr.startswith("missy: ")
        assert len(run.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [
        (["--version"], {"anthropic", "pygls", "lsprotocol", "keyring", "cryptography", "httpx2", "yaml", "asyncio"}),
        (["config", "show"], {"anthropic", "pygls", "lsprotocol", "keyring", "cryptography", "httpx2", "asyncio"}),
        (["route", "x"], {"anthropic", "pygls", "lsprotocol", "keyring", "cryptography", "httpx2"}),
        (["vault", "list"], {"anthropic", "pygls", "lsprotocol", "httpx2"}),
        (["providers"], {"anthropic", "pygls", "lsprotocol", "httpx2"}),
    ],
    ids=["version", "config", "route", "vault", "providers"],
)
def test_a_command_imports_only_what_it_needs(arguments: list[str], unwanted: set[str], tmp_path: Path) -> None:
    code = (
        "import sys; from missy_lsp.cli.main import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    run = started(sys.executable, "-I", "-c", code, *arguments, cwd=tmp_path)
    assert run.returncode == 0
    assert set(run.stderr.split()) & unwanted == set()
