"""The money of calls: what one may cost before it is sent, what it did cost in the ledger after."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Sequence

import attrs

from missy_lsp.config.values import Budget
from missy_lsp.errors import BudgetError
from missy_lsp.llm.catalogue import Catalogue, ModelFacts
from missy_lsp.llm.estimating import is_cached, prompt_tokens
from missy_lsp.llm.ledger import Ledger, Spending
from missy_lsp.llm.providers.offline import OFFLINE_MODEL
from missy_lsp.llm.types import Prompt, TurnEnd, Usage

logger = logging.getLogger(__name__)


@attrs.frozen
class Prices:
    """What the requests of a call cost, which asks for the model `asked`; nothing where it is `free`.

    The price is that of the model which answered. Where that is told under a name that nobody knows, or that only the
    offline provider has, it is the price of the one that was asked: a gateway may say anything.
    """

    catalogue: Catalogue
    asked: str
    free: bool = False

    def usd(self, usage: Usage, answered: str = "") -> float:
        """Return the price of one request."""
        if self.free:
            return 0.0
        facts = next((facts for model in (answered, self.asked) if (facts := self._facts(model)) is not None), None)
        return (facts or self.catalogue.careful).cost_usd(usage)

    def _facts(self, model: str) -> ModelFacts | None:
        facts = self.catalogue.facts(model)
        return facts if facts.known and facts.id != OFFLINE_MODEL else None


@attrs.frozen
class Purpose:
    """What a call is for, as the ledger tells it."""

    provider: str
    model: str
    tier: str
    action: str
    folder: str


def most_usd(prices: Prices, prompt: Prompt, max_tokens: int) -> float:
    """Return the most that one turn may cost: all of it read anew, and kept where that is asked."""
    tokens = prompt_tokens(prompt)
    if not is_cached(prompt):
        return prices.usd(Usage(tokens, max_tokens))
    return prices.usd(Usage(0, max_tokens, cache_creation_tokens=tokens))


class Account:
    """One call against the user's caps and in the user's ledger; None for a ledger counts nothing."""

    def __init__(
        self, ledger: Ledger | None, budget: Budget, prices: Prices, purpose: Purpose, max_tokens: int
    ) -> None:
        self._ledger = ledger
        self._budget = budget
        self._prices = prices
        self._purpose = purpose
        self._max_tokens = max_tokens
        self._reservation: str | None = None

    async def open(self, prompt: Prompt) -> None:
        """Make room for a call. Raises BudgetError where it could pass a cap, ModelError as `Ledger.reserve` does."""
        try:
            await self.afford(prompt, [])
        except asyncio.CancelledError:
            await asyncio.to_thread(self.close, [], Usage())
            raise

    async def afford(self, prompt: Prompt, ends: list[TurnEnd]) -> None:
        """Make room for a turn, which follows what was answered so far. Raises as `open` does.

        The room is taken anew for each turn: others may have taken theirs meanwhile.
        """
        usd = self.check(prompt, ends)
        if self._budget.daily_usd is not None and self._ledger is not None:
            self._reservation = self._reservation or uuid.uuid4().hex
            work = asyncio.to_thread(self._ledger.reserve, self._reservation, usd, self._budget.daily_usd)
            reserving = asyncio.ensure_future(work)
            try:
                await asyncio.shield(reserving)
            except asyncio.CancelledError:
                await asyncio.wait([reserving])  # a thread can't be stopped: what it takes has to be given back after
                raise

    def check(self, prompt: Prompt, ends: Sequence[TurnEnd] = ()) -> float:
        """Return the most that a call may cost with one more turn, in USD. Raises BudgetError above `request_usd`."""
        cap = self._budget.request_usd
        if cap is None and self._budget.daily_usd is None:
            return 0.0  # estimating reads the whole prompt; without a cap nobody asks
        usd = self.cost_usd(ends) + self.most_usd(prompt)
        if cap is not None and usd > cap:
            raise BudgetError(
                f"this request may cost up to {_usd(usd)}, more than budget.request_usd ({_usd(cap)})",
                "Nothing more was sent. Ask with less code, choose a cheaper tier, or raise the cap in your "
                "configuration.",
            )
        return usd

    def most_usd(self, prompt: Prompt) -> float:
        """Return the most that one turn may cost."""
        return most_usd(self._prices, prompt, self._max_tokens)

    def cost_usd(self, ends: Sequence[TurnEnd], running: Usage | None = None) -> float:
        """Return what the turns cost, and one that did not end with its usage so far."""
        begun = 0.0 if running is None else self._prices.usd(running)
        return sum(self._prices.usd(end.usage, end.model) for end in ends) + begun

    def close(self, ends: list[TurnEnd], running: Usage) -> str | None:
        """Write down what a call came to, in a thread; `running` is the usage of a turn that did not end.

        Returns why it could not be written, None where it could.
        """
        if self._ledger is None:
            return None
        usage = sum((end.usage for end in ends), Usage()) + running
        spending = None
        if usage != Usage():
            purpose = self._purpose
            spending = Spending(
                at=time.time(),
                provider=purpose.provider,
                model=(ends[-1].model if ends else "") or purpose.model,
                tier=purpose.tier,
                action=purpose.action,
                folder=purpose.folder,
                usage=usage,
                cost_usd=self.cost_usd(ends, running),
                request_id=ends[-1].request_id if ends else None,
            )
        if spending is None and self._reservation is None:
            return None
        return self._ledger.record(spending, self._reservation)


class Books:
    """What is being written to the ledger, in threads: an answer does not wait for the disk."""

    def __init__(self) -> None:
        self._writing: set[asyncio.Future[str | None]] = set()

    def write_down(self, account: Account, ends: list[TurnEnd], running: Usage) -> None:
        """Begin to write down what a call came to, as `Account.close` does it; a failure is logged."""
        task = asyncio.ensure_future(asyncio.to_thread(account.close, ends, running))
        self._writing.add(task)
        task.add_done_callback(self._written)

    async def written_down(self) -> None:
        """Wait until nothing is being written any more."""
        while self._writing:
            await asyncio.wait(list(self._writing))

    def _written(self, task: asyncio.Future[str | None]) -> None:
        self._writing.discard(task)
        if not task.cancelled() and (fault := task.result()) is not None:
            logger.warning("%s", fault)


def _usd(amount: float) -> str:
    return f"${amount:.4f}"
