from __future__ import annotations

import io
import json

import pytest

from missy_lsp.cli.output import Output, one_line, without_controls


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("a\tb\nc", "a\tb\nc"),
        ("a\r\nb", "a\nb"),
        ("good\rover", "good\\x0dover"),
        ("a\bb", "a\\x08b"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\x1b]8;;http://x\x1b\\", "\\x1b]8;;http://x\\x1b\\"),
        ("\x1b]52;c;aGk=\x07", "\\x1b]52;c;aGk=\\x07"),
        ("\x1bPq\x1b\\ \x1b_x \x1b^x \x1bXx", "\\x1bPq\\x1b\\ \\x1b_x \\x1b^x \\x1bXx"),
        ("\x9b2J\x9d0;t\x9c\x90", "\\x9b2J\\x9d0;t\\x9c\\x90"),
        ("\x00\x7f\x85", "\\x00\\x7f\\x85"),
        ("\u202etxt\u2066\u2069\u200f\u061c", "\\u202etxt\\u2066\\u2069\\u200f\\u061c"),
        ("\u2028\u2029\ufeff", "\\u2028\\u2029\\ufeff"),
        ("\U000e0041", "\\ue0041"),
        ("\ud800", "\\ud800"),
        ("äöü 漢字 עברית हिन्दी", "äöü 漢字 עברית हिन्दी"),
        (
            "👩\u200d👧 \u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 e\u0301 \u00a0",
            "👩\u200d👧 \u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 e\u0301 \u00a0",
        ),
    ],
    ids=ascii,
)
def test_controls_are_shown_and_never_obeyed(text: str, shown: str) -> None:
    assert without_controls(text) == shown


def test_a_line_has_no_line_breaks() -> None:
    assert one_line(" a\n b\r\n\u2028c\x0b\x1b ") == "a b c \\x1b"


@pytest.mark.parametrize(
    ("stream", "environ", "coloured"),
    [
        (Terminal, {}, True),
        (Terminal, {"TERM": "xterm"}, True),
        (Terminal, {"NO_COLOR": "1"}, False),
        (Terminal, {"NO_COLOR": ""}, True),
        (Terminal, {"TERM": "dumb"}, False),
        (io.StringIO, {}, False),
    ],
    ids=["terminal", "xterm", "NO_COLOR", "empty NO_COLOR", "dumb", "pipe"],
)
def test_colours_are_only_for_terminals_that_want_them(
    stream: type[io.StringIO], environ: dict[str, str], coloured: bool
) -> None:
    output = Output(stream(), stream(), environ)
    output.note("evil \x1b[31m", "red")
    output.raw(output.styled("ours", "green"))
    assert isinstance(output.err, io.StringIO)
    assert isinstance(output.out, io.StringIO)
    said = output.err.getvalue()
    assert said == ("\x1b[31mevil \\x1b[31m\x1b[0m\n" if coloured else "evil \\x1b[31m\n")
    assert output.out.getvalue() == ("\x1b[32mours\x1b[0m\n" if coloured else "ours\n")


@pytest.mark.parametrize(
    ("pieces", "shown"),
    [
        (["a", "b"], "ab\n"),
        (["a\n"], "a\n"),
        (["a\r", "\nb"], "a\nb\n"),
        (["a", "\r", "\n"], "a\n"),
        (["a\r\n", "b\r", "\n"], "a\nb\n"),
        (["good\r", "over"], "good\\x0dover\n"),
        (["a\r"], "a\\x0d\n"),
        (["a\r", "\r", "\nb"], "a\\x0d\nb\n"),
        (["", "a", ""], "a\n"),
        ([], ""),
    ],
    ids=ascii,
)
def test_a_line_break_that_two_pieces_share_is_one_line_break(pieces: list[str], shown: str) -> None:
    out = io.StringIO()
    output = Output(out, io.StringIO(), {})
    for piece in pieces:
        output.piece(piece)
    output.end_pieces()
    output.end_pieces()
    assert out.getvalue() == shown


@pytest.mark.parametrize(
    ("out", "err", "said"),
    [
        (Terminal, Terminal, "\nnote\n"),
        (Terminal, io.StringIO, "note\n"),
        (io.StringIO, Terminal, "note\n"),
        (io.StringIO, io.StringIO, "note\n"),
    ],
    ids=["both", "out", "err", "neither"],
)
def test_a_note_starts_a_line_of_its_own_only_where_both_are_on_the_screen(
    out: type[io.StringIO], err: type[io.StringIO], said: str
) -> None:
    output = Output(out(), err(), {})
    output.piece("half a line")
    output.note("note")
    assert isinstance(output.err, io.StringIO)
    assert isinstance(output.out, io.StringIO)
    assert output.err.getvalue() == said
    assert output.out.getvalue() == "half a line", "what goes to standard output is the answer alone"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "cp437", "utf-8"])
def test_no_encoding_makes_a_crash(encoding: str) -> None:
    bytes_out = io.BytesIO()
    output = Output(io.TextIOWrapper(bytes_out, encoding=encoding, newline="\n"), io.StringIO(), {})
    output.result("a 漢 … ü \ud800")
    output.document({"text": "漢 \ud800 \x1b"})
    first, *rest = bytes_out.getvalue().decode(encoding).split("\n")
    assert first.startswith("a ")
    assert json.loads("\n".join(rest)) == {"text": "漢 \ud800 \x1b"}
    assert "\x1b" not in "\n".join(rest)


SEQUENCES = "a\x1b[2J\x1b]0;title\x07\x1b]8;;http://x\x1b\\\x1b]52;c;aGk=\x07\x1bPq\x1b\\\x9b1m\x9d0;t\x9c\x84\x7f\x08\x0b\x0c\x00b\r\x1b[A"


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_a_sequence_that_comes_in_pieces_is_shown_as_a_whole_one_is(size: int) -> None:
    out = io.StringIO()
    output = Output(out, io.StringIO(), {})
    for start in range(0, len(SEQUENCES), size):
        output.piece(SEQUENCES[start : start + size])
        assert all(character.isprintable() for character in out.getvalue())
    output.end_pieces()
    assert out.getvalue() == without_controls(SEQUENCES) + "\n"


def test_no_control_character_reaches_a_terminal_by_any_way() -> None:
    controls = "".join(map(chr, [*range(0x20), *range(0x7F, 0xA0)])).replace("\t", "").replace("\n", "")
    streams = Terminal(), Terminal()
    output = Output(*streams, {"NO_COLOR": "1"})
    output.result(controls, end="")
    for character in controls:
        output.piece(character)
    output.end_pieces()
    output.note(controls, "red")
    output.line({controls: controls})
    output.document([controls])
    for stream in streams:
        assert not set(controls) & set(stream.getvalue())
