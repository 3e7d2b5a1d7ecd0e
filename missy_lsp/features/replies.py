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
_CLOSE = re.compile(r"^[ \t]*</replacement>|</replacement>[ \t\r]*$", re.MULTILINE)
_TAG = re.compile(rf"(?P<open>{_OPEN.pattern})|{_CLOSE.pattern}", re.MULTILINE)
_PATH = re.compile(r"^[ \t]*<path>(.*?)</path>[ \t]*$", re.MULTILINE)
_FENCE = re.compile(r"(?P<indent>[ \t]*)(?P<fence>`{3,}|~{3,})(?P<info>[^`]*)")
# Tools run or obey files of these names on their own, so a new one is never written by a model.
_RUN_BY_THEMSELVES = re.compile(
    r"sitecustomize\.py|usercustomize\.py|conftest\.py|setup\.py|.*\.pth|makefile|gnumakefile|justfile|rakefile|package\.json"
    r"|build\.rs|gulpfile\..*|agents\.md|claude\.md|gemini\.md|.*\.code-workspace|devcontainer\.json|dockerfile",
    re.IGNORECASE,
)
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *(?:\..*)?", re.IGNORECASE)
_SHORT_NAME = re.compile(r".{1,6}~[0-9]")  # what Windows calls a longer name by: GIT~1 is .git
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
    found = _between_tags(text, original)
    if isinstance(found, ReplyFault):
        return found
    inner, remarks = found
    if _inside_fence(original) is None and (code := _inside_fence(inner)) is not None:
        inner = code
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
    fault = path_fault(path)
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


def _between_tags(text: str, original: str) -> tuple[str, str] | ReplyFault:
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
    last = closing[-1]
    fault = _fault_of_tags(text[first.start() :], original)
    if fault is not None:
        return fault
    inner = text[first.end() : last.start()]
    inner = inner.removeprefix("\r\n") if inner.startswith("\r\n") else inner.removeprefix("\n")
    return inner, _remarks(text[: first.start()], text[last.end() :])


def _fault_of_tags(text: str, original: str) -> ReplyFault | None:
    """Return what is wrong with the tags from the first opening one on.

    Tags within the pair are text only where the text that is replaced has such lines, too.
    """
    tags = [tag["open"] is not None for tag in _TAG.finditer(text)]
    if len(tags) == 2:
        return None
    depth, pairs = 0, 0
    for opens in tags:
        depth += 1 if opens else -1
        pairs += depth == 0
    if depth == 0 and pairs > 1:
        return ReplyFault(
            "two blocks",
            "The model gave more than one edit for one place.",
            "There was more than one pair of `<replacement>` tags; give all of the new text in one.",
        )
    if _TAG.search(original):
        return None
    return ReplyFault(
        "stray tag",
        "The model's reply has a tag of its form within the edit.",
        "There was a `<replacement>` or `</replacement>` too many; give one pair, and nothing of it in between.",
    )


def _remarks(before: str, after: str) -> str:
    """Return what was said beside the tags, without a fence that stood around them."""
    before, after = before.strip(), after.strip()
    last = before.rsplit("\n", 1)[-1]
    if _FENCE.fullmatch(last) and _FENCE.match(after):
        before, after = before[: len(before) - len(last)].rstrip(), after.partition("\n")[2].lstrip()
    return f"{before}\n{after}".strip()


def _inside_fence(text: str) -> str | None:
    """Return what one fence encloses that spans a whole text, None where there is none such (CommonMark, 4.5).

    A line with an info string opens a fence within it; a fence that is indented deeper belongs to the code.
    """
    lines = text.replace("\r\n", "\n").strip("\n").split("\n")
    first = _FENCE.fullmatch(lines[0])
    if first is None or len(lines) < 2:
        return None
    is_inside = False
    for number, line in enumerate(lines[1:], start=1):
        found = _FENCE.fullmatch(line.rstrip())
        if (
            found is None
            or not found["fence"].startswith(first["fence"])
            or len(found["indent"]) > len(first["indent"])
        ):
            continue
        if found["info"].strip():
            is_inside = True
        elif is_inside:
            is_inside = False
        else:
            return "".join(f"{code}\n" for code in lines[1:number]) if number == len(lines) - 1 else None
    return None


def _empty() -> ReplyFault:
    return ReplyFault("empty", "The model's reply was empty.", "The reply was empty.")


def path_fault(path: str) -> str | None:
    """Return why a model may not write to a path relative to the workspace folder, None where it may."""
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
        if part.endswith((".", " ")) or part.startswith(" ") or _RESERVED.fullmatch(part) or _SHORT_NAME.match(part):
            return "its name is not one on every system"
    return None
