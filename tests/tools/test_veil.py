"""KEY-13 for tools: whatever lines a model asks for, and however they are cut, no part of a secret is among them."""

from __future__ import annotations

import base64
import random
from pathlib import Path

import pytest

from missy_lsp.outbound.redaction import redact_secrets
from missy_lsp.tools.overlay import Overlay
from missy_lsp.tools.reading import MAX_READ_BYTES
from missy_lsp.tools.redacting import RedactingToolbox
from missy_lsp.tools.toolbox import Toolbox
from missy_lsp.tools.veil import Veil

TOKEN = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"  # of the form of a token, and of nobody
_NUMBERS = random.Random(20)
KEY_LINES = [base64.b64encode(_NUMBERS.randbytes(48)).decode() for _ in range(12)]
KEY = "\n".join(["-----BEGIN RSA PRIVATE KEY-----", *KEY_LINES, "-----END RSA PRIVATE KEY-----"])
SOURCE = f"A = 1\nKEY = '''{KEY}'''\nB = 2\n"
SHOWN_KEY = "2\tKEY = '''[secret:private-key:1]'''"


@pytest.fixture
def tools(tmp_path: Path) -> RedactingToolbox:
    return Toolbox((tmp_path,), overlay=Overlay()).guarded(())


async def said(tools: RedactingToolbox | Toolbox, name: str, **arguments: object) -> str:
    return (await tools.call(name, arguments)).text


def assert_holds_nothing_of_the_key(text: str) -> None:
    assert not [line for line in KEY_LINES if any(line[at : at + 6] in text for at in range(len(line) - 5))]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize(
    ("lines", "shown"),
    [
        ({}, ["1\tA = 1", SHOWN_KEY, "16\tB = 2"]),
        ({"start_line": 5, "end_line": 8}, [SHOWN_KEY]),
        ({"start_line": 5}, [SHOWN_KEY, "16\tB = 2"]),
        ({"start_line": 1, "end_line": 2}, ["1\tA = 1", SHOWN_KEY]),
        ({"start_line": 15, "end_line": 15}, [SHOWN_KEY]),
        ({"start_line": 16}, ["16\tB = 2"]),
    ],
    ids=["all", "within", "from within", "to its first line", "its last line", "behind"],
)
async def test_lines_within_a_private_key_are_its_placeholder(
    tools: RedactingToolbox, tmp_path: Path, line_end: str, lines: dict[str, int], shown: list[str]
) -> None:
    (tmp_path / "conf.py").write_bytes(SOURCE.replace("\n", line_end).encode())
    text = await said(tools, "read_file", path="conf.py", **lines)
    assert text.splitlines()[1:] == shown
    first = shown[0].partition("\t")[0]
    assert text.startswith(f"conf.py lines {first}-{15 if shown[-1] == SHOWN_KEY else 16} of 16\n")


async def test_every_line_of_a_large_file_around_a_private_key_is_shown_without_it(
    tools: RedactingToolbox, tmp_path: Path
) -> None:
    """Files above 1 MiB are not looked through as a whole; a margin around what is shown is."""
    above = [f"line {number} {'x' * 40}" for number in range(1, 25_001)]
    (tmp_path / "large.txt").write_text("\n".join([*above, SOURCE, *above]), "utf-8")
    for start in (24_999, 25_001, 25_002, 25_008, 25_014, 25_015, 25_016, 25_018):
        text = await said(tools, "read_file", path="large.txt", start_line=start, end_line=start + 2)
        assert_holds_nothing_of_the_key(text)
        first, last = (25_002 if 25_002 <= start <= 25_015 else start), start + 2
        assert text.startswith(f"large.txt lines {first}-{25_015 if 25_002 <= last <= 25_015 else last}\n")
        assert ("25002\tKEY = '''[secret:private-key:" in text) == (25_000 <= start <= 25_015)
        assert ("25016\tB = 2" in text) == (25_014 <= start <= 25_016)


@pytest.mark.parametrize("cut", range(-400, 401, 50))
async def test_the_end_of_one_read_cuts_no_secret(tools: RedactingToolbox, tmp_path: Path, cut: int) -> None:
    line = f"{'x' * 89}\n"  # as it is counted: with its number, its tab and its end
    filled = line * ((MAX_READ_BYTES + cut) // len(line))
    (tmp_path / "large.txt").write_text(filled + SOURCE + line * 20_000, "utf-8")
    assert_holds_nothing_of_the_key(await said(tools, "read_file", path="large.txt"))


async def test_a_line_is_shortened_after_its_secrets_are_covered(tools: RedactingToolbox, tmp_path: Path) -> None:
    near = f"var a='{TOKEN}';{'z' * 120}NEEDLE{'y' * 400}"
    (tmp_path / "m.js").write_text(f"{near}\n{'k' * 1975} t='{TOKEN}'{'y' * 300}\n", "utf-8")
    for text in (
        await said(tools, "search_text", pattern="NEEDLE"),
        await said(tools, "read_file", path="m.js"),
    ):
        assert not any(TOKEN[at : at + 6] in text for at in range(len(TOKEN) - 5))
    assert "NEEDLE" in await said(tools, "search_text", pattern="NEEDLE")


async def test_a_search_tells_nothing_of_a_secret(tools: RedactingToolbox, tmp_path: Path) -> None:
    (tmp_path / "s.py").write_text(f'T = "{TOKEN}"\n{SOURCE}', "utf-8")
    (tmp_path / "other.py").write_text('T = "ghp_99C7e42F292c6912E7710c838347Ae178B4a"\n', "utf-8")
    for pattern in ("ghp_16C", "ghp_16D", TOKEN, TOKEN[8:16], KEY_LINES[5][:8], "BEGIN RSA", "16", "7", "4"):
        assert await said(tools, "search_text", pattern=pattern, path="s.py") == "No line contains it."
    (tmp_path / "s.py").write_text('password = "1t-was-Xk9-veryS3cret"\n', "utf-8")
    assert await said(tools, "search_text", pattern="1", path="s.py") == "No line contains it."  # of a placeholder
    # Not even by the number that the next secret is given.
    assert "[secret:github-token:1]" in await said(tools, "search_text", pattern="T =", path="other.py")


async def test_lines_behind_a_secret_are_found_by_their_numbers(tools: RedactingToolbox, tmp_path: Path) -> None:
    (tmp_path / "conf.py").write_text(SOURCE, "utf-8")
    assert await said(tools, "search_text", pattern="= 2") == "conf.py:16: B = 2"
    assert await said(tools, "search_text", pattern="KEY =") == f"conf.py:2: {SHOWN_KEY[2:]}"


@pytest.mark.parametrize("cut", range(-60, 61, 12))
async def test_where_a_search_ends_in_a_large_file_it_cuts_no_secret(
    tools: RedactingToolbox, tmp_path: Path, cut: int
) -> None:
    filled = "x" * (1024 * 1024 + cut)
    (tmp_path / "large.txt").write_text(f"{filled}\nNEEDLE '{TOKEN}'\n{'y' * 200_000}", "utf-8")
    assert TOKEN[:8] not in await said(tools, "search_text", pattern="NEEDLE")


async def test_the_names_in_a_file_are_cut_after_its_secrets_are_covered(
    tools: RedactingToolbox, tmp_path: Path
) -> None:
    (tmp_path / "a.md").write_text(f"# {'word ' * 37}{TOKEN}\n\n{KEY}\n\n# Second\n", "utf-8")
    text = await said(tools, "document_symbols", path="a.md")
    assert TOKEN[:8] not in text
    assert "Second (lines 18-18)" in text


async def test_a_secret_in_the_name_of_a_file_is_not_told(tools: RedactingToolbox, tmp_path: Path) -> None:
    (tmp_path / f"{TOKEN}.txt").write_text("x = 1\n", "utf-8")
    assert await said(tools, "list_files") == "[secret:github-token:1].txt"
    assert TOKEN[:8] not in await said(tools, "search_text", pattern="x = 1")


async def test_an_edit_of_a_line_with_a_private_key_gets_it_back(tmp_path: Path) -> None:
    (tmp_path / "conf.py").write_text(SOURCE, "utf-8")
    overlay = Overlay()
    tools = Toolbox((tmp_path,), overlay=overlay).guarded((redact_secrets("nothing"),))
    text = await said(tools, "read_file", path="conf.py", start_line=6, end_line=16)
    old = "\n".join(line.partition("\t")[2] for line in text.splitlines()[1:])
    await said(tools, "edit_file", path="conf.py", old_text=old, new_text=old.replace("B = 2", "B = 3"))
    [change] = overlay.changes()
    assert change.after == SOURCE.replace("B = 2", "B = 3")


async def test_what_the_user_sends_as_it_is_has_the_same_lines(tmp_path: Path) -> None:
    (tmp_path / "conf.py").write_text(SOURCE, "utf-8")
    text = await said(Toolbox((tmp_path,)), "read_file", path="conf.py", start_line=5, end_line=6)
    assert text == f"conf.py lines 5-6 of 16\n5\t{KEY_LINES[2]}\n6\t{KEY_LINES[3]}"


def test_every_excerpt_of_a_text_has_the_numbers_of_the_whole() -> None:
    source = f"\ufeffé\u200b\n{SOURCE}{KEY}\n{TOKEN} {KEY} {TOKEN}\nlast\u200b\n"
    whole = Veil().cover(source)
    assert [line.first for line in whole.lines] == [1, 2, 3, 17, 18, 32, 46]
    starts = [at + 1 for at, character in enumerate(source) if character == "\n"]
    for number, start in enumerate(starts[:-1], 2):
        assert Veil().cover(source, start, None, number).lines == whole.between(number, None)
