"""Values that look harmless and are not: told with their place, and nothing is let out by them."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import filelock
import pytest
from pathspec import GitIgnoreSpec

from missy_lsp.config.loading import load
from missy_lsp.config.trust import TrustStore
from missy_lsp.config.values import Config, KeyReference
from missy_lsp.config.yaml_reading import YamlFault, read_yaml
from missy_lsp.errors import TrustError
from tests.support.config_place import Place

CANARY = "FAKE-canary-c0de"


def problems_of(place: Place, text: str) -> list[str]:
    place.user(text)
    loaded = place.load()
    assert loaded.config is None
    return [str(problem).removeprefix(f"{place.user_file}:") for problem in loaded.problems]


@pytest.mark.parametrize(
    ("data", "line", "column", "says"),
    [
        (b"a: 1\nb: \0\n", 1, 3, r"U\+0000 is not allowed"),
        (b"a: 1\r\n'\xc3\xa9': '\x1b[2J'\r\n", 1, 6, r"U\+001B is not allowed"),
        (b"\xef\xbb\xbfa: \x7f", 0, 3, r"U\+007F is not allowed"),
        ("a: 1\rb: \u0080".encode(), 1, 3, r"U\+0080 is not allowed"),
        ("a: \uffff".encode(), 0, 3, r"U\+FFFF is not allowed"),
        (b"a: 1\n# \xc3\xa9\nb: \xff\n", 2, 3, "not UTF-8"),
        (b"a: 1\nb: 'x\n\nc: 2\n", 4, 0, "quoted scalar that begins in line 2"),
        (b"a: [1,\nb: 2\n", 2, 0, "flow sequence that begins in line 1"),
    ],
    ids=["NUL", "escape", "BOM", "bare CR", "non-character", "Latin-1", "open quote", "open bracket"],
)
@pytest.mark.parametrize("loader", ["libyaml", "python"])
def test_what_can_not_be_read_has_its_place_with_either_parser(
    loader: str, monkeypatch: pytest.MonkeyPatch, data: bytes, line: int, column: int, says: str
) -> None:
    if loader == "python":
        monkeypatch.delattr("yaml.CSafeLoader", raising=False)
    with pytest.raises(YamlFault, match=says) as caught:
        read_yaml(data)
    assert (caught.value.place.line, caught.value.place.column) == (line, column)


@pytest.mark.parametrize("pattern", ["!", "a\\", "\\", "[z-a]", "x" * 201], ids=lambda pattern: pattern[:6])
def test_a_pattern_that_matches_nothing_is_an_error_not_a_gap(place: Place, pattern: str) -> None:
    text = f"privacy:\n  ignore:\n    - '*.key'\n    - '{pattern}'\n"
    assert [problem[:4] for problem in problems_of(place, text)] == ["4:7:"]
    place.user("privacy: {ignore: ['*.pem']}")
    place.workspace(text)
    loaded = place.load(trusted=True)
    assert loaded.config is not None
    assert loaded.config.privacy.ignore == ("*.pem",)
    assert [problem.path for problem in loaded.problems] == [place.workspace_file]


def test_more_patterns_than_are_compiled_are_an_error(place: Place) -> None:
    assert "at most 500" in problems_of(place, json.dumps({"privacy": {"ignore": ["x"] * 501}}))[0]
    place.user(json.dumps({"privacy": {"ignore": ["x"] * 500}}))
    assert place.load().config is not None


def test_no_later_layer_changes_what_the_order_of_patterns_means(place: Place) -> None:
    place.user("privacy: {ignore: ['*.key', '!keep.key']}")
    place.workspace("privacy: {ignore: ['*.key']}")
    for settings in (None, {"privacy": {"ignore": ["gen/"]}}):
        config = place.load(settings, trusted=True).config
        assert config is not None
        assert GitIgnoreSpec.from_lines(config.privacy.ignore).match_file("keep.key")


@pytest.mark.parametrize("text", ["vault:x", "vault:/x", "VAULT://x", "Vault:x", " VAULT://x"])
def test_a_reference_with_a_slip_is_never_taken_for_the_key_itself(place: Place, text: str) -> None:
    (problem,) = problems_of(place, f"providers: {{anthropic: {{api_key: '{text}'}}}}")
    assert "written as `vault://NAME`" in problem
    (problem,) = problems_of(place, f"providers: {{anthropic: {{api_keys: [$GOOD, '{text}']}}}}")
    assert "written as `vault://NAME`" in problem


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        (" $NAME", KeyReference("env", "NAME")),
        ("${NAME} ", KeyReference("env", "NAME")),
        ("vault://work ", KeyReference("vault", "work")),
    ],
)
def test_space_around_a_reference_does_not_make_it_a_key(text: str, reference: KeyReference) -> None:
    assert KeyReference.parse(text) == reference


@pytest.mark.parametrize(
    "text",
    [
        f"providers: {{anthropic: {{api_key: [sk-ant-api03-{CANARY}]}}}}",
        f"providers: {{anthropic: {{api_key: $sk-ant-api03-{CANARY}}}}}",
        f"providers: {{anthropic: {{api_key: 'vault://sk-ant-api03-{CANARY} x'}}}}",
        f"providers: {{anthropic: {{timeout: sk-ant-api03-{CANARY}}}}}",
        f"providers: {{sk-ant-api03-{CANARY}: {{timeout: x}}}}",
        f"providers: {{anthropic: {{base_url: sk-ant-api03-{CANARY}}}}}",
        f"providers: {{anthropic: {{base_url: 'https://sk-ant-api03-{CANARY}@host'}}}}",
        f"hover: {{mode: sk-ant-api03-{CANARY}}}",
        f"a: *sk-ant-api03-{CANARY}",
        f"a: !sk-ant-api03-{CANARY} x",
        f"api_key: sk-ant-api03-{CANARY}\napi_key: [",
        f"a: 'sk-ant-api03-{CANARY}",
        f'a: "\\q{CANARY}"',
    ],
    ids=lambda text: text[:45],
)
def test_no_error_repeats_what_may_be_a_key(place: Place, text: str) -> None:
    assert CANARY not in " ".join(problems_of(place, text))
    place.workspace(text)
    for trusted in (True, False):
        loaded = place.load(trusted=trusted)
        assert CANARY not in " ".join(map(str, loaded.problems)) + repr(loaded.config)


@pytest.mark.parametrize(
    "text",
    ["", "vault: {enabled: true}", "command: touch x\nhooks: {}\npython: x", "trust: true\ntrusted_roots: [/]"],
)
def test_a_workspace_can_not_trust_itself_or_run_anything(place: Place, text: str) -> None:
    place.workspace(text)
    loaded = place.load()
    assert loaded.config == Config()
    assert place.trust.state(place.folder) == "untrusted"
    assert {problem.code for problem in loaded.problems} <= {"unknown-key"}


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000], ids=["NUL", "too long"])
def test_a_folder_with_an_impossible_name_is_no_crash(place: Place, name: str) -> None:
    loaded = load(place.locations, Path(os.sep) / name)
    assert loaded.config == Config()
    assert place.trust.state(Path(os.sep) / name) == "not_needed"


def test_two_processes_that_trust_at_the_same_time_lose_no_decision(place: Place, tmp_path: Path) -> None:
    folders = [tmp_path / f"folder{number}" for number in range(20)]
    for folder in folders:
        folder.mkdir()
        (folder / "AGENTS.md").write_text("x")
    program = """
import sys
from pathlib import Path
from missy_lsp.config.trust import TrustStore
store = TrustStore(Path(sys.argv[1]))
for folder in sys.argv[2:]:
    store.trust(Path(folder))
"""
    runs = [
        subprocess.Popen([sys.executable, "-c", program, str(place.locations.trust_file), *map(str, part)])
        for part in (folders[:10], folders[10:])
    ]
    assert [run.wait() for run in runs] == [0, 0]
    assert {place.trust.state(folder) for folder in folders} == {"trusted"}


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_loses_no_earlier_decision(place: Place, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    place.workspace("")
    place.trust.trust(place.folder)
    before = place.locations.trust_file.read_bytes()

    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, call, full)
        with pytest.raises(TrustError, match="No space left"):
            place.trust.refuse(place.folder)
    assert place.locations.trust_file.read_bytes() == before
    assert sorted(file.name for file in place.locations.config_dir.iterdir()) == ["trust.json", "trust.lock"]


@pytest.mark.parametrize("error", [NotImplementedError("no flock"), PermissionError(13, "Permission denied")])
def test_a_place_that_can_not_be_locked_is_told(
    place: Place, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    place.workspace("")

    def refuse(lock: object, *arguments: object, **options: object) -> None:
        raise error

    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    with pytest.raises(TrustError, match=r"nothing is stored|can't be written"):
        TrustStore(place.locations.trust_file).trust(place.folder)
    assert not place.locations.trust_file.exists()
