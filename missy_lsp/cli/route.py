"""`missy route`: where a question would go, and why; no model is called."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

import attrs

from missy_lsp.cli.ask import add_material_options, build_call
from missy_lsp.cli.setting import Setting
from missy_lsp.cli.standard_input import required_input
from missy_lsp.errors import UsageError

if TYPE_CHECKING:
    from missy_lsp.llm.router import RouteInput


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("route", help="explain which tier and model a question would get", allow_abbrev=False)
    parser.add_argument("prompt", nargs="*", help="the question")
    add_material_options(parser)
    parser.add_argument("--tool-count", type=int, default=None, metavar="N", help="as if N tools were offered")
    parser.add_argument("--history-length", type=int, default=None, metavar="N", help="as if N turns had gone before")
    parser.add_argument("--jsonl", action="store_true", help="read cases as JSON lines, print a decision for each")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(setting: Setting, options: argparse.Namespace) -> int:
    """Explain one decision, or make many."""
    if options.jsonl:
        return decide_lines(setting)
    check_counts(options)
    call = build_call(setting, options)
    given = {"tool_count": options.tool_count, "history_length": options.history_length}
    call = attrs.evolve(call, route=attrs.evolve(call.route, **{k: v for k, v in given.items() if v is not None}))
    estimate = setting.models().estimate(call)
    decision = estimate.decision
    if options.json:
        setting.output.document(
            {
                "tier": decision.tier,
                "model": decision.model,
                "provider": estimate.provider,
                "score": decision.score,
                "reasons": list(decision.reasons),
                "estimate": {"inputTokens": estimate.input_tokens, "maxUsd": estimate.max_usd},
            }
        )
        return 0
    setting.output.result(f"{decision.tier}: {decision.model} ({estimate.provider})")
    for reason in decision.reasons:
        setting.output.result(f"  {reason}")
    setting.output.result(f"  about {estimate.input_tokens} tokens in, at most ${estimate.max_usd:.4f}")
    return 0


def decide_lines(setting: Setting) -> int:
    """Decide each case on standard input, by the same rules as one; a line that is no case gets an `error`.

    The exit code is then 1. Raises ModelError where the provider can't serve, as for one.
    """
    from missy_lsp.llm.client import Call
    from missy_lsp.llm.types import Prompt

    config, models = setting.config(), setting.models()
    bad = False
    for number, line in enumerate(required_input(setting.output, "the cases") if sys.stdin is not None else (), 1):
        if not line.strip():
            continue
        case: dict[str, Any] = {}
        try:
            case = _case(line)
            decision = models.decide(Call(Prompt((), ()), config, _route_input(case)))
        except ValueError as error:
            bad = True
            known = {"id": case["id"]} if "id" in case else {}
            setting.output.line({**known, "line": number, "error": str(error)})
            continue
        setting.output.line({"id": case.get("id"), "tier": decision.tier, "reasons": list(decision.reasons)})
    return 1 if bad else 0


def _case(line: bytes) -> dict[str, Any]:
    try:
        case = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise ValueError("the line is not JSON in UTF-8") from None
    if not isinstance(case, dict):
        raise ValueError("an object with a text `prompt` is expected")
    return case


def _route_input(case: dict[str, Any]) -> RouteInput:
    from missy_lsp.llm.router import RouteInput

    if not isinstance(case.get("prompt"), str):
        raise ValueError("an object with a text `prompt` is expected")
    sizes = {name: case.get(name, 0) for name in ("selection_chars", "tool_count", "history_length")}
    for name, value in sizes.items():
        if type(value) is not int or value < 0:
            raise ValueError(f"`{name}` has to be a whole number, 0 or more")
    return RouteInput(prompt=case["prompt"], **sizes)


def check_counts(options: argparse.Namespace) -> None:
    """Refuse negative counts."""
    for name in ("tool_count", "history_length"):
        value = getattr(options, name)
        if value is not None and value < 0:
            raise UsageError(f"--{name.replace('_', '-')} has to be 0 or more")
