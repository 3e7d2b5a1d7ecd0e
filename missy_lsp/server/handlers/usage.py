"""missy.usage: tokens and USD by model, tier and day."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from missy_lsp.features.usage import sum_fields, total_fields
from missy_lsp.llm.ledger import GROUPS
from missy_lsp.server.arguments import UsageArguments
from missy_lsp.server.dispatch import Request

if TYPE_CHECKING:
    from missy_lsp.server.session import Session


def usage(session: Session, arguments: UsageArguments, request: Request) -> object:
    """Add up what was spent since a date, or the last so many hours, days or weeks (`12h`, `7d`, `2w`)."""
    return _usage(session, session.ledger.since(arguments.since))


async def _usage(session: Session, since: float) -> dict[str, object]:
    await session.models.written_down()
    sums = {by: await asyncio.to_thread(session.ledger.sums, by, since) for by in GROUPS}
    today = await asyncio.to_thread(session.ledger.today_usd)
    grouped = {f"by{by.capitalize()}": [sum_fields(entry) for entry in entries] for by, entries in sums.items()}
    return {"since": since, "todayUsd": today, "total": total_fields(sums["model"]), **grouped}
