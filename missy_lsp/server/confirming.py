"""Ask the user before money is spent that they want to be asked about."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from lsprotocol import types

from missy_lsp.server.protocol import ClientRefused

if TYPE_CHECKING:
    from missy_lsp.llm.client import RouteEstimate
    from missy_lsp.server.session import Session

YES = "Use the premium tier"
NO = "Use the primary tier"
ANSWER_WITHIN_S = 120.0


def premium_question(session: Session) -> Callable[[RouteEstimate], Awaitable[bool]] | None:
    """Return a function that asks before a premium request; None where the editor can't ask."""
    if not session.client.message_actions:
        return None

    async def ask(estimate: RouteEstimate) -> bool:
        question = {
            "type": types.MessageType.Info.value,
            "message": f"This goes to the premium tier ({estimate.decision.model}, up to ${estimate.max_usd:.2f}): "
            f"{'; '.join(estimate.decision.reasons)}.",
            "actions": [{"title": YES}, {"title": NO}],
        }
        try:
            chosen = await session.protocol.request(types.WINDOW_SHOW_MESSAGE_REQUEST, question, ANSWER_WITHIN_S)
        except ClientRefused:
            return False
        return isinstance(chosen, dict) and chosen.get("title") == YES

    return ask
