"""What a model is told of the tools: one constant list for each mode, sorted by name.

A list that changed, or its order, would cost the prompt cache.
"""

from __future__ import annotations

from missy_lsp.llm.types import ToolSpec

_PATH = {"type": "string", "description": "Path of a file or folder, relative to the workspace folder, with /."}
_LINE = {"type": "integer", "minimum": 1}
_TEXT = {"type": "string", "maxLength": 200_000}


def _spec(name: str, description: str, required: list[str], **properties: object) -> ToolSpec:
    schema = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    return ToolSpec(name, description, schema)


_DIAGNOSTICS = _spec(
    "diagnostics",
    "Say what is known to be wrong in a file: what the editor passed on of its checkers, and whether a parser finds "
    "faults; without path every file that something is known of. It runs no checker.",
    [],
    path=_PATH,
)
_DOCUMENT_SYMBOLS = _spec(
    "document_symbols",
    "List what one file defines (functions, classes, methods; headings of prose) with the lines of each, at most 500.",
    ["path"],
    path=_PATH,
)
_EDIT_FILE = _spec(
    "edit_file",
    "Replace a text in a file of the workspace: old_text must stand in it exactly once, as read_file shows it without "
    "numbers, and becomes new_text. With an empty old_text a file that does not exist, or is empty, gets new_text. At "
    "most 20 edits; nothing is written until the user has reviewed them all. Later reads see your edits. Placeholders "
    "such as [secret:KIND:1] stand for secrets: keep them as they are.",
    ["path", "old_text", "new_text"],
    path=_PATH,
    old_text=_TEXT,
    new_text=_TEXT,
)
_LIST_FILES = _spec(
    "list_files",
    "List the files and folders of the workspace below a folder, at most 2,000. Ignored files are left out. "
    "`pattern` is written as in .gitignore, for example *.py or src/**/test_*.py, and then only files are listed.",
    [],
    path=_PATH,
    pattern={"type": "string"},
)
_READ_FILE = _spec(
    "read_file",
    "Read a text file of the workspace, each line after its number and a tab. At most 256 KiB a call: "
    "read on with start_line. Unsaved text of the editor is read before the disk.",
    ["path"],
    path=_PATH,
    start_line=_LINE,
    end_line=_LINE,
)
_SEARCH_TEXT = _spec(
    "search_text",
    "Find the lines that contain a text literally (no regular expression), in one file or below a folder; "
    "without path in the whole workspace. Answers path:line: text, at most 200 lines.",
    ["pattern"],
    pattern={"type": "string"},
    path=_PATH,
    case_sensitive={"type": "boolean"},
)

READ_SPECS = (_DIAGNOSTICS, _DOCUMENT_SYMBOLS, _LIST_FILES, _READ_FILE, _SEARCH_TEXT)
EDIT_SPECS = (_DIAGNOSTICS, _DOCUMENT_SYMBOLS, _EDIT_FILE, _LIST_FILES, _READ_FILE, _SEARCH_TEXT)
