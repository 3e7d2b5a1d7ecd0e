"""What a renderer could make live of a Markdown text: a judge that shares no rule with the filter.

It parses with everything on (HTML, links and images of any scheme) and looks for bare addresses with hand-written
rules: what GitHub's autolinks, marked and linkify-it take for one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

LIVE = {"html_block", "html_inline", "link_open", "image"}
BARE = (
    re.compile(r"\b[a-z][a-z0-9+.-]*://\S", re.IGNORECASE),
    re.compile(r"(?:^|[\s\"'(<>|*_~])//(?:[^\s/.<>]+\.)+[^\s/.<>]"),
    re.compile(r"www\.[a-z0-9-]", re.IGNORECASE),
    re.compile(r"(?:mailto|xmpp):[^\s@\"<>]+@[\w\[]", re.IGNORECASE),
    re.compile(r"[a-z0-9.!#$%&'*+/=?^_{|}~-]+@[a-z0-9_-]+(?:\.[a-z0-9_-]+)+", re.IGNORECASE),
    re.compile(
        r"(?:^|[\s\"'()<>\[\],;!?*~|])(?:[\w-]+\.)+(?:com|net|org|io|dev\.io|co\.uk|py|rs|md)(?=$|[\s/?#)\"',;!])", re.I
    ),
)
UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u115f\u1160\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\u3164\ufeff\uffa0"
    "\U000e0001\ud800-\udfff]"
)


def live_parts(markdown: str) -> list[str]:
    """Return what a renderer would make live of a text: a good text has none."""
    parser = MarkdownIt("commonmark", {"html": True, "maxNesting": 200}).enable(["table", "strikethrough"])
    parser.validateLink = lambda url: True  # type: ignore[method-assign]
    found = [f"unseen {match[0]!r}" for match in UNSEEN.finditer(markdown)]
    for token in _all_tokens(parser.parse(markdown)):
        if token.type in LIVE:
            found.append(f"{token.type} {token.content or token.attrs}")
    for text in _texts(parser.parse(markdown)):
        found += [f"address {match[0]}" for rule in BARE for match in rule.finditer(text)]
    return found


def rendered(markdown: str) -> list[tuple[str, str]]:
    """Return what a reader sees: the parse tree, code within lines as words, a link as its label and its host."""
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    tree: list[tuple[str, str]] = []
    hosts: list[str] = []
    for token in _all_tokens(parser.parse(markdown)):
        if token.type == "inline" or token.hidden:
            continue
        kind, value = token.type, token.tag
        match kind:
            case "text" | "code_inline":
                kind, value = "words", token.content
            case "softbreak":
                kind, value = "words", " "
            case "link_open":
                hosts.append(urlsplit(str(token.attrs["href"])).netloc)
                kind, value = "words", ""
            case "link_close":
                kind, value = "words", f" ({hosts.pop()})"
            case "fence" | "code_block":
                kind, value = "code", f"{token.info.split(' ')[0]}\n{token.content}"
            case "ordered_list_open":
                value = str(token.attrs.get("start", 1))
            case "th_open" | "td_open":
                value = str(token.attrs.get("style", ""))
        if kind == "words" and tree and tree[-1][0] == "words":
            value = tree.pop()[1] + value
        tree.append((kind, value))
    return tree


def _all_tokens(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _all_tokens(token.children or [])


def _texts(tokens: list[Token]) -> Iterator[str]:
    """Yield the texts of paragraphs and cells with what is no text in it as a line feed."""
    for token in tokens:
        if token.type == "inline":
            yield "".join(child.content if child.type == "text" else "\n" for child in token.children or [])
