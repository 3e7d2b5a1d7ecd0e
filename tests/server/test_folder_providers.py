"""Providers by folder over the wire: a document goes to the provider of its folder, whatever the session says."""

from __future__ import annotations

from pathlib import Path

from tests.support.configuration import FAKE_KEY, write_user_config
from tests.support.fake_api import (
    FakeApi,
    answer,
    block_start,
    block_stop,
    delta,
    message_delta,
    message_start,
    message_stop,
    stream,
)
from tests.support.lsp_process import LspProcess


def test_a_document_goes_to_the_provider_of_its_folder(isolated_home: Path, tmp_path: Path) -> None:
    acme_folder, other_folder = tmp_path / "acme", tmp_path / "other"
    for folder in (acme_folder, other_folder):
        folder.mkdir()
        (folder / "secret.txt").write_text(f"of {folder.name}\n")
    with FakeApi() as acme, FakeApi() as anthropic, FakeApi() as third, LspProcess() as server:
        apis = {"anthropic": anthropic, "acme": acme, "third": third}
        for api in apis.values():
            api.respond = lambda request: answer("ok")
        providers = {name: {"api_key": f"{FAKE_KEY}-{name}", "base_url": api.base_url} for name, api in apis.items()}
        write_user_config(isolated_home, providers=providers, folders={str(acme_folder): "acme"})
        folders = [{"uri": folder.as_uri(), "name": folder.name} for folder in (other_folder, acme_folder)]
        server.initialize(other_folder, workspaceFolders=folders)

        def ask(path: Path, **more: object) -> list[int]:
            server.open(path.as_uri(), "x = 1\n")
            target = {"prompt": "why?", "textDocument": {"uri": path.as_uri()}, "wait": True, **more}
            assert server.command("missy.ask", target)["result"]["complete"]
            return [len(api.requests) for api in apis.values()]

        assert ask(other_folder / "a.py") == [1, 0, 0]
        assert ask(acme_folder / "a.py") == [1, 1, 0]
        listed = server.command("missy.switchProvider", {"name": "third"})["result"]
        assert [entry["name"] for entry in listed if entry["default"]] == ["third"]
        said = server.notifications("window/showMessage")[-1]["message"]
        assert f"acme still serves in {acme_folder}" in said
        assert ask(other_folder / "b.py") == [1, 1, 1]
        assert ask(acme_folder / "b.py") == [1, 2, 1]
        assert ask(acme_folder / "c.py", provider="third") == [1, 2, 2]
        assert server.command("missy.status")["result"]["folderProviders"] == {str(acme_folder): "acme"}
        # A file that no workspace folder holds is looked for among the folders all the same.
        settings = {"default_provider": "anthropic"}
        server.notify("workspace/didChangeConfiguration", {"settings": {"missy": settings}})
        gone = {"event": {"added": [], "removed": folders}}
        server.notify("workspace/didChangeWorkspaceFolders", gone)
        assert ask(acme_folder / "d.py") == [1, 3, 2]


def test_what_is_shown_unasked_goes_to_the_provider_of_its_folder_too(isolated_home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "acme"
    folder.mkdir()
    with FakeApi() as acme, FakeApi() as third, LspProcess() as server:
        apis = {"acme": acme, "third": third}
        for api in apis.values():
            api.respond = lambda request: answer("<replacement>\ndef total(prices): pass\n</replacement>\n")
        providers = {name: {"api_key": FAKE_KEY, "base_url": api.base_url} for name, api in apis.items()}
        write_user_config(
            isolated_home,
            providers={"anthropic": {}, **providers},
            folders={str(folder): "acme"},
            hover={"mode": "always"},
            completion={"mode": "manual"},
        )
        server.initialize(folder, {"textDocument": {"inlineCompletion": {}}})
        server.command("missy.switchProvider", {"name": "third"})
        uri = (folder / "a.py").as_uri()
        server.open(uri, "def total(prices):\n")
        place = {"textDocument": {"uri": uri}, "position": {"line": 0, "character": 18}}
        suggested = server.request("textDocument/inlineCompletion", {**place, "context": {"triggerKind": 1}})
        assert suggested["result"]
        assert server.request("textDocument/hover", {**place, "position": {"line": 0, "character": 5}})["result"]
        assert (len(acme.requests), len(third.requests)) == (2, 0)


def test_the_tools_of_a_request_read_no_folder_of_another_provider(isolated_home: Path, tmp_path: Path) -> None:
    names = ("acme", "other")
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / f"of-{name}.txt").write_text("x\n")
    listing = stream(
        message_start(),
        block_start(type="tool_use", id="toolu_01", name="list_files", input={}),
        delta(type="input_json_delta", partial_json="{}"),
        block_stop(),
        message_delta("tool_use"),
        message_stop(),
    )
    with FakeApi() as api, LspProcess() as server:
        providers = {name: {"api_key": FAKE_KEY, "base_url": api.base_url} for name in ("anthropic", "acme")}
        write_user_config(isolated_home, providers=providers, folders={str(tmp_path / "acme"): "acme"})
        folders = [{"uri": (tmp_path / name).as_uri(), "name": name} for name in names]
        server.initialize(tmp_path / "other", workspaceFolders=folders)
        seen = {}
        for name in names:
            uri = (tmp_path / name / "a.py").as_uri()
            server.open(uri, "x = 1\n")
            api.enqueue(listing, answer("ok"))
            target = {"prompt": "why?", "textDocument": {"uri": uri}, "wait": True}
            assert "result" in server.command("missy.ask", target)
            seen[name] = api.requests[-1].body.decode()
    for name, other in (names, names[::-1]):
        assert f"of-{name}.txt" in seen[name]
        assert f"of-{other}.txt" not in seen[name]
