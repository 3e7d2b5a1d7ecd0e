from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from missy_lsp import __version__
from missy_lsp.cli import lsp
from missy_lsp.cli.lsp import tcp_address
from missy_lsp.server.options import ServerOptions
from tests.support.commands import Missy


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:9257", ("127.0.0.1", 9257)),
        ("127.1.2.3:0", ("127.1.2.3", 0)),
        ("localhost:1", ("127.0.0.1", 1)),
        ("[::1]:65535", ("::1", 65535)),
        ("::1:80", ("::1", 80)),
    ],
)
def test_loopback_addresses_are_taken(text: str, address: tuple[str, int]) -> None:
    assert tcp_address(text) == address


REFUSED = [
    *("0.0.0.0:1", "[::]:1", "192.168.1.1:80", "8.8.8.8:80", "example.org:80", "127.0.0.1.example.org:80"),
    *("", ":", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:-1", "127.0.0.1:65536", "127.0.0.1:²"),
    *("[::1]", "127.1:80", "\x1b[31m:80"),
]


@pytest.mark.parametrize("text", REFUSED, ids=ascii)
def test_other_addresses_are_not(text: str) -> None:
    with pytest.raises((argparse.ArgumentTypeError, ValueError)):
        tcp_address(text)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--tcp", "0.0.0.0:1"],
        ["--tcp"],
        ["--tcp", "\x1b[31m:1"],
        ["--log-level", "loud"],
        ["--nonsense"],
        ["--off"],
        ["surplus"],
    ],
    ids=ascii,
)
def test_wrong_options_exit_2_under_both_names(
    missy: Missy, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    run = missy("lsp", *arguments)
    with pytest.raises(SystemExit) as end:
        lsp.main(arguments)
    captured = capsys.readouterr()
    assert (run.code, run.out) == (2, "")
    assert (end.value.code, captured.out) == (2, "")
    assert "\x1b" not in run.err + captured.err
    assert run.err.splitlines()[-1].split("error:")[1] == captured.err.splitlines()[-1].split("error:")[1]


def test_both_names_take_the_same_options(missy: Missy, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[ServerOptions] = []

    def start(options: ServerOptions) -> int:
        started.append(options)
        return 7

    monkeypatch.setattr("missy_lsp.server.main.run", start)
    arguments = [
        *("--stdio", "--tcp", "127.0.0.1:9257", "--config", "mine.yaml", "--offline"),
        *("--log-file", "log.txt", "--log-level", "debug"),
    ]
    assert missy("lsp", *arguments).code == 7
    assert lsp.main(arguments) == 7
    assert (
        started
        == [
            ServerOptions(("127.0.0.1", 9257), Path("mine.yaml"), True, Path("log.txt"), "debug"),
        ]
        * 2
    )
    assert lsp.main([]) == 7
    assert missy("--config", "mine.yaml", "lsp").code == 7
    assert started[2:] == [ServerOptions(), ServerOptions(config=Path("mine.yaml"))]


def test_the_version_is_said_under_both_names(missy: Missy, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        lsp.main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"missy-lsp {__version__}\n"
    run = missy("lsp", "--version")
    assert (run.code, run.out, run.err) == (0, f"missy-lsp {__version__}\n", "")


@pytest.mark.parametrize("level", ["INFO", "Info", "info"])
def test_a_log_level_is_taken_in_any_case(monkeypatch: pytest.MonkeyPatch, level: str) -> None:
    started: list[ServerOptions] = []
    monkeypatch.setattr("missy_lsp.server.main.run", lambda options: started.append(options) or 0)
    assert lsp.main(["--log-level", level]) == 0
    assert started == [ServerOptions(log_level="info")]
