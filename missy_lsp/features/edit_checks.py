"""Look at a proposed text before it is shown: what is left out, lost, hidden or broken in it."""

from __future__ import annotations

import re
from collections import Counter
from typing import Literal

import attrs

from missy_lsp.characters import invisible_characters

FindingCode = Literal["elided", "shrink", "invisible", "unchanged", "syntax", "address", "runs", "encoded"]

_MANY_LINES = 10
_SHARE_LEFT = 1 / 3
_SHOWN = 60
_MOST_WORDS = 9

# What models write in place of code that they leave out, in the languages that they answer in; always as a comment,
# in brackets, or behind dots, which is looked at apart.
_LEFT_OUT = re.compile(
    r"""
    \b(?:rest|remainder|remaining|existing|unchanged)\b[^.]{0,60}
        \b(?:code|file|function|method|class|component|implementation|logic|contents?|body|methods|functions|lines|parts?
        |tests|imports|definitions|fields|cases|styles|rules|template|markup|here|unchanged|same
        |as\ (?:is|before|above))\b
    | \b(?:code|lines?|content|implementation|body|methods?|functions?)\ (?:is\ |are\ |was\ |were\ )?
        (?:omitted|unchanged|elided)\b
    | \b(?:remains?|stays?|keep|kept|left)\ (?:the\ same|unchanged|as\ (?:is|before))\b
    | ^(?:unchanged|omitted|snip|snipped|same\ as\ (?:before|above)|no\ changes?(?:\ (?:here|below|above))?|etc)$
    | \bunver[aä]ndert\b | \brest(?:licher|liche)?\b.{0,30}\b(?:bleibt|code|unver)
    | \breste\ du\ (?:code|fichier)\b | \binchang[ée]e?s?\b | \bcode\ existant\b
    | \bresto\ d(?:el|o)\ (?:c[óo]digo|archivo|arquivo)\b | \bsin\ cambios\b | \bc[óo]digo\ existente\b
    | \bsem\ altera[çc][õo]es\b
    | \bостальн\w*\ .{0,20}код | \bбез\ изменений\b | \bсуществующий\ код\b
    | 其余(?:的)?代码 | 代码(?:保持)?不变 | 保持不变 | 现有代码 | (?:此处)?省略
    | 残りの(?:コード|部分) | 変更なし | 既存のコード | 以下同様
    | 나머지\ ?코드 | 기존\ ?코드 | 변경\ ?없음
    """,
    re.VERBOSE | re.IGNORECASE,
)
# Behind dots, these say it too.
_LEFT_OUT_BEHIND_DOTS = re.compile(
    r"\b(?:previous|original|other|same|more|and so on|etc|as (?:is|before|above)|here)\b", re.IGNORECASE
)
_DOTS = re.compile(r"(?:\.\.\.|…)")
_MARKED = re.compile(
    r"^\s*(?:#|//|--|;+|%|/\*|\*|<!--|\{/\*|\(\*|\"{3}|'{3}|REM\b|!)\s*(?P<text>.*?)\s*(?:\*/\}?|-->|\*\))?\s*$"
)
_BRACKETED = re.compile(r"^\s*[\[(<{]\s*(?P<text>.*?)\s*[\])>}]\s*$")
_ONLY_DOTS = re.compile(r"^\s*(?:\.\.\.|…)\s*$")
_WORDS_BEHIND_DOTS = re.compile(r"^\s*(?:\.\.\.|…)\s*(?P<text>[^\W\d_].*?)\s*(?:\.\.\.|…)?\s*$")
_ADDRESS = re.compile(r"\b(?:https?|wss?|ftp)://([^\s/\"'`<>)\]}]{1,200})")
_RUNS = re.compile(
    r"\b(?:curl|wget)\b[^\n]{0,200}\|\s*(?:sudo\s+)?(?:ba|z)?sh\b|\beval\s*\(|\bexec\s*\(|\bos\.system\s*\(|\bInvoke-Expression\b"
)
_ENCODED = re.compile(r"[A-Za-z0-9+/]{256,}={0,2}")


@attrs.frozen
class EditFinding:
    """What is wrong with a proposed text; one that `blocks` is never applied."""

    code: FindingCode
    blocks: bool
    sentence: str


def check_edit(
    original: str,
    new: str,
    *,
    may_shrink: bool = False,
    faults_before: int | None = None,
    faults_after: int | None = None,
) -> tuple[EditFinding, ...]:
    """Return what is found in the text that is to take the place of `original`.

    `may_shrink`: losing most lines is what was asked for. The faults are what a parser finds in the whole document,
    None where there is no parser.
    """
    findings = []
    if (line := _elision(original, new)) is not None:
        findings.append(
            EditFinding("elided", True, f"The model left code out and wrote a placeholder for it: {_shown(line)}.")
        )
    if not may_shrink and (lost := _lost_lines(original, new)) is not None:
        findings.append(EditFinding("shrink", True, f"The new text would drop most of the code: {lost}."))
    if names := _hidden(original, new):
        findings.append(
            EditFinding("invisible", True, f"The new text holds characters that nobody sees: {', '.join(names[:3])}.")
        )
    findings += _worth_a_look(original, new)
    if original and new == original:
        findings.append(EditFinding("unchanged", False, "The model proposes no change."))
    if faults_before is not None and faults_after is not None and faults_after > faults_before:
        findings.append(EditFinding("syntax", False, "A parser finds more faults in the document with this change."))
    return tuple(findings)


def _elision(original: str, new: str) -> str | None:
    """Return the first line that stands for code which is left out, and which the original had not."""
    known = {line.strip() for line in original.splitlines()}
    previous = ""
    for line in new.splitlines():
        if line.strip() and line.strip() not in known and _stands_for_more(line, previous):
            return line
        previous = line if line.strip() else previous
    return None


def _stands_for_more(line: str, previous: str) -> bool:
    if _ONLY_DOTS.match(line):
        # `...` alone is the body of a stub where a block begins above it, and nothing in any language elsewhere.
        return previous.strip() != "" and not previous.rstrip().endswith((":", "(", "[", "{", ",", "->"))
    if (marked := _MARKED.match(line)) is not None:
        text = marked["text"]
        bare = _DOTS.sub(" ", text).strip(" .()[]{}<>-*:")
        if not bare:
            return bool(_DOTS.search(text))
        return _says_left_out(bare, has_dots=_DOTS.search(text) is not None)
    found = _WORDS_BEHIND_DOTS.match(line) or _BRACKETED.match(line)
    if found is None:
        return False
    return _says_left_out(_DOTS.sub(" ", found["text"]).strip(" ."), has_dots=_DOTS.search(line) is not None)


def _says_left_out(remark: str, *, has_dots: bool) -> bool:
    """Tell whether a remark stands for code; a long one says something of its own."""
    if len(remark.split()) > _MOST_WORDS:
        return False
    return _LEFT_OUT.search(remark) is not None or (has_dots and _LEFT_OUT_BEHIND_DOTS.search(remark) is not None)


def _lost_lines(original: str, new: str) -> str | None:
    before = sum(1 for line in original.splitlines() if line.strip())
    after = sum(1 for line in new.splitlines() if line.strip())
    if before < _MANY_LINES or after >= before * _SHARE_LEFT:
        return None
    return f"{after} of {before} lines are left"


def _hidden(original: str, new: str) -> list[str]:
    known = Counter(found.character for found in invisible_characters(original))
    names = []
    for found in invisible_characters(new):
        known[found.character] -= 1
        if known[found.character] < 0 and found.name not in names:
            names.append(found.name)
    return names


def _worth_a_look(original: str, new: str) -> list[EditFinding]:
    """Warn of what an edit adds that reaches out of the program; the reviewer should not miss it."""
    findings = []
    hosts = sorted(_hosts(new) - _hosts(original))
    if hosts:
        findings.append(EditFinding("address", False, f"The change adds an address: {', '.join(hosts[:3])}."))
    if _RUNS.search(new) and not _RUNS.search(original):
        findings.append(EditFinding("runs", False, "The change adds code that runs what it is given or downloads."))
    if _ENCODED.search(new) and not _ENCODED.search(original):
        findings.append(EditFinding("encoded", False, "The change adds a long encoded text that nobody can read."))
    return findings


def _hosts(text: str) -> set[str]:
    return {match[1].lower() for match in _ADDRESS.finditer(text)}


def _shown(line: str) -> str:
    text = line.strip()
    return f"`{text[:_SHOWN].replace('`', '')}{'…' if len(text) > _SHOWN else ''}`"
