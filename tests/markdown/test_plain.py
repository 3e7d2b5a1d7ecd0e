"""Markdown in a plain field is its words on one line."""

from __future__ import annotations

import pytest

from missy_lsp.markdown.plain import plain_text


@pytest.mark.parametrize(
    ("markdown", "plain"),
    [
        ("# Title\n\nSome **bold** and `code`.\n", "Title Some bold and code."),
        ("- a\n- b\n\n> c\n\n1. d", "a b c d"),
        ("```py\nx = 1\n\ty\n```\n", "x = 1 y"),
        ("| a | b |\n|---|---|\n| c | d |", "a b c d"),
        ("[docs](https://a.example/b?S) <https://c.example>", "docs (a.example) https://c.example"),
        ("[ok](command:x) ![y](https://X/?d=S)", "ok (command:) [image removed] (y)"),
        (
            "\\[ok](command:x) `[a](command:x)` `[a]\u200b(command:x)`",
            "[ok] (command:x) [a] (command:x) [a]\\u200b(command:x)",
        ),
        ("```\n[a]\u200b(command:x)\n```", "[a] (command:x)"),
        ("a  \nb\\\nc &lt;b&gt; <b>", "a b c <b> <b>"),
        ("a\x1b[31m\x9b2J\x07\u202eb\u200b\x00\ud800", "a[31m2Jb\ufffd"),
        ("a\r\nb\u2028c\x0bd", "a b c d"),
        ("[r]: /u\n\n&nbsp;", ""),
    ],
    ids=ascii,
)
def test_markup_is_left_out(markdown: str, plain: str) -> None:
    assert plain_text(markdown) == plain


@pytest.mark.parametrize(
    ("markdown", "limit", "plain"),
    [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("**abcd** e", 6, "abcd e"), ("[" * 9_000, 4, "[[[…"), ("a b", 1, "…")],
    ids=["fits", "too long", "markup is not counted", "costly", "one"],
)
def test_what_is_too_long_ends_in_an_ellipsis(markdown: str, limit: int, plain: str) -> None:
    assert plain_text(markdown, limit) == plain
