"""`missy usage`: what was spent, by model, tier, day, folder, action or provider."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from missy_lsp.cli.output import aligned, one_line
from missy_lsp.cli.setting import Setting

if TYPE_CHECKING:
    from missy_lsp.llm.ledger import SpendingSum

_GROUPS = ("model", "tier", "day", "folder", "action", "provider")


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("usage", help="tell what was spent", allow_abbrev=False)
    parser.add_argument("--since", metavar="TIME", default="30d", help="a date, or how long ago: 12h, 7d, 2w (30d)")
    parser.add_argument("--by", choices=_GROUPS, default="model", help="what to add up by")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(setting: Setting, options: argparse.Namespace) -> int:
    """Print the sums, with bars where somebody looks."""
    from missy_lsp.features.usage import sum_fields, total_fields

    ledger = setting.ledger()
    since = ledger.since(options.since)
    entries = ledger.sums(options.by, since)
    if options.json:
        total = total_fields(entries)
        fields = [sum_fields(entry) for entry in entries]
        setting.output.document({"since": since, "by": options.by, "total": total, "entries": fields})
        return 0
    if not entries:
        setting.output.result(f"nothing was spent since {_shown(since)}")
        return 0
    for line in _table(entries, options.by, setting.output.columns):
        setting.output.result(line)
    return 0


def _table(entries: tuple[SpendingSum, ...], by: str, columns: int) -> list[str]:
    from missy_lsp.features.usage import bars

    rows = [(by, "requests", "in", "cached", "out", "USD")]
    for entry in entries:
        usage = entry.usage
        read = usage.input_tokens + usage.cache_creation_tokens
        rows.append(
            (
                one_line(entry.key) or "-",
                str(entry.requests),
                str(read),
                str(usage.cache_read_tokens),
                str(usage.output_tokens),
                f"{entry.cost_usd:.4f}",
            )
        )
    rows.append(("total", str(sum(entry.requests for entry in entries)), "", "", "", f"{_total(entries):.4f}"))
    lines = aligned(rows, range(1, len(rows[0])))
    drawn = ["", *bars(entries, columns - len(lines[0]) - 2), ""]
    return [f"{line}  {bar}".rstrip() for line, bar in zip(lines, drawn, strict=True)]


def _total(entries: tuple[SpendingSum, ...]) -> float:
    return sum(entry.cost_usd for entry in entries)


def _shown(since: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(since))
