"""Addresses are found with their right ends, and a link's target is named by what decides where it leads."""

from __future__ import annotations

import pytest

from missy_lsp.markdown.addresses import find_addresses, named_target


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("see https://a.example/b?c=d#e.", ["https://a.example/b?c=d#e"]),
        ("(https://a.example/b_(c)) and", ["https://a.example/b_(c)"]),
        ("HTTPS://A.EXAMPLE, vscode://x/y; foo+bar://z!", ["HTTPS://A.EXAMPLE", "vscode://x/y", "foo+bar://z"]),
        ("http://[::1]:80/x]", ["http://[::1]:80/x"]),
        ("//a.example/b and a // comment", ["//a.example/b"]),
        ("www.a.example Www.B.example", ["www.a.example", "Www.B.example"]),
        ("a.b+c@d.example, @property or @app.route", ["a.b+c@d.example"]),
        ("mailto:a@localhost xmpp:b@c/d", ["mailto:a@localhost", "xmpp:b@c/d"]),
        ("evil.com/a?b evil.co.uk:80/x my_file.py 漢字.com xn--a.xn--b", None),
        ("e.g. v1.2.3 Node.js 3.5 foo.bar() a.b .NET end.Next", []),
        ("evil.com. evil.com, evil.com_ _evil.com", ["evil.com", "evil.com", "evil.com", "_evil.com"]),
        ("看https://a.example/文。后", ["https://a.example/文"]),
        ("ht://", ["ht://"]),
        ("javascript:alert(1) command:x.y", []),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_address_ends_where_its_sentence_goes_on(text: str, addresses: list[str] | None) -> None:
    assert [text[found.start : found.end] for found in find_addresses(text)] == (
        text.split() if addresses is None else addresses
    )


@pytest.mark.parametrize(
    ("href", "named"),
    [
        ("https://a.example/b?c=d", "a.example"),
        ("HTTP://a.example:8080", "a.example:8080"),
        ("https://good.example@evil.example/", "evil.example"),
        ("https://evil.example%5C@good.example/", "evil.example"),
        ("https://evil.example\\@good.example/", "evil.example"),
        ("https:///evil.example", "evil.example"),
        ("//evil.example/a", "evil.example"),
        ("https://", "https"),
        ("mailto:a@b.example?subject=x", "a@b.example"),
        ("command:workbench.action.x?%7B%7D", "command:"),
        ("javascript:alert(1)", "javascript:"),
        ("file:///etc/passwd", "file:"),
        ("ms-word:ofe", "ms-word:"),
        ("src/main.py#L3", "src/main.py#L3"),
        ("/etc/passwd?x", "/etc/passwd"),
        ("#heading", ""),
        ("", ""),
        ("https://" + "a" * 300, "a" * 99 + "…"),
    ],
)
def test_a_target_is_named_by_what_decides_where_it_leads(href: str, named: str) -> None:
    assert named_target(href) == named
