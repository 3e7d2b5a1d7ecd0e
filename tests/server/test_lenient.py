"""Parameters: strict where a value matters, lenient where a client is newer than we are, or leaves something out."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import cattrs
import pytest
from lsprotocol import types

from missy_lsp.errors import UsageError
from missy_lsp.server.lenient import new_converter, structure_params

RECORDED = sorted((Path(__file__).parents[1] / "data" / "clients").glob("*.json"))
HERE = {"line": 0, "character": 0}
RANGE = {"start": HERE, "end": HERE}
Json = dict[str, Any]


@pytest.fixture(scope="module")
def converter() -> cattrs.Converter:
    return new_converter()


def initialize(converter: cattrs.Converter, **params: object) -> types.InitializeParams:
    structured = structure_params(converter, "initialize", {"capabilities": {}, **params})
    assert isinstance(structured, types.InitializeParams)
    return structured


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda path: path.stem)
def test_every_recorded_client_is_understood_as_before(recorded: Path, converter: cattrs.Converter) -> None:
    params: Json = json.loads(recorded.read_text(encoding="utf-8"))
    expected = cattrs.Converter()
    from lsprotocol.converters import get_converter

    folders = [{"name": "", **folder} for folder in params.get("workspaceFolders") or []]
    structured = get_converter(expected).structure(
        {**copy.deepcopy(params), "workspaceFolders": folders or None}, types.InitializeParams
    )
    assert structure_params(converter, "initialize", params) == structured


def test_known_enum_values_become_members_and_unknown_ones_stay_plain(converter: cattrs.Converter) -> None:
    diagnostics = [{"range": RANGE, "message": "m", "severity": severity, "tags": [1, 9]} for severity in (1, 7)]
    context = {"diagnostics": diagnostics, "triggerKind": 2, "only": ["quickfix", "weird"]}
    params = structure_params(
        converter, "textDocument/codeAction", {"textDocument": {"uri": "file:///a"}, "range": RANGE, "context": context}
    )
    assert params.context.trigger_kind is types.CodeActionTriggerKind.Automatic
    assert [each.severity for each in params.context.diagnostics] == [types.DiagnosticSeverity.Error, 7]
    assert params.context.diagnostics[0].tags == (types.DiagnosticTag.Unnecessary, 9)
    assert list(params.context.only) == ["quickfix", "weird"]


def test_what_is_malformed_in_initialize_is_left_out_and_the_rest_is_kept(converter: cattrs.Converter) -> None:
    whole = [{"uri": "file:///1"}, {"name": "2", "uri": "file:///2"}]
    params = initialize(
        converter,
        processId="none",
        trace="loud",
        rootUri="file://[::1",
        workspaceFolders=[None, {"uri": "http://[::1"}, whole[0], {"name": 5, "uri": 6}, whole[1], 5],
        capabilities={
            "general": {"positionEncodings": ["utf-7", "utf-8"]},
            "window": {"showDocument": True, "workDoneProgress": True, "showMessage": None},
            "textDocument": {"hover": {"contentFormat": ["html", 5]}, "foldingRange": 5, "codeAction": {}},
            "workspace": 7,
        },
    )
    assert params.process_id is None
    assert params.trace == "loud"
    assert params.root_uri is None
    assert params.workspace_folders == (types.WorkspaceFolder("file:///1", ""), types.WorkspaceFolder("file:///2", "2"))
    capabilities = params.capabilities
    assert capabilities.workspace is None
    assert capabilities.general is not None
    assert list(capabilities.general.position_encodings or ()) == ["utf-7", types.PositionEncodingKind.Utf8]
    assert capabilities.window == types.WindowClientCapabilities(work_done_progress=True)
    assert capabilities.text_document is not None
    assert capabilities.text_document.code_action is not None
    assert capabilities.text_document.folding_range is None
    assert capabilities.text_document.hover is not None
    assert list(capabilities.text_document.hover.content_format or ()) == ["html"]


def test_a_thousand_malformed_parts_are_left_out(converter: cattrs.Converter) -> None:
    folders = [{"uri": number} if number % 2 else {"uri": f"file:///{number}"} for number in range(1000)]
    params = initialize(converter, workspaceFolders=folders)
    assert [folder.uri for folder in params.workspace_folders or ()] == [f"file:///{n}" for n in range(0, 1000, 2)]


@pytest.mark.parametrize("params", [None, [], 5, "x", {"capabilities": 5}, {"capabilities": []}], ids=str)
def test_an_initialize_that_is_none_is_refused(params: object, converter: cattrs.Converter) -> None:
    with pytest.raises(UsageError, match="initialize"):
        structure_params(converter, "initialize", params)


@pytest.mark.parametrize("params", [{}, {"capabilities": None}])
def test_a_client_without_abilities_is_one(params: Json, converter: cattrs.Converter) -> None:
    assert structure_params(converter, "initialize", params).capabilities == types.ClientCapabilities()


OPEN = {"uri": "file:///a", "text": ""}
COMPLETED = [
    ("initialized", None, types.InitializedParams()),
    ("shutdown", {"x": 1}, None),
    ("workspace/didChangeConfiguration", None, types.DidChangeConfigurationParams(None)),
    (
        "textDocument/didOpen",
        {"textDocument": {**OPEN, "version": None}},
        types.DidOpenTextDocumentParams(types.TextDocumentItem("file:///a", "", 0, "")),
    ),
    (
        "textDocument/didChange",
        {"textDocument": {"uri": "u", "version": 2.0}, "contentChanges": [{"range": None, "text": "x"}]},
        types.DidChangeTextDocumentParams(
            types.VersionedTextDocumentIdentifier(2, "u"), (types.TextDocumentContentChangeWholeDocument("x"),)
        ),
    ),
]


@pytest.mark.parametrize(("method", "params", "expected"), COMPLETED, ids=lambda value: str(value)[:30])
def test_what_clients_leave_out_is_filled_in(
    method: str, params: object, expected: object, converter: cattrs.Converter
) -> None:
    assert structure_params(converter, method, params) == expected


REFUSED = [
    ("workspace/executeCommand", {"command": 5}, "at command"),
    ("workspace/executeCommand", {}, "at command"),
    ("workspace/executeCommand", {"command": "x", "workDoneToken": {}}, "at workDoneToken"),
    ("workspace/executeCommand", {"command": "x", "workDoneToken": True}, "at workDoneToken"),
    ("window/workDoneProgress/cancel", {"token": None}, "malformed"),
    ("textDocument/didOpen", {"textDocument": {**OPEN, "languageId": 5}}, "at textDocument.languageId"),
    ("textDocument/didOpen", {"textDocument": {**OPEN, "text": 5}}, "at textDocument.text"),
    ("textDocument/didOpen", {"textDocument": {**OPEN, "version": 1.5}}, "at textDocument.version"),
    ("textDocument/didOpen", {"textDocument": {**OPEN, "version": 1e400}}, "at textDocument.version"),
    ("textDocument/didOpen", {"textDocument": {**OPEN, "version": True}}, "at textDocument.version"),
    ("textDocument/didClose", {"textDocument": []}, "at textDocument"),
    ("textDocument/didClose", [], "not an object"),
    ("textDocument/didClose", {"textDocument": {"uri": "http://[::1"}}, "at textDocument"),
    ("textDocument/didClose", {"textDocument": {"uri": "file:///%00"}}, "at textDocument"),
]


@pytest.mark.parametrize(("method", "params", "words"), REFUSED, ids=lambda value: str(value)[:50])
def test_what_is_malformed_is_named_by_its_place(
    method: str, params: object, words: str, converter: cattrs.Converter
) -> None:
    with pytest.raises(UsageError, match=words):
        structure_params(converter, method, params)
