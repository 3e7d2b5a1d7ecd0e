"""Tools whose results hold no secrets: what a model reads by them goes out as the rest of the request does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from missy_lsp.characters import strip_invisible
from missy_lsp.outbound.redaction import Redacted, redact_secrets
from missy_lsp.tools.outcome import ToolOutcome
from missy_lsp.tools.veil import Veil

if TYPE_CHECKING:
    from missy_lsp.llm.types import JsonObject, ToolSpec
    from missy_lsp.tools.toolbox import Toolbox


class RedactingToolbox:
    """A toolbox with placeholders for the secrets in its results (security.md, KEY-13).

    `earlier` is what the request has replaced before: the same secret keeps its placeholder. An edit gets its secrets
    back.
    """

    def __init__(self, toolbox: Toolbox, earlier: tuple[Redacted, ...]) -> None:
        self._toolbox = toolbox
        self._veil = Veil(earlier)

    def specs(self) -> tuple[ToolSpec, ...]:
        return self._toolbox.specs()

    async def call(self, name: str, arguments: JsonObject) -> ToolOutcome:
        """Run one tool. What it gives was covered file by file; names and messages are looked through here."""
        outcome = await self._toolbox.call(name, arguments, self._veil)
        redacted = redact_secrets(strip_invisible(outcome.text)[0], self._veil.done)
        self._veil.keep(redacted)
        return ToolOutcome(redacted.text, outcome.is_error, outcome.summary)
