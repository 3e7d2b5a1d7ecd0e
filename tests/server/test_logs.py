"""No key in the log, however it gets there; libraries stay quiet: `security.md` F5, KEY-01, KEY-02, D4."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from missy_lsp.outbound.spellings import KnownSecrets
from missy_lsp.secret import Secret
from missy_lsp.server.logs import DroppingQueueHandler, start_logging
from tests.outbound.test_canary_sweep import KEY, LEAKS
from tests.support.canary import assert_absent

UNKNOWN = "sk-ant-api03-FAKE-never-resolved-5c1d7e9a"
logger = logging.getLogger("missy_lsp.tests")


@pytest.fixture
def known() -> KnownSecrets:
    return KnownSecrets()


@pytest.fixture
def written(tmp_path: Path, known: KnownSecrets) -> Iterator[Callable[[], str]]:
    """Log as the server does at the level debug; calling it ends the log and returns all of it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    libraries = {name: logging.getLogger(name).level for name in ("anthropic", "httpx2", "asyncio", "pygls")}
    finishing = [start_logging(tmp_path / "logs" / "missy.log", "debug", known)]

    def read() -> str:
        finishing.pop()()
        return (tmp_path / "logs" / "missy.log").read_text(encoding="utf-8")

    yield read
    for finish in finishing:
        finish()
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in libraries.items():
        logging.getLogger(name).setLevel(before)


class Leaking:
    def __repr__(self) -> str:
        return f"Leaking(key={KEY})"


def raising() -> None:
    secret = KEY
    try:
        raise ValueError(f"the first: {secret}")
    except ValueError as error:
        raise RuntimeError(f"the second: {UNKNOWN}") from error


def log_exception() -> None:
    try:
        raising()
    except RuntimeError:
        logger.exception("it failed with %s", KEY)


WAYS: dict[str, Callable[[], None]] = {
    "message": lambda: logger.warning(f"key {KEY}"),
    "arguments": lambda: logger.warning("key %s of %d", KEY, 2),
    "mapping": lambda: logger.warning("key %(key)s", {"key": KEY}),
    "object": lambda: logger.warning("settings: %r", Leaking()),
    "bytes": lambda: logger.warning("body %r", KEY.encode()),
    "exception": log_exception,
    "stack": lambda: logger.warning("here", stack_info=bool(KEY)),
    "exception given": lambda: logger.error("incident", exc_info=ValueError(f"{KEY} {UNKNOWN}")),
    "not a text": lambda: logger.warning(ValueError(KEY)),
    "logger's name": lambda: logging.getLogger(f"missy_lsp.{KEY}").warning("x"),
    "parts of it": lambda: logger.warning("…%s and %s…", KEY[-8:], KEY[13:25]),
    "debug": lambda: logger.debug("key %s", KEY),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_a_resolved_key_is_not_written(
    way: Callable[[], None], known: KnownSecrets, written: Callable[[], str]
) -> None:
    known.add(Secret(KEY))
    way()
    log = written()
    assert_absent(KEY, [log])
    assert_absent(UNKNOWN, [log])
    assert "missy_lsp" in log


@pytest.mark.parametrize("name", [name for name in LEAKS if name not in ("wrapped", "in capital letters")])
def test_no_form_of_a_resolved_key_is_written(name: str, known: KnownSecrets, written: Callable[[], str]) -> None:
    known.add(Secret(KEY))
    logger.error("got %s", LEAKS[name])
    assert_absent(KEY, [written()])


def test_a_key_that_nobody_resolved_is_known_by_its_shape(written: Callable[[], str]) -> None:
    logger.error("upstream said: invalid key %s, request %s", UNKNOWN, "req_011CSHoEeqs5C35K2UUqR7Fy")
    log = written()
    assert_absent(UNKNOWN, [log])
    assert "invalid key ***, request req_011CSHoEeqs5C35K2UUqR7Fy" in log


def test_an_exception_is_still_told(known: KnownSecrets, written: Callable[[], str]) -> None:
    known.add(Secret(KEY))
    log_exception()
    log = written()
    assert "it failed with ***" in log
    assert "ValueError: the first: ***" in log
    assert "RuntimeError: the second: ***" in log
    assert "in raising" in log


def test_a_key_that_is_resolved_later_is_hidden_from_then_on(known: KnownSecrets, written: Callable[[], str]) -> None:
    logger.warning("nothing yet")
    known.add(Secret("FAKE-gateway-token-31d0c2"))
    logger.warning("token FAKE-gateway-token-31d0c2")
    log = written()
    assert "nothing yet" in log
    assert "token ***" in log


def test_arguments_that_do_not_fit_are_not_printed(
    known: KnownSecrets, written: Callable[[], str], capfd: pytest.CaptureFixture[str]
) -> None:
    known.add(Secret(KEY))
    root = logging.getLogger()
    root.handlers[:] = handlers = [each for each in root.handlers if isinstance(each, DroppingQueueHandler)]
    logger.warning("%d of %d", KEY)
    logger.warning("still here")
    log = written()
    captured = capfd.readouterr()
    assert_absent(KEY, [log, captured.out, captured.err])
    assert "still here" in log
    assert [handler.dropped for handler in handlers] == [1]


@pytest.mark.parametrize("name", ["anthropic._base_client", "httpx2", "httpcore2.http11", "asyncio", "pygls.protocol"])
def test_libraries_say_nothing_of_what_they_send(name: str, written: Callable[[], str]) -> None:
    library = logging.getLogger(name)
    before = library.level
    library.setLevel(logging.DEBUG)  # as ANTHROPIC_LOG=debug and PYTHONASYNCIODEBUG do
    try:
        library.debug("Request options: %s", {"json_data": "the user's code"})
        library.info("HTTP Request: POST https://example.com, headers %s", {"x-api-key": KEY})
    finally:
        library.setLevel(before)
    assert written() == ""


def test_a_very_long_record_is_cut(written: Callable[[], str]) -> None:
    logger.warning("x%s", "y" * 300_000)
    log = written()
    assert len(log) < 70_000
    assert "more characters" in log


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_borne_in_silence(capfd: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    handlers = root.handlers[:]
    finish = start_logging(Path("/dev/full"), "info")
    try:
        logger.warning("nobody can write this")
    finally:
        finish()
        root.handlers[:] = handlers
    assert capfd.readouterr().err == ""


def test_anthropic_log_has_no_effect(tmp_path: Path) -> None:
    """The SDK reads the variable when it is imported, and sets its loggers to debug."""
    program = (
        "import sys, logging, pathlib, importlib.util, runpy\n"
        "from missy_lsp.server.logs import start_logging\n"
        "finish = start_logging(pathlib.Path(sys.argv[1]), 'debug')\n"
        "package = pathlib.Path(importlib.util.find_spec('anthropic').origin).parent\n"
        "runpy.run_path(package / '_utils' / '_logs.py')['setup_logging']()\n"
        "assert logging.getLogger('httpx2').level == logging.DEBUG\n"
        "for name in ('anthropic._base_client', 'httpx2', 'httpcore2.connection'):\n"
        "    logging.getLogger(name).debug('the prompt')\n"
        "logging.getLogger('missy_lsp').debug('ours')\n"
        "finish()\n"
    )
    log = tmp_path / "missy.log"
    done = subprocess.run(
        [sys.executable, "-c", program, str(log)],
        env={**os.environ, "ANTHROPIC_LOG": "debug", "PYTHONASYNCIODEBUG": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "the prompt" not in log.read_text(encoding="utf-8") + done.stdout + done.stderr
    assert "ours" in log.read_text(encoding="utf-8")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_the_log_is_the_users_alone(tmp_path: Path, written: Callable[[], str]) -> None:
    written()
    assert (tmp_path / "logs" / "missy.log").stat().st_mode & 0o777 == 0o600
