"""The built-in actions, found by listing their folder: whoever adds a file is held to the same by these tests."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import missy_lsp.prompts
from missy_lsp.config.actions import Action, built_in_actions, read_action

FOLDER = Path(missy_lsp.prompts.__file__).with_name("actions")
DOCS = Path(__file__).parents[2] / "docs"
ACTIONS = built_in_actions().actions
BY_ID = {action.id: action for action in ACTIONS}
# Contract 3.4 and issue 3: the menu, with what becomes of the reply.
CONTRACT = {
    "fix": ("quickfix.missy.fix", "replace", "diagnostics"),
    "explain": ("missy.explain", "answer", "always"),
    "edit": ("refactor.rewrite.missy.edit", "replace", "instruction"),
    "refactor": ("refactor.rewrite.missy.refactor", "replace", "code"),
    "simplify": ("refactor.rewrite.missy.simplify", "replace", "code"),
    "optimize": ("refactor.rewrite.missy.optimize", "replace", "code"),
    "document": ("refactor.rewrite.missy.document", "replace", "code"),
    "add-types": ("refactor.rewrite.missy.add-types", "replace", "code"),
    "write-tests": ("refactor.rewrite.missy.write-tests", "new file", "code"),
    "review": ("missy.review", "answer", "code"),
    "translate-comments": ("source.missy.translate-comments", "replace", "code"),
    "commit-message": ("source.missy.commit-message", "insert above", "commit"),
}


def test_every_file_gives_an_action_without_a_problem() -> None:
    assert built_in_actions().problems == ()
    assert set(BY_ID) == {file.stem for file in FOLDER.glob("*.md")}


def test_the_actions_of_the_contract_are_there_in_the_order_of_the_menu() -> None:
    found = {action.id: (action.lsp_kind, action.result, action.when) for action in ACTIONS if action.id in CONTRACT}
    assert list(found.items()) == list(CONTRACT.items())
    order = (FOLDER / "menu-order.txt").read_text(encoding="utf-8").split()
    assert [action.id for action in ACTIONS][: len(order)] == order


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.id)
def test_an_instruction_says_what_to_do_and_not_how_to_reply(action: Action) -> None:
    lines = action.instruction.splitlines()
    assert 5 <= len(lines) <= 20
    assert "\t" not in action.instruction
    assert not [line for line in lines if line != line.rstrip()]
    assert not re.search(r"<\w+>|```|\{\w+\}|[Ff]ence|\btags? (the )?(reply|replacement)", action.instruction)
    assert action.instruction.isascii()


@pytest.mark.parametrize("action", [action for action in ACTIONS if action.result == "replace"], ids=lambda a: a.id)
def test_an_edit_may_always_find_that_nothing_has_to_change(action: Action) -> None:
    assert re.search(r"change nothing|leave that code as it is", action.instruction)


def test_titles_are_different() -> None:
    titles = {action.title.casefold() for action in ACTIONS}
    assert len(titles) == len(ACTIONS)


def test_every_action_is_in_the_reference() -> None:
    page = (DOCS / "reference" / "actions.md").read_text(encoding="utf-8")
    assert not [action.id for action in ACTIONS if f"| `{action.id}` |" not in page]


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: page.stem)
def test_every_action_that_a_page_shows_is_a_good_one(page: Path) -> None:
    examples = re.findall(r"```markdown\n(---\n.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert examples or page.stem != "custom-actions"
    for example in examples:
        action, problems = read_action(example.encode(), Path("example.md"), "user")
        assert action is not None, problems
