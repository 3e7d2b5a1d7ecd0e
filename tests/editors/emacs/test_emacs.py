"""missy.el in a real Emacs: with Eglot, lsp-mode, Eglot and another server, or neither, as a person would use it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import attrs
import pytest

from tests.support import quiet_language_server
from tests.support.actions import edit_call, tool_turn
from tests.support.configuration import write_user_config
from tests.support.emacs import CLIENTS, MISSING, PLUGIN, batch, emacs, has_client, names_of_tests, run_tests
from tests.support.fake_api import (
    FakeApi,
    Hold,
    Reply,
    Request,
    Wait,
    answer,
    api_error,
    block_start,
    block_stop,
    message_delta,
    message_start,
    message_stop,
    stream,
    text_delta,
)
from tests.support.lsp_process import server_command
from tests.support.request_oracle import assert_valid_request

TESTS = Path(__file__).with_name("missy-tests.el")
RENAME = tool_turn(
    edit_call("a.py", "def add(", "def plus("),
    edit_call("renamed.md", "", "`add` is `plus` now.\n"),
)

pytestmark = [pytest.mark.editor, pytest.mark.skipif(emacs() is None, reason=MISSING)]


@attrs.frozen
class Outcome:
    """What one Emacs did, and what the upstream saw of it."""

    tests: dict[str, object]
    requests: list[Request]


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Outcome]:
    """What was run so far, by client: an Emacs for each test would take minutes."""
    return {}


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def outcome(client: str, outcomes: dict[str, Outcome], tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    if not has_client(client):
        pytest.skip(MISSING)
    if client not in outcomes:
        outcomes[client] = _run(client, tmp_path_factory.mktemp(client))
    return outcomes[client]


def _run(client: str, folder: Path) -> Outcome:
    home = folder / "home"
    home.mkdir()
    project = folder / "project"
    project.mkdir()
    subprocess.run(["git", "init", "--quiet", str(project)], check=True)
    source = project / "a.py"
    source.write_text("import os\n", encoding="utf-8")
    env = {"HOME": str(home), "MISSY_EMACS_CLIENT": client, "MISSY_EMACS_FILE": str(source)}
    env |= {"MISSY_EMACS_SERVER": server_command()[0], "MISSY_EMACS_FOLDER": str(PLUGIN.parent)}
    env |= {"MISSY_EMACS_OTHER": f"{sys.executable}\n{quiet_language_server.__file__}"}
    env |= {f"XDG_{name}_HOME": str(home / name.lower()) for name in ("CONFIG", "DATA", "STATE", "CACHE")}
    with FakeApi() as api:
        api.respond = _reply
        write_user_config(home, api.base_url, tools={"mode": "edit"})
        tests = run_tests(TESTS, folder / "report.json", env)
        for request in api.requests:
            assert_valid_request(request.json)
        return Outcome(tests, list(api.requests))


def _reply(request: Request) -> Reply:
    """Answer by what is asked for; each test of the Emacs Lisp file has words of its own."""
    text = request.body.decode()
    if "wrong key" in text:
        return api_error(401, "authentication_error", "invalid x-api-key")
    if "never end" in text or "hold on" in text:
        return stream(message_start(), block_start(), text_delta("Working"), Hold(), end=False)
    if "repeat the place" in text:
        return answer("You asked about lines 1-4." if "lines 1-4" in text else "no place")
    if "repeat unsaved" in text:
        return answer("unsaved was there" if "# unsaved ä😀" in text else "it was not")
    if "repeat history" in text:
        return answer("history was there" if "First piece, then the last." in text else "it was not")
    if "repeat the change" in text:
        seen = "the change was there" if "def add(a: int, b: int)" in text else "it was not"
        return answer(f"{seen}, and what followed it" if "repeat the change and more" in text else seen)
    if "repeat nothing" in text:
        return answer("there was no document" if "def add" not in text else "there was one")
    if "rename add everywhere" in text:
        return answer("I renamed it.") if "tool_result" in text else RENAME
    if "the second one" in text:
        return answer("<replacement>\ndef sub(a: int, b: int) -> int:\n    return a - b\n</replacement>\n")
    if "<replacement>" in text:
        return answer("<replacement>\ndef add(a: int, b: int) -> int:\n    return a + b\n</replacement>\n")
    end = [block_stop(), message_delta("end_turn"), message_stop()]
    return stream(
        message_start(), block_start(), text_delta("First piece,"), Wait(0.4), text_delta(" then the last."), *end
    )


@pytest.mark.timeout(150)
@pytest.mark.parametrize("name", names_of_tests(TESTS))
def test_in_emacs(name: str, outcome: Outcome) -> None:
    assert "set-up" not in outcome.tests, outcome.tests["set-up"]
    assert name in outcome.tests, "it was not run"
    assert outcome.tests[name] == ""


@pytest.mark.timeout(150)
def test_no_command_holds_emacs_up_for_a_second(outcome: Outcome) -> None:
    longest_s = outcome.tests["longest"]
    assert isinstance(longest_s, float)
    assert 0 < longest_s < 1


@pytest.mark.timeout(150)
def test_a_stopped_request_is_closed_upstream(outcome: Outcome) -> None:
    [held] = [request for request in outcome.requests if b"never end" in request.body]
    assert held.closed.wait(5)


def test_it_compiles_without_a_warning(tmp_path: Path) -> None:
    copy = tmp_path / PLUGIN.name
    copy.write_bytes(PLUGIN.read_bytes())
    batch("--eval", "(setq byte-compile-error-on-warn t)", "-f", "batch-byte-compile", str(copy))
    assert copy.with_suffix(".elc").exists()


def test_its_documentation_strings_are_in_the_form_of_emacs() -> None:
    printed = batch("--eval", f'(progn (require (quote checkdoc)) (checkdoc-file "{PLUGIN.as_posix()}"))')
    assert printed == ""


def test_loading_it_binds_no_key_and_starts_nothing() -> None:
    form = """(progn
      (require 'missy)
      (princ (format "%s %s %s"
                     (apropos-internal "^missy-" (lambda (name) (where-is-internal name (list global-map))))
                     (process-list) (featurep 'eglot))))"""
    assert batch("-L", str(PLUGIN.parent), "--eval", form) == "nil nil nil"
