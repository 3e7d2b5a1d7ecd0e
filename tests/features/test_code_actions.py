"""Every file in tests/data/code_actions: a source with its selection, a model's reply, what becomes of the document.

`«` and `»` stand around the selection, `‸` at the cursor; `␍` at the end of a line is a carriage return, `␃` says
that no line end follows, and `⟦202E⟧` is the character with that number. What is expected is the new document,
`refused`, `new file PATH: TEXT`, `sends: SELECTION` or `sends the whole document`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from missy_lsp.config.actions import Action, built_in_actions
from missy_lsp.document import Snapshot, Span
from missy_lsp.features.actions import ActionInput, build_action
from missy_lsp.features.edits import NoProposal, Proposal, propose
from missy_lsp.features.targets import resolve_target
from missy_lsp.llm.types import TextBlock

CASES = sorted((Path(__file__).parents[1] / "data" / "code_actions").glob("*.txt"))
ACTIONS = {action.id: action for action in built_in_actions().actions}


def read(case: Path) -> dict[str, str]:
    """Return the head's fields and the sections of a case."""
    text = case.read_bytes().decode("utf-8")
    head, *sections = re.split(r"^=== (?=source|reply|expected|end)", text, flags=re.MULTILINE)
    fields = dict(line.split(": ", 1) if ": " in line else (line.rstrip(":"), "") for line in head.splitlines())
    for section in sections:
        name, _, body = section.partition("\n")
        body = body.replace("␍\n", "\r\n").replace("␃\n", "")
        fields[name] = re.sub("⟦([0-9A-F]+)⟧", lambda match: chr(int(match[1], 16)), body)
    return fields


def snapshot_of(fields: dict[str, str]) -> Snapshot:
    source = fields["source"]
    if "‸" in source:
        start = end = source.index("‸")
    else:
        start = source.index("«")
        end = source.index("»") - 1
    text = re.sub("[«»‸]", "", source)
    return Snapshot("file:///project/a", 1, fields["language"], text, Span(start, end))


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_an_action_does_to_the_document_what_its_case_says(case: Path) -> None:
    fields = read(case)
    action, snapshot = ACTIONS[fields["action"]], snapshot_of(fields)
    asked = ActionInput(action, snapshot, resolve_target(action, snapshot), fields["instruction"])
    prompt = build_action(asked, 12_000)
    expected = fields["expected"].rstrip("\n") if fields["expected"] == "refused\n" else fields["expected"]
    if expected.startswith("sends"):
        said = "\n".join(block.text for block in prompt.messages[0].content if isinstance(block, TextBlock))
        selection = re.search(r"<selection-\w+[^>]*>\n(.*?)</selection-", said, re.DOTALL)
        assert (selection[1] if selection else None) == (expected[7:] if expected.startswith("sends:") else None)
        return
    found = propose(action, snapshot, asked.target, fields["reply"], structured=False)
    assert outcome(snapshot, asked, found) == expected


def outcome(snapshot: Snapshot, asked: ActionInput, found: Proposal | NoProposal) -> str:
    if isinstance(found, NoProposal):
        assert found.sentence
        assert found.for_model
        return "refused"
    if found.path is not None:
        return f"new file {found.path}: {found.new_text}"
    span = asked.target.span
    return snapshot.text[: span.start] + found.new_text + snapshot.text[span.end :]


@pytest.mark.parametrize("action", ACTIONS.values(), ids=lambda action: action.id)
def test_every_action_has_a_case(action: Action) -> None:
    assert any(read(case)["action"] == action.id for case in CASES) or action.when == "diagnostics"


def said_by(action_id: str, **more: Any) -> str:
    action = ACTIONS[action_id]
    snapshot = Snapshot("file:///project/a.py", 1, "python", "def f():\n    return 1\n", Span(10, 10))
    asked = ActionInput(action, snapshot, resolve_target(action, snapshot), **more)
    return "\n".join(block.text for block in build_action(asked, 12_000).messages[0].content)  # type: ignore[union-attr]


def test_what_changes_with_the_action_stands_behind_what_is_cached() -> None:
    action, other = ACTIONS["refactor"], ACTIONS["explain"]
    snapshot = Snapshot("file:///project/a.py", 1, "python", "def f():\n    return 1\n", Span(10, 10))
    prompts = [
        build_action(ActionInput(one, snapshot, resolve_target(one, snapshot), card="Be kind."), 12_000)
        for one in (action, other)
    ]
    assert prompts[0].system == prompts[1].system
    assert [block.cache for block in prompts[0].system] == [False, True]
    first = [prompt.messages[0].content[0] for prompt in prompts]
    assert first[0] == first[1]
    assert isinstance(first[0], TextBlock)
    assert first[0].cache
    assert not any(getattr(block, "cache", False) for block in prompts[0].messages[0].content[1:])


def test_only_an_edit_is_told_how_to_reply() -> None:
    assert "<replacement>" in said_by("refactor")
    assert "<path>" in said_by("write-tests")
    assert "<replacement>" not in said_by("explain")
