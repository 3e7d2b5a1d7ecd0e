"""The ignore files of a workspace hide what they say in whatever form they come, all where that is unknown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from missy_lsp.tools import locating
from missy_lsp.tools.overlay import Overlay
from missy_lsp.tools.toolbox import Toolbox
from tests.support.workspace import INSIDE_CANARY, needs_links, write

HIDDEN = "private/notes.md"
OPEN = "src/app.py"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "ws" / HIDDEN, f"{INSIDE_CANARY}\n")
    write(tmp_path / "ws" / OPEN, "import os\n")
    return tmp_path / "ws"


@pytest.fixture(params=[True, False], ids=["opened part by part", "opened and compared"])
def way_of_opening(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locating, "HAS_DIRECTORY_OPEN", locating.HAS_DIRECTORY_OPEN and request.param)


async def said(folder: Path, name: str, **arguments: object) -> str:
    return (await Toolbox((folder,)).call(name, arguments)).text


async def assert_hides_only_the_private_file(folder: Path) -> None:
    assert (await said(folder, "read_file", path=HIDDEN)).startswith("No file or folder that may be read")
    assert INSIDE_CANARY not in await said(folder, "search_text", pattern=INSIDE_CANARY[:6])
    assert "import os" in await said(folder, "read_file", path=OPEN)


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbfprivate/\nother/\n",
        b"\xef\xbb\xbf# a comment\r\nprivate/\r\n",
        "private/\r\n".encode("utf-16"),
        b"\xfe\xff" + "private/\n".encode("utf-16-be"),
        b"# caf\xe9\nprivate/\n",
        b"pr\xefvate/\n",
        b"".join(b"nothing%d\n" % number for number in range(1_200)) + b"private/\n",
        b"private/\n" + b"".join(b"!nothing%d\n" % number for number in range(1_200)),
        b"private/\n" + b"# " + b"x" * 1_000 + b"\n",
    ],
    ids=["mark", "mark and comment", "utf-16", "utf-16-be", "latin-1 comment", "latin-1 rule", "last of many rules",
         "first of many rules", "long comment"],
)  # fmt: skip
async def test_rules_are_read_in_every_encoding_and_number(folder: Path, data: bytes) -> None:
    (folder / ".missyignore").write_bytes(data)
    await assert_hides_only_the_private_file(folder)


@needs_links
@pytest.mark.usefixtures("way_of_opening")
async def test_a_link_to_an_ignore_file_below_the_folder_is_followed(folder: Path) -> None:
    write(folder / "settings" / "ignored", "private/\n")
    os.symlink(os.path.join("settings", "ignored"), folder / ".missyignore")
    os.symlink("private", folder / "way_in")
    await assert_hides_only_the_private_file(folder)
    assert (await said(folder, "read_file", path="way_in/notes.md")).startswith("No file or folder that may be read")


def no_ignore_file(folder: Path, kind: str) -> str:
    """Make an ignore file of `src` that can't be read whole; return what is said of it."""
    file = folder / "src" / ".gitignore"
    write(folder.parent / "outside", "nothing\n")
    if kind == "large":
        file.write_bytes(b"nothing\n" * 10_000)
    elif kind == "long rule":
        file.write_bytes(b"n" * 300 + b"\n")
    elif kind == "binary":
        file.write_bytes(b"app.py\0\n")
    elif kind == "folder":
        file.mkdir()
    else:
        os.symlink({"outside": "../../outside", "nothing": "no-such-file", "itself": ".gitignore"}[kind], file)
    return {
        "large": "is larger than 64 KiB",
        "long rule": "has a rule of more than 200 characters",
        "binary": "is no text",
        "folder": "is no regular file",
        "outside": "is a link that leads out of the workspace folder",
        "nothing": "is a link to nothing that can be read",
        "itself": "is a link",
    }[kind]


@pytest.mark.usefixtures("way_of_opening")
@pytest.mark.parametrize(
    "kind",
    [
        *("large", "long rule", "binary", "folder"),
        *(pytest.param(kind, marks=needs_links) for kind in ("outside", "nothing", "itself")),
    ],
)
async def test_where_an_ignore_file_can_not_be_read_its_folder_is_closed_and_it_is_said(
    folder: Path, kind: str
) -> None:
    reason = no_ignore_file(folder, kind)
    for path in (OPEN, "src/no_such_file.py"):
        text = await said(folder, "read_file", path=path)
        assert text.startswith(f"No file or folder that may be read: {path}. list_files shows what there is. src/.git")
        assert reason in text
        assert text.endswith("so nothing of its folder is shown. The user can mend that file.")
    tools = Toolbox((folder,), overlay=Overlay())
    edited = (await tools.call("edit_file", {"path": OPEN, "old_text": "import os", "new_text": "x"})).text
    assert edited.startswith("No file that may be edited: src/app.py.")
    assert reason in edited
    for name, arguments in (("list_files", {}), ("search_text", {"pattern": "import os"})):
        text = await said(folder, name, **arguments)
        assert reason in text.splitlines()[-1]
        assert "app.py" not in text
    assert INSIDE_CANARY in await said(folder, "read_file", path=HIDDEN)  # another folder is as it was


async def test_nothing_brings_back_what_an_unreadable_ignore_file_closes(folder: Path) -> None:
    (folder / ".missyignore").write_bytes(b"\0")
    write(folder / "src" / ".missyignore", "!app.py\n")
    assert "is no text" in await said(folder, "read_file", path=OPEN)
    assert (await said(folder, "list_files")).startswith("(nothing)\n[truncated: .missyignore is no text")
