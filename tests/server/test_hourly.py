"""What an hour may have of what nobody asked for in words (the rest of it is tried in test_generations.py)."""

from __future__ import annotations

import asyncio
from pathlib import Path

from missy_lsp.llm.ledger import Ledger
from missy_lsp.server.hourly import HourlyCount


async def test_what_is_given_up_while_the_ledger_is_read_takes_no_place_of_the_hour(tmp_path: Path) -> None:
    hour = HourlyCount(Ledger(tmp_path / "ledger.sqlite"), "hover", "{} an hour".format)
    asked: list[int] = []

    async def ask(number: int) -> None:
        async with hour.one_more(1):
            asked.append(number)

    for number in range(3):
        asking = asyncio.ensure_future(ask(number))
        await asyncio.sleep(0)  # it has begun to read, and what was read comes a turn of the loop later at the earliest
        asking.cancel()
        await asyncio.wait([asking])
    await ask(3)
    assert asked == [3]
