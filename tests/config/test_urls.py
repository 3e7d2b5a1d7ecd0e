"""Where a key may travel: `base_url` in one spelling, or the reason why not (security.md, CFG-25)."""

from __future__ import annotations

import pytest

from missy_lsp.config.urls import normalized_base_url


@pytest.mark.parametrize(
    ("text", "normalized"),
    [
        ("HTTPS://API.ANTHROPIC.COM:443/", "https://api.anthropic.com"),
        ("https://gateway.example/team/claude/", "https://gateway.example/team/claude"),
        ("https://gateway.example/v1/account/anthropic", "https://gateway.example/v1/account/anthropic"),
        ("https://api.anthropic.com.evil.example/", "https://api.anthropic.com.evil.example"),
        ("https://аpi.anthropic.com", "https://xn--pi-6kc.anthropic.com"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://127.0.0.1:80/", "http://127.0.0.1"),
        ("http://[::1]:9", "http://[::1]:9"),
    ],
)
def test_an_endpoint_has_one_spelling(text: str, normalized: str) -> None:
    assert normalized_base_url(text) == normalized


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("http://evil.example", "unprotected"),
        ("http://10.0.0.1", "unprotected"),
        ("http://gateway.intranet", "unprotected"),
        ("http://127.0.0.1.evil.example", "unprotected"),
        ("http://localhost.evil.example", "unprotected"),
        ("https://user:pw@host", "user name"),
        ("https://api.anthropic.com@evil.example/", "user name"),
        ("https://api.anthropic.com\\@evil.example/", "user name"),
        ("https://api.anthropic.com\\.evil.example/", "unusable"),
        ("https://exa%6dple.com", "unusable"),
        ("https://-", "unusable"),
        ("https://host?x=1", "query"),
        ("https://host?", "query"),
        ("https://host#x", "query"),
        ("https://host/v1", "/v1"),
        ("http://localhost:3/v1/", "/v1"),
        ("https://host/v1/messages", "/v1"),
        ("https://ho st", "space"),
        ("https://host\n.evil.example", "space"),
        ("https://host:99999", "not a URL"),
        ("https://[::1", "not a URL"),
        ("ftp://host", "https://"),
        ("host", "https://"),
        ("", "https://"),
    ],
    ids=repr,
)
def test_what_can_not_be_an_endpoint_says_why(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        normalized_base_url(text)
