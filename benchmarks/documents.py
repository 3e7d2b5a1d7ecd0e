"""What a change of a document costs in our server and in stock pygls, in one process and run, in ms for a change.

Ours is all that the server does for a notification, with one place followed; stock is `TextDocument.apply_change`
alone. Both must end with the same text.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from lsprotocol import types
from pygls.workspace import PositionCodec, TextDocument

from missy_lsp.document import Span
from missy_lsp.server.documents import OpenDocuments

URI = "file:///project/a.py"
LINE = "    value = compute(alpha, beta)  # a note\n"
SIZES = {"10kb": 10_000, "1mb": 1_000_000, "10mb": 10_000_000}
LONG_LINES = {"ascii": "x", "accents": "é漢x", "emoji": "x😋é漢"}
LONG_LINE_CHARACTERS = 100_000
CURSORS = 30
PASTED_LINES = 10_000
COUNT = 300
STOCK_COUNT = {"10kb": 50, "1mb": 15, "10mb": 4}

Edit = types.TextDocumentContentChangePartial
# For a run of notifications: the edits of each, made for a text with so many lines.
Edits = Callable[[int], Iterator[list[Edit]]]


def measure() -> dict[str, object]:
    results: dict[str, object] = {}
    for size, characters in SIZES.items():
        text = LINE * (characters // len(LINE))
        for name, edits in CASES.items():
            results[f"{name}_{size}"] = _compare(text, edits, STOCK_COUNT[size])
        results[f"first_change_{size}"] = _first_change(text)
        results[f"full_sync_{size}"] = _full_sync(text)
    for name, piece in LONG_LINES.items():
        text = piece * (LONG_LINE_CHARACTERS // len(piece)) + "\n"
        results[f"typing_in_a_line_of_100k_{name}"] = _compare(text, _in_long_line, 8)
    results["target"] = "a change: median <= 0.1 ms at 1 MB, 0.2 ms at 10 MB, 1 ms in a line of 100,000 characters"
    return results


def _typing(lines: int) -> Iterator[list[Edit]]:
    for column in range(COUNT):
        yield [_edit(lines // 2, column, "x")]


def _typing_at_random_places(lines: int) -> Iterator[list[Edit]]:
    chance = random.Random(1)
    for _ in range(COUNT):
        yield [_edit(chance.randrange(lines), 7, "x")]


def _newlines(lines: int) -> Iterator[list[Edit]]:
    for number in range(COUNT):
        yield [_edit(lines // 2 + number, 4, "\n")]


def _cursors(lines: int) -> Iterator[list[Edit]]:
    for column in range(COUNT // CURSORS):
        yield [_edit(lines * number // CURSORS, column, "x") for number in range(CURSORS)]


def _paste_and_undo(lines: int) -> Iterator[list[Edit]]:
    middle = lines // 2
    for _ in range(10):
        yield [_edit(middle, 0, LINE * PASTED_LINES)]
        yield [_edit(middle, 0, "", last=middle + PASTED_LINES)]


def _in_long_line(_: int) -> Iterator[list[Edit]]:
    for column in range(COUNT):
        yield [_edit(0, LONG_LINE_CHARACTERS // 2 + column, "x")]


CASES: dict[str, Edits] = {
    "typing": _typing,
    "typing_at_random_places": _typing_at_random_places,
    "newlines": _newlines,
    f"{CURSORS}_cursors_in_one_notification": _cursors,
    f"paste_and_undo_{PASTED_LINES}_lines": _paste_and_undo,
}


def _edit(line: int, column: int, text: str, last: int | None = None) -> Edit:
    start = types.Position(line, column)
    end = start if last is None else types.Position(last, 0)
    return Edit(types.Range(start, end), text)


def _compare(text: str, edits: Edits, stock_count: int) -> dict[str, float]:
    lines = text.count("\n")
    documents = _opened(text)
    ours_ms = sorted(_timed(lambda group: documents.change(_notification(group)), edits(lines)))
    stock = _stock(text)
    first = list(islice(edits(lines), stock_count))
    stock_ms = sorted(_timed(lambda group: [stock.apply_change(change) for change in group], first))
    _check_equal(text, first, stock.source)
    ours, theirs = ours_ms[len(ours_ms) // 2], stock_ms[len(stock_ms) // 2]
    return {
        "median_ms": round(ours, 4),
        "p99_ms": round(ours_ms[int(len(ours_ms) * 0.99)], 4),
        "stock_ms": round(theirs, 2),
        "times_faster": round(theirs / ours),
    }


def _timed(apply: Callable[[list[Edit]], object], groups: Iterable[list[Edit]]) -> Iterator[float]:
    """Yield the milliseconds for one change of each notification."""
    for group in groups:
        begin_s = time.perf_counter()
        apply(group)
        yield (time.perf_counter() - begin_s) * 1000 / len(group)


def _check_equal(text: str, groups: list[list[Edit]], expected: str) -> None:
    documents = _opened(text)
    for group in groups:
        documents.change(_notification(group))
    assert _text_of(documents) == expected


def _first_change(text: str) -> dict[str, float]:
    """Time a change right after the document was opened: the lines are split then."""
    documents, stock = _fresh(text), _stock(text)
    begin_s = time.perf_counter()
    documents.change(_notification([_edit(10, 0, "x")]))
    ours_s = time.perf_counter() - begin_s
    stock.apply_change(_edit(10, 0, "x"))
    return {"ms": round(ours_s * 1000, 2), "stock_ms": round((time.perf_counter() - begin_s - ours_s) * 1000, 2)}


def _full_sync(text: str) -> dict[str, float]:
    """Time a change that sends the whole text, with and without a place that is followed."""
    middle = len(text) // 2
    whole = types.TextDocumentContentChangeWholeDocument(text[:middle] + "x" + text[middle:])
    milliseconds = []
    for documents in (_fresh(text), _opened(text)):
        begin_s = time.perf_counter()
        documents.change(_notification([whole]))
        milliseconds.append(round((time.perf_counter() - begin_s) * 1000, 3))
    return {"ms": milliseconds[0], "with_a_place_followed_ms": milliseconds[1]}


def _fresh(text: str) -> OpenDocuments:
    documents = OpenDocuments("utf-16")
    documents.open(types.TextDocumentItem(URI, "python", 1, text))
    return documents


def _opened(text: str) -> OpenDocuments:
    """Open a document, follow a place in it and have its lines split by a change and its undo."""
    documents = _fresh(text)
    document = documents.get(URI)
    assert document is not None
    document.track(Span(20, 30))
    undo = Edit(types.Range(types.Position(0, 0), types.Position(0, 1)), "")
    documents.change(_notification([_edit(0, 0, "x"), undo]))
    return documents


def _stock(text: str) -> TextDocument:
    codec = PositionCodec(types.PositionEncodingKind.Utf16)
    return TextDocument(URI, text, 1, "python", sync_kind=types.TextDocumentSyncKind.Incremental, position_codec=codec)


def _notification(
    changes: list[Edit] | list[types.TextDocumentContentChangeWholeDocument],
) -> types.DidChangeTextDocumentParams:
    return types.DidChangeTextDocumentParams(types.VersionedTextDocumentIdentifier(2, URI), changes)


def _text_of(documents: OpenDocuments) -> str:
    document = documents.get(URI)
    assert document is not None
    return document.buffer.text
