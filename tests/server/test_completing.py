"""What suggestions at the cursor cost, what ends their making, and what is never sent for them."""

from __future__ import annotations

import threading
import time

import attrs
import pytest

from missy_lsp.server.completing import WITHIN_S
from tests.support.configuration import FAKE_KEY
from tests.support.fake_api import Hold, Request, WaitFor, answer, api_error, stream, text_events
from tests.support.typist import CODE, INVOKED, REPLY, Typist, Typists

# --- what it costs --------------------------------------------------------------------------------


def test_a_hundred_letters_in_a_row_are_one_request(typists: Typists) -> None:
    typists.api.respond = lambda request: answer("<replacement>\n    return su" + "x" * 99 + "yz\n</replacement>")
    editor = typists.open(mode="auto", debounce_ms=1500)  # longer than a busy machine stops between two letters
    asked = []
    for letter in "x" * 99 + "y":
        editor.type(letter)
        asked.append(editor.ask())
    assert [item["insertText"] for item in editor.items(asked[-1])] == ["z"]
    assert [editor.items(one) for one in asked[:-1]] == [[]] * 99
    assert len(typists.api.requests) == 1


def test_until_the_typing_rests_nothing_is_asked_but_by_hand(typists: Typists) -> None:
    typists.api.respond = lambda request: answer(REPLY)
    typing = typists.open(debounce_ms=600_000)
    asked = typing.ask()
    assert typists.open(debounce_ms=600_000).suggested(INVOKED) == ["m(prices)"]
    assert len(typists.api.requests) == 1
    typing.type("m")
    assert typing.items(asked) == []


def test_who_types_what_is_suggested_asks_nobody(typists: Typists) -> None:
    typists.api.enqueue(answer(REPLY))
    editor = typists.open()
    assert editor.suggested() == ["m(prices)"]
    for letter, left in zip("m(pr", ["(prices)", "prices)", "rices)", "ices)"], strict=True):
        editor.type(letter)
        assert editor.suggested() == [left]
    assert len(typists.api.requests) == 1


def test_a_place_without_a_suggestion_is_asked_about_again_only_by_hand(typists: Typists) -> None:
    typists.api.enqueue(answer("<replacement>\n    return su\n</replacement>"), answer(REPLY))
    editor = typists.open()
    assert editor.suggested() == editor.suggested() == []
    assert len(typists.api.requests) == 1
    assert editor.suggested(INVOKED) == ["m(prices)"]


BEFORE_SUM, REST_OF_CALL = "x = f(", "<replacement>\nx = f(a) + 1\n</replacement>"


def test_where_only_a_blank_is_left_to_type_there_is_no_suggestion(typists: Typists) -> None:
    typists.api.enqueue(answer(REST_OF_CALL))
    editor = typists.open(text=f"{BEFORE_SUM}+ 1\n")
    editor.place = {"line": 0, "character": len(BEFORE_SUM)}
    assert editor.suggested() == ["a) "]
    editor.type("a)")
    assert editor.suggested() == []
    assert len(typists.api.requests) == 1


def test_a_list_has_no_entry_of_which_only_a_blank_is_left(typists: Typists) -> None:
    typists.api.respond = lambda request: answer(REST_OF_CALL)
    editor = typists.open("list", text=f"{BEFORE_SUM}+ 1\n")
    editor.place = {"line": 0, "character": len(BEFORE_SUM)}
    assert editor.listed()["items"][0]["textEdit"]["newText"] == "a) "
    editor.reopen(f"{BEFORE_SUM}a)+ 1\n")  # typing would have to rest before there is a list again
    editor.place["character"] += len("a)")
    assert editor.listed() is None


@attrs.frozen
class Held:
    """A suggestion in the making that would never come."""

    editor: Typist
    asked: int
    upstream: Request

    def ends_at_once(self) -> bool:
        """Tell whether its connection is closed sooner than for want of an answer."""
        return self.upstream.closed.wait(WITHIN_S / 2)


@pytest.fixture
def held(typists: Typists) -> Held:
    typists.api.enqueue(stream(*text_events("<replacement>")[:3], Hold(), end=False))
    editor = typists.open()
    asked = editor.ask(INVOKED)
    [request] = typists.api.wait_for_requests(1)
    return Held(editor, asked, request)


def test_a_letter_closes_the_connection_of_what_is_being_made(held: Held) -> None:
    held.editor.type("m")
    assert held.ends_at_once()
    assert held.editor.items(held.asked) == []


def test_a_cancelled_request_closes_its_connection(held: Held) -> None:
    held.editor.process.notify("$/cancelRequest", {"id": held.asked})
    assert held.ends_at_once()
    assert held.editor.process.response(held.asked)["error"]["code"] == -32800


def test_a_document_that_is_closed_closes_the_connection(held: Held) -> None:
    held.editor.close()
    assert held.ends_at_once()
    assert held.editor.items(held.asked) == []


def test_a_document_that_is_opened_again_without_being_closed_closes_the_connection(held: Held) -> None:
    held.editor.process.open(held.editor.uri, CODE)
    assert held.ends_at_once()
    assert held.editor.items(held.asked) == []


def test_switching_suggestions_off_closes_the_connection(held: Held) -> None:
    settings = {"missy": {"completion": {"mode": "off"}}}
    held.editor.process.notify("workspace/didChangeConfiguration", {"settings": settings})
    assert held.ends_at_once()
    assert held.editor.items(held.asked) == []
    held.editor.process.notify("workspace/didChangeConfiguration", {"settings": {"missy": {}}})


def test_a_change_of_the_configuration_stops_nothing_that_is_still_wanted(typists: Typists) -> None:
    gate = threading.Event()
    first, *rest = text_events(REPLY)
    typists.api.enqueue(stream(first, WaitFor(gate), *rest))
    editor = typists.open()
    asked = editor.ask(INVOKED)
    typists.api.wait_for_requests(1)
    typists.configure(completion={"mode": "manual"})
    editor.process.notify("workspace/didChangeConfiguration", {"settings": {"missy": {}}})
    editor.told()  # the server has taken it
    gate.set()
    assert [item["insertText"] for item in editor.items(asked)] == ["m(prices)"]


def test_of_one_document_only_the_last_place_is_in_the_making(typists: Typists, held: Held) -> None:
    typists.api.enqueue(answer("<replacement>\ndef total(prices: list[int]):\n</replacement>"))
    held.editor.place = {"line": 0, "character": 16}
    assert held.editor.suggested(INVOKED) == [": list[int]"]
    assert held.ends_at_once()
    assert held.editor.items(held.asked) == []


def test_a_stop_of_everything_stops_suggestions_too(held: Held) -> None:
    assert held.editor.process.command("missy.stop")["result"] == {"stopped": 1}
    assert held.ends_at_once()
    assert held.editor.items(held.asked) == []


def test_one_place_that_is_asked_about_twice_is_one_request(typists: Typists) -> None:
    gate = threading.Event()
    first, *rest = text_events(REPLY)
    typists.api.enqueue(stream(first, WaitFor(gate), *rest))
    editor = typists.open()
    asked = [editor.ask(INVOKED) for _ in range(2)]
    typists.api.wait_for_requests(1)
    gate.set()
    assert [item["insertText"] for one in asked for item in editor.items(one)] == ["m(prices)"] * 2
    assert len(typists.api.requests) == 1


def answered(editor: Typist) -> int:
    """Return how many suggestions the ledger tells of."""
    used = editor.process.command("missy.usage", {"since": "1h"})["result"]
    return sum(int(entry["requests"]) for entry in used["byAction"] if entry["key"] == "completion")


def test_an_hour_has_its_number_for_all_editors_together(typists: Typists) -> None:
    typists.api.respond = lambda request: answer(REPLY)
    most = answered(typists.open()) + 1
    settings = {"mode": "auto", "max_per_hour": most}
    editor = typists.open(fresh=True, **settings)
    assert editor.suggested() == ["m(prices)"]
    deadline = time.monotonic() + 10
    while answered(editor) < most:  # it is written behind the answer
        assert time.monotonic() < deadline
    assert typists.open(**settings).suggested() == []
    assert typists.open("list", fresh=True, **settings).listed() is None
    assert len(typists.api.requests) == 1
    assert any("completion.max_per_hour" in line for line in editor.told())
    typists.forget_servers()


def test_a_spent_budget_ends_suggestions_and_is_told_in_the_log_alone(typists: Typists) -> None:
    editor = typists.open(fresh=True)
    typists.configure(completion={"mode": "auto"}, budget={"request_usd": 0.000001})
    assert editor.suggested() == []
    assert typists.api.requests == []
    assert any("budget.request_usd" in line for line in editor.told())
    assert editor.process.notifications("window/showMessage") == []


@pytest.mark.parametrize("status", [429, 500, 529])
def test_a_failure_is_no_suggestion_and_is_not_tried_again(typists: Typists, status: int) -> None:
    typists.api.respond = lambda request: api_error(status, "overloaded_error", "Overloaded", {"retry-after": "1"})
    editor = typists.open(fresh=True)
    assert editor.suggested() == []
    assert len(typists.api.requests) == 1
    assert editor.process.notifications("window/showMessage") == []
    assert len([line for line in editor.told() if "no completion: " in line]) == 1
    typists.forget_servers()


# --- what is never sent ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", [".env", "id_rsa", "ignored.py"])
def test_a_file_that_is_denied_or_ignored_is_not_sent(typists: Typists, name: str) -> None:
    (typists.folder / ".gitignore").write_text("ignored.py\n")
    (typists.folder / name).write_text(CODE)
    assert typists.open(name=name).suggested(INVOKED) == []
    assert typists.api.requests == []


def test_secrets_in_the_document_are_not_sent(typists: Typists) -> None:
    typists.api.enqueue(answer(REPLY))
    editor = typists.open(text=f'{CODE}KEY = "{FAKE_KEY}"\n')
    assert editor.suggested() == ["m(prices)"]
    assert FAKE_KEY not in typists.api.requests[0].body.decode()
