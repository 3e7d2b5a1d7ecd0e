"""An editor without a plugin: everything by code actions, messages, documents and diagnostics of the protocol."""

from __future__ import annotations

import itertools
import os
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs
import pytest

from tests.support.configuration import FAKE_KEY, write_user_config
from tests.support.fake_api import (
    FakeApi,
    Hold,
    Reply,
    Request,
    WaitFor,
    answer,
    api_error,
    block_start,
    message_start,
    stream,
    text_delta,
    text_events,
)
from tests.support.helix import (
    CAPABILITIES,
    CLIENT_INFO,
    KNOWN_METHODS,
    Ale,
    Helix,
    Kate,
    without_apply_edit,
    without_show_document,
)
from tests.support.lsp_process import LspProcess
from tests.support.request_oracle import assert_valid_request

CODE = "import os  # größe 😀\n\n\ndef add(a, b):\n    return a + b\n\n\ndef sub(a, b):\n    return a - b\n"
TYPED = "<replacement>\ndef add(a: int, b: int) -> int:\n    return a + b\n</replacement>\n"
REPLY = "It adds its arguments.\n\n- `a` is the first\n- `b` is the second\n"


@attrs.frozen
class Started:
    process: LspProcess
    api: FakeApi
    folder: Path
    cache: Path
    numbers: Iterator[int]

    def open(self, text: str = CODE, kind: type[Helix] = Helix) -> Helix:
        return kind(self.process, self.folder / f"code{next(self.numbers)}.py", text)


@contextmanager
def _running(factory: pytest.TempPathFactory, capabilities: object) -> Iterator[Started]:
    """Run a server for a module of tests, initialized the way Helix does it."""
    home = factory.mktemp("home")
    folder = factory.mktemp("project")
    env = {"HOME": str(home), "USERPROFILE": str(home)}
    env |= {f"XDG_{name}_HOME": str(home / name.lower()) for name in ("CONFIG", "DATA", "STATE", "CACHE")}
    with FakeApi() as api:
        write_user_config(home, api.base_url)
        with LspProcess(env=env) as process:
            response = process.initialize(folder, capabilities, clientInfo=CLIENT_INFO)
            assert response["result"]["capabilities"]["positionEncoding"] == "utf-8"
            yield Started(process, api, folder, home, itertools.count())


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    with _running(tmp_path_factory, CAPABILITIES) as started:
        yield started


@pytest.fixture(scope="module")
def started_without_documents(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    with _running(tmp_path_factory, without_show_document()) as started:
        yield started


@pytest.fixture(scope="module")
def started_without_edits(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    with _running(tmp_path_factory, without_apply_edit()) as started:
        yield started


@pytest.fixture
def helix(started: Started) -> Iterator[Helix]:
    """A window on a file of its own, with nothing left of the test before."""
    started.process.messages.clear()
    started.api.forget()
    yield started.open()
    for request in started.api.requests:
        assert_valid_request(request.json)
    _assert_standard(started.process)


def _assert_standard(process: LspProcess) -> None:
    methods = {message["method"] for message in process.messages if "method" in message}
    assert methods <= KNOWN_METHODS


def test_explain_opens_a_document_with_the_answer(helix: Helix, started: Started) -> None:
    go_on = threading.Event()
    started.api.enqueue(stream(WaitFor(go_on), *text_events(REPLY)))
    began = time.monotonic()
    response = helix.choose(helix.select(3, 4), "Missy: Explain")
    assert time.monotonic() - began < 1, "the command has to answer before the model does"
    assert set(response["result"]) == {"id"}
    go_on.set()

    document = helix.wait_for_document()

    text = document.read_text(encoding="utf-8")
    assert REPLY in text
    assert text.startswith("# Explain")
    assert not document.is_relative_to(started.folder)
    assert document.is_relative_to(started.cache)
    if os.name == "posix":
        assert stat.S_IMODE(document.stat().st_mode) == 0o600
    assert helix.text == CODE
    assert "def add" in started.api.requests[0].body.decode()


def test_a_short_answer_is_a_message(helix: Helix, started: Started) -> None:
    started.api.enqueue(answer("It adds."))
    helix.choose(helix.select(3, 4), "Missy: Explain")
    helix.wait_for_message("It adds.")
    assert helix.shown == []


def test_an_instruction_in_a_comment_is_done_reviewed_and_undone(helix: Helix, started: Started) -> None:
    asked = CODE.replace("def add", "# missy: add types\ndef add")
    helix.write(asked)
    started.api.enqueue(answer(TYPED))

    helix.choose(helix.range_of(3, 2, 3), "Missy: Do it: add types")
    helix.wait_for_message("is ready at line 4")
    [mark] = helix.wait_for_diagnostics(1)
    assert (mark["source"], mark["code"], mark["severity"]) == ("missy", "pending-edit", 3)
    assert helix.text == asked, "nothing changes before it is accepted"

    helix.choose(helix.cursor(4, 4), "Missy: Accept")

    assert helix.text == CODE.replace("def add(a, b):", "def add(a: int, b: int) -> int:")
    [edit] = helix.edits
    [change] = edit["edit"]["documentChanges"]
    assert isinstance(change["textDocument"]["version"], int)
    assert helix.wait_for_diagnostics(0) == []
    helix.undo()
    assert helix.text == asked


def test_a_question_in_a_comment_is_answered(helix: Helix, started: Started) -> None:
    helix.write(CODE.replace("def add", "# missy: why two arguments?\ndef add"))
    started.api.enqueue(answer(REPLY))
    helix.choose(helix.cursor(3), "Missy: Answer: why two arguments?")
    assert REPLY in helix.wait_for_document().read_text(encoding="utf-8")
    assert "why two arguments?" in started.api.requests[0].body.decode()


def test_the_edit_action_begins_a_comment_to_type_into(helix: Helix) -> None:
    helix.choose(helix.cursor(3), "Missy: Edit")
    assert helix.text.split("\n")[3] == "# missy: "
    assert helix.text.replace("# missy: \n", "") == CODE


def test_the_diff_is_shown_and_a_change_discarded(helix: Helix, started: Started) -> None:
    started.api.enqueue(answer(TYPED))
    helix.choose(helix.select(3, 4), "Missy: Add types")
    helix.wait_for_diagnostics(1)

    helix.choose(helix.cursor(3), "Missy: Show diff")
    diff = helix.wait_for_document().read_text(encoding="utf-8")
    assert "-def add(a, b):\n+def add(a: int, b: int) -> int:\n" in diff

    helix.choose(helix.cursor(3), "Missy: Discard")
    assert helix.wait_for_diagnostics(0) == []
    assert helix.text == CODE
    assert helix.edits == []
    assert not [title for title in helix.menu(helix.cursor(3)) if "Accept" in title]


def test_a_change_follows_its_code_while_one_types(helix: Helix, started: Started) -> None:
    started.api.enqueue(answer(TYPED))
    helix.choose(helix.select(3, 4), "Missy: Add types")
    helix.wait_for_diagnostics(1)
    helix.write("# ü 😀\n" + helix.text)
    helix.choose(helix.cursor(4, 2), "Missy: Accept")
    assert helix.text == "# ü 😀\n" + CODE.replace("def add(a, b):", "def add(a: int, b: int) -> int:")


def test_stop_closes_the_request_and_keeps_the_text(helix: Helix, started: Started) -> None:
    started.api.enqueue(stream(message_start(), block_start(), text_delta("It begins"), Hold(), end=False))
    helix.choose(helix.select(3, 4), "Missy: Explain")
    [request] = started.api.wait_for_requests(1)
    started.process.until(lambda message: message.get("method") == "$/progress")

    response = helix.choose(helix.cursor(8), "Missy: Stop")

    assert response["result"] == {"stopped": 1}
    assert request.closed.wait(5)
    started.process.until(
        lambda message: message.get("method") == "$/progress" and message["params"]["value"]["kind"] == "end"
    )
    helix.wait_for_message("It begins")
    assert not [title for title in helix.menu(helix.cursor(8)) if "Stop" in title]


def test_progress_names_what_runs(helix: Helix, started: Started) -> None:
    shown = threading.Event()

    def respond(request: Request) -> Reply:
        assert shown.wait(20)
        return answer("It adds.")

    started.api.respond = respond
    helix.choose(helix.select(3, 4), "Missy: Explain")
    # An answer that comes before the editor has made the token needs no progress.
    started.process.until(lambda message: message.get("method") == "$/progress")
    shown.set()
    helix.wait_for_message("It adds.")
    kinds = [params["value"]["kind"] for params in started.process.notifications("$/progress")]
    titles = [
        params["value"]["title"]
        for params in started.process.notifications("$/progress")
        if params["value"]["kind"] == "begin"
    ]
    assert (kinds[0], kinds[-1]) == ("begin", "end")
    assert len(titles) == 1
    assert "explain" in titles[0].lower()
    assert "claude-" in titles[0]


def test_a_refused_key_is_told_in_a_message(helix: Helix, started: Started) -> None:
    started.api.enqueue(api_error(401, "authentication_error", f"invalid x-api-key {FAKE_KEY}"))
    helix.choose(helix.select(3, 4), "Missy: Explain")
    said = helix.wait_for_message("failed")
    assert "key" in said
    assert FAKE_KEY not in str(started.process.messages)


def test_a_cursor_that_is_one_character_wide_means_its_definition(helix: Helix, started: Started) -> None:
    started.api.enqueue(answer(TYPED))
    helix.choose(helix.cursor(4, 6), "Missy: Add types")
    helix.wait_for_diagnostics(1)
    helix.choose(helix.cursor(4, 6), "Missy: Accept")
    assert helix.text == CODE.replace("def add(a, b):", "def add(a: int, b: int) -> int:")


def test_a_client_that_shows_no_documents_gets_the_head_and_the_file(started_without_documents: Started) -> None:
    started = started_without_documents
    window = started.open()
    started.api.enqueue(answer(REPLY))
    window.choose(window.select(3, 4), "Missy: Explain")
    said = window.wait_for_message("It adds its arguments.")
    path = Path(said.rsplit("the whole answer: ", 1)[1].rstrip(")"))
    assert REPLY in path.read_text(encoding="utf-8")
    assert window.shown == []
    _assert_standard(started.process)


@pytest.mark.parametrize("kind", [Kate, Ale])
def test_accept_where_a_server_may_not_change_the_text(started_without_edits: Started, kind: type[Helix]) -> None:
    started = started_without_edits
    started.process.messages.clear()
    window = started.open(kind=kind)
    started.api.enqueue(answer(TYPED))
    window.choose(window.select(3, 4), "Missy: Add types")
    window.wait_for_diagnostics(1)
    window.choose(window.select(3, 3), "Missy: Accept")
    assert window.text == CODE.replace("def add(a, b):", "def add(a: int, b: int) -> int:")
    for _ in range(3):  # each round trip lets the server's tasks go on
        started.process.command("missy.status")
    assert window.diagnostics() == []
    assert not [text for text in window.messages() if "does not let" in text]
