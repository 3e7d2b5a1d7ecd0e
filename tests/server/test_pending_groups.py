"""Which changes of several files wait: named by their files, pushed out by newer ones, ended by their hour."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from lsprotocol import types

from missy_lsp.llm.types import Completion, Usage
from missy_lsp.server.arguments import AskArguments
from missy_lsp.server.change_groups import GroupJob, attach, decide_now, expire
from missy_lsp.server.options import ServerOptions
from missy_lsp.server.pending_groups import KEPT_MOST, ChangeGroup, GroupFile
from missy_lsp.server.session import Session
from missy_lsp.tools.locating import locations_of
from missy_lsp.tools.overlay import FileChange, Overlay
from tests.server.conftest import Shared
from tests.support.fake_api import FakeApi
from tests.support.lsp_process import LspProcess
from tests.support.window import NEW_A, RENAME, A, B, ask, on_disk

ASKED = AskArguments(prompt="rename it")
DONE = Completion("Done.", "anthropic", "m", "primary", (), "end_turn", True, Usage(1, 1), 0.0, None, 1.0)


@pytest.fixture
def api(shared: Shared) -> FakeApi:
    return shared.api


@pytest.fixture
def server(shared: Shared) -> LspProcess:
    return shared.process


@pytest.fixture
def folder(two_files: Path) -> Path:
    return two_files


class Client:
    """The receiving end of a session in this process: it keeps what is to be shown."""

    def __init__(self) -> None:
        self.session = Session(self, ServerOptions())  # type: ignore[arg-type]
        self.shown: list[str] = []

    def notify(self, method: str, params: dict[str, object]) -> None:
        if method == types.WINDOW_SHOW_MESSAGE:
            self.shown.append(str(params["message"]))


@pytest.fixture
def client(isolated_home: Path) -> Client:
    return Client()


def group_of(folder: Path, *names: str) -> ChangeGroup:
    changes = [FileChange(location, A, NEW_A) for name in names for location in locations_of(name, (folder,), ())]
    return ChangeGroup("g", "ask", ASKED, tuple(GroupFile(f"g.{n}", change) for n, change in enumerate(changes, 1)))


def test_a_file_that_is_named_twice_is_changed_once(server: LspProcess, api: FakeApi, folder: Path) -> None:
    edit = ask(server, api, *RENAME)
    uri = (folder / "a.py").as_uri()
    accepted = server.command("missy.accept", {"id": edit["id"], "files": [uri, uri]})["result"]
    assert (accepted["status"], [file["status"] for file in accepted["files"]]) == (
        "applied",
        ["applied", "pending", "pending"],
    )
    assert on_disk(folder) == {"a.py": NEW_A, "b.py": B}


def test_no_file_is_not_every_file(server: LspProcess, api: FakeApi, folder: Path) -> None:
    edit = ask(server, api, *RENAME)
    refused = server.command("missy.accept", {"id": edit["id"], "files": []})["error"]
    assert refused["data"]["kind"] == "invalid_request"
    assert refused["message"].startswith("No file was named, so nothing was applied.")
    assert on_disk(folder) == {"a.py": A, "b.py": B}


def test_a_change_that_newer_ones_push_out_is_said_to_be_discarded(
    server: LspProcess, api: FakeApi, folder: Path
) -> None:
    first = ask(server, api, *RENAME)
    for _ in range(KEPT_MOST):
        ask(server, api, RENAME[0])
    server.until(
        lambda message: (
            message.get("method") == "window/showMessage"
            and message["params"]["message"].startswith(
                "Missy: the change of a.py, b.py, tests/c.py (ask, 3 files) was discarded, since 20 newer ones wait;"
            )
        )
    )
    assert server.command("missy.accept", {"id": first["id"]})["error"]["data"]["kind"] == "invalid_request"


async def test_a_change_whose_hour_is_over_is_said_to_be_discarded(client: Client, tmp_path: Path) -> None:
    group = group_of(tmp_path, "a.py", "b.py", "c.py")
    group.files[1].status = "applied"
    client.session.groups.add(group)
    expire(client.session, group)
    assert client.session.groups.all() == ()
    [said] = client.shown
    assert said.startswith("Missy: the change of a.py, c.py (ask) was discarded, since nobody has decided on it within")


async def test_a_change_that_is_being_applied_at_the_end_of_its_hour_waits_on(client: Client, tmp_path: Path) -> None:
    group = group_of(tmp_path, "a.py")
    client.session.groups.add(group)
    group.is_landing, before = True, group.forget
    expire(client.session, group)
    assert (client.session.groups.all(), group.waiting, client.shown) == ((group,), group.files, [])
    assert group.forget is not before
    group.forget()


async def test_the_oldest_change_is_pushed_out_that_is_not_being_applied(client: Client, tmp_path: Path) -> None:
    groups = [ChangeGroup(str(number), "ask", ASKED, group_of(tmp_path, "a.py").files) for number in range(21)]
    groups[0].is_landing = True
    assert [client.session.groups.add(group) for group in groups] == [None] * KEPT_MOST + [groups[1]]


async def test_a_byte_order_mark_that_is_to_go_is_nothing_to_do_in_an_editor(client: Client, tmp_path: Path) -> None:
    session = client.session
    session.folders = (tmp_path,)
    [location] = locations_of("a.py", (tmp_path,), ())
    group = ChangeGroup("g", "ask", ASKED, (GroupFile("g.1", FileChange(location, f"\ufeff{A}", A)),))
    session.groups.add(group)
    session.documents.open(types.TextDocumentItem(location.path.as_uri(), "python", 1, A))
    assert attach(session, group, group.files[0]) is None
    assert (await decide_now(session, group, group.files))["status"] == "applied"
    assert session.documents.all()[0].buffer.text == A
    assert session.groups.all() == ()


async def test_a_question_that_is_stopped_when_its_answer_is_there_has_a_change_or_says_that_it_is_dropped(
    client: Client, tmp_path: Path
) -> None:
    overlay = Overlay()
    [location] = locations_of("new.py", (tmp_path,), ())
    overlay.edit(location, None, "", "x = 1\n", ())
    job = GroupJob(client.session, overlay, ASKED, "pending")
    task = asyncio.create_task(job.finish("g", DONE, {}))
    await asyncio.sleep(0)  # its first step
    task.cancel()
    await asyncio.wait([task])
    job.close()
    if task.cancelled():
        assert client.shown[0].startswith("Missy: The 1 edits that the model had drafted were dropped")
    else:
        assert "edit" in task.result()
    for group in client.session.groups.all():
        client.session.groups.remove(group)


@pytest.mark.parametrize(
    ("names", "decided", "said"),
    [
        (("a.py", "b.py"), (), "Missy: a change of 2 files waits for review (a.py, b.py)."),
        (("a.py", "b.py"), (0,), "Missy: a change of 1 file waits for review (b.py)."),
        (("a.py", "b.py"), (0, 1), None),
    ],
)
async def test_only_what_still_waits_is_said_to_wait(
    client: Client, tmp_path: Path, names: tuple[str, ...], decided: tuple[int, ...], said: str | None
) -> None:
    group = group_of(tmp_path, *names)
    client.session.groups.add(group)
    for number in decided:
        group.files[number].status = "applied"
    if not group.waiting:
        client.session.groups.remove(group)
    job = GroupJob(client.session, Overlay(), ASKED, "pending")
    await job.show({"text": "Done.", "edit": {"id": "g", "status": "pending", "files": []}}, "ask", "rename it")
    assert client.shown[0] == "Done."
    assert [message.split(" Accept it")[0] for message in client.shown[1:]] == ([said] if said else [])
