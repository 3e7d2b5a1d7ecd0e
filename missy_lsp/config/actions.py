"""Actions as data, a Markdown file each: built in, of the user, and of a workspace that the user trusts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

import attrs

import missy_lsp.prompts
from missy_lsp.config.action_reading import read_action_text
from missy_lsp.config.locations import Locations, is_same_place
from missy_lsp.config.nodes import Place
from missy_lsp.config.problems import Problem
from missy_lsp.config.text_files import FoundFiles, listed, problem_at, read_users_files, read_workspace_files
from missy_lsp.config.trust import COVERED, COVERED_ACTIONS, MAX_ACTIONS
from missy_lsp.config.values import EFFORTS, TIER_CHOICES, declared
from missy_lsp.errors import UsageError

ActionSource = Literal["built-in", "user", "workspace"]

_MENU_ORDER = "menu-order.txt"
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_MAX_ID_CHARACTERS = 40


def _usual_kind(action: Action) -> str:
    return "missy" if action.result == "answer" else "refactor.rewrite"


@attrs.frozen
class Action:
    """What a user can start on a place in a document.

    `id` is the name of its file; `instruction` is what the model is told, without the form of the reply.
    """

    id: str
    title: str = declared("", "What menus show.", required=True, max_characters=60)
    result: str = declared(
        "answer",
        "What becomes of the reply: it is shown, takes the place of the code, is inserted above it, or becomes a file.",
        choices=("answer", "replace", "insert above", "new file"),
    )
    kind: str = declared(
        attrs.Factory(_usual_kind, takes_self=True),
        "The kind of code action, which says in which menu an editor shows it.",
        choices=("quickfix", "refactor.rewrite", "source", "missy"),
    )
    when: str = declared(
        "always",
        "Where it is offered: everywhere, where something is selected, on a diagnostic, where an instruction is given, "
        "in code (neither prose nor a commit message), or in a commit message.",
        choices=("always", "selection", "diagnostics", "instruction", "code", "commit"),
    )
    languages: tuple[str, ...] = declared((), "The LSP language ids that it is offered for; empty: all.")
    tier: str = declared(
        "auto",
        "The tier that serves it; `auto` decides by the request.",
        choices=TIER_CHOICES,
    )
    effort: str = declared(
        "auto",
        "How hard the model works at it, where it can be told; `auto`: as its tier does (`routing.primary_effort`).",
        choices=("auto", *EFFORTS),
    )
    instruction: str = ""
    source: ActionSource = "built-in"
    path: Path | None = None

    @property
    def lsp_kind(self) -> str:
        """Return the code action kind (LSP 3.17) by which an editor can ask for this action alone."""
        return f"missy.{self.id}" if self.kind == "missy" else f"{self.kind}.missy.{self.id}"

    def fields(self, tiers: Mapping[str, str]) -> dict[str, object]:
        """Describe the action as `missy.listActions` and `missy actions --json` do; `tiers` is `routing.actions`."""
        return {
            "id": self.id,
            "title": self.title,
            "kind": self.lsp_kind,
            "when": self.when,
            "result": self.result,
            "tier": tiers.get(self.id, self.tier),
            "source": self.source,
        }


@attrs.frozen
class LoadedActions:
    """The actions in the order of menus, and what is wrong with the files that gave none.

    `workspace_is_untrusted` tells that the workspace has action files that need trust first.
    """

    actions: tuple[Action, ...]
    problems: tuple[Problem, ...] = ()
    workspace_is_untrusted: bool = False


def load_actions(locations: Locations, folder: Path | None, trusted: bool | None = None) -> LoadedActions:
    """Read every action that there is in a folder; `trusted` overrides the trust store.

    A user's file takes the place of the built-in action with its id; a workspace's files only add.
    """
    built_in = built_in_actions()
    own_folder = _users_folder(locations)
    files, problems = _files(own_folder)
    users = _read(read_users_files(files), "user")
    actions = {action.id: action for action in (*built_in.actions, *users.actions)}
    problems += [*built_in.problems, *users.problems]
    untrusted = False
    if folder is not None and not is_same_place(folder / COVERED_ACTIONS, own_folder):
        files, listing_problems = _files(folder / COVERED_ACTIONS)
        found = read_workspace_files(locations, folder, files, trusted)
        untrusted = found.are_untrusted
        if not untrusted:
            theirs = _read(found, "workspace")
            added, refused = _added(theirs.actions, actions)
            actions |= added
            problems += [*listing_problems, *theirs.problems, *refused]
    ranks = {action.id: rank for rank, action in enumerate(built_in.actions)}
    ordered = sorted(actions.values(), key=lambda action: (ranks.get(action.id, len(ranks)), action.id))
    return LoadedActions(tuple(ordered), tuple(problems), untrusted)


@cache  # the files are part of the package and never change while it runs
def built_in_actions() -> LoadedActions:
    """Return the actions that come with Missy: first those that the menu order names, then the others by id."""
    folder = Path(missy_lsp.prompts.__file__).with_name("actions")
    order = (folder / _MENU_ORDER).read_text(encoding="utf-8").split()
    ranks = {name: rank for rank, name in enumerate(order)}
    files = sorted(folder.glob("*.md"), key=lambda file: (ranks.get(file.stem, len(ranks)), file.stem))
    return _read(FoundFiles({file: file.read_bytes() for file in files}), "built-in")


def find_action(actions: Iterable[Action], action_id: str) -> Action:
    """Return the action with an id. Raises UsageError, which names those that there are."""
    by_id = {action.id: action for action in actions}
    if action_id not in by_id:
        raise UsageError(f"There is no action {action_id[:60]!r} here. There are: {', '.join(by_id)}.")
    return by_id[action_id]


def read_action(data: bytes, path: Path, source: ActionSource) -> tuple[Action | None, tuple[Problem, ...]]:
    """Read one file; with any problem there is no action."""
    text, problems = read_action_text(data, path, front_fields())
    if not _ID.fullmatch(path.stem) or len(path.stem) > _MAX_ID_CHARACTERS:
        message = (
            "the file's name without `.md` is the action's id: small letters a to z and digits, joined by hyphens, at "
            f"most {_MAX_ID_CHARACTERS} characters; rename the file"
        )
        return None, (problem_at(path, Place(), "name", message), *problems)
    if text is None:
        return None, problems
    return Action(path.stem, **text.values, instruction=text.instruction, source=source, path=path), ()


def check_action(data: bytes, path: Path, source: ActionSource, known: Iterable[Action]) -> tuple[Problem, ...]:
    """Return what is wrong with a file's text beside the actions that are there without it."""
    action, problems = read_action(data, path, source)
    if action is None or source != "workspace":
        return problems
    return tuple(_added([action], {other.id: other for other in known})[1])


def front_fields() -> Mapping[str, attrs.Attribute[Any]]:
    """Return what the front matter of an action file may hold, by name."""
    return {field.name: field for field in attrs.fields(Action) if field.metadata}


def action_files(locations: Locations, folder: Path | None) -> list[Path]:
    """Return what decides on the actions in a folder, to take a fingerprint of: while it stays, so do they."""
    own = _users_folder(locations)
    files = [own, *_files(own)[0]]
    if folder is not None:
        theirs = folder / COVERED_ACTIONS
        files += [locations.trust_file, *(folder / name for name in COVERED), theirs, *_files(theirs)[0]]
    return files


def _users_folder(locations: Locations) -> Path:
    return locations.config_dir / "actions"


def _files(folder: Path) -> tuple[list[Path], list[Problem]]:
    files, problems = listed(folder)
    if len(files) > MAX_ACTIONS:
        message = f"only the first {MAX_ACTIONS} files by name are read; move the others away"
        problems.append(problem_at(folder, Place(), "too-many", message))
    return files[:MAX_ACTIONS], problems


def _read(found: FoundFiles, source: ActionSource) -> LoadedActions:
    read = [read_action(data, path, source) for path, data in found.contents.items()]
    actions = tuple(action for action, _ in read if action is not None)
    return LoadedActions(actions, (*found.problems, *(problem for _, problems in read for problem in problems)))


def _added(actions: Iterable[Action], known: Mapping[str, Action]) -> tuple[dict[str, Action], list[Problem]]:
    """Refuse what bears a known action's id or title: what `Explain` does is not for a repository to say."""
    titles = {action.title.casefold(): action for action in known.values()}
    added: dict[str, Action] = {}
    problems = []
    for action in actions:
        other = known.get(action.id) or titles.get(action.title.casefold())
        if other is None:
            added[action.id] = action
            continue
        whose = "a built-in action" if other.source == "built-in" else "an action of your own"
        has = "its name; rename the file" if other.id == action.id else "its title; write another one"
        message = f"{action.id}: a workspace may not replace {whose}, and this one has {has}"
        problems.append(problem_at(action.path or Path(action.id), Place(), "not-allowed", message))
    return added, problems
