"""`llm/sse.py`: the same events for any way of cutting the same bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from missy_lsp.llm.sse import SseDecoder, SseError, SseEvent


def decode(*chunks: bytes, limit: int = 1024 * 1024) -> list[tuple[str, str]]:
    decoder = SseDecoder(limit)
    return [tuple(event) for chunk in chunks for event in decoder.feed(chunk)]


CASES = {
    "one event": (b"event: ping\ndata: {}\n\n", [("ping", "{}")]),
    "no space after the colon": (b"event:ping\ndata:{}\n\n", [("ping", "{}")]),
    "only one space is dropped": (b"data:  x \n\n", [("", " x ")]),
    "data without a name": (b"data: x\n\n", [("", "x")]),
    "many data lines": (b"data: a\ndata:\ndata: b\n\n", [("", "a\n\nb")]),
    "a data field without a colon": (b"data\n\n", [("", "")]),
    "an event without data": (b"event: ping\n\ndata: x\n\n", [("", "x")]),
    "comments, ids, retries, unknown fields": (b": hi\nid: 7\nretry: 3\nfoo: bar\ndata: x\n\n", [("", "x")]),
    "carriage return and line feed": (b"event: a\r\ndata: x\r\n\r\n", [("a", "x")]),
    "lone carriage returns": (b"event: a\rdata: x\r\r", [("a", "x")]),
    "a byte order mark": (b"\xef\xbb\xbfdata: x\n\n", [("", "x")]),
    "other separators are text": ("data: a\u2028b\x0bc\x85d\n\n".encode(), [("", "a\u2028b\x0bc\x85d")]),
    "an event that nothing closes": (b"data: x\n", []),
    "the name of a closed event does not stay": (b"event: a\ndata: 1\n\ndata: 2\n\n", [("a", "1"), ("", "2")]),
    "many blank lines": (b"\n\n\ndata: x\n\n\n\n", [("", "x")]),
    "emoji": ("data: 🦀é漢\n\n".encode(), [("", "🦀é漢")]),
}


@pytest.mark.parametrize(("stream", "events"), CASES.values(), ids=CASES.keys())
def test_an_event_stream_is_read_as_the_standard_says(stream: bytes, events: list[tuple[str, str]]) -> None:
    assert decode(stream) == events


@pytest.mark.parametrize(("stream", "events"), CASES.values(), ids=CASES.keys())
def test_single_bytes_make_the_same_events(stream: bytes, events: list[tuple[str, str]]) -> None:
    assert decode(*(bytes([byte]) for byte in stream)) == events


_VALUES = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=12)


@given(
    events=st.lists(
        st.tuples(st.sampled_from(["", "ping", "naïve"]), st.lists(_VALUES, min_size=1, max_size=3)), max_size=6
    ),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    data=st.data(),
)
def test_any_cut_of_the_bytes_gives_the_same_events(
    events: list[tuple[str, list[str]]], line_end: str, data: st.DataObject
) -> None:
    stream = "".join(
        (f"event: {name}{line_end}" if name else "") + "".join(f"data: {line}{line_end}" for line in lines) + line_end
        for name, lines in events
    ).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    chunks = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert decode(*chunks) == [(name, "\n".join(lines)) for name, lines in events]


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param([b"data: " + b"x" * 200], id="a line without an end"),
        pytest.param([b"data: " + b"x" * 200 + b"\n\n"], id="a line with an end"),
        pytest.param([b"x" * 60, b"x" * 60], id="a line in two chunks"),
        pytest.param([b"data: " + b"x" * 40 + b"\n"] * 5, id="one event of many lines"),
        pytest.param([b": " + b"x" * 200 + b"\n"], id="a comment"),
    ],
)
def test_a_line_or_an_event_past_the_limit_is_refused(chunks: list[bytes]) -> None:
    with pytest.raises(SseError, match="larger than 100 bytes"):
        decode(*chunks, limit=100)


def test_many_short_events_in_one_chunk_are_within_the_limit() -> None:
    assert decode(b"data: x\n\n" * 100, limit=100) == [("", "x")] * 100


def test_bytes_that_are_not_utf8_are_refused() -> None:
    with pytest.raises(SseError, match="not UTF-8"):
        decode(b"data: \xff\n\n")


def test_an_event_is_a_named_pair() -> None:
    assert SseDecoder().feed(b"event: a\ndata: x\n\n") == [SseEvent(name="a", data="x")]
