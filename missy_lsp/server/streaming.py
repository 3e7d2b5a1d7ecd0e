"""What a client sees while an answer comes in: partial results and work-done progress (contract 3.2)."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

from lsprotocol import types

from missy_lsp.llm.types import (
    AnswerEvent,
    Retrying,
    Started,
    TextDelta,
    ThinkingDelta,
    ToolCalled,
    Usage,
    UsageSoFar,
)
from missy_lsp.server.protocol import ClientRefused

if TYPE_CHECKING:
    from missy_lsp.server.protocol import MissyProtocol

Token = str | int
SendProgress = Callable[[Token, dict[str, object]], None]

COALESCE_S = 0.030
REPORT_EVERY_S = 0.25
CREATE_TIMEOUT_S = 5.0
_CHARACTERS_PER_TOKEN = 4


class PartialResults:
    """Send an answer on the client's `partialResultToken`: the first delta at once, later ones joined.

    Every value is an object with `kind` and a rising `seq`; the `text` values joined are the answer.
    """

    def __init__(self, token: Token, send_progress: SendProgress) -> None:
        self._token = token
        self._send_progress = send_progress
        self._seq = 0
        self._kind = "text"
        self._waiting: list[str] = []
        self._timer: asyncio.TimerHandle | None = None
        self._last_flush_s = 0.0

    def send(self, kind: str, **fields: object) -> None:
        """Send one value now, after whatever text still waits."""
        self._flush()
        self._emit(kind, fields)

    def delta(self, kind: str, text: str) -> None:
        """Send a piece of text or thinking, at most every 30 ms."""
        if kind != self._kind:
            self._flush()
            self._kind = kind
        self._waiting.append(text)
        if self._timer is not None:
            return
        loop = asyncio.get_running_loop()
        due_in_s = self._last_flush_s + COALESCE_S - loop.time()
        if due_in_s <= 0:
            self._flush()
        else:
            self._timer = loop.call_later(due_in_s, self._flush)

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting:
            text = "".join(self._waiting)
            self._waiting.clear()
            self._last_flush_s = asyncio.get_running_loop().time()
            self._emit(self._kind, {"text": text})

    def _emit(self, kind: str, fields: dict[str, object]) -> None:
        self._send_progress(self._token, {"kind": kind, "seq": self._seq, **fields})
        self._seq += 1


class WorkDoneProgress:
    """Begin, report and end on the client's token, or on one that the client agreed to create."""

    def __init__(self, protocol: MissyProtocol, token: Token | None, *, may_create: bool) -> None:
        self._protocol = protocol
        self.token: Token | None = token
        self._ready = token is not None
        self._begin: dict[str, object] | None = None
        self._begun = False
        self._ended = False
        self._last_report_s = 0.0
        self._creation: asyncio.Task[None] | None = None
        if token is None and may_create:
            self.token = f"missy-{uuid.uuid4().hex}"
            self._creation = asyncio.ensure_future(self._create(self.token))

    def begin(self, title: str) -> None:
        self._begin = {"kind": "begin", "title": title, "cancellable": True}
        self._send_begin()

    def report(self, message: str) -> None:
        """Send a report, at most four a second; one that comes sooner is dropped."""
        now = time.monotonic()
        if self._begun and not self._ended and self.token is not None and now - self._last_report_s >= REPORT_EVERY_S:
            self._last_report_s = now
            self._protocol.send_progress(self.token, {"kind": "report", "message": message}, droppable=True)

    def end(self, message: str) -> None:
        if self._ended:
            return
        self._ended = True
        if self._creation is not None:
            self._creation.cancel()
        if self._begun and self.token is not None:
            self._protocol.send_progress(self.token, {"kind": "end", "message": message})

    async def _create(self, token: Token) -> None:
        try:
            await self._protocol.request(types.WINDOW_WORK_DONE_PROGRESS_CREATE, {"token": token}, CREATE_TIMEOUT_S)
        except ClientRefused:
            return
        self._ready = True
        self._send_begin()

    def _send_begin(self) -> None:
        if self._ready and not self._begun and not self._ended and self._begin is not None and self.token is not None:
            self._begun = True
            self._protocol.send_progress(self.token, self._begin)


class AnswerStream:
    """Everything that is shown of one running answer, and the text and usage that it has had so far."""

    def __init__(self, run_id: str, title: str, partial: PartialResults | None, progress: WorkDoneProgress) -> None:
        self._run_id = run_id
        self._title = title
        self._partial = partial
        self.progress = progress
        self._text: list[str] = []
        self._characters = 0
        self.started: Started | None = None
        self.usage = Usage()
        self.cost_usd = 0.0
        self._begin_s = time.monotonic()
        self.first_token_ms: float | None = None

    @property
    def text(self) -> str:
        return "".join(self._text)

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self._begin_s

    def on_event(self, event: AnswerEvent) -> None:
        """Show one event of the model client's."""
        match event:
            case TextDelta(text):
                if self.first_token_ms is None:
                    self.first_token_ms = self.elapsed_s * 1000
                self._text.append(text)
                self._count(text)
                if self._partial is not None:
                    self._partial.delta("text", text)
            case ThinkingDelta(text):
                self._count(text)
                if self._partial is not None:
                    self._partial.delta("thinking", text)
            case Started():
                self.started = event
                self.progress.begin(f"Missy: {self._title} · {event.tier} · {event.model}")
                self._send(
                    "start",
                    id=self._run_id,
                    provider=event.provider,
                    model=event.model,
                    tier=event.tier,
                    routeReasons=list(event.route_reasons),
                )
            case ToolCalled(name, summary):
                self.progress.report(summary)
                self._send("tool", name=name, summary=summary)
            case Retrying(attempt, in_seconds, reason):
                self.progress.report(f"attempt {attempt} in {in_seconds:.0f} s: {reason}")
                self._send("retry", attempt=attempt, inSeconds=round(in_seconds, 3), reason=reason)
            case UsageSoFar(usage, cost_usd):
                self.usage, self.cost_usd = usage, cost_usd

    def end(self, stop_reason: str, complete: bool, usage: dict[str, object], message: str) -> None:
        """Send the last value and end the progress; everything that was shown comes before it."""
        self._send("end", stopReason=stop_reason, complete=complete, usage=usage)
        self.progress.end(message)

    def _count(self, text: str) -> None:
        self._characters += len(text)
        self.progress.report(f"about {self._characters // _CHARACTERS_PER_TOKEN} tokens so far")

    def _send(self, kind: str, **fields: object) -> None:
        if self._partial is not None:
            self._partial.send(kind, **fields)
