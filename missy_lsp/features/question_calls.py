"""A question as a call of the model client, for the server and the command line alike."""

from __future__ import annotations

from collections.abc import Callable

from missy_lsp.config.values import Config
from missy_lsp.features.ask import AskInput, build, left_out, route_input
from missy_lsp.features.outgoing import redacted_ask, withheld_in, without_invisible
from missy_lsp.llm.client import Call
from missy_lsp.llm.turns import Toolbox
from missy_lsp.llm.types import TierChoice
from missy_lsp.outbound.redaction import Redacted


def call_of_question(
    ask: AskInput,
    config: Config,
    *,
    toolbox: Toolbox | None = None,
    guard: Callable[[Toolbox, tuple[Redacted, ...]], Toolbox],
    provider: str | None = None,
    model: str | None = None,
    tier: TierChoice | None = None,
) -> Call:
    """Return the call, with what to say of that which does not go out.

    `guard` makes of a toolbox one whose results hold no secrets; it is told what was replaced in the question.
    """
    specs = toolbox.specs() if toolbox else ()
    notes = left_out(ask, config.context.max_tokens)
    done: tuple[Redacted, ...] = ()
    if config.privacy.redact_secrets:
        ask, done = redacted_ask(ask)
        toolbox = toolbox and guard(toolbox, done)
    prompt, invisible = without_invisible(build(ask, config.context.max_tokens, specs))
    return Call(
        prompt=prompt,
        config=config,
        notes=(*notes, *withheld_in(done, invisible).sentences()),
        route=route_input(ask, specs),
        provider=provider,
        model=model,
        tier=tier,
        toolbox=toolbox,
        folder=ask.workspace_folder or "",
    )
