"""Which turns of a chat go along with a question."""

from __future__ import annotations

import pytest

from missy_lsp.features.ask import build
from missy_lsp.features.chat_document import ChatDocument, Turn, parse_chat
from missy_lsp.features.chat_history import chat_ask, chat_history
from missy_lsp.features.material import Attachment


def chat_of(*turns: str) -> tuple[ChatDocument, Turn]:
    headings = ("## You", "## Missy")
    chat = parse_chat("\n\n".join(f"{headings[number % 2]}\n\n{text}" for number, text in enumerate(turns)))
    assert chat.question is not None
    return chat, chat.question


def test_all_that_fits_goes_along_in_its_order() -> None:
    history = chat_history(*chat_of("a", "b", "c", "d", "e"), 1000)
    assert [turn.text for turn in history.turns] == ["a", "b", "c", "d"]
    assert history.note == ""


def test_a_long_history_loses_its_oldest_turns_and_says_how_many() -> None:
    history = chat_history(*chat_of("a " * 500, "b " * 500, "c", "d", "e"), 100)
    assert [turn.text for turn in history.turns] == ["c", "d"]
    assert history.note == "2 earlier turns were left out to stay within context.max_tokens"


def test_a_kept_history_begins_with_the_user() -> None:
    history = chat_history(*chat_of("a " * 500, "b", "c"), 100)
    assert (history.turns, history.left_out) == ((), 2)


def test_a_refused_turn_is_dropped_with_its_question() -> None:
    history = chat_history(*chat_of("a", "b", "evil", "*(missy: refused, and left out: no)*", "e"), 1000)
    assert [turn.text for turn in history.turns] == ["a", "b"]


@pytest.mark.parametrize("between", ["", "*(missy: refused, and left out: no)*\n\n## You\n\n"])
def test_a_refused_question_that_was_sent_again_and_answered_stays(between: str) -> None:
    refused = "*(missy: refused, and left out: no)*"
    chat, question = chat_of("a", "b", "c", refused, "", f"{between}## Missy\n\nd", "e")
    history = chat_history(chat, question, 1000)
    assert ([turn.text for turn in history.turns], history.note) == (["a", "b", "c", "d"], "")


def test_a_refused_question_is_not_answered_by_what_another_one_got() -> None:
    history = chat_history(*chat_of("evil", "*(missy: refused, and left out: no)*", "a", "b", "c"), 1000)
    assert ([turn.text for turn in history.turns], history.note) == (["a", "b"], "")


def test_a_chat_that_begins_with_an_answer_keeps_it_and_blames_no_budget() -> None:
    chat = parse_chat("## Missy\n\na\n\n## You\n\nb\n")
    assert chat.question is not None
    history = chat_history(chat, chat.question, 1000)
    assert ([turn.text for turn in history.turns], history.note) == (["a"], "")
    prompt = build(chat_ask(chat.question, history, (), "", ""), 1000)
    assert [message.role for message in prompt.messages] == ["user", "assistant", "user"]


def test_a_question_whose_answer_failed_stays_and_the_roles_alternate() -> None:
    chat, question = chat_of("a", "*(missy: failed: timeout)*", "b")
    prompt = build(chat_ask(question, chat_history(chat, question, 1000), (), "", ""), 1000)
    assert [message.role for message in prompt.messages] == ["user"]


def test_the_prompt_has_material_as_data_the_note_and_the_chats_own_wishes() -> None:
    chat, question = chat_of("a " * 500, "b", "c", "d", "e")
    ask = chat_ask(question, chat_history(chat, question, 20), [Attachment("x.py", "x = 1\n")], "card", "Be brief.")
    prompt = build(ask, 1000)
    texts = [getattr(block, "text", "") for message in prompt.messages for block in message.content]
    assert "x = 1" in texts[0]
    assert texts[1:] == ["[2 earlier turns were left out to stay within context.max_tokens]", "c", "d", "e"]
    assert "card" in prompt.system[1].text
    assert "Be brief." in prompt.system[1].text
