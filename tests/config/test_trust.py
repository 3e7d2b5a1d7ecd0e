"""Trust is by real path and by the bytes of the files that need it; what can't be read is not trusted."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

import pytest

from missy_lsp.config.trust import TrustStore
from missy_lsp.errors import TrustError
from tests.support.config_place import Place

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX files")


def test_a_folder_without_missy_files_needs_no_trust(place: Place) -> None:
    assert place.trust.state(place.folder) == "not_needed"


@pytest.mark.parametrize("name", [".missy/config.yaml", ".missy/actions/fix.md", "AGENTS.md", "CLAUDE.md"])
def test_each_covered_file_needs_trust_and_a_change_of_it_asks_again(place: Place, name: str) -> None:
    file = place.folder / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("one")
    states = [place.trust.state(place.folder)]
    place.trust.trust(place.folder)
    states.append(place.trust.state(place.folder))
    file.write_text("two")
    states.append(place.trust.state(place.folder))
    file.write_text("one")
    states.append(place.trust.state(place.folder))
    file.unlink()
    states.append(place.trust.state(place.folder))
    assert states == ["untrusted", "trusted", "changed", "trusted", "not_needed"]


def test_a_new_covered_file_asks_again(place: Place) -> None:
    (place.folder / "AGENTS.md").write_text("one")
    place.trust.trust(place.folder)
    (place.folder / "CLAUDE.md").write_text("one")
    assert place.trust.state(place.folder) == "changed"


def test_a_no_is_remembered_until_a_file_changes(place: Place) -> None:
    place.workspace("tools: {mode: off}")
    place.trust.refuse(place.folder)
    assert place.trust.state(place.folder) == "refused"
    place.workspace("tools: {mode: read}")
    assert place.trust.state(place.folder) == "changed"


def test_a_revoked_folder_is_untrusted(place: Place) -> None:
    place.workspace("")
    place.trust.trust(place.folder)
    assert [place.trust.revoke(place.folder), place.trust.revoke(place.folder)] == [True, False]
    assert place.trust.state(place.folder) == "untrusted"


def test_the_users_own_files_are_no_question_where_the_home_folder_is_the_workspace(place: Place) -> None:
    home = place.locations.home
    place.user("hover: {mode: off}\n")
    (home / ".missy" / "actions").mkdir()
    (home / ".missy" / "actions" / "mine.md").write_text("---\ntitle: Mine\n---\nDo it.\n")
    assert place.trust.state(home) == "not_needed"
    assert place.trust.trust(home) == ()
    (home / "AGENTS.md").write_text("Use short names.\n")
    assert place.trust.state(home) == "changed"
    assert [file.name for file in place.trust.trust(home)] == ["AGENTS.md"]
    # What another folder has under the same names is asked about as ever.
    place.workspace("hover: {mode: off}\n")
    assert place.trust.state(place.folder) == "untrusted"


def test_the_decision_is_on_the_bytes_that_are_used(place: Place) -> None:
    place.workspace("tools: {mode: off}")
    place.trust.trust(place.folder)
    read = {place.workspace_file: b"providers: {anthropic: {model: other}}"}
    assert place.trust.state(place.folder, read) == "changed"


@posix
def test_trust_goes_by_the_real_path(place: Place, tmp_path: Path) -> None:
    place.workspace("")
    (tmp_path / "link").symlink_to(place.folder)
    place.trust.trust(tmp_path / "link")
    assert place.trust.state(place.folder) == "trusted"


@pytest.mark.parametrize("name", [".missy/config.yaml", "AGENTS.md", ".missy/actions/x.md"])
def test_a_folder_in_the_place_of_a_covered_file_is_told_by_its_state_not_by_a_crash(place: Place, name: str) -> None:
    (place.folder / name).mkdir(parents=True)
    assert place.trust.state(place.folder) == "untrusted"


@pytest.mark.parametrize(
    "damaged", [b"", b"{", b"[]", b"null", b'{"version": 1}', b"\xff", b"[" * 100_000, b'{"version": 9, "folders": {}}']
)
def test_a_damaged_trust_file_trusts_nothing_and_is_never_overwritten(place: Place, damaged: bytes) -> None:
    place.workspace("")
    place.trust.trust(place.folder)
    place.locations.trust_file.write_bytes(damaged)
    assert place.trust.state(place.folder) == "untrusted"
    for change in (place.trust.trust, place.trust.refuse, place.trust.revoke):
        with pytest.raises(TrustError, match=r"trust\.json"):
            change(place.folder)
    assert place.locations.trust_file.read_bytes() == damaged


@posix
def test_the_trust_file_is_the_users_alone(place: Place) -> None:
    place.workspace("")
    place.trust.trust(place.folder)
    assert place.locations.trust_file.stat().st_mode & 0o777 == 0o600
    assert sorted(file.name for file in place.locations.config_dir.iterdir()) == ["trust.json", "trust.lock"]


def test_writers_at_the_same_time_lose_no_decision(place: Place, tmp_path: Path) -> None:
    folders = [tmp_path / f"project{number}" for number in range(8)]
    for folder in folders:
        folder.mkdir()
        (folder / "AGENTS.md").write_text("x")
    threads = [
        threading.Thread(target=TrustStore(place.locations.trust_file).trust, args=(folder,)) for folder in folders
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {place.trust.state(folder) for folder in folders} == {"trusted"}
    assert len(json.loads(place.locations.trust_file.read_text())["folders"]) == 8
