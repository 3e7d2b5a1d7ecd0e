"""Large, binary and strange files, and large folders: bounded, and said so."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from missy_lsp.tools.decoding import decoded
from missy_lsp.tools.listing import MAX_ENTRIES
from missy_lsp.tools.reading import MAX_READ_BYTES
from missy_lsp.tools.toolbox import Toolbox

ROOM_FOR_HEAD = 4_096


async def read(workspace: Path, data: bytes, name: str = "file.txt", **lines: int) -> str:
    (workspace / name).write_bytes(data)
    return (await Toolbox((workspace,)).call("read_file", {"path": name, **lines})).text


async def test_a_long_file_is_read_on_where_it_was_cut(workspace: Path) -> None:
    lines = [f"line {number} {'x' * 40}" for number in range(1, 20_001)]
    data = "\n".join(lines).encode() + b"\n"
    seen: dict[int, str] = {}
    start = 1
    for _ in range(20):
        text = await read(workspace, data, start_line=start)
        assert len(text.encode()) <= MAX_READ_BYTES + ROOM_FOR_HEAD
        for line in text.splitlines()[1:]:
            number, tab, content = line.partition("\t")
            if tab:
                seen[int(number)] = content
        if "[truncated" not in text:
            break
        start = max(seen) + 1
        assert f"read on with start_line={start}]" in text
    assert [seen[number] for number in range(1, 20_001)] == lines


async def test_many_short_lines_stay_within_one_read(workspace: Path) -> None:
    text = await read(workspace, b"\n" * 260_000)
    assert len(text.encode()) <= MAX_READ_BYTES + ROOM_FOR_HEAD
    assert "[truncated" in text


async def test_a_minified_file_is_one_shortened_line(workspace: Path) -> None:
    text = await read(workspace, b"x" * 5_000_000)
    assert len(text) < 3_000
    assert "more characters in this line]" in text


@pytest.mark.skipif(sys.platform == "win32", reason="sparse files are written in full on Windows")
async def test_a_sparse_file_of_ten_gigabytes_is_seen_to_be_no_text(workspace: Path) -> None:
    with (workspace / "huge.bin").open("wb") as file:
        file.truncate(10 * 1024**3)
    start = time.monotonic()
    outcome = await Toolbox((workspace,)).call("read_file", {"path": "huge.bin"})
    assert (outcome.is_error, outcome.text) == (True, "huge.bin is a binary file; only text is read.")
    assert time.monotonic() - start < 2


async def test_a_line_too_far_into_a_huge_file_is_refused(workspace: Path) -> None:
    with (workspace / "huge.txt").open("wb") as file:
        for _ in range(70):
            file.write(b"x" * (1024 * 1024 - 1) + b"\n")
    outcome = await Toolbox((workspace,)).call("read_file", {"path": "huge.txt", "start_line": 1_000})
    assert outcome.is_error
    assert outcome.text in (
        "Line 1000 lies too far in this file to be read.",
        "There is no line 1000: huge.txt has 70 lines.",
    )


async def test_a_line_past_the_end_of_a_long_file_is_counted(workspace: Path) -> None:
    text = await read(workspace, b"some words in a line\n" * 50_000 + b"last", start_line=60_000)
    assert text == "There is no line 60000: file.txt has 50001 lines."


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "file.txt is empty."),
        (b"\xef\xbb\xbfa = 1\n", "file.txt lines 1-1 of 1\n1\ta = 1"),
        ("ä = 'ü'\r\nb\rc".encode(), "file.txt lines 1-3 of 3\n1\tä = 'ü'\n2\tb\n3\tc"),
        ("é\n".encode("utf-16"), "file.txt lines 1-1 of 1\n1\té"),
        (
            "caf\u00e9".encode("latin-1") + b"\nx\n",
            "file.txt lines 1-2 of 2\n1\tcaf\ufffd\n2\tx\n[some bytes are not valid text and were replaced by \ufffd]",
        ),
        (b"\x89PNG\r\n\x00\x01", "file.txt is a binary file; only text is read."),
    ],
    ids=["empty", "mark", "line ends", "utf-16", "latin-1", "binary"],
)
async def test_text_is_read_in_its_encoding(workspace: Path, data: bytes, text: str) -> None:
    assert await read(workspace, data) == text


def test_a_character_cut_off_by_the_limit_is_no_loss() -> None:
    assert decoded("aä".encode()[:-1]) == ("a", False)
    assert decoded(b"\xff") == ("\ufffd", True)


async def test_a_notebook_gives_its_cells_and_none_of_its_outputs(workspace: Path) -> None:
    notebook = {
        "cells": [
            {"cell_type": "markdown", "source": ["# Title\n", "text"]},
            {"cell_type": "code", "source": "x = 1", "outputs": [{"data": {"image/png": "AAAA"}, "text": ["hidden"]}]},
        ]
    }
    text = await read(workspace, json.dumps(notebook).encode(), "a.ipynb")
    assert text.splitlines()[1:] == ["1\t# %% [markdown]", "2\t# Title", "3\ttext", "4\t", "5\t# %% [code]", "6\tx = 1"]


@pytest.mark.parametrize(
    "data", [b"{", b"[]", b'{"cells": [1]}', b"[" * 100_000], ids=["cut", "list", "number", "deep"]
)
async def test_a_broken_notebook_is_refused(workspace: Path, data: bytes) -> None:
    assert await read(workspace, data, "a.ipynb") == "a.ipynb is no notebook that can be read."


async def test_a_list_ends_at_its_limit_and_says_so(workspace: Path) -> None:
    folder = workspace / "many"
    folder.mkdir()
    for number in range(MAX_ENTRIES + 10):
        (folder / f"{number:05}.txt").touch()
    lines = (await Toolbox((workspace,)).call("list_files", {"path": "many"})).text.splitlines()
    assert len(lines) == MAX_ENTRIES + 1
    assert lines[-1].startswith("[truncated: only the first 2000 are listed")


async def test_a_deep_tree_is_walked_to_a_depth(workspace: Path) -> None:
    folder = workspace.joinpath(*["d"] * 40)
    folder.mkdir(parents=True)
    (folder / "bottom.txt").write_text("needle\n")
    listed = (await Toolbox((workspace,)).call("list_files", {})).text
    assert "[truncated: folders more than 20 deep are not looked into]" in listed
    found = (await Toolbox((workspace,)).call("search_text", {"pattern": "needle"})).text
    assert found.startswith("No line contains it.\n[truncated")


async def test_a_search_shows_its_first_lines_shortened(workspace: Path) -> None:
    (workspace / "many.txt").write_text(("x" * 500 + "needle" + "y" * 500 + "\n") * 500)
    lines = (await Toolbox((workspace,)).call("search_text", {"pattern": "needle"})).text.splitlines()
    assert len(lines) == 201
    assert lines[-1].startswith("[truncated: only the first 200 lines")
    assert all("needle" in line and len(line) < 400 for line in lines[:-1])


async def test_a_search_says_where_it_did_not_look(workspace: Path) -> None:
    (workspace / "large.txt").write_text("words\n" * 400_000 + "needle\n")
    found = (await Toolbox((workspace,)).call("search_text", {"pattern": "needle"})).text
    assert found == "No line contains it.\n[truncated: only the first 1024 KiB of large.txt were searched]"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
async def test_a_file_without_permission_is_as_a_missing_one(workspace: Path) -> None:
    (workspace / "closed.txt").write_text("x")
    (workspace / "closed.txt").chmod(0)
    assert (await Toolbox((workspace,)).call("read_file", {"path": "closed.txt"})).is_error
