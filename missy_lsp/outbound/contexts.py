"""Find secrets that have no shape of their own, by the place they stand in: URLs, headers, `.netrc`, `curl -u`."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from missy_lsp.outbound.plausibility import entropy, is_key, is_placeholder

Place = tuple[int, int, str]

_URL_USER = re.compile(r"://([^\s/?#:@\"'<>`\\]{0,200}+):([^\s/?#@\"'<>`\\]{1,300}+)@[\w.\[-]")
_SCHEME = re.compile(r"[ \t]{0,4}(?:\\?[\"'])?[ \t]{0,4}[:=,(][ \t]{0,4}(?:\\?[\"'])?[ \t]{0,4}")
_CREDENTIAL = re.compile(
    r"(?:(bearer|basic|token|apikey|bot)[ \t]{1,4})?([\w.~+/=:-]{12,4000}+)", re.IGNORECASE | re.ASCII
)
_BEARER = re.compile(r"bearer[ \t]{1,4}([\w.~+/=-]{16,4000}+)", re.IGNORECASE | re.ASCII)
_HEADERS = (
    "authorization",
    "x-api-key",
    "api-key",
    "private-token",
    "x-auth-token",
    "x-vault-token",
    "x-amz-security-token",
)
_NETRC = re.compile(
    r"machine\s{1,8}\S{1,256}+\s{1,8}login\s{1,8}\S{1,256}+\s{1,8}(?:account\s{1,8}\S{1,256}+\s{1,8})?password\s{1,8}(\S{1,256}+)"
)
_CURL_USER = re.compile(r"(?:--user|-u)[ \t=]{1,4}[\"']?[\w.@+-]{1,64}+:([^\s\"'`]{3,256}+)")
_NEXT_COMMAND = re.compile(r"(?<!\\)\n")
_AWS_SECRET = re.compile(r"(?<![A-Za-z0-9/+=_-])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=_-])")
_AWS_NEIGHBOURHOOD = 240


def url_passwords(text: str) -> Iterator[Place]:
    """Yield the password of each `scheme://user:password@host`; a user's own name as password is a default."""
    for at in _places(text, "://"):
        match = _URL_USER.match(text, at)
        if match is None or match[2] == match[1] or is_placeholder(match[2]):
            continue
        if "{" in match[2] or match[2].startswith(("$", "%")):
            continue
        yield match.start(2), match.end(2), "password"


def headers(text: str, lowered: str) -> Iterator[Place]:
    """Yield the credentials of HTTP headers; `lowered` is `text` with its ASCII letters in lower case."""
    for name in _HEADERS:
        for at in _places(lowered, name):
            separator = _SCHEME.match(text, at + len(name))
            credential = _CREDENTIAL.match(text, separator.end()) if separator else None
            if credential is not None and _is_credential(credential[2], (credential[1] or "").lower()):
                yield credential.start(2), credential.end(2), "authorization"
    for at in _places(lowered, "bearer"):
        bearer = _BEARER.match(text, at)
        if bearer is not None and _is_credential(bearer[1], "bearer"):
            yield bearer.start(1), bearer.end(1), "authorization"


def login_lines(text: str) -> Iterator[Place]:
    """Yield passwords of `.netrc` lines and of `curl --user`."""
    for at in _places(text, "machine"):
        match = _NETRC.match(text, at)
        if match is not None and not is_placeholder(match[1].strip("\"'")):
            yield match.start(1), match.end(1), "password"
    for marker in ("--user", " -u "):
        for at in _places(text, marker):
            match = _CURL_USER.match(text, at + (marker[0] == " "))
            if match is None or is_placeholder(match[1]) or match[1].startswith("$"):
                continue
            before = text[max(0, at - 300) : at]
            if "curl" in before and _NEXT_COMMAND.search(before, before.rindex("curl")) is None:
                yield match.start(1), match.end(1), "password"


def aws_secrets_near(text: str, start: int, end: int) -> Iterator[Place]:
    """Yield what looks like the secret of the access key id at `start` to `end`: forty characters close to it."""
    first = max(0, start - _AWS_NEIGHBOURHOOD)
    for match in _AWS_SECRET.finditer(text, first, end + _AWS_NEIGHBOURHOOD):
        value = match[0]
        is_hexadecimal = all(character in "0123456789abcdefABCDEF" for character in value)
        if not is_hexadecimal and entropy(value) >= 3.5 and any(character.isdigit() for character in value):
            yield match.start(), match.end(), "aws-secret-key"


def _is_credential(value: str, scheme: str) -> bool:
    if is_placeholder(value):
        return False
    if scheme == "basic":
        return _is_user_and_password(value)
    return is_key(value)


def _is_user_and_password(value: str) -> bool:
    try:
        decoded = base64.b64decode(value, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return False
    user, colon, password = decoded.partition(":")
    return bool(colon) and password not in ("", user) and not is_placeholder(password)


def _places(text: str, marker: str) -> Iterator[int]:
    at = text.find(marker)
    while at >= 0:
        yield at
        at = text.find(marker, at + len(marker))
