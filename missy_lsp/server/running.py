"""The model requests that run now, and the answers of those that ended within the last hour."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import OrderedDict
from collections.abc import Coroutine
from typing import TYPE_CHECKING

import attrs

from missy_lsp.errors import MissyError, ModelError

if TYPE_CHECKING:
    from missy_lsp.server.arguments import AskArguments, RunActionArguments
    from missy_lsp.server.streaming import AnswerStream

INTERNAL_FAULT = "Something went wrong inside the server; its log has the details."
KEPT_S = 3600.0
KEPT_MOST = 200

Answer = dict[str, object]


@attrs.frozen
class Asked:
    """What a question or an action was asked with, to ask it again; `version` is that of its document then."""

    arguments: AskArguments | RunActionArguments
    uri: str | None
    version: int | None


@attrs.define(eq=False)
class Run:
    """One model request of the user's. `stop_requested` tells a stop from the client's own cancel."""

    id: str
    title: str
    uri: str | None
    asked: Asked | None = None
    stream: AnswerStream | None = None
    task: asyncio.Task[Answer] | None = None
    stop_requested: bool = False

    @property
    def token(self) -> str | int | None:
        return self.stream.progress.token if self.stream is not None else None


@attrs.frozen
class _Ended:
    at_s: float
    outcome: Answer | MissyError
    asked: Asked | None


class RunningRequests:
    """Create runs, find them, stop them and keep what came of them."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}
        self._ended: OrderedDict[str, _Ended] = OrderedDict()

    @property
    def count(self) -> int:
        return len(self._runs)

    def create(self, title: str, uri: str | None) -> Run:
        return Run(id=uuid.uuid4().hex[:12], title=title, uri=uri)

    def start(self, run: Run, work: Coroutine[object, object, Answer]) -> asyncio.Task[Answer]:
        """Run `work` as the task of `run`; it calls `record` when it ends."""
        task = asyncio.get_running_loop().create_task(work)
        run.task = task
        self._runs[run.id] = run
        task.add_done_callback(lambda done: self._close(run, done))
        return task

    def record(self, run: Run, outcome: Answer | MissyError) -> None:
        """Count a run as ended, and keep what came of it."""
        self._runs.pop(run.id, None)
        self._ended[run.id] = _Ended(time.monotonic(), outcome, run.asked)
        self._forget_old()

    def on_document(self, uri: str) -> list[Run]:
        return [run for run in self._runs.values() if run.uri == uri]

    def stop(self, run_id: str | None = None) -> int:
        """Stop one run, or all of them; return how many there were."""
        chosen = [run for run in self._runs.values() if run_id in (None, run.id) and not run.stop_requested]
        for run in chosen:
            self._cancel(run)
        return len(chosen)

    def stop_token(self, token: str | int) -> None:
        """Stop the run whose progress the user cancelled."""
        for run in list(self._runs.values()):
            if run.token == token and not run.stop_requested:
                self._cancel(run)

    def result(self, run_id: str) -> Answer:
        """Return the answer of an ended run, or raise its error.

        Raises ModelError: `invalid_request` for an id that is unknown, older than an hour, or still running
        (then `retryable`).
        """
        if run_id in self._runs:
            raise ModelError(
                "invalid_request", "This request is still running. Ask for its result again.", retryable=True
            )
        self._forget_old()
        ended = self._ended.get(run_id)
        if ended is None:
            raise ModelError("invalid_request", "There is no result with this id; results are kept for an hour.")
        if isinstance(ended.outcome, MissyError):
            raise ended.outcome
        return ended.outcome

    def asked(self, run_id: str) -> Asked | None:
        """Return what an ended run was asked with; None for changes, chats and unknown ids, and after an hour."""
        self._forget_old()
        ended = self._ended.get(run_id)
        return ended.asked if ended is not None else None

    def last_answer(self, uri: str) -> tuple[Asked, Answer] | None:
        """Return the latest answer of the last hour about a document, with what it was asked with."""
        self._forget_old()
        for ended in reversed(self._ended.values()):
            if ended.asked is not None and ended.asked.uri == uri and isinstance(ended.outcome, dict):
                return ended.asked, ended.outcome
        return None

    async def close(self, timeout_s: float) -> None:
        """Stop everything and wait a little for it to end."""
        tasks = [run.task for run in self._runs.values() if run.task is not None]
        self.stop()
        if tasks:
            await asyncio.wait(tasks, timeout=timeout_s)

    def _cancel(self, run: Run) -> None:
        run.stop_requested = True
        if run.task is not None:
            # After its first step, which is due before this: a run that never began can't tell of its end.
            asyncio.get_running_loop().call_soon(run.task.cancel)

    def _close(self, run: Run, task: asyncio.Task[Answer]) -> None:
        if run.id in self._runs:  # it was cancelled before its first step, which only the end of the server does
            self.record(run, ModelError("cancelled", "The request was cancelled."))

    def _forget_old(self) -> None:
        oldest_s = time.monotonic() - KEPT_S
        while self._ended and (len(self._ended) > KEPT_MOST or next(iter(self._ended.values())).at_s < oldest_s):
            self._ended.popitem(last=False)
