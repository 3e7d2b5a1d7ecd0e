"""Standing instructions: the user's own and a trusted project's, in a fixed order and with the same bytes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from missy_lsp.config.instructions import MAX_BYTES, Instruction, Instructions, instruction_files, load_instructions
from missy_lsp.config.watch import fingerprint
from tests.support.config_place import Place

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX files")


def users(place: Place) -> Path:
    return place.locations.config_dir / "instructions.md"


def put(file: Path, content: str | bytes) -> Path:
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    file.chmod(0o600)
    return file


def load(place: Place, trusted: bool | None = True) -> Instructions:
    return load_instructions(place.locations, place.folder, trusted)


def labels(found: Instructions) -> list[str]:
    return [text.label for text in found.texts]


def test_the_users_come_first_then_the_projects_in_a_fixed_order(place: Place) -> None:
    claude = put(place.folder / "CLAUDE.md", "Three.\n")
    agents = put(place.folder / "AGENTS.md", "Two.\n")
    own = put(users(place), "One.\n")
    assert load(place) == Instructions(
        (
            Instruction("~/.missy/instructions.md", "One.", "user", own),
            Instruction("AGENTS.md", "Two.", "workspace", agents),
            Instruction("CLAUDE.md", "Three.", "workspace", claude),
        )
    )
    assert labels(load_instructions(place.locations, None)) == ["~/.missy/instructions.md"]


def test_no_label_tells_where_a_file_lies(place: Place) -> None:
    for file in (users(place), place.folder / "AGENTS.md"):
        put(file, "x")
    assert not [label for label in labels(load(place)) if str(place.locations.home) in label or "project" in label]


@pytest.mark.parametrize(
    ("agents", "claude", "expected"),
    [
        ("Same.\n", "\ufeffSame.\r\n\r\n", ["AGENTS.md"]),
        ("One.", "@AGENTS.md\n", ["AGENTS.md"]),
        ("One.", "Other.", ["AGENTS.md", "CLAUDE.md"]),
        (None, "Other.", ["CLAUDE.md"]),
        (None, "@AGENTS.md", []),
        (" \n\n", "Other.", ["CLAUDE.md"]),
        ("", "", []),
    ],
    ids=["same", "import", "two", "one", "import of nothing", "blank", "empty"],
)
def test_what_two_files_share_is_sent_once(place: Place, agents: str | None, claude: str, expected: list[str]) -> None:
    if agents is not None:
        put(place.folder / "AGENTS.md", agents)
    put(place.folder / "CLAUDE.md", claude)
    assert labels(load(place)) == expected


@posix
def test_a_link_to_the_other_file_is_the_same_and_one_out_of_the_folder_is_refused(
    place: Place, tmp_path: Path
) -> None:
    put(place.folder / "AGENTS.md", "One.")
    (place.folder / "CLAUDE.md").symlink_to("AGENTS.md")
    assert (labels(load(place)), load(place).problems) == (["AGENTS.md"], ())
    (place.folder / "CLAUDE.md").unlink()
    (place.folder / "CLAUDE.md").symlink_to(put(tmp_path / "secret", "my key"))
    assert labels(load(place)) == ["AGENTS.md"]
    (problem,) = load(place).problems
    assert "outside of the folder" in problem.message


@pytest.mark.parametrize(("state", "expected"), [("none", []), ("yes", ["AGENTS.md"]), ("changed", []), ("no", [])])
def test_a_projects_files_count_only_as_they_were_trusted(place: Place, state: str, expected: list[str]) -> None:
    put(place.folder / "AGENTS.md", "One.")
    put(users(place), "Mine.")
    if state == "no":
        place.trust.refuse(place.folder)
    elif state != "none":
        place.trust.trust(place.folder)
    if state == "changed":
        put(place.folder / "AGENTS.md", "Two.")
    found = load(place, trusted=None)
    assert labels(found) == ["~/.missy/instructions.md", *expected]
    assert found.workspace_is_untrusted == (not expected)


def test_a_project_without_such_files_needs_no_trust(place: Place) -> None:
    assert [load(place, trusted) for trusted in (None, True, False)] == [Instructions(())] * 3


def test_line_ends_do_not_change_what_is_sent(place: Place) -> None:
    put(users(place), "\ufeff\r\nOne.\r\n  Two.\rThree.\n\n")
    assert [text.text for text in load(place).texts] == ["One.\n  Two.\nThree."]


def test_a_long_file_is_cut_at_a_line_end_with_a_warning_there(place: Place) -> None:
    line = "ü" * 50 + "\n"  # 101 bytes
    put(users(place), "\n" + line * 400)
    found = load(place)
    (text,) = found.texts
    assert text.text + "\n" == line * (MAX_BYTES // 101)
    (problem,) = found.problems
    assert (problem.severity, problem.line, problem.column) == ("warning", MAX_BYTES // 101, 50)
    assert "32 KiB" in problem.message


@pytest.mark.parametrize("extra", [-1, 0, 1])
def test_the_limit_is_exact(place: Place, extra: int) -> None:
    content = "a" * (MAX_BYTES - 10) + "\n" + "b" * (9 + extra)
    put(users(place), content + "\n")
    found = load(place)
    assert len(found.texts[0].text) == (MAX_BYTES - 10 if extra > 0 else MAX_BYTES + extra)
    assert bool(found.problems) == (extra > 0)


def test_a_line_that_ends_with_the_limit_is_kept(place: Place) -> None:
    put(users(place), "a" * 9 + "\n" + "b" * (MAX_BYTES - 10) + "\nc\n")
    assert len(load(place).texts[0].text) == MAX_BYTES


def test_of_a_line_that_is_too_long_its_beginning_is_used(place: Place) -> None:
    put(users(place), "a" + "😀" * (MAX_BYTES // 2))
    (text,) = load(place).texts
    assert text.text == "a" + "😀" * ((MAX_BYTES - 1) // 4)


def test_hidden_characters_are_left_out_with_a_warning(place: Place) -> None:
    put(place.folder / "AGENTS.md", "One.\nTwo\u202e \U000e0041\u200b\x1b[1mthree 👩\u200d💻.")
    found = load(place)
    assert [text.text for text in found.texts] == ["One.\nTwo [1mthree 👩\u200d💻."]
    (problem,) = found.problems
    assert (problem.severity, problem.line, problem.column) == ("warning", 1, 3)
    assert "U+202E" in problem.message


@posix
@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda file: file.mkdir(), "not a regular file"),
        (lambda file: os.mkfifo(file), "not a regular file"),
        (lambda file: file.symlink_to("/dev/zero"), ""),
        (lambda file: put(file, b"caf\xe9"), "not UTF-8"),
        (lambda file: put(file, b"x" * 300_000), "larger than 256 KiB"),
    ],
    ids=["folder", "pipe", "device", "latin 1", "huge"],
)
@pytest.mark.parametrize("whose", ["user", "workspace"])
def test_what_lies_in_a_files_place_neither_holds_up_nor_takes_the_others_with_it(
    place: Place, make: Callable[[Path], object], said: str, whose: str
) -> None:
    make(users(place) if whose == "user" else place.folder / "AGENTS.md")
    put(place.folder / "CLAUDE.md", "Good.")
    place.trust.trust(place.folder)
    found = load(place, trusted=None)
    assert labels(found) == ["CLAUDE.md"]
    (problem,) = found.problems
    assert said in problem.message
    assert problem.severity == "error"


def test_the_fingerprint_of_the_files_tells_of_every_change(place: Place) -> None:
    def seen() -> object:
        files = instruction_files(place.locations, place.folder)
        return files, fingerprint(files)

    actions = place.folder / ".missy" / "actions"
    actions.mkdir()
    states = [seen()]
    assert seen() == states[0]
    for change in (
        lambda: put(users(place), "a"),
        lambda: put(place.folder / "AGENTS.md", "a"),
        lambda: put(place.folder / "CLAUDE.md", "a"),
        lambda: put(actions / "a.md", "a"),
        lambda: put(actions / "a.md", "changed"),
        lambda: place.trust.trust(place.folder),
        lambda: users(place).unlink(),
    ):
        change()
        states.append(seen())
    assert all(state not in states[:number] for number, state in enumerate(states))
