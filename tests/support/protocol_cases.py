"""The cases in tests/data/protocol: what a client sends, byte by byte, and the replies that it gets.

A case is `{"id", "source", "send": [piece, ...], "replies": [[id, code or "result"], ...]}`. A piece is an object with
one of `message` (JSON), `body` (text), `base64` (bytes), each framed, or `raw` (text, sent as it is). `header` replaces
the usual header (N stands for the length), `repeat`, `then` and `end` extend a body: `[text, times]`, again, text.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.support.lsp_process import Message

Case = dict[str, Any]
Reply = tuple[object, object]

_FOLDER = Path(__file__).parents[1] / "data" / "protocol"


def cases(name: str) -> list[Any]:
    """Return the cases of a file as pytest parameters with their names."""
    found: list[Case] = json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return [pytest.param(case, id=case["id"]) for case in found]


def to_bytes(case: Case) -> bytes:
    """Return everything that a case sends."""
    return b"".join(_piece(piece) for piece in case["send"]) * case.get("times", 1)


def expected(case: Case) -> list[Reply]:
    return sorted((_comparable(reply[0], reply[1]) for reply in case["replies"] * case.get("times", 1)), key=repr)


def replies(messages: Iterable[Message]) -> list[Reply]:
    """Return the id and outcome of every response among messages."""
    found = [message for message in messages if "method" not in message]
    for message in found:
        assert message["jsonrpc"] == "2.0"
        assert ("result" in message) != ("error" in message), message
    return sorted((_comparable(each["id"], _outcome(each)) for each in found), key=repr)


def _outcome(message: Message) -> object:
    if "result" in message:
        return "result"
    code: object = message["error"]["code"]
    return code


def _comparable(message_id: object, outcome: object) -> Reply:
    long = isinstance(message_id, str) and len(message_id) > 40
    return f"{str(message_id)[:10]}…" if long else message_id, outcome


def _piece(piece: Case) -> bytes:
    if "raw" in piece:
        return str(piece["raw"]).encode()
    if "base64" in piece:
        body = base64.b64decode(piece["base64"])
    elif "message" in piece:
        body = json.dumps(piece["message"], ensure_ascii=False).encode()
    else:
        repeated = "".join(text * times for text, times in (piece.get("repeat", ("", 0)), piece.get("then", ("", 0))))
        body = f"{piece['body']}{repeated}{piece.get('end', '')}".encode()
    lines = piece.get("header", "Content-Length: N\r\n\r\n").splitlines(True)
    return "".join(_line(line, len(body)) for line in lines).encode() + body


def _line(line: str, length: int) -> str:
    name, colon, value = line.partition(":")
    counts = name.strip("\ufeff \t").lower() == "content-length"
    return f"{name}{colon}{value.replace('N', str(length))}" if counts else line
