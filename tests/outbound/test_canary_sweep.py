"""The tool that looks for keys finds them, in every form, wherever they are."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.support.canary import assert_absent, forms, hits, process_artefacts
from tests.support.workspace import needs_links

KEY = "sk-ant-api03-FAKE-c4n4ry-7f3a9b2e8d1c-Zq9WvLx0"
LEAKS = {
    "as it is": f"key={KEY}\n",
    "backwards": KEY[::-1],
    "its first twelve": f"{KEY[13:25]}…",
    "its last eight": f"…{KEY[-8:]}",
    "a piece of it": f"…{KEY[17:31]}…",
    "in capital letters": KEY.upper(),
    "in base64": base64.b64encode(KEY.encode()).decode(),
    "in base64 with a name before it": base64.b64encode(f"api:{KEY}".encode()).decode(),
    "in base64 in the middle": base64.b64encode(f"a b{KEY}cd".encode()).decode(),
    "in base64 for URLs": base64.urlsafe_b64encode(f"??{KEY}??".encode()).decode(),
    "in hexadecimal": KEY.encode().hex(),
    "in hexadecimal capitals": KEY.encode().hex().upper(),
    "percent-encoded": "".join(f"%{byte:02X}" for byte in KEY.encode()),
    "in JSON": json.dumps({"k": [KEY]}),
    "in JSON escapes": "".join(f"\\u{ord(character):04x}" for character in KEY),
    "wrapped": "\n".join(textwrap.wrap(KEY, 10)),
    "as literals": f'"{KEY[:20]}" + "{KEY[20:]}"',
    "as two texts": f"{KEY[:24]} and {KEY[24:]}",
}


@pytest.mark.parametrize("leak", LEAKS.values(), ids=LEAKS.keys())
def test_a_leaked_key_is_found(leak: str) -> None:
    with pytest.raises(AssertionError, match="artefact 1") as failure:
        assert_absent(KEY, ["nothing here", f"2026-01-01 INFO {leak} more text"])
    assert "c4n4ry" not in str(failure.value)


def test_a_key_in_narrow_lines_is_found_as_a_whole() -> None:
    lines = "\n    ".join(textwrap.wrap(KEY, 7, break_on_hyphens=False))
    assert "plain, wrapped" in [hit.form for hit in hits(KEY, [f"key: |\n    {lines}\n"])]


def test_utf_16_is_read() -> None:
    assert hits(KEY, [f"key {KEY}".encode("utf-16")])


@pytest.mark.parametrize(
    "text", ["", "sk-ant-api03-", "a key that starts with sk-ant-api03-FAK", "fingerprint 7f3a9b", "sk-ant-…", "***"]
)
def test_what_everybody_may_know_is_no_hit(text: str) -> None:
    assert_absent(KEY, [text])


def test_files_below_a_folder_and_their_names_are_searched(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "state.json").write_text(json.dumps({"x": "y"}), encoding="utf-8")
    assert_absent(KEY, [tmp_path])
    (tmp_path / "a" / "b" / "state.json").write_text(json.dumps({"x": KEY}), encoding="utf-8")
    (tmp_path / "a" / f"cache-{KEY}").touch()
    assert {hit.artefact for hit in hits(KEY, [tmp_path]) if hit.form == "plain"} == {
        str(tmp_path / "a" / "b" / "state.json"),
        f"the name of a file in {tmp_path / 'a'}",
    }


@needs_links
def test_where_a_link_leads_is_searched_but_not_followed(tmp_path: Path) -> None:
    os.symlink(f"/nowhere/{KEY}", tmp_path / "link")
    assert [hit.artefact for hit in hits(KEY, [tmp_path]) if hit.form == "plain"] == ["the link link"]


def test_a_key_without_characters_of_its_own_is_no_canary() -> None:
    with pytest.raises(AssertionError, match="twelve"):
        forms("sk-ant-api03-FAKE")


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_arguments_and_environment_of_a_process_are_artefacts() -> None:
    program = "import sys; print('ready', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", program, KEY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={"A": "b"}
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        found = hits(KEY, process_artefacts(process.pid))
        process.communicate(b"")
    assert [hit.artefact for hit in found if hit.form == "plain"] == ["artefact 0"]
