"""From a command to its answer: run the model client, stream what it says, end exactly once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

import attrs

from missy_lsp.errors import MissyError, ModelError
from missy_lsp.features.answers import answer_fields, usage_fields
from missy_lsp.llm.types import Completion
from missy_lsp.server.answer_documents import show_answer, show_failure
from missy_lsp.server.dispatch import Request, RequestCancelledError
from missy_lsp.server.running import INTERNAL_FAULT, Asked
from missy_lsp.server.streaming import AnswerStream, PartialResults, WorkDoneProgress

if TYPE_CHECKING:
    from missy_lsp.llm.client import Call
    from missy_lsp.llm.types import AnswerEvent
    from missy_lsp.server.arguments import AskArguments, RunActionArguments
    from missy_lsp.server.change_groups import GroupJob
    from missy_lsp.server.chat_reply import ChatReply
    from missy_lsp.server.proposals import EditJob
    from missy_lsp.server.running import Answer, Run
    from missy_lsp.server.session import Session

logger = logging.getLogger(__name__)


@attrs.frozen
class Job:
    """What is to be run: the call, its name for the user, and how the client wants the answer.

    `edit` makes a change of what the model replies, `chat` writes it into a chat document. `arguments` are kept to ask
    for an answer again.
    """

    call: Call | Awaitable[Call]
    title: str
    question: str
    uri: str | None
    partial_token: str | int | None
    wait: bool | None
    edit: EditJob | GroupJob | None = None
    chat: ChatReply | None = None
    arguments: AskArguments | RunActionArguments | None = None

    @property
    def in_background(self) -> bool:
        """Tell whether the command answers with an id at once (contract 3.1)."""
        return self.wait is False or (self.wait is None and self.partial_token is None)


def start(session: Session, job: Job, request: Request) -> object:
    """Start a job; return what the command answers: `{id}` in the background, else an awaitable Answer."""
    run = session.running.create(job.title, job.uri)
    if job.arguments is not None:
        document = session.documents.get(job.uri) if job.uri is not None else None
        run.asked = Asked(job.arguments, job.uri, document.version if document is not None else None)
    partial = None
    if job.partial_token is not None:
        partial = PartialResults(job.partial_token, session.protocol.send_progress)
    progress = WorkDoneProgress(
        session.protocol,
        None if job.in_background else request.work_done_token,
        may_create=session.client.work_done_progress,
    )
    run.stream = AnswerStream(run.id, job.title, partial, progress)
    task = session.running.start(run, _run(session, run, run.stream, job))
    written: list[asyncio.Task[None]] = []
    if job.chat is not None:
        written.append(asyncio.get_running_loop().create_task(job.chat.write(task)))
        session.keep(written[0])
    if job.in_background:
        session.keep(asyncio.ensure_future(_show_when_done(session, job, task, written)))
        return {"id": run.id}
    return _wait(run.stream, task, written)


async def _wait(stream: AnswerStream, task: asyncio.Task[Answer], written: Sequence[asyncio.Task[None]]) -> Answer:
    try:
        return await task
    except asyncio.CancelledError:
        raise RequestCancelledError(stream.text) from None
    finally:
        if written:
            await asyncio.wait(written)


async def _show_when_done(
    session: Session, job: Job, task: asyncio.Task[Answer], written: Sequence[asyncio.Task[None]]
) -> None:
    await asyncio.wait([task, *written])
    if task.cancelled():
        return
    error = task.exception()
    if isinstance(error, MissyError):
        show_failure(session, job.title, error)
    elif error is not None:
        logger.error("a request in the background failed", exc_info=error)
        show_failure(session, job.title, ModelError("internal", INTERNAL_FAULT))
    elif job.chat is not None:
        return  # the document has it
    elif job.edit is not None and job.partial_token is None:
        await job.edit.show(task.result(), job.title, job.question)
    elif job.partial_token is None:
        await show_answer(session, job.title, job.question, task.result())


async def _run(session: Session, run: Run, stream: AnswerStream, job: Job) -> Answer:
    outcome: Answer | MissyError = ModelError("internal", INTERNAL_FAULT)
    completion, word = None, "failed"
    try:
        call = await job.call if isinstance(job.call, Awaitable) else job.call
        for sentence in call.notes:
            session.log_message(f"{job.title}: {sentence}")
        completion = await session.models.run(call, _listeners(stream, job))
        answer = answer_fields(run.id, completion)
        if job.edit is not None:
            answer = await job.edit.finish(run.id, completion, answer)
        outcome = answer
        return outcome
    except asyncio.CancelledError:
        word = "stopped"
        if not run.stop_requested:
            outcome = ModelError("cancelled", "The request was cancelled.", partial_text=stream.text)
            raise
        outcome = answer_fields(run.id, _so_far(stream, "cancelled"))
        return outcome
    except MissyError as error:
        outcome = error
        if isinstance(error, ModelError):
            word = f"failed: {error.kind}"
            error.partial_text = error.partial_text or stream.text
        raise
    finally:
        if job.edit is not None:
            job.edit.close()
        # Recorded first: a client that is told of the end may ask for the result at once.
        session.running.record(run, outcome)
        _end(stream, completion or _so_far(stream, "cancelled" if word == "stopped" else "error"), word)
        if completion is not None:
            log_call(job.title, completion)


def _listeners(stream: AnswerStream, job: Job) -> Callable[[AnswerEvent], None]:
    chat = job.chat
    if chat is None:
        return stream.on_event

    def on_event(event: AnswerEvent) -> None:
        stream.on_event(event)
        chat.on_event(event)

    return on_event


def _end(stream: AnswerStream, completion: Completion, word: str) -> None:
    usage = completion.usage
    seconds = completion.total_ms / 1000
    if completion.stop_reason in ("cancelled", "error"):
        summary = f"{word} after {seconds:.1f} s, {usage.output_tokens} tokens"
    else:
        summary = f"{usage.input_tokens + usage.output_tokens} tokens, ${completion.cost_usd:.4f}, {seconds:.1f} s"
    stream.end(completion.stop_reason, completion.complete, usage_fields(completion), summary)


def log_call(title: str, completion: Completion) -> None:
    """Write the one line that a model call leaves in the log; no prompt, no answer."""
    logger.info(
        "%s tier=%s model=%s tokens=%d ms=%.0f request=%s",
        title,
        completion.tier,
        completion.model,
        completion.usage.input_tokens + completion.usage.output_tokens,
        completion.total_ms,
        completion.request_id,
    )


def _so_far(stream: AnswerStream, stop_reason: str) -> Completion:
    """Describe a request that did not end by itself by what it had shown."""
    started = stream.started
    return Completion(
        text=stream.text,
        provider=started.provider if started else "",
        model=started.model if started else "",
        tier=started.tier if started else "primary",
        route_reasons=started.route_reasons if started else (),
        stop_reason=stop_reason,
        complete=False,
        usage=stream.usage,
        cost_usd=stream.cost_usd,
        first_token_ms=stream.first_token_ms,
        total_ms=stream.elapsed_s * 1000,
    )
