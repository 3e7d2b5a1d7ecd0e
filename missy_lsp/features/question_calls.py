"""A question as a call of the model client, for the server and the command line alike."""

from __future__ import annotations

from typing import Protocol

from missy_lsp.config.values import Config
from missy_lsp.features.ask import AskInput, build, left_out, route_input
from missy_lsp.features.outgoing import redacted_ask, withheld_in, without_invisible
from missy_lsp.llm.client import Call
from missy_lsp.llm.turns import Toolbox
from missy_lsp.llm.types import TierChoice
from missy_lsp.outbound.redaction import Redacted


class GuardableToolbox(Toolbox, Protocol):
    """Tools that can be had with placeholders for the secrets in what they give."""

    def guarded(self, earlier: tuple[Redacted, ...]) -> Toolbox:
        """Return the same tools with placeholders; `earlier` is what was replaced in the question."""


def call_of_question(
    ask: AskInput,
    config: Config,
    *,
    toolbox: GuardableToolbox | None = None,
    tools_asked_for: bool = False,
    provider: str | None = None,
    model: str | None = None,
    tier: TierChoice | None = None,
) -> Call:
    """Return the call, with what to say of that which does not go out.

    `tools_asked_for`: the toolbox is what this question asks for, not what the configuration offers to all.
    """
    specs = toolbox.specs() if toolbox else ()
    notes = left_out(ask, config.context.max_tokens)
    done: tuple[Redacted, ...] = ()
    guarded: Toolbox | None = toolbox
    if config.privacy.redact_secrets:
        ask, done = redacted_ask(ask)
        guarded = toolbox and toolbox.guarded(done)
    prompt, invisible = without_invisible(build(ask, config.context.max_tokens, specs))
    return Call(
        prompt=prompt,
        config=config,
        notes=(*notes, *withheld_in(done, invisible).sentences()),
        route=route_input(ask, specs if tools_asked_for else ()),
        provider=provider,
        model=model,
        tier=tier,
        toolbox=guarded,
        folder=ask.workspace_folder or "",
    )
