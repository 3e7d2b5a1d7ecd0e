"""Look at a proposed text before it is shown: what is left out, lost, hidden or broken in it."""

from __future__ import annotations

import re
from collections import Counter
from typing import Literal

import attrs

from missy_lsp.characters import invisible_characters
from missy_lsp.features.elisions import elision

FindingCode = Literal["elided", "shrink", "invisible", "unchanged", "syntax", "address", "runs", "encoded"]

_MANY_LINES = 10
_SHARE_LEFT = 1 / 3
_SHOWN = 60

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
    if (line := elision(original, new)) is not None:
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


def _lost_lines(original: str, new: str) -> str | None:
    before = sum(1 for line in original.splitlines() if line.strip())
    after = sum(1 for line in new.splitlines() if line.strip())
    if before and not after:
        return "nothing is left"
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
