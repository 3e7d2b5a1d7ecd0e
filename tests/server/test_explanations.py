"""What was explained before is kept for a while and within bounds."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import pytest

from missy_lsp.config.files import CLOCKS_DIFFER_S, write_atomically
from missy_lsp.server.explanations import (
    EXPIRES_AFTER_S,
    KEPT,
    KEPT_BYTES,
    KEPT_IN_MEMORY,
    Explanation,
    ExplanationCache,
)

ADDS = Explanation("It adds.", "claude-haiku-4-5")


class Clock:
    now_s = 1_000_000.0

    def __call__(self) -> float:
        return self.now_s


def test_an_explanation_expires_in_memory_and_on_disk(tmp_path: Path) -> None:
    clock = Clock()
    cache = ExplanationCache(tmp_path, clock)
    cache.write("a", ADDS)
    clock.now_s += EXPIRES_AFTER_S - 1
    assert cache.remembered("a") == ExplanationCache(tmp_path, clock).read("a") == ADDS
    clock.now_s += 2
    assert cache.remembered("a") is None
    assert ExplanationCache(tmp_path, clock).read("a") is None


def test_after_a_clock_that_was_ahead_an_explanation_is_none_in_memory_and_on_disk(tmp_path: Path) -> None:
    clock = Clock()
    cache = ExplanationCache(tmp_path, clock)
    cache.write("a", ADDS)
    clock.now_s -= CLOCKS_DIFFER_S  # as much as two machines with one home may differ
    assert cache.remembered("a") == ExplanationCache(tmp_path, clock).read("a") == ADDS
    clock.now_s -= 1
    assert cache.remembered("a") is None
    assert ExplanationCache(tmp_path, clock).read("a") is None


def test_what_a_clock_that_was_ahead_has_left_takes_no_room(tmp_path: Path) -> None:
    for number in range(KEPT):
        path = tmp_path / f"{number}.json"
        path.write_bytes(b"{}")
        os.utime(path, (time.time() + EXPIRES_AFTER_S,) * 2)
    ExplanationCache(tmp_path).write("a", ADDS)
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_what_was_removed_from_the_disk_is_forgotten_in_memory(tmp_path: Path) -> None:
    writer, reader = ExplanationCache(tmp_path), ExplanationCache(tmp_path)
    writer.write("a", ADDS)
    assert reader.read("a") == reader.remembered("a") == writer.remembered("a") == ADDS
    (tmp_path / "a.json").unlink()
    assert reader.remembered("a") is writer.remembered("a") is None
    writer.write("a", ADDS)
    assert reader.remembered("a") is None
    assert reader.read("a") == writer.remembered("a") == ADDS


def test_what_another_process_kept_is_remembered_once_it_was_read(tmp_path: Path) -> None:
    ExplanationCache(tmp_path).write("a", ADDS)
    cache = ExplanationCache(tmp_path)
    assert cache.remembered("a") is None
    assert cache.read("a") == cache.remembered("a") == ADDS


def test_neither_the_memory_nor_the_folder_grows_without_end(tmp_path: Path) -> None:
    for number in range(KEPT + 5):
        (tmp_path / f"{number}.json").write_text("{}")
    cache = ExplanationCache(tmp_path)
    for number in range(KEPT_IN_MEMORY + 5):
        cache.write("a" if number % 2 else f"b{number}", ADDS)
    assert len(list(tmp_path.iterdir())) == KEPT
    assert len(cache._known) <= KEPT_IN_MEMORY


def test_what_is_old_or_was_left_half_written_goes(tmp_path: Path) -> None:
    for name, age_s in ((".a.json.x1y2", 2 * EXPIRES_AFTER_S), ("old.json", 2 * EXPIRES_AFTER_S), ("new.json", 60)):
        path = tmp_path / name
        path.write_bytes(b"{}")
        os.utime(path, (time.time() - age_s,) * 2)
    ExplanationCache(tmp_path).write("a", ADDS)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "new.json"]


def test_the_folder_does_not_grow_by_bytes_either(tmp_path: Path) -> None:
    (tmp_path / "large.json").write_bytes(b" " * KEPT_BYTES)
    os.utime(tmp_path / "large.json", (time.time() - 30,) * 2)
    ExplanationCache(tmp_path).write("a", ADDS)
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.skipif(os.name != "posix", reason="POSIX modes and links")
def test_it_is_readable_by_the_user_alone_and_nothing_else_is_read(tmp_path: Path) -> None:
    cache = ExplanationCache(tmp_path / "hover")
    cache.write("a", ADDS)
    assert (tmp_path / "hover").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "hover" / "a.json").stat().st_mode & 0o777 == 0o600
    (tmp_path / "hover" / "a.json").rename(tmp_path / "elsewhere.json")
    (tmp_path / "hover" / "a.json").symlink_to(tmp_path / "elsewhere.json")
    os.mkfifo(tmp_path / "hover" / "pipe.json")
    assert ExplanationCache(tmp_path / "hover").read("a") is None
    assert ExplanationCache(tmp_path / "hover").read("pipe") is None  # and does not wait for a writer


@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_where_the_disk_takes_nothing_this_process_still_knows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(fault, os.strerror(fault))

    monkeypatch.setattr(os, "replace", refuse)
    cache = ExplanationCache(tmp_path)
    cache.write("a", ADDS)
    assert cache.remembered("a") == ADDS
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "kept",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 50_000,
        b'{"madeAt": "x", "text": "a", "model": "m"}',
        b'{"madeAt": 1' + b"0" * 400 + b', "text": "a", "model": "m"}',
        b'{"madeAt": 1, "text": "a \\ud800", "model": "m"}',
        b'{"madeAt": 1, "text": null, "model": "m"}',
        b'{"madeAt": 1, "text": "a", "model": ["m"]}',
        b'{"madeAt": 9e99, "text": "a", "model": "m"}',
        b'{"madeAt": NaN, "text": "a", "model": "m"}',
        b'{"madeAt": 1, "model": "m"}',
        b'{"madeAt": 1, "text": "' + b"a" * 100_000 + b'", "model": "m"}',
    ],
)
def test_a_spoilt_file_is_none(tmp_path: Path, kept: bytes) -> None:
    clock = Clock()
    clock.now_s = 2.0
    write_atomically(tmp_path / "a.json", b'{"madeAt": 1, "text": "It adds.", "model": "claude-haiku-4-5"}')
    assert ExplanationCache(tmp_path, clock).read("a") == ADDS
    write_atomically(tmp_path / "a.json", kept)  # as private as what is believed
    assert ExplanationCache(tmp_path, clock).read("a") is None
