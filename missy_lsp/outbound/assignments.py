"""Find literals that are given to a name such as `API_KEY`, `db.password` or `clientSecret` and look like secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator

from missy_lsp.outbound.plausibility import is_key, is_password, is_uuid

Place = tuple[int, int, str]

# Word in the name -> kind. Passwords may be short, the others are keys that a machine made.
_WORDS = {
    "passphrase": "password",
    "passw": "password",
    "pwd": "password",
    "secret": "secret",
    "credential": "secret",
    "token": "token",
    "key": "key",
    "_auth": "token",
}
# `key` alone names anything; with one of these before it, a secret.
_BEFORE_KEY = re.compile(
    r"(?:api|access|auth|private|secret|sign(?:ing)?|encrypt(?:ion)?|crypt(?:o|ion)?|account|shared|master|service|app"
    r"|application|hmac|jwt|deploy|storage|webhook|license|session|cookie|client|server|admin|security)[_\-. ]?$"
)
# What may stand in the name after the word; `TOKEN_URL` or `password_field` names something else.
_REST = re.compile(
    r"(?:ord|ort|d|s|[0-9]{1,3}|[_.\-]?(?:prod|production|dev|development|test|testing|staging|stage|live|sandbox|base|value"
    r"|default|main|primary|secondary|old|new|current|previous|local|ci|admin|root|user|key|string|b64|base64|hex|text"
    r"|str|secret|token|password|pw|file_?content|plain|raw|[0-9]{1,3}))*"
)
_AFTER_NAME = re.compile(
    r"(?P<close>(?:\\{0,3}[\"'`]|\])?\]?)[ \t]{0,20}"
    r"(?P<sign>(?::[ ]?[A-Za-z_&*\[\]<>|?.' ]{1,40})?[=!]?={1,2}>?|:=?|,|\(|>|)[ \t]{0,20}"
    r"(?:[rbfuRBFU@]{0,2}(?P<quote>\\{0,3}[\"'`]))?"
)
_ENV_VARIABLE_NAME = re.compile(r"[a-z0-9_.\-]{0,40}+")
_QUOTED = {quote: re.compile(rf"(?:[^\n\\{quote}]|\\[^\n{quote}]){{6,4000}}") for quote in "\"'`"}
_QUOTED_ESCAPED = {quote: re.compile(rf"[^\n\\{quote}]{{6,4000}}") for quote in "\"'`"}
_IN_XML = re.compile(r"[^<>\n]{6,1000}+(?=</)")
_REST_OF_LINE = re.compile(r"[^\s\"'`=:]{8,500}+={0,2}(?=[ \t]*+(?:$|[\r\n#]))")
_BARE = re.compile(r"[^\s\"'`,;<>(){}\[\]=:&|]{8,500}+={0,2}(?![(\[{.\"'`])")
_DOTTED_NAME = re.compile(r"[A-Za-z_]\w*(?:(?:\.|->|::)[A-Za-z_]\w*)+")
_CODE_SIGNS = frozenset("(){}[]<>")


def assigned_secrets(text: str, lowered: str) -> Iterator[Place]:
    """Yield the literals; `lowered` is `text` with its ASCII letters in lower case."""
    for word, kind in _WORDS.items():
        at = lowered.find(word)
        while at >= 0:
            after = at + len(word)
            if word != "key" or _BEFORE_KEY.search(lowered, max(0, at - 14), at):
                place = _value_after(text, lowered, after, kind)
                if place is not None:
                    yield place
            at = lowered.find(word, after)


def _value_after(text: str, lowered: str, name_at: int, kind: str) -> Place | None:
    rest = _ENV_VARIABLE_NAME.match(lowered, name_at)
    end = rest.end() if rest else name_at
    if not _REST.fullmatch(lowered, name_at, end):
        # `token.` at the end of a sentence, `password-` before other text
        return None
    after = _AFTER_NAME.match(text, end)
    if after is None:
        return None
    quote = after["quote"]
    if quote is not None:
        return _quoted(text, after.end(), quote, kind, sign=after["sign"])
    if after["sign"] in (",", "("):
        return None
    return _bare(text, after, kind)


def _quoted(text: str, start: int, quote: str, kind: str, *, sign: str) -> Place | None:
    patterns = _QUOTED_ESCAPED if len(quote) > 1 else _QUOTED
    match = patterns[quote[-1]].match(text, start)
    if match is None or text[match.end() : match.end() + 1] not in ("\\", quote[-1]):
        return None
    value = match[0]
    if not (is_password(value) if kind == "password" and sign != "(" else _is_key(value, kind)):
        return None
    return start, match.end(), kind


def _bare(text: str, after: re.Match[str], kind: str) -> Place | None:
    """Look at a value without quotes: of `.env`, YAML and command lines, or an expression in code."""
    start, sign = after.end(), after["sign"]
    if sign == ">":
        match = _IN_XML.match(text, start)
    elif sign and "=" not in sign[:-1].replace("=", "", 1) and (line := _REST_OF_LINE.match(text, start)):
        match = line
    else:
        match = _BARE.match(text, start)
    if match is None or (not sign and not _is_option(text, after.start())):
        return None
    if sign == ":" and "://" in _word_before(text, after.start()):
        return None  # the user of a URL, whose password is found as such
    value = match[0].rstrip(",;")
    if sign != ">" and not _CODE_SIGNS.isdisjoint(value):
        return None
    if kind == "password" and not is_key(value):
        if not is_password(value) or _is_identifier(value):
            return None
    elif not _is_key(value, kind) or _DOTTED_NAME.fullmatch(value):
        return None
    return start, start + len(value), kind


def _is_key(value: str, kind: str) -> bool:
    """Tell whether it is a key; a UUID that is called a token is more often one of a protocol, not a secret."""
    return is_key(value) and not (kind == "token" and is_uuid(value))


def _is_option(text: str, name_end: int) -> bool:
    """Tell whether the name that ends there is an option of a command line, or an `ENV` line of a Dockerfile."""
    line = text[max(0, name_end - 60) : name_end].rpartition("\n")[2]
    return _word_before(text, name_end).startswith("--") or line.startswith(("ENV ", "#define "))


def _word_before(text: str, end: int) -> str:
    """Return what stands before `end` without white space in it, its last sixty characters."""
    return (text[max(0, end - 60) : end].split() or [""])[-1]


def _is_identifier(value: str) -> bool:
    """Tell whether a password without quotes could as well be a variable: `newPassword1`, `self.pw_2`."""
    return re.fullmatch(r"[A-Za-z_][\w.\-]*", value) is not None and not _changes_often(value)


def _changes_often(value: str) -> bool:
    runs = re.findall(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+", value)
    return len(runs) >= 0.4 * len(value)
