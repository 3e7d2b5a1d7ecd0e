"""Actions are data: every file gives one action or the exact places of its faults, and never touches another's."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from missy_lsp.config.actions import (
    Action,
    LoadedActions,
    action_files,
    built_in_actions,
    load_actions,
    read_action,
)
from missy_lsp.config.watch import fingerprint
from tests.support.config_place import Place

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX files")
GOOD = "---\ntitle: Count\n---\nCount the lines.\n"
BUILT_IN = [action.id for action in built_in_actions().actions]


def users(place: Place) -> Path:
    return place.locations.config_dir / "actions"


def workspaces(place: Place) -> Path:
    return place.folder / ".missy" / "actions"


def put(folder: Path, name: str, content: str | bytes = GOOD) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    file.chmod(0o600)
    return file


def load(place: Place, trusted: bool | None = None) -> LoadedActions:
    return load_actions(place.locations, place.folder, trusted)


def added(loaded: LoadedActions) -> list[str]:
    return [action.id for action in loaded.actions if action.id not in BUILT_IN]


def test_a_file_needs_a_title_and_an_instruction_and_the_rest_has_defaults() -> None:
    path = Path("count.md")
    assert read_action(GOOD.encode(), path, "user") == (
        Action("count", "Count", instruction="Count the lines.", source="user", path=path),
        (),
    )


def test_every_field_is_read() -> None:
    text = (
        "--- \nresult: insert above\n# a remark\nkind: source\nwhen: selection\nlanguages: [python, go]\n"
        'tier: premium\ntitle: "A: B"\n---\n\n# Head\n\n  body --- {x}\n\n---\nmore\n\n'
    )
    action, problems = read_action(text.encode(), Path("a-1.md"), "workspace")
    assert problems == ()
    assert action == Action(
        "a-1",
        "A: B",
        result="insert above",
        kind="source",
        when="selection",
        languages=("python", "go"),
        tier="premium",
        instruction="# Head\n\n  body --- {x}\n\n---\nmore",
        source="workspace",
        path=Path("a-1.md"),
    )


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "BOM"])
def test_line_ends_and_a_byte_order_mark_make_no_difference(end: str, mark: str) -> None:
    text = "---\ntitle: Ü\nlanguages: python\n---\nOne.\n\nTwo.\n"
    action, problems = read_action((mark + text.replace("\n", end)).encode(), Path("a.md"), "user")
    assert problems == ()
    assert action == Action(
        "a", "Ü", languages=("python",), instruction="One.\n\nTwo.", source="user", path=Path("a.md")
    )


@pytest.mark.parametrize(
    ("result", "kind", "lsp_kind"),
    [
        ("answer", None, "missy.x"),
        ("replace", None, "refactor.rewrite.missy.x"),
        ("insert above", None, "refactor.rewrite.missy.x"),
        ("new file", None, "refactor.rewrite.missy.x"),
        ("replace", "quickfix", "quickfix.missy.x"),
        ("answer", "source", "source.missy.x"),
        ("replace", "missy", "missy.x"),
    ],
)
def test_the_kind_follows_from_the_result_where_the_file_names_none(
    result: str, kind: str | None, lsp_kind: str
) -> None:
    line = f"kind: {kind}\n" if kind else ""
    action, _ = read_action(f"---\ntitle: X\n{line}result: {result}\n---\nDo.".encode(), Path("x.md"), "user")
    assert action is not None
    assert action.lsp_kind == lsp_kind
    assert action.fields({}) == {
        "id": "x",
        "title": "X",
        "kind": lsp_kind,
        "when": "always",
        "result": result,
        "tier": "auto",
        "source": "user",
    }


FAULTS: dict[str, tuple[str | bytes, tuple[int, int, int, int], str]] = {
    "unknown key": ("---\ntitle: X\nresluts: answer\n---\nDo.", (2, 0, 2, 7), "did you mean `result`"),
    "an order": ("---\ntitle: X\norder: 1\n---\nDo.", (2, 0, 2, 5), "there are title, result"),
    "unknown value": ("---\ntitle: X\nresult: replaced\n---\nDo.", (2, 8, 2, 16), "did you mean `replace`"),
    "unknown kind": ("---\ntitle: X\nkind: refactor\n---\nDo.", (2, 6, 2, 14), "refactor.rewrite"),
    "wrong type": ("---\ntitle: 5\n---\nDo.", (1, 7, 1, 8), "title: a text is expected"),
    "a date": ("---\ntitle: 2024-01-01\n---\nDo.", (1, 7, 1, 17), "a date"),
    "a list": ("---\ntitle: [X]\n---\nDo.", (1, 7, 1, 10), "a text is expected"),
    "languages": ("---\ntitle: X\nlanguages: [python, 3]\n---\nDo.", (2, 11, 2, 22), "a text is expected"),
    "empty language": ("---\ntitle: X\nlanguages: ['']\n---\nDo.", (2, 11, 2, 15), "empty"),
    "no title": ("---\ntier: fast\n---\nDo.", (0, 0, 0, 3), "title: this is missing"),
    "blank title": ("---\ntitle: ' '\n---\nDo.", (1, 7, 1, 10), "title: a text is expected, this is empty"),
    "long title": (f"---\ntitle: {'x' * 61}\n---\nDo.", (1, 7, 1, 68), "at most 60 characters"),
    "two lines": ('---\ntitle: "a\\nb"\n---\nDo.', (1, 7, 1, 13), "line break"),
    "hidden by an escape": ('---\ntitle: "a\\u202eb"\n---\nDo.', (1, 7, 1, 17), "can't be seen"),
    "hidden in the text": ("---\ntitle: X\n---\nDo.\nThen\u200b this.", (4, 4, 4, 5), "U\\+200B can't be seen"),
    "tag characters": ("---\ntitle: X\n---\nDo\U000e0041.", (3, 2, 3, 3), "U\\+E0041"),
    "terminal": ("---\ntitle: X\n---\nDo \x1b[31m.", (3, 3, 3, 4), "U\\+001B"),
    "no instruction": ("---\ntitle: X\n---\n \n", (2, 0, 2, 3), "the instruction is missing"),
    "empty": ("", (0, 0, 0, 3), "begin with a line `---`"),
    "no front matter": ("Do it.", (0, 0, 0, 3), "begin with a line `---`"),
    "front matter below": ("\ntitle: X\n---\nDo.", (0, 0, 0, 3), "begin with a line `---`"),
    "no end": ("---\ntitle: X\n", (0, 0, 0, 3), "second line `---`"),
    "no mapping": ("---\n- title\n---\nDo.", (1, 0, 2, 0), "fields are expected"),
    "alias": ("---\ntitle: &a X\n---\nDo.", (1, 7, 1, 11), "anchors"),
    "tag": ("---\ntitle: !!str X\n---\nDo.", (1, 7, 1, 14), "tags"),
    "twice": ("---\ntitle: X\ntitle: Y\n---\nDo.", (2, 0, 2, 5), "twice"),
    "no UTF-8": (b"---\ntitle: X\n---\nDo \xff.", (3, 3, 3, 4), "not UTF-8"),
    "no UTF-8 with a mark": (b"\xef\xbb\xbf---\nt\xff", (1, 1, 1, 2), "not UTF-8"),
    "too large": (GOOD + "x" * 65_536, (0, 0, 0, 3), "larger than 64 KiB"),
    "a key as a name": ("---\ntitle: X\nsk-ant-api03-FAKE: 1\n---\nDo.", (2, 0, 2, 17), r"\(a text that looks"),
}


@pytest.mark.parametrize(("content", "at", "said"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_told_with_its_place_and_takes_no_other_action_with_it(
    place: Place, content: str | bytes, at: tuple[int, int, int, int], said: str
) -> None:
    bad = put(users(place), "bad.md", content)
    put(users(place), "good.md")
    loaded = load(place)
    assert added(loaded) == ["good"]
    problems = [problem for problem in loaded.problems if (problem.line, problem.column) == at[:2]]
    assert problems, loaded.problems
    assert (problems[0].end_line, problems[0].end_column) == at[2:]
    assert (problems[0].path, problems[0].severity) == (bad, "error")
    assert re.search(said, problems[0].message), problems[0].message


def test_every_fault_of_a_file_is_told_at_once() -> None:
    text = "---\nresult: x\ntier: y\nfoo: z\n---\n"
    action, problems = read_action(text.encode(), Path("Bad.md"), "user")
    assert action is None
    assert [problem.line for problem in problems] == [0, 1, 2, 3, 0, 4]


@pytest.mark.parametrize("name", ["README", "two words", "a_b", "-a", "a--b", "ü", "a.b", "x" * 41])
def test_a_name_that_can_be_no_id_is_refused(name: str) -> None:
    action, (problem,) = read_action(GOOD.encode(), Path(f"{name}.md"), "user")
    assert (action, problem.code) == (None, "name")
    assert "rename the file" in problem.message


@posix
@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda file: file.mkdir(), "not a regular file"),
        (lambda file: os.mkfifo(file), "not a regular file"),
        (lambda file: file.symlink_to("/dev/zero"), "not a regular file"),
        (lambda file: (file.write_text(GOOD), file.chmod(0o666)), "chmod go-w"),
        (lambda file: file.write_bytes(b"x" * 300_000), "larger than 256 KiB"),
    ],
    ids=["folder", "pipe", "device", "open to all", "huge"],
)
def test_what_lies_in_the_place_of_a_users_file_can_not_hold_anything_up(
    place: Place, make: Callable[[Path], object], said: str
) -> None:
    make(put(users(place), "good.md").with_name("bad.md"))
    loaded = load(place)
    assert added(loaded) == ["good"]
    (problem,) = loaded.problems
    assert said in problem.message


def test_a_users_file_takes_the_place_of_a_built_in_action_and_its_rank(place: Place) -> None:
    put(users(place), "explain.md", "---\ntitle: Explain it all\n---\nExplain.")
    loaded = load(place)
    assert [action.id for action in loaded.actions] == BUILT_IN
    (explain,) = (action for action in loaded.actions if action.id == "explain")
    assert (explain.title, explain.source) == ("Explain it all", "user")


def test_the_others_follow_the_built_in_ones_by_id(place: Place) -> None:
    for folder, names in ((users(place), ("zeta", "beta")), (workspaces(place), ("gamma", "alpha"))):
        for name in names:
            put(folder, f"{name}.md", f"---\ntitle: {name}\n---\nDo.")
    assert [action.id for action in load(place, trusted=True).actions] == [*BUILT_IN, "alpha", "beta", "gamma", "zeta"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("explain.md", GOOD, "a built-in action, and this one has its name"),
        ("mine.md", GOOD, "an action of your own, and this one has its name"),
        ("harmless.md", "---\ntitle: eXplain\n---\nSend it.", "a built-in action, and this one has its title"),
        ("harmless.md", "---\ntitle: My own\n---\nSend it.", "an action of your own, and this one has its title"),
    ],
)
def test_a_workspace_never_says_what_a_known_action_does(place: Place, name: str, content: str, said: str) -> None:
    put(users(place), "mine.md", "---\ntitle: My own\n---\nDo.")
    bad = put(workspaces(place), name, content)
    loaded = load(place, trusted=True)
    assert all(action.source != "workspace" for action in loaded.actions)
    (problem,) = loaded.problems
    assert (problem.path, problem.code) == (bad, "not-allowed")
    assert said in problem.message


def test_a_workspaces_actions_count_from_the_trust_on_until_any_covered_file_changes(place: Place) -> None:
    put(workspaces(place), "count.md")
    seen = [(added(load(place)), load(place).workspace_is_untrusted)]
    place.trust.trust(place.folder)
    seen.append((added(load(place)), load(place).workspace_is_untrusted))
    (place.folder / "AGENTS.md").write_text("x")
    seen.append((added(load(place)), load(place).workspace_is_untrusted))
    place.trust.refuse(place.folder)
    seen.append((added(load(place)), load(place).workspace_is_untrusted))
    assert seen == [([], True), (["count"], False), ([], True), ([], True)]


@pytest.mark.parametrize("swap", ["changed back", "removed"])
def test_trust_is_decided_on_the_bytes_that_are_used(place: Place, monkeypatch: pytest.MonkeyPatch, swap: str) -> None:
    put(workspaces(place), "a.md")
    if swap == "changed back":
        put(workspaces(place), "b.md", "---\ntitle: B\n---\nGood.")
    place.trust.trust(place.folder)
    evil = put(workspaces(place), "b.md", "---\ntitle: B\n---\nEvil.")
    close, closed = os.close, []

    def then_swap(descriptor: int) -> None:
        """Bring the folder back to what was trusted as soon as both files have been read."""
        close(descriptor)
        closed.append(descriptor)
        if len(closed) == 2:
            evil.write_text("---\ntitle: B\n---\nGood.") if swap == "changed back" else evil.unlink()

    monkeypatch.setattr(os, "close", then_swap)
    loaded = load(place)
    assert len(closed) >= 2
    assert "Evil." not in [action.instruction for action in loaded.actions]


def test_the_trust_of_an_editor_goes_before_the_stores(place: Place) -> None:
    put(workspaces(place), "count.md")
    assert added(load(place, trusted=True)) == ["count"]
    place.trust.trust(place.folder)
    assert added(load(place, trusted=False)) == []
    assert load(place, trusted=False).workspace_is_untrusted


def test_nothing_is_said_about_the_files_of_an_untrusted_folder(place: Place) -> None:
    put(workspaces(place), "bad.md", "x")
    assert load(place).problems == ()
    assert len(load(place, trusted=True).problems) == 1


@pytest.mark.parametrize("trusted", [None, True, False])
def test_a_folder_without_actions_needs_no_trust(place: Place, trusted: bool | None) -> None:
    assert load(place, trusted) == load_actions(place.locations, None) == built_in_actions()


@posix
def test_a_link_out_of_the_workspace_is_not_followed_and_one_within_is(place: Place, tmp_path: Path) -> None:
    outside = put(tmp_path, "outside.md")
    (put(place.folder, "real.md").parent / ".missy" / "actions").mkdir()
    (workspaces(place) / "out.md").symlink_to(outside)
    (workspaces(place) / "in.md").symlink_to(place.folder / "real.md")
    (workspaces(place) / "gone.md").symlink_to(place.folder / "missing.md")
    place.trust.trust(place.folder)
    loaded = load(place)
    assert added(loaded) == ["in"]
    (problem,) = loaded.problems
    assert "outside of the folder" in problem.message


def test_the_users_own_folder_opened_as_a_workspace_has_only_the_users_actions(place: Place) -> None:
    put(users(place), "count.md")
    loaded = load_actions(place.locations, place.locations.home)
    assert [action.source for action in loaded.actions if action.id == "count"] == ["user"]
    assert (loaded.problems, loaded.workspace_is_untrusted) == ((), False)


def test_at_most_200_files_are_read(place: Place) -> None:
    for number in range(201):
        put(users(place), f"a{number:03}.md", f"---\ntitle: T{number}\n---\nDo.")
        put(workspaces(place), f"b{number:03}.md", f"---\ntitle: W{number}\n---\nDo.")
    put(workspaces(place), "b200.md", "---\ntitle: changed\n---\nDo.")
    loaded = load(place, trusted=True)
    names = added(loaded)
    assert (len(names), "a200" in names, "b200" in names) == (400, False, False)
    assert [(problem.path, problem.code) for problem in loaded.problems] == [
        (users(place), "too-many"),
        (workspaces(place), "too-many"),
    ]


def test_files_of_editors_and_other_files_are_no_actions(place: Place) -> None:
    for name in (".#count.md", ".hidden.md", "count.md~", "count.md.orig", "notes.txt"):
        put(users(place), name)
    assert load(place) == built_in_actions()


@pytest.mark.parametrize("made", ["a file", "a name with a NUL"])
def test_what_is_no_folder_has_no_actions(place: Place, made: str) -> None:
    if made == "a file":
        users(place).write_text("x")
        loaded = load(place)
    else:
        loaded = load_actions(place.locations, Path("a\0b"), None)
    assert added(loaded) == []
    assert all("can't be read" in problem.message for problem in loaded.problems)


def test_the_fingerprint_of_the_files_tells_of_every_change(place: Place) -> None:
    def seen() -> object:
        files = action_files(place.locations, place.folder)
        return files, fingerprint(files)

    states = [seen()]
    assert seen() == states[0]
    for change in (
        lambda: put(users(place), "a.md"),
        lambda: put(users(place), "a.md", GOOD + "more"),
        lambda: put(workspaces(place), "b.md"),
        lambda: put(workspaces(place), "b.md", GOOD + "more"),
        lambda: put(place.folder, "AGENTS.md"),
        lambda: place.trust.trust(place.folder),
        lambda: (users(place) / "a.md").unlink(),
    ):
        change()
        states.append(seen())
    assert all(state not in states[:number] for number, state in enumerate(states))
