"""Which earlier text of a document a request still carries."""

from __future__ import annotations

import attrs

from missy_lsp.document import Snapshot
from missy_lsp.server.sent_texts import SentTexts

TEXT = "".join(f"value_{number} = compute({number})\n" for number in range(200))
EDITED = "import sys\n" + TEXT


class Clock:
    now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


def snapshot(text: str, name: str = "a") -> Snapshot:
    return Snapshot(f"file:///ws/{name}.py", 1, "python", text)


def test_what_was_sent_is_the_base_until_a_cache_has_lost_it() -> None:
    clock = Clock()
    sent = SentTexts(clock)
    assert sent.with_base(snapshot(EDITED)).base is None
    sent.note(snapshot(TEXT))
    clock.now_s += 299
    edited = sent.with_base(snapshot(EDITED))
    assert edited.base == TEXT
    sent.note(edited)  # a request with the older text keeps that in the cache
    clock.now_s += 299
    assert sent.with_base(snapshot(EDITED)).base == TEXT
    clock.now_s += 2
    assert sent.with_base(snapshot(EDITED)).base is None


def test_a_document_that_came_back_to_what_was_sent_needs_no_difference() -> None:
    sent = SentTexts()
    sent.note(snapshot(TEXT))
    assert sent.with_base(snapshot(TEXT)) == snapshot(TEXT)


def test_the_documents_that_were_sent_last_are_remembered() -> None:
    sent = SentTexts()
    for number in range(40):
        sent.note(snapshot(TEXT, str(number)))
    known = [sent.with_base(snapshot(EDITED, str(number))).base is not None for number in range(40)]
    assert known == [False] * 8 + [True] * 32


def test_a_huge_document_is_not_kept() -> None:
    sent = SentTexts()
    huge = snapshot("x = 1\n" * 100_000)
    sent.note(huge)
    assert sent.with_base(attrs.evolve(huge, text=huge.text + "y = 2\n")).base is None
