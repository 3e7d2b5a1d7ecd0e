"""A change of an open document, in this process: our buffer against pygls' TextDocument, in the same run."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from lsprotocol import types
from pygls.workspace import PositionCodec, TextDocument

from missy_lsp.document import Position, TextBuffer

ROUNDS = 100
STOCK_ROUNDS = 5
LINE = "    total = total + item.price * item.count  # the sum so far, in cents\n"
MIB = 1024 * 1024


def measure() -> dict[str, object]:
    results: dict[str, object] = {}
    for name, size in (("10 KB", 10_240), ("1 MB", MIB), ("10 MB", 10 * MIB)):
        text = LINE * (size // len(LINE))
        lines = text.count("\n")
        places = [Position(lines // 2, 4)] * ROUNDS
        anywhere = [Position(random.Random(number).randrange(lines), 4) for number in range(ROUNDS)]
        typed, stock = _ours(text, places, "x"), _stock(text, places[:STOCK_ROUNDS], "x")
        results[f"{name}, typing"] = _cell(typed, stock)
        results[f"{name}, anywhere"] = _cell(_ours(text, anywhere, "x"), stock)
        results[f"{name}, new line"] = _cell(_ours(text, places, "\n"), stock)
        results[f"{name}, typing with a place that is followed"] = _cell(_ours(text, places, "x", tracks=True), stock)
    for name, character in (("ASCII", "a"), ("accents", "é"), ("emoji", "😋")):
        text = character * 100_000
        places = [Position(0, 50_000)] * ROUNDS
        results[f"line of 100,000, {name}"] = _cell(_ours(text, places, "x"), _stock(text, places[:STOCK_ROUNDS], "x"))
    results["target"] = "1 MB <= 0.1 ms, 10 MB <= 0.2 ms, line of 100 KB <= 1 ms"
    return results


def _ours(text: str, places: list[Position], new_text: str, *, tracks: bool = False) -> float:
    buffer = TextBuffer(text, "utf-16")

    def change(place: Position) -> None:
        if tracks:
            buffer.change_of(place, place, new_text)
        buffer.replace(place, place, new_text)

    return _median_ms(change, places)


def _stock(text: str, places: list[Position], new_text: str) -> float:
    document = TextDocument("file:///a.py", text, 1, "python", position_codec=PositionCodec())

    def change(place: Position) -> None:
        position = types.Position(place.line, place.character)
        document.apply_change(types.TextDocumentContentChangePartial(types.Range(position, position), new_text))

    return _median_ms(change, places)


def _median_ms(change: Callable[[Position], None], places: list[Position]) -> float:
    times_ms = []
    for place in places:
        begin_s = time.perf_counter()
        change(place)
        times_ms.append((time.perf_counter() - begin_s) * 1000)
    return sorted(times_ms)[len(times_ms) // 2]


def _cell(ours_ms: float, stock_ms: float) -> str:
    return f"{ours_ms:.3f} ms, stock pygls {stock_ms:.2f} ms, {stock_ms / ours_ms:,.0f} times"
