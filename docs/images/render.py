"""Draw what a terminal showed: `make demo 2>&1 | python docs/images/render.py "make demo" > docs/images/demo.svg`."""

from __future__ import annotations

import sys
import textwrap
from html import escape

COLUMNS = 96
LINE_PX = 18
CHARACTER_PX = 8.0


def svg(command: str, output: str) -> str:
    """Return a picture of a command and its output."""
    lines = [f"$ {command}"]
    for line in output.rstrip().splitlines():
        lines += textwrap.wrap(line, COLUMNS, drop_whitespace=False) or [""]
    height = (len(lines) + 2) * LINE_PX
    rows = "\n".join(
        f'<text x="16" y="{(number + 2) * LINE_PX}" xml:space="preserve">{escape(line)}</text>'
        for number, line in enumerate(lines)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{COLUMNS * CHARACTER_PX + 32:.0f}" height="{height}" '
        f'font-family="ui-monospace, Menlo, Consolas, monospace" font-size="13" fill="#d8dee9">\n'
        f'<title>A terminal: {escape(command)}</title>\n<rect width="100%" height="100%" rx="8" fill="#1d2330"/>\n'
        f"{rows}\n</svg>\n"
    )


if __name__ == "__main__":
    sys.stdout.write(svg(sys.argv[1], sys.stdin.read()))
