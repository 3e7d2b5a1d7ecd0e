"""Which files never go along: `security.md` PATH-11, issue 4 point 6."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest

from missy_lsp.outbound.deny_list import denied, denied_parts

NAMES = json.loads((Path(__file__).parents[1] / "data" / "outbound" / "paths.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", NAMES["denied"])
def test_files_that_hold_secrets_are_denied(name: str) -> None:
    assert denied(PurePosixPath(name))
    assert denied(PurePosixPath("some/project") / name)
    assert denied(PureWindowsPath(name.replace("/", "\\")))
    assert denied(PurePosixPath(name.upper()))


@pytest.mark.parametrize("name", NAMES["allowed"])
def test_other_files_are_not(name: str) -> None:
    assert denied(PurePosixPath(name)) is None
    assert denied(PureWindowsPath(name.replace("/", "\\"))) is None


@pytest.mark.parametrize(
    "name",
    [
        ".ENV", ".env.", ".env ", ".env::$DATA", "server.pem:stream", ".e\u200bnv", "\uff0eenv", "a\\b\\.env",
        "C:\\Users\\x\\.aws\\credentials", ".Git\\config", "id_rsa. .",
    ],
    ids=ascii,
)  # fmt: skip
def test_other_spellings_of_a_name_are_the_same_file(name: str) -> None:
    assert denied(PurePosixPath(name))


def test_a_reason_can_stand_in_a_sentence() -> None:
    reasons = {denied(PurePosixPath(name)) for name in NAMES["denied"]}
    assert len(reasons) >= 8
    assert all(reason and reason.startswith("a ") and not reason.endswith(".") for reason in reasons)


def test_no_parts_are_no_file() -> None:
    assert denied_parts(()) is None
    assert denied_parts(("",)) is None
