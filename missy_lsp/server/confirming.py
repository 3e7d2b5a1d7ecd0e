"""Ask the user before money is spent that they want to be asked about, and before a key goes to another address."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
from lsprotocol import types

from missy_lsp.characters import one_line
from missy_lsp.server.protocol import ClientRefused

if TYPE_CHECKING:
    from missy_lsp.llm.client import Call, RouteEstimate
    from missy_lsp.llm.destinations import OriginChange
    from missy_lsp.server.session import Session

USE_PREMIUM = "Use the premium tier"
USE_PRIMARY = "Use the primary tier"
SEND_THERE = "Send the key there"
DO_NOT_SEND = "Do not send it"
ANSWER_WITHIN_S = 120.0


def with_questions(session: Session, call: Call) -> Call:
    """Let a call ask before a premium request and before a key goes somewhere new, where the editor can ask."""
    if not session.client.message_actions:
        return call

    async def premium(estimate: RouteEstimate) -> bool:
        message = (
            f"This goes to the premium tier ({estimate.decision.model}, up to ${estimate.max_usd:.2f}): "
            f"{'; '.join(estimate.decision.reasons)}."
        )
        return await _is_yes(session, types.MessageType.Info, message, USE_PREMIUM, USE_PRIMARY)

    async def origin(change: OriginChange) -> bool:
        return await _is_yes(session, types.MessageType.Warning, change.question, SEND_THERE, DO_NOT_SEND)

    return attrs.evolve(call, confirm=premium, ask_about_origin=origin)


async def _is_yes(session: Session, kind: types.MessageType, message: str, yes: str, no: str) -> bool:
    """Ask; everything but the one answer is a no, silence too."""
    question = {
        "type": kind.value,
        "message": one_line(message, 1000),
        "actions": [{"title": yes}, {"title": no}],
    }
    try:
        chosen = await session.protocol.request(types.WINDOW_SHOW_MESSAGE_REQUEST, question, ANSWER_WITHIN_S)
    except ClientRefused:
        return False
    return isinstance(chosen, dict) and chosen.get("title") == yes
