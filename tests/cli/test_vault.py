from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.commands import Missy
from tests.support.configuration import write_user_config
from tests.support.fake_api import FakeApi, answer

# Another one than the other tests', which nothing may show (tests/conftest.py).
SHOWN_KEY = "sk-ant-api03-FAKE-shown-0000-on-purpose"

CANARY = "sk-ant-api03-FAKE-CANARY"


def test_the_seed_form_stores_the_value_and_says_once_what_is_better(missy: Missy) -> None:
    run = missy("vault", "set", "anthropic_api_key", SHOWN_KEY)
    assert (run.code, run.out) == (0, "")
    assert run.err.count("history") == 1
    assert "anthropic_api_key is stored in" in run.err
    assert SHOWN_KEY not in run.err
    assert missy("vault", "get", "anthropic_api_key", "--reveal").out == f"{SHOWN_KEY}\n"


@pytest.mark.parametrize(
    "piped", [CANARY.encode(), f"{CANARY}\n".encode(), f"{CANARY}\r\n".encode()], ids=["bare", "lf", "crlf"]
)
def test_a_pipe_stores_the_value_without_its_line_end(missy: Missy, piped: bytes) -> None:
    run = missy("vault", "set", "name", stdin=piped)
    assert (run.code, run.out) == (0, "")
    assert "history" not in run.err
    assert "CANARY" not in run.err
    assert missy("vault", "get", "name", "--reveal").out == f"{CANARY}\n"


@pytest.mark.parametrize(
    ("arguments", "stdin"),
    [
        (["set", "name"], b""),
        (["set", "name"], b" \n"),
        (["set", "name"], b"\xff\xfe\x00CANARY"),
        (["set", "name"], b"CANARY" * 5000),
        (["set", "name"], b"CANARY\nsecond line"),
        (["set", "name", ""], None),
        (["set", "name", "CANARY\nsecond line"], None),
        (["set", "name", os.fsdecode(b"CANARY\xff")], None),
        (["set", "no/name", "CANARY"], None),
        (["set", "", "CANARY"], None),
        (["set", "../up", "CANARY"], None),
        (["get", "a b", "--reveal"], None),
        (["delete", "a\x1b[31mb"], None),
        (["set"], None),
        (["put", "a", "b"], None),
        ([], None),
    ],
    ids=[
        *("empty", "blank", "no text", "too long", "two lines", "empty argument", "two lines argument"),
        *("no text argument", "slash", "no name", "dots", "space", "escape", "nothing", "action", "no action"),
    ],
)
def test_what_can_not_be_stored_is_wrong_usage(missy: Missy, arguments: list[str], stdin: bytes | None) -> None:
    run = missy("vault", *arguments, stdin=stdin)
    assert (run.code, run.out) == (2, ""), run.err
    assert run.err.strip()
    assert "CANARY" not in run.err
    assert "\x1b" not in run.err
    assert "Traceback" not in run.err


def test_get_needs_reveal(missy: Missy) -> None:
    missy("vault", "set", "name", CANARY)
    run = missy("vault", "get", "name")
    assert (run.code, run.out) == (2, "")
    assert "--reveal" in run.err
    assert "CANARY" not in run.err
    assert json.loads(missy("vault", "get", "name", "--reveal", "--json").out)["value"] == CANARY


@pytest.mark.parametrize("arguments", [["get", "nothing"], ["get", "nothing", "--reveal"], ["delete", "nothing"]])
def test_an_entry_that_is_not_there_fails(missy: Missy, arguments: list[str]) -> None:
    run = missy("vault", *arguments)
    assert (run.code, run.out) == (1, "")
    assert "nothing is not in the vault" in run.err


def test_list_shows_names_and_where_they_live(missy: Missy) -> None:
    empty = missy("vault", "list")
    assert (empty.code, empty.out) == (0, "")
    assert "nothing is stored" in empty.err
    assert json.loads(missy("vault", "list", "--json").out) == []
    missy("vault", "set", "b", CANARY)
    missy("vault", "set", "a", CANARY)
    run = missy("vault", "list")
    assert (run.code, run.out, run.err) == (0, "a: the encrypted file vault\nb: the encrypted file vault\n", "")
    assert json.loads(missy("vault", "list", "--json").out) == [
        {"name": "a", "where": ["the encrypted file vault"]},
        {"name": "b", "where": ["the encrypted file vault"]},
    ]


def test_delete_removes_the_entry(missy: Missy) -> None:
    missy("vault", "set", "name", CANARY)
    assert missy("vault", "delete", "name").code == 0
    assert missy("vault", "list").out == ""


def test_the_files_are_those_of_the_contract_and_hold_no_plain_text(missy: Missy, isolated_home: Path) -> None:
    missy("vault", "set", "name", CANARY)
    folder = isolated_home / ".missy" / "secrets"
    assert len((folder / "vault.key").read_bytes()) == 32
    assert b"CANARY" not in (folder / "vault.enc").read_bytes()
    if os.name == "posix":
        assert stat.S_IMODE((folder / "vault.key").stat().st_mode) == 0o600


@pytest.mark.parametrize("command", [["list"], ["get", "name", "--reveal"], ["set", "name", "new"], ["delete", "name"]])
def test_a_broken_vault_is_said_and_left_alone(missy: Missy, isolated_home: Path, command: list[str]) -> None:
    missy("vault", "set", "name", CANARY)
    file = isolated_home / ".missy" / "secrets" / "vault.enc"
    file.write_bytes(b"broken")
    run = missy("vault", *command)
    assert (run.code, run.out) == (1, "")
    assert run.err.splitlines()[-1].startswith("missy: ")
    assert file.read_bytes() == b"broken"


@pytest.mark.skipif(sys.platform == "win32", reason="there is no pty")
@pytest.mark.parametrize(
    ("typed", "code", "stored"),
    [(f"{CANARY}\n".encode(), 0, True), (b"\x04", 2, False), (b"\x03", 130, False), (b"\n", 2, False)],
    ids=["value", "Ctrl-D", "Ctrl-C", "nothing"],
)
def test_the_prompt_takes_a_value_and_never_echoes_it(
    missy: Missy, script: Callable[[str], str], typed: bytes, code: int, stored: bool
) -> None:
    import pty

    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(script("missy"), ["missy", "vault", "set", "name"])
    seen = b""
    while b"hidden" not in seen:
        seen += os.read(terminal, 1024)
    while not _prompts(terminal):
        pass
    os.write(terminal, typed)
    try:
        while piece := os.read(terminal, 1024):
            seen += piece
    except OSError:  # Linux says so where the other end is closed
        pass
    finally:
        os.close(terminal)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == code, seen
    assert b"CANARY" not in seen
    assert b"Traceback" not in seen
    assert (missy("vault", "get", "name", "--reveal").code == 0) is stored


def _prompts(terminal: int) -> bool:
    """Tell whether the echo is off: what is typed before that would be seen."""
    import termios

    return not termios.tcgetattr(terminal)[3] & termios.ECHO


# --- where keys may go ----------------------------------------------------------------------------


def test_a_key_is_allowed_to_go_to_another_address(missy: Missy, api: FakeApi, isolated_home: Path) -> None:
    api.enqueue(answer("one"), answer("two"))
    assert missy("ask", "hi").code == 0
    with FakeApi() as other:
        other.respond = lambda request: answer("from the other one")
        write_user_config(isolated_home, other.base_url)
        refused = missy("ask", "hi")
        assert (refused.code, refused.out, other.connections) == (1, "", 0)
        assert f"missy vault allow anthropic {other.base_url}" in refused.err
        allowed = missy("vault", "allow", "anthropic", other.base_url.upper() + "/")
        assert allowed.code == 0
        assert f"the key from api_key may go to {other.base_url}" in allowed.err
        assert missy("ask", "hi").out == "from the other one\n"
    write_user_config(isolated_home, api.base_url)
    assert missy("ask", "hi").out == "two\n"


@pytest.mark.parametrize(
    ("name", "url", "code", "said"),
    [
        ("anthropic", "ftp://x", 2, "no address for a key"),
        ("anthropic", "https://user:pw@host", 2, "no address for a key"),
        ("anthropic", "http://gateway.example", 2, "no address for a key"),
        ("nobody", "https://gateway.example", 1, "neither a provider"),
    ],
)
def test_what_can_not_be_allowed_says_why(
    missy: Missy, api: FakeApi, name: str, url: str, code: int, said: str
) -> None:
    run = missy("vault", "allow", name, url)
    assert run.code == code
    assert said in run.err


def test_an_entry_of_the_vault_is_allowed_by_its_name(missy: Missy) -> None:
    missy("vault", "set", "my_key", "sk-ant-api03-FAKE-allowed-by-name")
    run = missy("vault", "allow", "my_key", "https://gateway.example")
    assert run.code == 0
    assert "vault my_key" in run.err


def test_another_address_that_is_allowed_before_a_keys_first_use_leaves_the_configured_one_usable(
    missy: Missy, api: FakeApi
) -> None:
    api.enqueue(answer("from the configured one"))
    assert missy("vault", "allow", "anthropic", "https://gateway.example").code == 0
    run = missy("ask", "hi")
    assert (run.code, run.out) == (0, "from the configured one\n"), run.err


def test_an_entry_that_is_allowed_before_its_first_use_may_go_where_its_provider_points_to(
    missy: Missy, api: FakeApi, isolated_home: Path
) -> None:
    missy("vault", "set", "my_key", "sk-ant-api03-FAKE-of-an-entry")
    provider = {"base_url": api.base_url, "api_key": "vault://my_key"}
    write_user_config(isolated_home, providers={"anthropic": provider})
    api.enqueue(answer("ok"))
    assert missy("vault", "allow", "my_key", "https://gateway.example").code == 0
    assert missy("ask", "hi").out == "ok\n"


def test_the_default_address_of_a_provider_is_allowed_without_writing_it(
    missy: Missy, api: FakeApi, isolated_home: Path
) -> None:
    api.enqueue(answer("ok"))
    assert missy("ask", "hi").code == 0
    run = missy("vault", "allow", "anthropic")
    assert (run.code, "Write the address too" in run.err) == (2, True)
    write_user_config(isolated_home, None)
    run = missy("vault", "allow", "anthropic")
    assert (run.code, "may go to https://api.anthropic.com" in run.err) == (0, True)
    run = missy("vault", "allow", "somebody")
    assert (run.code, "Write the address too" in run.err) == (2, True)
