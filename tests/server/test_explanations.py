"""What was explained before is kept for a while and within bounds."""

from __future__ import annotations

from pathlib import Path

import pytest

from missy_lsp.server.explanations import EXPIRES_AFTER_S, KEPT, KEPT_IN_MEMORY, Explanation, ExplanationCache

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


@pytest.mark.parametrize(
    "kept",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 50_000,
        b'{"madeAt": "x", "text": "a", "model": "m"}',
        b'{"madeAt": 9e99, "text": "a", "model": "m"}',
        b'{"madeAt": NaN, "text": "a", "model": "m"}',
        b'{"madeAt": 1, "model": "m"}',
        b'{"madeAt": 1, "text": "' + b"a" * 100_000 + b'", "model": "m"}',
    ],
)
def test_a_spoilt_file_is_none(tmp_path: Path, kept: bytes) -> None:
    (tmp_path / "a.json").write_bytes(kept)
    clock = Clock()
    clock.now_s = 2.0
    assert ExplanationCache(tmp_path, clock).read("a") is None
