"""From a chat document to a question: which turns go along, and what the chat asks of every answer."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from missy_lsp.features.ask import AskInput, ChatTurn
from missy_lsp.features.chat_document import ChatDocument, Turn
from missy_lsp.features.material import Attachment
from missy_lsp.llm.estimating import about_tokens


@attrs.frozen
class ChatHistory:
    """The turns that are sent before the question, and how many older ones the budget leaves out."""

    turns: tuple[Turn, ...]
    left_out: int = 0

    @property
    def note(self) -> str:
        """Say how many turns were left out, empty where none was."""
        if not self.left_out:
            return ""
        turns = "1 earlier turn was" if self.left_out == 1 else f"{self.left_out} earlier turns were"
        return f"{turns} left out to stay within context.max_tokens"


def chat_history(chat: ChatDocument, question: Turn, max_tokens: int) -> ChatHistory:
    """Return the newest turns before `question` that fit into `max_tokens`; cut, they begin with one of the user's.

    A refused turn is dropped together with what was asked, unless that was sent again and answered: it would be refused
    again.
    """
    earlier = _without_refused([turn for turn in chat.turns if turn.span.start < question.span.start])
    kept: list[Turn] = []
    for turn in reversed(earlier):
        max_tokens -= about_tokens(turn.text)
        if max_tokens < 0:
            break
        kept.insert(0, turn)
    while len(kept) < len(earlier) and kept and kept[0].role == "assistant":
        kept.pop(0)
    return ChatHistory(tuple(kept), len(earlier) - len(kept))


def chat_ask(
    question: Turn, history: ChatHistory, attachments: Sequence[Attachment], card: str, system: str
) -> AskInput:
    """Return the question of a chat as any other question."""
    turns = [ChatTurn(turn.role, turn.text) for turn in history.turns]
    if history.note:
        turns.insert(0, ChatTurn("user", f"[{history.note}]"))
    wishes = f"The user's instructions for this conversation:\n\n{system.strip()}" if system.strip() else ""
    return AskInput(
        prompt=question.text,
        history=tuple(turns),
        attachments=tuple(attachments),
        card="\n\n".join(part for part in (card, wishes) if part),
    )


def _without_refused(turns: Sequence[Turn]) -> list[Turn]:
    kept: list[Turn] = []
    for number, turn in enumerate(turns):
        if turn.is_refused:
            while kept and kept[-1].role == "user" and not _is_answered(turns[number + 1 :]):
                kept.pop()
        elif turn.text:
            kept.append(turn)
    return kept


def _is_answered(following: Sequence[Turn]) -> bool:
    """Tell whether what was asked last has its answer in the turns that follow."""
    for turn in following:
        if turn.text and not turn.is_refused:
            return turn.role == "assistant"
    return False
