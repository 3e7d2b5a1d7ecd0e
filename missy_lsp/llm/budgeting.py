"""Which tier a budget leaves: the one decided on, or with `budget.on_exceed: cheaper` one below it that costs less."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import attrs

from missy_lsp.errors import BudgetError, ModelError
from missy_lsp.llm.router import RouteDecision
from missy_lsp.llm.spending import Account
from missy_lsp.llm.types import TIERS, Prompt, Tier


@attrs.frozen
class TierChain:
    """The tiers that may serve a call: `decision`, then each one below it that costs less.

    `account_of` is the account of a call on one of them, `lowered` decides for a lower tier; None where the tier stays.
    """

    decision: RouteDecision
    prompt: Prompt
    account_of: Callable[[RouteDecision], Account]
    lowered: Callable[[Tier], RouteDecision] | None

    async def open(self) -> tuple[RouteDecision, Account]:
        """Open the account of the first tier that fits below the caps; the reasons have the figures of those above.

        Raises BudgetError, as it is for the tier decided on, where none fits.
        """
        refused: BudgetError | None = None
        for decision, account in self._options():
            try:
                await account.open(self.prompt)
            except BudgetError as error:
                refused = refused or error
            else:
                return self._explained(decision, refused), account
        assert refused is not None, "the first one opens or is refused"
        raise refused

    def expected(self) -> RouteDecision:
        """Return the tier that `budget.request_usd` leaves; the cap of the day is only known when it is asked."""
        refused: BudgetError | None = None
        for decision, account in self._options():
            try:
                account.check(self.prompt)
            except BudgetError as error:
                refused = refused or error
            else:
                return self._explained(decision, refused)
        return self.decision

    def _options(self) -> Iterator[tuple[RouteDecision, Account]]:
        account = self.account_of(self.decision)
        yield self.decision, account
        if self.lowered is None:
            return
        most_usd = account.most_usd(self.prompt)
        for tier in reversed(TIERS[: TIERS.index(self.decision.tier)]):
            decision = self.lowered(tier)
            try:
                account = self.account_of(decision)
            except ModelError:
                continue  # its model can't write as much as the answer needs
            if account.most_usd(self.prompt) < most_usd:
                yield decision, account

    def _explained(self, decision: RouteDecision, refused: BudgetError | None) -> RouteDecision:
        if refused is None:
            return decision
        first = self.decision
        why = f"budget.on_exceed: in place of the {first.tier} tier ({first.model}), since {refused.figures}"
        return attrs.evolve(decision, reasons=(why, *first.reasons))
