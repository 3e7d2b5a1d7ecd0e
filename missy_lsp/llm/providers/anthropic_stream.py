"""Read the body of an HTTP response within limits of size and time."""

from __future__ import annotations

import asyncio
import contextlib
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import TYPE_CHECKING

import attrs

from missy_lsp.llm.providers.anthropic_turn import TurnFault, TurnReader
from missy_lsp.llm.sse import MAX_EVENT_BYTES, SseDecoder, SseError

if TYPE_CHECKING:
    import httpx2

_INFLATE_STEP_BYTES = 64 * 1024
_AUTO_GZIP_OR_ZLIB = 47


@attrs.frozen
class StreamLimits:
    """How long and how much one response may be; times in seconds.

    `content_s` is the time without content although bytes (pings) arrive, `total_s` that of a whole stream,
    `drain_s` how long the end of a finished message is waited for, so that its connection can be used again.
    """

    content_s: float = 300.0
    total_s: float = 1800.0
    drain_s: float = 0.25
    event_bytes: int = MAX_EVENT_BYTES
    # 128,000 tokens, one event of 140 bytes each, are 18 MB.
    stream_bytes: int = 64 * 1024 * 1024
    error_bytes: int = 64 * 1024


class ContentTimeout(Exception):
    """Bytes arrive, but no content."""


async def read_turn(response: httpx2.Response, reader: TurnReader, limits: StreamLimits) -> None:
    """Give every event of the response to `reader`, up to the end of its message or of the bytes.

    Raises `TurnFault`, `ContentTimeout`, what `reader` raises, and the HTTP library's errors, but those only
    before the message is whole: a connection that breaks afterwards took nothing away.
    """
    decoder = SseDecoder(limits.event_bytes)
    clock = asyncio.get_running_loop().time
    last_content_s = clock()
    async with contextlib.aclosing(_body(response, limits.stream_bytes)) as chunks:
        async for chunk in chunks:
            try:
                events = decoder.feed(chunk)
            except SseError as error:
                raise TurnFault("invalid_response", str(error)) from error
            has_content = False
            for event in events:
                has_content |= reader.accept(event.name, event.data)
            if reader.stopped:
                break
            now_s = clock()
            if has_content:
                last_content_s = now_s
            elif now_s - last_content_s > limits.content_s:
                raise ContentTimeout
        await _drain(chunks, limits.drain_s)


async def read_start(response: httpx2.Response, limits: StreamLimits) -> bytes:
    """Return the beginning of a body that only an error message is made of; a broken one as far as it came."""
    import httpx2

    start = bytearray()
    with contextlib.suppress(httpx2.HTTPError, TurnFault):
        async with contextlib.aclosing(_body(response, limits.stream_bytes)) as chunks:
            async for chunk in chunks:
                start += chunk
                if len(start) >= limits.error_bytes:
                    break
    return bytes(start[: limits.error_bytes])


async def _drain(chunks: AsyncIterator[bytes], drain_s: float) -> None:
    import httpx2

    with contextlib.suppress(httpx2.HTTPError, TurnFault, TimeoutError):
        async with asyncio.timeout(drain_s):
            async for _ in chunks:
                pass


async def _body(response: httpx2.Response, max_bytes: int) -> AsyncGenerator[bytes, None]:
    """Yield the body without its compression, never more than `max_bytes` of it, nor much at a time.

    We ask for no compression; a server that compresses all the same must not be able to fill the memory.
    """
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    inflate = None
    if coding in ("gzip", "x-gzip", "deflate"):
        inflate = zlib.decompressobj(_AUTO_GZIP_OR_ZLIB)
    elif coding not in ("identity", ""):
        raise TurnFault("invalid_response", "it is compressed in a way that was not asked for")
    size = 0
    async with contextlib.aclosing(response.aiter_raw()) as raw_chunks:
        async for raw in raw_chunks:
            for chunk in (raw,) if inflate is None else _inflated(inflate, raw):
                size += len(chunk)
                if size > max_bytes:
                    raise TurnFault("invalid_response", f"it is longer than {max_bytes} bytes")
                yield chunk


def _inflated(inflate: zlib._Decompress, raw: bytes) -> Iterator[bytes]:
    try:
        while True:
            chunk = inflate.decompress(raw, _INFLATE_STEP_BYTES)
            yield chunk
            raw = inflate.unconsumed_tail
            if not raw and len(chunk) < _INFLATE_STEP_BYTES:
                return
    except zlib.error as error:
        raise TurnFault("invalid_response", "its compression is broken") from error
