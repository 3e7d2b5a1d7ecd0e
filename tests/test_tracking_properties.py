"""Any edits of any client: a model of it, character by character, decides where a place is."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Sequence

import pytest
from lsprotocol import types

from missy_lsp.document import PositionEncoding, Span
from missy_lsp.server.documents import OpenDocument, OpenDocuments

PIECES = [
    "a",
    "b",
    "\n",
    "\r\n",
    "\r",
    "😋",
    "é",
    "漢",
    "\f",
    "\x85",
    "\u2028",
    "x = 1\n",
    "  ",
    "e\u0301",
    "two\n",
    "two\n",
]
ENCODINGS: tuple[PositionEncoding, ...] = ("utf-8", "utf-16", "utf-32")
CODECS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}
WHOLE_RUN = 10_000
CASES_HERE = WHOLE_RUN if os.environ.get("MISSY_SOAK") else WHOLE_RUN // 100
URI = "file:///a.py"


class Editor:
    """A document as its editor has it: each character has a number of its own, whatever it looks like."""

    def __init__(self, text: str, encoding: PositionEncoding) -> None:
        self.encoding = encoding
        self.characters = list(enumerate(text))
        self._next = len(text)
        # What undoes each edit: from, to, and the very characters that stood there.
        self.past: list[tuple[int, int, list[tuple[int, str]]]] = []

    @property
    def text(self) -> str:
        return "".join(character for _, character in self.characters)

    def edit(self, start: int, end: int, new_text: str) -> types.TextDocumentContentChangePartial | None:
        """Edit and return how to tell it; None where the protocol has no position for it."""
        new = list(enumerate(new_text, self._next))
        self._next += len(new_text)
        self.past.append((start, start + len(new), self.characters[start:end]))
        return self._replace(start, end, new)

    def undo(self) -> types.TextDocumentContentChangePartial | None:
        return self._replace(*self.past.pop())

    def _replace(
        self, start: int, end: int, new: list[tuple[int, str]]
    ) -> types.TextDocumentContentChangePartial | None:
        first, last = self._position(start), self._position(end)
        self.characters[start:end] = new
        if first is None or last is None:
            return None
        new_text = "".join(character for _, character in new)
        return types.TextDocumentContentChangePartial(types.Range(first, last), new_text)

    def _position(self, offset: int) -> types.Position | None:
        before, text = self.text[:offset], self.text
        if before.endswith("\r") and text[offset : offset + 1] == "\n":
            return None
        lines = before.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        codec, width = CODECS[self.encoding]
        return types.Position(len(lines) - 1, len(lines[-1].encode(codec)) // width)


class Case:
    """One run: an editor, our document, and a place in both."""

    def __init__(self, seed: str, encoding: PositionEncoding) -> None:
        self.chance = random.Random(seed)
        text = self.pieces(self.chance.randrange(1, 30))
        self.editor = Editor(text, encoding)
        self._documents = OpenDocuments(encoding)
        self._documents.open(types.TextDocumentItem(URI, "python", 1, text))
        document = self._documents.get(URI)
        assert document is not None
        self.document: OpenDocument = document
        start = self.chance.randrange(len(text) + 1)
        end = min(len(text), start + self.chance.choice([0, 1, 2, 4, 8, 20]))
        self.original = text[start:end]
        self.numbers = [number for number, _ in self.editor.characters[start:end]]
        self.outside = set(range(len(text))) - set(self.numbers)  # what nothing has touched, as yet
        self.tracked = document.track(Span(start, end))
        self.is_certain = True  # never were several edits told of as one
        self.is_exact = True  # every edit was told of by its range
        self.was_away = False  # some of its characters were gone, if only for a while
        self.restored_at: int | None = None  # how many edits can be undone when its removal just was; -1: never mind

    def pieces(self, count: int) -> str:
        return "".join(self.chance.choices(PIECES, k=count))

    def step(self) -> None:
        """Edit or undo, once or a few times, and tell of it by ranges or by the whole text."""
        edits: list[types.TextDocumentContentChangePartial | None] = []
        was_touched = self.tracked.is_touched
        for _ in range(self.chance.choice([1, 1, 1, 2, 3])):
            undoable = len(self.editor.past)
            edits.append(self._edit())
            self.outside &= {number for number, _ in self.editor.characters}
            if self.here is None and not self.was_away:
                self.was_away = True
                self.restored_at = -1 if was_touched or len(edits) > 1 else undoable
            elif self.restored_at is not None and len(self.editor.past) != self.restored_at:
                self.restored_at = -1
        told = [edit for edit in edits if edit is not None]
        changes: Sequence[types.TextDocumentContentChangeEvent] = told
        if len(told) < len(edits) or self.chance.random() < 0.2:
            self.is_certain &= len(edits) == 1
            self.is_exact = False
            changes = [types.TextDocumentContentChangeWholeDocument(self.editor.text)]
        identifier = types.VersionedTextDocumentIdentifier(self.document.version + 1, URI)
        self._documents.change(types.DidChangeTextDocumentParams(identifier, changes))
        assert self.document.buffer.text == self.editor.text

    def _edit(self) -> types.TextDocumentContentChangePartial | None:
        chance, size = self.chance, len(self.editor.characters)
        if self.editor.past and chance.random() < 0.35:
            return self.editor.undo()
        start = chance.randrange(size + 1)
        end = min(size, start + chance.choice([0, 0, 1, 3, 8, 40]))
        new_text = self.editor.text[start:end] if chance.random() < 0.1 else ""
        return self.editor.edit(start, end, new_text + self.pieces(chance.choice([0, 1, 1, 2])))

    @property
    def here(self) -> int | None:
        """Return where its very characters are, None unless all are there, in their order and with none between."""
        wanted = set(self.numbers)
        places = [index for index, (number, _) in enumerate(self.editor.characters) if number in wanted]
        found = [number for number, _ in self.editor.characters[places[0] : places[-1] + 1]] if places else []
        return places[0] if places and found == self.numbers else None

    def judge(self) -> str:
        """Compare what we say with what became of the very characters; return what it came to."""
        found, text = self.tracked.locate(self.editor.text, self.original), self.editor.text
        shown = self.tracked.span
        assert 0 <= shown.start <= shown.end <= len(text)
        if found is not None:
            assert text[found.start : found.end] == self.original
        if not self.is_certain or not self.numbers:
            return "found by the text" if found else "refused by the text"
        here = self.here
        if found is None:
            if self.is_exact:
                assert here is None or self.was_away, "what was always there must be found"
                assert here is None or len(self.editor.past) != self.restored_at, "what was undone must be found"
            return "refused"
        assert here in (None, found.start), "it must not land on a copy"
        there = {number for number, _ in self.editor.characters[found.start : found.end]}
        taken = there & self.outside
        # Where the whole text was sent, one of two equal neighbours was removed, and nobody can tell which.
        assert not taken or (not self.is_exact and taken < there), "it must not take what nothing touched"
        return "retyped" if here is None else "back" if self.was_away else "always there"


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_random_edits_never_lead_a_place_to_the_wrong_text(encoding: PositionEncoding) -> None:
    came_to: Counter[str] = Counter()
    for number in range(CASES_HERE):
        case = Case(f"{encoding} {number}", encoding)
        for _ in range(case.chance.randrange(1, 8)):
            case.step()
            came_to[case.judge()] += 1
    assert len(came_to) == 6, "each verdict was met"
