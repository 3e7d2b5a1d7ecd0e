"""Read what a model replies to an action that edits: strictly, never by guessing (api.md, C.3)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Literal

import attrs

from missy_lsp.characters import invisible_characters

FaultCode = Literal["empty", "prose", "two blocks", "unclosed", "stray tag", "path", "not JSON"]

REPLACEMENT_SCHEMA: Mapping[str, object] = {
    "type": "object",
    "properties": {"replacement": {"type": "string"}, "summary": {"type": "string"}},
    "required": ["replacement", "summary"],
    "additionalProperties": False,
}

# A tag counts where it begins a line; code that holds one in the middle of a line is code.
_OPEN = re.compile(r"^[ \t]*<replacement>", re.MULTILINE)
_CLOSE = re.compile(r"</replacement>[ \t\r]*$", re.MULTILINE)
_PATH = re.compile(r"^[ \t]*<path>(.*?)</path>[ \t]*$", re.MULTILINE)
_FENCE = re.compile(
    r"[ \t]*(?P<fence>`{3,}|~{3,})[^`\n]*\r?\n(?P<code>.*?)\r?\n?[ \t]*(?P=fence)[ \t]*(?:\r?\n)?", re.DOTALL
)
# Tools run or obey files of these names on their own, so a new one is never written by a model.
_RUN_BY_THEMSELVES = re.compile(
    r"sitecustomize\.py|usercustomize\.py|conftest\.py|setup\.py|.*\.pth|makefile|gnumakefile|justfile|rakefile|package\.json"
    r"|build\.rs|gulpfile\..*|agents\.md|claude\.md|gemini\.md|.*\.code-workspace|devcontainer\.json|dockerfile",
    re.IGNORECASE,
)
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(?:\..*)?", re.IGNORECASE)
_MOST_PATH_CHARACTERS = 200
_NOT_IN_NAMES = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"|?*\\]')


@attrs.frozen
class Replacement:
    """The new text, and what the model said beside it."""

    text: str
    remarks: str = ""


@attrs.frozen
class NewFile:
    """A new file: a path below the workspace folder with forward slashes, its content, what was said beside it."""

    path: str
    text: str
    remarks: str = ""


@attrs.frozen
class ReplyFault:
    """Why a reply can't be read: a sentence for the user and one for the model."""

    code: FaultCode
    sentence: str
    for_model: str


def read_replacement(text: str, *, original: str = "") -> Replacement | ReplyFault:
    """Read a reply that has its text between one pair of tags; `original` is the text that it takes the place of."""
    found = _between_tags(text)
    if isinstance(found, ReplyFault):
        return found
    inner, remarks = found
    if not _FENCE.fullmatch(original) and (fence := _FENCE.fullmatch(inner)):
        code = fence["code"]
        if not any(line.strip().startswith(fence["fence"]) for line in code.splitlines()):
            inner = code if not code or code.endswith("\n") else f"{code}\n"
    return Replacement(inner, remarks)


def read_new_file(text: str) -> NewFile | ReplyFault:
    """Read a reply that names a new file and has its content between tags."""
    found = read_replacement(text)
    if isinstance(found, ReplyFault):
        return found
    paths = _PATH.findall(text[: _OPEN.search(text).start()])  # type: ignore[union-attr]
    if len(paths) != 1:
        return ReplyFault(
            "path",
            "The model did not say which file to write." if not paths else "The model named several files.",
            "Name exactly one path between `<path>` and `</path>`, on a line before the replacement.",
        )
    path = paths[0].strip().removeprefix("./")
    fault = _path_fault(path)
    if fault is not None:
        return ReplyFault(
            "path",
            f"The model named a file that is not written: {fault}.",
            f"The path can't be used: {fault}. Give a path inside of the workspace folder, with forward slashes.",
        )
    remarks = _PATH.sub("", found.remarks).strip()
    return NewFile(path, found.text, remarks)


def read_structured(text: str) -> Replacement | ReplyFault:
    """Read a reply that follows `REPLACEMENT_SCHEMA`."""
    if not text.strip():
        return _empty()
    try:
        given = json.loads(text)
        replacement, summary = given["replacement"], given.get("summary", "")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        replacement, summary = None, ""
    if not isinstance(replacement, str) or not isinstance(summary, str):
        return ReplyFault(
            "not JSON",
            "The model's reply does not have the form that was asked for.",
            "The reply was no JSON object with the texts `replacement` and `summary`.",
        )
    return Replacement(replacement, summary.strip())


def _between_tags(text: str) -> tuple[str, str] | ReplyFault:
    if not text.strip():
        return _empty()
    first = _OPEN.search(text)
    closing = list(_CLOSE.finditer(text))
    if first is None:
        if closing:
            return ReplyFault(
                "stray tag",
                "The model's reply ends a replacement that it never began.",
                "There was `</replacement>` without `<replacement>` at the beginning of a line before it.",
            )
        return ReplyFault(
            "prose",
            "The model answered in words and gave no edit.",
            "There was no text between `<replacement>` and `</replacement>`.",
        )
    closing = [match for match in closing if match.start() >= first.end()]
    if not closing:
        return ReplyFault(
            "unclosed",
            "The model's reply breaks off within the edit.",
            "`<replacement>` was never closed by `</replacement>` at the end of a line.",
        )
    if any(_OPEN.search(text, match.end()) for match in closing):
        return ReplyFault(
            "two blocks",
            "The model gave more than one edit for one place.",
            "There was more than one pair of `<replacement>` tags; give all of the new text in one.",
        )
    last = closing[-1]
    inner = text[first.end() : last.start()]
    inner = inner.removeprefix("\r\n") if inner.startswith("\r\n") else inner.removeprefix("\n")
    remarks = f"{text[: first.start()].strip()}\n{text[last.end() :].strip()}".strip()
    return inner, remarks


def _empty() -> ReplyFault:
    return ReplyFault("empty", "The model's reply was empty.", "The reply was empty.")


def _path_fault(path: str) -> str | None:
    """Return why a path is not written to, None where it may be."""
    if not path or len(path) > _MOST_PATH_CHARACTERS:
        return "its name is empty or too long"
    if invisible_characters(path) or _NOT_IN_NAMES.search(path):
        return "its name has characters that a file name can't have, or that nobody sees"
    if path.startswith(("/", "~")):
        return "it is outside of the workspace folder"
    for part in path.split("/"):
        if part in ("", ".", ".."):
            return "it is outside of the workspace folder, or not written plainly"
        if part.startswith("."):
            return "files and folders that begin with a dot are never written"
        if _RUN_BY_THEMSELVES.fullmatch(part):
            return "tools run or obey a file of this name on their own"
        if part.endswith((".", " ")) or part.startswith(" ") or _RESERVED.fullmatch(part):
            return "its name is not one on every system"
    return None
