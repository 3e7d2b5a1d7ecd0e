from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from missy_lsp.cli.doctor import examine
from missy_lsp.cli.output import Output
from missy_lsp.cli.setting import Setting
from tests.support.commands import Missy
from tests.support.configuration import FAKE_KEY, write_user_config
from tests.support.fake_api import FakeApi, answer


def write(home: Path, text: str) -> Path:
    path = home / ".missy" / "config.yaml"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_text(text)
    path.chmod(0o600)
    return path


def test_a_good_setup_has_no_problem_and_asks_nobody(missy: Missy, api: FakeApi) -> None:
    run = missy("doctor")
    assert (run.code, run.err) == (0, ""), run.out
    assert "problem" not in run.out
    for area in ("missy", "package", "file", "vault", "provider", "key", "ledger"):
        assert any(line.split()[1] == area for line in run.out.splitlines()), area
    assert "anthropic: available (claude-sonnet-4-6), the default" in run.out
    assert api.connections == 0


def test_json_holds_the_same_findings(missy: Missy, api: FakeApi) -> None:
    findings = json.loads(missy("doctor", "--json").out)
    assert len(findings) == len(missy("doctor").out.splitlines())
    assert all(list(finding) == ["area", "verdict", "text"] for finding in findings)
    assert {finding["verdict"] for finding in findings} == {"ok"}


def no_key(home: Path) -> None:
    pass


def setup_token(home: Path) -> None:
    write_user_config(home, providers={"anthropic": {"api_key": "sk-ant-oat01-FAKE-CANARY"}})


def broken_file(home: Path) -> None:
    write(home, "providers: [\n")


def unknown_default(home: Path) -> None:
    write(home, f"default_provider: nobody\nproviders: {{anthropic: {{api_key: {FAKE_KEY}}}}}\n")


def broken_vault(home: Path) -> None:
    write_user_config(home)
    (home / ".missy" / "secrets").mkdir(mode=0o700)
    for name in ("vault.key", "vault.enc"):
        (home / ".missy" / "secrets" / name).write_bytes(b"broken")
        (home / ".missy" / "secrets" / name).chmod(0o600)


def broken_trust(home: Path) -> None:
    write_user_config(home)
    (home / ".missy" / "trust.json").write_text("{")


def missing_bundle(home: Path) -> None:
    write_user_config(home, network={"ca_bundle": str(home / "missing.pem")})


def home_is_a_file(home: Path) -> None:
    (home / ".missy").write_text("")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (no_key, "missy vault set anthropic_api_key"),
        (setup_token, "sk-ant-api"),
        (broken_file, "config.yaml:2:1"),
        (unknown_default, "missy providers switch"),
        (broken_vault, "vault"),
        (broken_trust, "trust.json"),
        (missing_bundle, "missing.pem"),
        (home_is_a_file, ".missy"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_problem_is_named_and_exits_1(
    missy: Missy, isolated_home: Path, make: Callable[[Path], None], said: str
) -> None:
    make(isolated_home)
    run = missy("doctor")
    assert run.code == 1, run.out
    problems = [line for line in run.out.splitlines() if line.startswith("problem ")]
    assert any(said in line for line in problems), run.out
    assert "CANARY" not in run.out + run.err
    assert missy("doctor", "--json").code == 1


@pytest.mark.parametrize(
    ("served_by", "code", "verdict", "said"),
    [
        ("anthropic", 0, "ok", "anthropic: available (claude-sonnet-4-6), serves here by folders"),
        ("keyless", 1, "problem", "keyless: unavailable (no API key"),
        ("gone", 1, "problem", "folders gives this place to gone, which is not configured"),
    ],
)
def test_the_provider_that_serves_the_folder_counts(
    missy: Missy, isolated_home: Path, tmp_path: Path, served_by: str, code: int, verdict: str, said: str
) -> None:
    providers = {
        "anthropic": {"api_key": FAKE_KEY, "model": "claude-sonnet-4-6"},
        "keyless": {"name": "anthropic", "api_keys": []},
    }
    default = "keyless" if served_by == "anthropic" else "anthropic"
    folders = {str(tmp_path): served_by}
    write_user_config(isolated_home, providers=providers, default_provider=default, folders=folders)
    run = missy("doctor")
    assert run.code == code, run.out
    assert any(line.split(maxsplit=2)[0] == verdict and said in line for line in run.out.splitlines()), run.out
    assert ", the default" not in run.out
    if served_by == "gone":
        assert "missy providers switch NAME --here" in run.out


def spoilt(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"no database" * 1000)


def below_a_file(file: Path) -> None:
    file.parent.parent.mkdir(parents=True, exist_ok=True)
    file.parent.write_text("")


def of_a_newer_version(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute("pragma user_version = 99")


@pytest.mark.parametrize("make", [spoilt, below_a_file, of_a_newer_version])
@pytest.mark.parametrize("cap", [None, 5.0])
def test_a_ledger_that_can_not_be_used_is_named_and_a_problem_where_a_cap_needs_it(
    missy: Missy, isolated_home: Path, make: Callable[[Path], None], cap: float | None
) -> None:
    write_user_config(isolated_home, budget={"daily_usd": cap})
    file = Setting.here(Output()).locations.ledger_file
    make(file)
    run = missy("doctor")
    (line,) = (line for line in run.out.splitlines() if line.split()[1] == "ledger")
    assert str(file) in line
    assert (run.code, line.split()[0]) == ((0, "warning") if cap is None else (1, "problem"))
    assert ("every request is refused" in line) == (cap is not None)


def test_no_ledger_is_made_by_looking(missy: Missy, api: FakeApi) -> None:
    assert "(nothing spent yet)" in missy("doctor").out
    file = Setting.here(Output()).locations.ledger_file
    assert not file.exists()
    api.enqueue(answer("Hello."))
    missy("ask", "hello")
    assert file.exists()
    assert f"{file}\n" in missy("doctor").out


def test_a_missing_package_is_named(missy: Missy, monkeypatch: pytest.MonkeyPatch, isolated_home: Path) -> None:
    write_user_config(isolated_home)
    monkeypatch.setitem(sys.modules, "anthropic", None)
    run = missy("doctor")
    assert run.code == 1
    assert 'anthropic: unavailable (package "anthropic" is not installed)' in run.out


@pytest.mark.skipif(os.name == "nt", reason="modes mean nothing there")
def test_a_readable_key_a_proxy_and_an_untrusted_folder_are_warnings(
    missy: Missy, isolated_home: Path, tmp_path: Path
) -> None:
    write_user_config(isolated_home).chmod(0o644)
    (tmp_path / ".missy").mkdir()
    (tmp_path / ".missy" / "config.yaml").write_text("hover: {mode: off}\n")
    run = missy("doctor", env={"HTTPS_PROXY": "http://user:CANARY@proxy"})
    warnings = [line for line in run.out.splitlines() if line.startswith("warning ")]
    assert run.code == 0
    for said in ("chmod 600", "HTTPS_PROXY", f"missy trust {tmp_path}"):
        assert any(said in line for line in warnings), said
    assert "CANARY" not in run.out


def test_a_private_file_without_a_key_is_no_warning(missy: Missy, isolated_home: Path) -> None:
    write(isolated_home, "hover: {mode: off}\n").chmod(0o644)
    assert "chmod" not in missy("doctor").out


def models_said(today: str) -> list[tuple[str, str]]:
    findings = examine(Setting.here(Output()), date.fromisoformat(today))
    return [(finding.verdict, finding.text) for finding in findings if finding.area == "model"]


@pytest.mark.parametrize(
    ("model", "today", "expected"),
    [
        ("claude-sonnet-4-6", "2026-01-01", ("ok", "still served, legacy; newer: claude-sonnet-5-5")),
        ("claude-sonnet-4-5", "2026-11-29", ("warning", "retires on 2026-11-30; newer: claude-sonnet-5-5")),
        ("claude-sonnet-4-5", "2026-11-30", ("warning", "retires on 2026-11-30; newer: claude-sonnet-5-5")),
        (
            "claude-sonnet-4-5",
            "2026-12-01",
            ("problem", "retired since 2026-11-30, requests to it fail; newer: claude-sonnet-5-5"),
        ),
        ("my-model", "2026-01-01", ("ok", "not in the catalogue; its price is counted as the highest known")),
        ("claude-sonnet-5-5", "2026-01-01", None),
    ],
)
def test_what_is_said_of_a_model(isolated_home: Path, model: str, today: str, expected: tuple[str, str] | None) -> None:
    write_user_config(isolated_home, providers={"anthropic": {"model": model}})
    assert models_said(today) == ([] if expected is None else [(expected[0], f"{model} (primary): {expected[1]}")])


def test_a_model_is_said_once_with_all_that_it_serves(isolated_home: Path) -> None:
    old = "claude-haiku-4-5"
    providers = {
        "one": {"name": "anthropic", "model": old, "fast_model": old},
        "two": {"name": "anthropic", "model": old, "premium_model": "claude-opus-5-5"},
        "anthropic": {"model": "claude-sonnet-4-5", "enabled": False},
        "offline": {"name": "offline"},
    }
    write_user_config(isolated_home, providers=providers, default_provider="one")
    ((verdict, said),) = models_said("2026-01-01")
    assert verdict == "ok"
    assert said == f"{old} (one fast, one primary, two primary): still served, legacy; newer: claude-haiku-5-5"


def test_a_tier_for_an_action_that_is_not_there_is_a_warning(missy: Missy, isolated_home: Path) -> None:
    write_user_config(
        isolated_home, routing={"actions": {"explian": "fast", "ask": "primary", "fix": "fast", "zzz": "fast"}}
    )
    warnings = [line.split(maxsplit=2)[2] for line in missy("doctor").out.splitlines() if line.startswith("warning ")]
    assert "routing.actions: there is no action explian here; did you mean explain?" in warnings
    assert "routing.actions: there is no action zzz here; missy actions lists them" in warnings
    assert not any("action fix" in line or "action ask" in line for line in warnings)
