"""edit_file: what a model may change in its draft, and what it may not; nothing is written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from missy_lsp.outbound.redaction import redact_secrets
from missy_lsp.syntax.definitions import syntax_faults
from missy_lsp.tools.overlay import MAX_EDITS, Overlay
from missy_lsp.tools.redacting import RedactingToolbox
from missy_lsp.tools.toolbox import Toolbox
from missy_lsp.tools.writing import InTheWayError, check_writable, write_file
from tests.support.workspace import INSIDE_CANARY, needs_links, write

APP = "import os\n\n\ndef main():\n    return os.name\n"
TOKEN = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"  # of the form of a token, and of nobody


@pytest.fixture
def overlay() -> Overlay:
    return Overlay()


@pytest.fixture
def editing(workspace: Path, overlay: Overlay) -> Toolbox:
    return Toolbox((workspace,), ("docs/",), overlay=overlay)


async def edit(toolbox: Toolbox | RedactingToolbox, path: str, old: str, new: str) -> tuple[bool, str]:
    outcome = await toolbox.call("edit_file", {"path": path, "old_text": old, "new_text": new})
    assert outcome.summary.isprintable()
    return outcome.is_error, outcome.text


def test_the_tool_is_only_offered_with_an_overlay(editing: Toolbox) -> None:
    assert [spec.name for spec in editing.specs()] == [
        *("diagnostics", "document_symbols", "edit_file", "list_files", "read_file", "search_text")
    ]


async def test_edits_are_seen_by_later_reads_and_stay_off_the_disk(
    editing: Toolbox, overlay: Overlay, workspace: Path
) -> None:
    assert await edit(editing, "src/app.py", "def main():", "def start():") == (
        False,
        "src/app.py is edited in a draft. The user reviews all edits when you have finished.",
    )
    assert not (await edit(editing, "src/app.py", "def start():", "def begin():"))[0]
    assert not (await edit(editing, "src/added.py", "", "def begin_more():\n    return 2\n"))[0]
    read = (await editing.call("read_file", {"path": "src/app.py"})).text
    assert read.startswith("src/app.py lines 1-5 of 5 (with your edits)\n")
    found = (await editing.call("search_text", {"pattern": "def begin"})).text
    assert found == "src/app.py:4: def begin():\nsrc/added.py:1: def begin_more():"
    assert "src/added.py (new, in your draft)" in (await editing.call("list_files", {"pattern": "*.py"})).text
    assert (await editing.call("document_symbols", {"path": "src/added.py"})).text == "begin_more (lines 1-2)"
    assert (workspace / "src" / "app.py").read_text("utf-8") == APP
    assert not (workspace / "src" / "added.py").exists()
    added, app = overlay.changes()
    assert (added.before, added.after) == (None, "def begin_more():\n    return 2\n")
    assert (app.before, app.after) == (APP, APP.replace("main", "begin"))


@pytest.mark.parametrize(
    ("path", "old", "new", "reason"),
    [
        ("src/app.py", "no such text", "x", "old_text does not stand in the file."),
        ("src/app.py", "4\tdef main():", "x", "old_text does not stand in the file."),
        ("src/app.py", "os", "x", "old_text stands in the file more than once."),
        ("src/app.py", "import os", "import os", "new_text is the same as old_text."),
        ("src/app.py", "", "x", "src/app.py exists."),
        ("src/app.py", APP, "# ... rest of the code unchanged ...\n", "The model left code out"),
        ("src/app.py", "import os", "import os\u200b", "The new text holds characters that nobody sees"),
        ("src/app.py", "import os", "x = '\ud800'", "new_text holds a half of a surrogate pair"),
        ("src/gone.py", "x", "y", "No file that may be edited: src/gone.py."),
        ("../outside/secret.txt", "", "y", "No file that may be edited: ../outside/secret.txt."),
        ("../ws-evil/x.txt", "x", "y", "No file that may be edited"),
        ("/etc/passwd", "root", "y", "No file that may be edited: /etc/passwd."),
        ("~/.bashrc", "", "y", "~/.bashrc can't be edited: it is outside"),
        (".env", "KEY", "y", "No file that may be edited: .env."),
        (".git/hooks/pre-commit", "", "y", "No file that may be edited"),
        (".missy/config.yaml", "", "y", "No file that may be edited: .missy/config.yaml."),
        (".vscode/tasks.json", "", "y", ".vscode/tasks.json can't be edited: files and folders that begin with a dot"),
        (".github/workflows/ci.yml", "", "y", ".github/workflows/ci.yml can't be edited: files and folders"),
        ("conftest.py", "", "y", "conftest.py can't be edited: tools run or obey a file of this name"),
        ("src/package.json", "", "y", "src/package.json can't be edited: tools run or obey"),
        ("Makefile", "", "y", "Makefile can't be edited: tools run or obey"),
        ("CLAUDE.md", "", "y", "CLAUDE.md can't be edited: tools run or obey"),
        ("build/out.py", "x", "y", "No file that may be edited: build/out.py."),
        ("build/new.py", "", "y", "No file that may be edited: build/new.py."),
        ("docs/new.md", "", "y", "No file that may be edited: docs/new.md."),
        ("private/notes.md", "", "y", "No file that may be edited"),
        ("src", "", "y", "No file that may be edited: src."),
        (".", "", "y", ". can't be edited"),
        ("src/con.txt", "", "y", "src/con.txt can't be edited: its name is not one on every system"),
    ],
)  # fmt: skip
async def test_an_edit_that_may_not_be_is_refused_with_its_reason(
    editing: Toolbox, overlay: Overlay, path: str, old: str, new: str, reason: str
) -> None:
    is_error, text = await edit(editing, path, old, new)
    assert is_error
    assert text.startswith(reason)
    assert overlay.changes() == ()
    assert INSIDE_CANARY not in text


@needs_links
@pytest.mark.parametrize(
    "path", ["leak.txt", "up/ws-evil/x.txt", "notes.txt", "hidden_by_ignore", "everything/etc/new"]
)
async def test_a_link_leads_to_no_file_that_may_be_edited(editing: Toolbox, overlay: Overlay, path: str) -> None:
    assert (await edit(editing, path, "", "x"))[0]
    assert (await edit(editing, path, "C", "x"))[0]
    assert overlay.changes() == ()


async def test_the_twenty_first_edit_is_refused_and_the_others_are_kept(editing: Toolbox, overlay: Overlay) -> None:
    for number in range(MAX_EDITS):
        assert not (await edit(editing, f"made/file{number}.py", "", "x = 1\n"))[0]
    is_error, text = await edit(editing, "made/one_more.py", "", "x = 1\n")
    assert is_error
    assert text.startswith("One request may make 20 edits.")
    assert len(overlay.changes()) == MAX_EDITS


async def test_an_edit_is_made_for_the_text_that_was_read(workspace: Path, overlay: Overlay) -> None:
    editing = Toolbox((workspace,), overlay=overlay)
    await editing.call("read_file", {"path": "src/app.py"})
    write(workspace / "src" / "app.py", f"# changed\n{APP}")
    assert (await edit(editing, "src/app.py", "import os", "import sys")) == (
        True,
        "src/app.py has changed since you read it. Read it again.",
    )
    await editing.call("read_file", {"path": "src/app.py"})
    assert not (await edit(editing, "src/app.py", "import os", "import sys"))[0]


async def test_unsaved_text_is_what_is_edited(workspace: Path, overlay: Overlay) -> None:
    editing = Toolbox((workspace,), (), lambda: {str(workspace / "src" / "app.py"): "unsaved = 1\n"}, overlay=overlay)
    assert not (await edit(editing, "src/app.py", "unsaved = 1", "unsaved = 2"))[0]
    [change] = overlay.changes()
    assert (change.before, change.after) == ("unsaved = 1\n", "unsaved = 2\n")


@pytest.mark.parametrize(
    ("before", "old", "new", "after"),
    [
        ("a\r\nb\r\nc\r\n", "a\nb", "x\ny\nz", "x\r\ny\r\nz\r\nc\r\n"),
        ("a\r\nb\nc\r\nd", "c\nd", "x\ny", "a\r\nb\nx\r\ny"),
        ("a\nb", "b", "b\n", "a\nb\n"),
        ("\ufeffa = 1\n", "a = 1", "a = 2", "\ufeffa = 2\n"),
        ("ä😋\r\nb\r\n", "b", "c", "ä😋\r\nc\r\n"),
        ("a\nb\nc\n", "b\n", "", "a\nc\n"),
    ],
)
async def test_line_ends_and_all_around_an_edit_stay(
    workspace: Path, overlay: Overlay, before: str, old: str, new: str, after: str
) -> None:
    (workspace / "file.txt").write_bytes(before.encode())
    assert not (await edit(Toolbox((workspace,), overlay=overlay), "file.txt", old, new))[0]
    [change] = overlay.changes()
    assert (change.before, change.after) == (before, after)


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("big.py", b"x = 1\n" * 200_000, "big.py has more than 1024 KiB"),
        ("latin.py", b"x = '\xe9'\n", "latin.py is no UTF-8 text"),
        ("wide.py", "x = 1\n".encode("utf-16"), "wide.py is no UTF-8 text"),
        ("zero.bin", b"x\0", "zero.bin is no UTF-8 text"),
        ("book.ipynb", b"{}", "book.ipynb is a notebook"),
    ],
)
async def test_what_an_edit_could_harm_is_not_edited(
    workspace: Path, overlay: Overlay, name: str, data: bytes, reason: str
) -> None:
    (workspace / name).write_bytes(data)
    is_error, text = await edit(Toolbox((workspace,), overlay=overlay), name, "x", "y")
    assert is_error
    assert text.startswith(reason)


async def test_a_sparse_file_of_ten_gigabytes_is_refused_by_its_size(workspace: Path, overlay: Overlay) -> None:
    with (workspace / "huge.log.txt").open("wb") as file:
        file.truncate(10 * 2**30)
    is_error, text = await edit(Toolbox((workspace,), overlay=overlay), "huge.log.txt", "x", "y")
    assert is_error
    assert "1024 KiB" in text


async def test_a_secret_comes_back_where_it_stood_and_goes_into_no_other_file(
    workspace: Path, overlay: Overlay
) -> None:
    write(workspace / "settings.py", f'TOKEN = "{TOKEN}"\nLEVEL = 1\n')
    tools = Toolbox((workspace,), overlay=overlay).guarded((redact_secrets("nothing"),))
    read = (await tools.call("read_file", {"path": "settings.py"})).text
    assert TOKEN not in read
    line = read.splitlines()[1].partition("\t")[2]
    assert not (await edit(tools, "settings.py", f"{line}\nLEVEL = 1", f"LEVEL = 2\n{line}"))[0]
    placeholder = line[line.index("[") : line.index("]") + 1]
    for path, old in (("src/app.py", "import os"), ("stolen.py", "")):
        is_error, text = await edit(tools, path, old, f"x = '{placeholder}'")
        assert is_error
        assert "stands for no secret of this text" in text
        assert TOKEN not in text
    [change] = overlay.changes()
    assert change.after == f'LEVEL = 2\nTOKEN = "{TOKEN}"\n'


async def test_a_secret_that_one_edit_took_out_is_put_back_elsewhere_by_another(
    workspace: Path, overlay: Overlay
) -> None:
    write(workspace / "settings.py", f'A = 1\nTOKEN = "{TOKEN[:8]}\u200b{TOKEN[8:]}"\nB = 2\n')
    tools = Toolbox((workspace,), overlay=overlay).guarded(())
    read = (await tools.call("read_file", {"path": "settings.py"})).text
    line = read.splitlines()[2].partition("\t")[2]
    assert line == 'TOKEN = "[secret:github-token:1]"'
    assert not (await edit(tools, "settings.py", f"{line}\n", ""))[0]
    assert not (await edit(tools, "settings.py", "B = 2\n", f"B = 2\n{line}\n"))[0]
    [change] = overlay.changes()
    assert change.after == f'A = 1\nB = 2\nTOKEN = "{TOKEN}"\n'


@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["empty", "only a mark"])
@pytest.mark.parametrize("new", ["x = 1\n", "\ufeffx = 1\n"], ids=["text", "text with a mark"])
async def test_an_empty_file_is_filled(workspace: Path, overlay: Overlay, mark: str, new: str) -> None:
    (workspace / "src" / "__init__.py").write_bytes(mark.encode())
    tools = Toolbox((workspace,), overlay=overlay)
    assert await edit(tools, "src/__init__.py", "", "") == (
        True,
        "src/__init__.py is empty already. Give as new_text what it is to hold.",
    )
    assert (await edit(tools, "src/__init__.py", "", new))[1].startswith("src/__init__.py is edited in a draft.")
    assert (await edit(tools, "src/__init__.py", "", "y"))[1].startswith("src/__init__.py exists.")
    [change] = overlay.changes()
    assert (change.before, change.after) == (mark, mark + (new.removeprefix("\ufeff") if mark else new))


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        (None, "README.md/new.py", "README.md/new.py can't be created: README.md is a file, so nothing can lie below"),
        (None, "src/app.py/deep/new.py", "src/app.py/deep/new.py can't be created: src/app.py is a file"),
        ("pkg", "pkg/a.py", "pkg/a.py can't be created: pkg is a file, so nothing can lie below it."),
        ("pkg/a.py", "pkg", "pkg can't be created: it is a folder of your draft, with pkg/a.py in it."),
        ("pkg/a/b.py", "pkg/a", "pkg/a can't be created: it is a folder of your draft"),
    ],
)
async def test_a_new_file_where_a_file_or_folder_is_in_the_way_is_refused(
    editing: Toolbox, overlay: Overlay, first: str | None, second: str, reason: str
) -> None:
    if first is not None:
        assert not (await edit(editing, first, "", "x = 1\n"))[0]
    is_error, text = await edit(editing, second, "", "x = 2\n")
    assert is_error
    assert text.startswith(reason)
    assert [change.location.name for change in overlay.changes()] == ([] if first is None else [first])


async def test_files_beside_each_other_in_a_new_folder_are_not_in_the_way(editing: Toolbox, overlay: Overlay) -> None:
    for path in ("pkg/a.py", "pkg/b.py", "pkg_a", "src/deep/more.py"):
        assert not (await edit(editing, path, "", "x = 1\n"))[0]
    assert len(overlay.changes()) == 4


async def test_a_folder_that_is_only_in_the_draft_is_listed_and_searched(editing: Toolbox) -> None:
    await edit(editing, "made/deep/a.py", "", "hello\n")
    for path in ("made", "made/deep"):
        listed = await editing.call("list_files", {"path": path})
        assert (listed.is_error, listed.text) == (False, "made/deep/a.py (new, in your draft)")
        found = await editing.call("search_text", {"path": path, "pattern": "hello"})
        assert (found.is_error, found.text) == (False, "made/deep/a.py:1: hello")
    for path in ("made/deep/a.py", "made/other", "mad"):
        assert (await editing.call("list_files", {"path": path})).is_error


async def test_the_files_of_a_draft_are_parsed_once_when_it_is_finished(
    editing: Toolbox, overlay: Overlay, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[str] = []

    def counted(text: str, language_id: str) -> int | None:
        parsed.append(text)
        return syntax_faults(text, language_id)

    monkeypatch.setattr("missy_lsp.tools.overlay.syntax_faults", counted)
    await edit(editing, "src/app.py", "def main():", "def start():")
    await edit(editing, "src/app.py", "return os.name", "return (os.name")
    assert parsed == []
    [change] = overlay.changes()
    assert change.warnings == ("A parser finds more faults in the document with this change.",)
    assert overlay.changes() == (change,)
    assert parsed == [APP, change.after]
    await edit(editing, "src/app.py", "return (os.name", "return 1")
    assert [change.warnings for change in overlay.changes()] == [()]


# --- writing ----------------------------------------------------------------------------------------


async def drafted(workspace: Path, overlay: Overlay, path: str, old: str, new: str) -> None:
    assert not (await edit(Toolbox((workspace,), overlay=overlay), path, old, new))[0]


async def test_a_change_is_written_where_its_text_stands_and_the_mode_stays(workspace: Path, overlay: Overlay) -> None:
    file = workspace / "src" / "app.py"
    file.chmod(0o755)
    await drafted(workspace, overlay, "src/app.py", "import os", "import sys")
    await drafted(workspace, overlay, "deep/er/new.py", "", "x = 1\n")
    new, app = overlay.changes()
    assert write_file(app.location, app.before, app.after) is None
    assert write_file(new.location, new.before, new.after) is None
    assert file.read_text("utf-8") == APP.replace("import os", "import sys")
    assert file.stat().st_mode & 0o777 == (0o755 if os.name == "posix" else 0o666)
    assert (workspace / "deep" / "er" / "new.py").read_text("utf-8") == "x = 1\n"
    assert not list(workspace.rglob("*.tmp"))
    for change, reason in ((app, "changed since"), (new, "exists already")):
        with pytest.raises(InTheWayError, match=reason):
            check_writable(change.location, change.before)
        assert reason in str(write_file(change.location, change.before, change.after))


@needs_links
@pytest.mark.parametrize("swapped", ["file", "folder", "new file", "new folder"])
async def test_a_link_put_there_between_reading_and_writing_is_not_followed(
    workspace: Path, overlay: Overlay, swapped: str
) -> None:
    outside = workspace.parent / "outside"
    write(outside / "app.py", APP)
    is_new = swapped.startswith("new")
    await drafted(workspace, overlay, *(("src/new.py", "", "x") if is_new else ("src/app.py", "import os", "x")))
    if swapped.endswith("folder"):
        os.rename(workspace / "src", workspace / "moved")
        os.symlink(outside, workspace / "src")
    elif is_new:
        os.symlink(outside / "made.py", workspace / "src" / "new.py")
    else:
        (workspace / "src" / "app.py").unlink()
        os.symlink(outside / "app.py", workspace / "src" / "app.py")
    [change] = overlay.changes()
    assert write_file(change.location, change.before, change.after) is not None
    assert (outside / "app.py").read_text("utf-8") == APP
    assert sorted(path.name for path in outside.iterdir()) == ["app.py", "secret.txt"]
