"""Text as it is while it is being typed: whatever is missing from it, the answers keep their promises."""

from __future__ import annotations

import os
import random

from missy_lsp.document import Span, split_lines
from missy_lsp.syntax.comments import instructions_in
from missy_lsp.syntax.definitions import enclosing_definition, following_code, named_definition
from tests.support.syntax_cases import Case, read_cases

CASES = read_cases("enclosing") + read_cases("following")
ROUNDS = 20_000 if os.environ.get("MISSY_SOAK") else 400
PIECES = ["{", "}", "(", ")", '"', "'", "`", "\n", "\r\n", "\r", "\f", "\t", "    ", "#", "/*", "*/", "<!--", "end\n"]
MORE = [
    "# missy: x\n",
    "// missy: y?\n",
    "/* missy:\n",
    "😋",
    "\u2028",
    "\ud800",
    "\0",
    "def ",
    "class ",
    "=>",
    "<<A\n",
]


def spoiled(case: Case, chance: random.Random) -> str:
    text = case.source
    for _ in range(chance.randint(1, 6)):
        at = chance.randint(0, len(text))
        if chance.random() < 0.5:
            text = text[:at] + text[at + chance.randint(1, 12) :]
        else:
            text = text[:at] + chance.choice(PIECES + MORE) + text[at:]
    return text


def is_whole_lines(text: str, span: Span) -> bool:
    starts = {0}
    place = 0
    for line in split_lines(text):
        place += len(line)
        starts.add(place)
    return span.start in starts and span.end in starts and 0 <= span.start <= span.end <= len(text)


def test_what_is_found_is_whole_lines_in_any_text() -> None:
    chance = random.Random(20_261)
    for _ in range(ROUNDS):
        case = chance.choice(CASES)
        text = spoiled(case, chance)
        offset = chance.randint(0, len(text))
        label = f"{case.name} {text!r} {offset}"
        found = enclosing_definition(text, offset, case.language_id)
        assert found is None or is_whole_lines(text, found), label
        following = following_code(text, offset, case.language_id)
        assert following is None or is_whole_lines(text, following), label
        assert following is None or text[following.start : following.end].strip(), label
        named_definition(text, found or Span(offset, offset), case.language_id)
        for comment in instructions_in(text, Span(offset, min(len(text), offset + 9)), case.language_id):
            assert is_whole_lines(text, comment.span), label
            assert "missy:" in text[comment.span.start : comment.span.end], label
