"""Every request is answered exactly once, whatever its handler does."""

from __future__ import annotations

import asyncio
import json

import pytest

from missy_lsp.errors import ConfigError, CredentialError, ModelError, TrustError, UsageError
from missy_lsp.server.dispatch import (
    Dispatcher,
    MessageId,
    ProtocolError,
    RequestCancelledError,
    to_protocol_error,
)


class Client:
    """What a client would have got."""

    def __init__(self) -> None:
        self.replies: list[tuple[MessageId, object, ProtocolError | None]] = []
        self.dispatcher = Dispatcher(lambda message_id, result, error: self.replies.append((message_id, result, error)))

    @property
    def codes(self) -> list[int]:
        return [error.code for _, _, error in self.replies if error is not None]


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_plain_result_is_sent_while_the_message_is_read() -> None:
    client = Client()
    client.dispatcher.serve(1, lambda: "done")
    assert client.replies == [(1, "done", None)]


async def test_an_awaited_result_is_sent_when_it_is_there() -> None:
    client = Client()
    gate = asyncio.Event()

    async def wait() -> str:
        await gate.wait()
        return "late"

    client.dispatcher.serve("a", wait)
    await settle()
    assert client.replies == []
    gate.set()
    await settle()
    assert client.replies == [("a", "late", None)]


async def test_a_cancelled_request_is_answered_once_and_its_task_ends() -> None:
    client = Client()
    ended = asyncio.Event()

    async def wait() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    client.dispatcher.serve(1, wait)
    await settle()
    client.dispatcher.cancel(1)
    client.dispatcher.cancel(1)
    await settle()
    assert ended.is_set()
    assert client.codes == [-32800]


async def test_a_request_cancelled_before_its_first_step_is_answered() -> None:
    client = Client()
    client.dispatcher.serve(1, lambda: asyncio.sleep(60))
    client.dispatcher.cancel(1)
    await settle()
    assert client.codes == [-32800]


async def test_a_task_that_cancels_itself_is_answered_too() -> None:
    client = Client()

    async def give_up() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(1)

    client.dispatcher.serve(1, give_up)
    await settle()
    assert client.codes == [-32802]


async def test_the_text_so_far_goes_with_the_cancel() -> None:
    client = Client()

    async def wait() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise RequestCancelledError("half a sen") from None

    client.dispatcher.serve(1, wait)
    await settle()
    client.dispatcher.cancel(1)
    await settle()
    error = client.replies[0][2]
    assert error is not None
    assert error.data == {"kind": "cancelled", "retryable": False, "partialText": "half a sen"}


async def test_a_second_request_with_a_running_id_is_refused() -> None:
    client = Client()
    client.dispatcher.serve(1, lambda: asyncio.sleep(60))
    client.dispatcher.serve(1, lambda: "other")
    assert client.codes == [-32600]
    await client.dispatcher.close(1)
    assert client.codes == [-32600, -32802]


@pytest.mark.parametrize(
    ("error", "code", "data"),
    [
        (UsageError("no"), -32602, {"kind": "invalid_request", "retryable": False}),
        (ConfigError("no"), -32803, {"kind": "invalid_request", "retryable": False}),
        (CredentialError("no"), -32803, {"kind": "no_key", "retryable": False}),
        (TrustError("no"), -32803, {"kind": "untrusted", "retryable": False}),
        (
            ModelError("rate_limited", "no", retryable=True, retry_after_s=7, request_id="req_1", partial_text="so"),
            -32803,
            {"kind": "rate_limited", "retryable": True, "retryAfterS": 7, "requestId": "req_1", "partialText": "so"},
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_keeps_its_sentence_and_its_kind(error: Exception, code: int, data: object) -> None:
    mapped = to_protocol_error(error)
    assert (mapped.code, mapped.message, mapped.data) == (code, "no", data)


@pytest.mark.parametrize(
    "kind", [Exception, ValueError, RecursionError, MemoryError, KeyError, SystemExit, KeyboardInterrupt, OSError]
)
@pytest.mark.parametrize("when", ["at once", "later"])
async def test_a_fault_of_ours_is_told_without_its_text(kind: type[BaseException], when: str) -> None:
    client = Client()

    def handle() -> object:
        raise kind("sk-ant-CANARY /folder/of/somebody")

    async def handle_later() -> object:
        return handle()

    client.dispatcher.serve(1, handle if when == "at once" else handle_later)
    await settle()
    assert len(client.replies) == 1
    error = client.replies[0][2]
    assert error is not None
    assert error.code == -32603
    assert "incident" in error.message
    assert "CANARY" not in str(error.to_json())
    assert "folder" not in str(error.to_json())


async def test_a_handler_that_raises_cancelled_is_answered() -> None:
    client = Client()

    def handle() -> object:
        raise asyncio.CancelledError

    client.dispatcher.serve(1, handle)
    assert client.codes == [-32802]


@pytest.mark.parametrize("kind", [Exception, SystemExit, KeyboardInterrupt, asyncio.CancelledError])
async def test_a_notification_that_fails_stays_where_it_is(kind: type[BaseException]) -> None:
    client = Client()

    def handle() -> None:
        raise kind("sk-ant-CANARY")

    client.dispatcher.notify("x/y", handle)
    assert client.replies == []


async def test_a_result_that_is_no_json_is_answered_with_an_error() -> None:
    codes: list[int] = []

    def reply(message_id: MessageId, result: object, error: ProtocolError | None) -> None:
        json.dumps(result, allow_nan=False)
        codes.append(error.code if error is not None else 0)

    async def later() -> object:
        return {1, 2}

    dispatcher = Dispatcher(reply)
    dispatcher.serve(1, lambda: float("nan"))
    dispatcher.serve(2, later)
    await settle()
    assert codes == [-32603, -32603]
