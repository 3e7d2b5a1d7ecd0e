"""Suggestions at the cursor: what is asked, and what of a reply is suggested, by the cases of tests/data/completions.

A file is named after a language id. Its cases are headed by `=== NAME`; in a document `‸` is the cursor, `→` a tab, `␍`
a carriage return and `⟦202E⟧` the character with that number. Nothing under `--- suggested` means that there is none.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import attrs
import pytest

from missy_lsp.document import Snapshot
from missy_lsp.features.inline_completion import (
    MAX_SHOWN_TOKENS,
    CompletionTarget,
    Suggestion,
    completion_prompt,
    completion_target,
    read_completion,
)

FOLDER = Path(__file__).parents[1] / "data" / "completions"
MAX_LINES = 12
KEY = "sk-ant-api03-FAKE-" + "aB3dE5gH" * 4


def cases() -> list[object]:
    found: list[object] = []
    for file in sorted(FOLDER.glob("*.txt")):
        text = file.read_text(encoding="utf-8").replace("→", "\t").replace("␍", "\r")
        text = re.sub("⟦([0-9A-F]+)⟧", lambda match: chr(int(match[1], 16)), text)
        for case in re.split("^=== ", text, flags=re.MULTILINE)[1:]:
            name, _, body = case.partition("\n")
            found.append(pytest.param(file.stem, body, id=f"{file.stem}: {name}"))
    return found


def target(text: str, language_id: str = "python", *, redact: bool = True) -> CompletionTarget | None:
    snapshot = Snapshot("file:///a", 1, language_id, text.replace("‸", ""))
    return completion_target(snapshot, text.index("‸"), redact=redact)


def suggested(text: str, reply: str, language_id: str = "python", max_lines: int = MAX_LINES) -> str:
    found = target(text, language_id)
    assert found is not None
    return read_completion(found, f"<replacement>\n{reply}\n</replacement>", max_lines)


def sent(found: CompletionTarget) -> str:
    return json.dumps(attrs.asdict(completion_prompt(found, MAX_LINES)), ensure_ascii=False)


@pytest.mark.parametrize(("language_id", "body"), cases())
def test_a_reply_becomes_the_suggestion_that_its_case_says(language_id: str, body: str) -> None:
    document, rest = body.split("--- reply\n")
    reply, expected = rest.split("--- suggested\n")
    assert suggested(document, reply.removesuffix("\n"), language_id) == expected.removesuffix("\n")


@pytest.mark.parametrize(
    "reply",
    ["", "result = total(prices)", "<replacement>\nresult = total(pri", "<replacement>a</replacement>\n" * 2],
    ids=["nothing", "without tags", "cut off", "twice"],
)
def test_a_reply_that_has_not_the_form_is_no_suggestion(reply: str) -> None:
    found = target("result = total‸\n")
    assert found is not None
    assert read_completion(found, reply, MAX_LINES) == ""


def test_a_suggestion_has_no_more_lines_than_the_user_wants() -> None:
    assert suggested("def f():‸\n", "def f():\n    a = 1\n    return a", max_lines=1) == ""
    assert suggested("def f():‸\n", "def f():\n    a = 1\n    return a", max_lines=2) == "\n    a = 1"


@pytest.mark.parametrize(
    "text",
    ["pri‸ces = 1\n", "    ‸return 1\n", "‸price\n", "‸", "\n‸\n", f'key = "{KEY}‸"\n', "x = " + "1 + " * 9000 + "‸\n"],
    ids=[
        "in a word",
        "before code",
        "before a word",
        "an empty document",
        "only blanks",
        "a secret",
        "a very long line",
    ],
)
def test_there_are_places_where_nothing_is_asked(text: str) -> None:
    assert target(text) is None


def test_the_model_sees_the_document_with_a_mark_that_it_does_not_hold_itself() -> None:
    found = target('mark = "<|cursor|>"\nprint(‸)\n')
    assert found is not None
    assert found.mark == "<|cursor-|>"
    assert f"print({found.mark})" in found.shown
    assert "Only this one line." in sent(found)
    assert f"At most {MAX_LINES} lines." in sent(target("print‸\n") or found)


def test_of_a_long_document_the_imports_and_what_is_around_the_cursor_are_sent() -> None:
    lines = [f"value_{number} = {number}\n" for number in range(40_000)]
    found = target("import os\n" + "".join(lines[:20_000]) + "x = ‸\n" + "".join(lines[20_000:]))
    assert found is not None
    assert "value_19999" in found.shown
    assert "value_20000" in found.shown
    assert len(found.shown) < 5 * MAX_SHOWN_TOKENS
    small = target("import os\n" + "".join(lines[:2_000]) + "x = ‸\n")
    assert small is not None
    assert small.shown.startswith("import os\n[lines ")


def test_a_secret_is_not_sent_and_the_line_that_has_it_is_completed_all_the_same() -> None:
    found = target(f'client = Client(key="{KEY}", ‸)\n')
    assert found is not None
    assert KEY not in sent(found)
    [secret] = found.redacted.replacements
    line = f'client = Client(key="{secret.placeholder}", timeout=3)'
    assert read_completion(found, f"<replacement>\n{line}\n</replacement>", MAX_LINES) == "timeout=3"
    unknown = line.replace("timeout=3", '"[secret:password:9]"')
    assert read_completion(found, f"<replacement>\n{unknown}\n</replacement>", MAX_LINES) == ""
    plain = target(f'client = Client(key="{KEY}", ‸)\n', redact=False)
    assert plain is not None
    assert KEY in sent(plain)


# --- what is left of one while it is typed --------------------------------------------------------

BEFORE, AFTER = "def f(a):\n    return ", "\n\n\nprint(f(1))\n"
MADE = Suggestion.at("a + 1", "m", BEFORE + AFTER, len(BEFORE))


@pytest.mark.parametrize(("typed", "left"), [("", "a + 1"), ("a", " + 1"), ("a + ", "1"), ("a + 1", None), ("b", None)])
def test_who_types_what_is_suggested_is_shown_the_rest(typed: str, left: str | None) -> None:
    assert MADE.rest(BEFORE + typed + AFTER, len(BEFORE + typed)) == left


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"\n{BEFORE}", AFTER),
        (BEFORE.replace("f", "g"), AFTER),
        (BEFORE, f"{AFTER}\n"),
        (BEFORE, AFTER.replace("1", "2")),
        (BEFORE[:-1], AFTER),
    ],
)
def test_for_another_place_nothing_is_left(before: str, after: str) -> None:
    assert MADE.rest(before + after, len(before)) is None


def test_that_there_was_nothing_to_suggest_holds_for_that_very_place() -> None:
    nothing = Suggestion.at("", "m", BEFORE + AFTER, len(BEFORE))
    assert nothing.rest(BEFORE + AFTER, len(BEFORE)) == ""
    assert nothing.rest(BEFORE + "a" + AFTER, len(BEFORE) + 1) is None
