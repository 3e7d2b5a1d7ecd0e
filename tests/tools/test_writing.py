"""Writing an accepted change into a file: in the form that the file has, and not where something is in the way."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from missy_lsp.tools.locating import Location, locations_of
from missy_lsp.tools.writing import InTheWayError, check_writable, write_file

READ_ONLY, WRITABLE = 0o444, 0o644


def place(workspace: Path, name: str) -> Location:
    [location] = locations_of(name, (workspace,), ())
    return location


@pytest.mark.parametrize(
    ("on_disk", "before", "after", "written"),
    [
        (b"a\r\nb\r\n", "a\nb\n", "a\nc\nd\n", b"a\r\nc\r\nd\r\n"),
        (b"a\nb\n", "a\r\nb\r\n", "a\r\nc\r\n", b"a\nc\n"),
        (b"\xef\xbb\xbfa\n", "a\n", "b\n", b"\xef\xbb\xbfb\n"),
        (b"\xef\xbb\xbfa\r\n", "a\n", "b\n", b"\xef\xbb\xbfb\r\n"),
        (b"a\n", "\ufeffa\n", "\ufeffb\n", b"b\n"),
        (b"\xef\xbb\xbfa\n", "\ufeffa\n", "a\n", b"a\n"),
        (b"a\r\nb\nc", "a\r\nb\nc", "a\r\nb\nd", b"a\r\nb\nd"),
        (b"", "", "a\n", b"a\n"),
    ],
)
def test_a_change_is_written_in_the_form_of_the_file(
    workspace: Path, on_disk: bytes, before: str, after: str, written: bytes
) -> None:
    (workspace / "file.txt").write_bytes(on_disk)
    location = place(workspace, "file.txt")
    check_writable(location, before)
    assert write_file(location, before, after) is None
    assert (workspace / "file.txt").read_bytes() == written


@pytest.mark.parametrize(
    ("on_disk", "before", "why", "is_change"),
    [
        (b"a\nx\n", "a\nb\n", "changed since the model read it", True),
        (b"a\nb\n" * 1000, "a\nb\n", "changed since the model read it", True),
        (None, "a\nb\n", "changed since the model read it", True),
        (b"a\r\nb\n", "a\nb\n", "has line ends of several kinds. Open it in the editor", False),
        ("é\n".encode("latin-1"), "é\n", "is not UTF-8 text. Open it in the editor", False),
        ("é\n".encode("utf-16"), "é\n", "is not UTF-8 text. Open it in the editor", False),
        (b"a\n", None, "exists already", True),
    ],
)
def test_what_is_in_the_way_is_found_before_anything_is_written(
    workspace: Path, on_disk: bytes | None, before: str | None, why: str, is_change: bool
) -> None:
    file = workspace / "file.txt"
    location = place(workspace, "file.txt")
    if on_disk is not None:
        file.write_bytes(on_disk)
    with pytest.raises(InTheWayError, match=rf"^file\.txt {why}") as raised:
        check_writable(location, before)
    assert raised.value.is_change is is_change
    if before is not None:
        assert write_file(location, before, "new\n") is not None
        assert (file.read_bytes() if file.exists() else None) == on_disk


@pytest.mark.parametrize("name", ["src/file.txt/new.py", "src/file.txt/deep/new.py"])
def test_a_new_file_below_a_path_that_is_a_file_is_refused_before_anything_is_made(workspace: Path, name: str) -> None:
    location = place(workspace, name)
    check_writable(location, None)
    (workspace / "src" / "file.txt").write_text("x")
    with pytest.raises(InTheWayError, match=r"can't be made: file\.txt is no folder$"):
        check_writable(location, None)
    assert write_file(location, None, "x = 1\n") is not None


def test_a_file_that_became_read_only_is_not_replaced(workspace: Path) -> None:
    file = workspace / "file.txt"
    file.write_bytes(b"a\n")
    file.chmod(READ_ONLY)
    location = place(workspace, "file.txt")
    try:
        with pytest.raises(InTheWayError, match="is read-only"):
            check_writable(location, "a\n")
        assert str(write_file(location, "a\n", "b\n")).startswith("file.txt is read-only. Make it writable")
        assert file.read_bytes() == b"a\n"
    finally:
        file.chmod(WRITABLE)
    assert write_file(location, "a\n", "b\n") is None


def test_a_file_with_a_hard_link_is_not_parted_from_it(workspace: Path) -> None:
    file, other = workspace / "file.txt", workspace.parent / "other.txt"
    file.write_bytes(b"a\n")
    os.link(file, other)
    location = place(workspace, "file.txt")
    with pytest.raises(InTheWayError, match="has a hard link"):
        check_writable(location, "a\n")
    assert str(write_file(location, "a\n", "b\n")).startswith(
        "file.txt has a hard link, which would keep the old text."
    )
    assert file.samefile(other)
    assert other.read_bytes() == b"a\n"


def test_half_a_surrogate_pair_is_no_fault_of_the_servers(workspace: Path) -> None:
    (workspace / "file.txt").write_bytes("x = '\ud83d'\n".encode("utf-8", "surrogatepass"))
    location = place(workspace, "file.txt")
    with pytest.raises(InTheWayError, match="can't be read"):
        check_writable(location, "x = '\ud83d'\n")
    assert "file.txt can't be written" in str(write_file(location, "x = '\ud83d'\n", "y = '\ud83d'\n"))
