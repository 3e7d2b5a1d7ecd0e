"""What the client can do, read once from `initialize` and frozen; and what is done where it can't."""

from __future__ import annotations

import attrs
from lsprotocol import types

from missy_lsp.document import PositionEncoding

_LLM_GENERATED = 1  # LSP 3.18, CodeActionTag
# Clients that ask for a hover only when the user presses a key (editors.md); others may at each rest of the mouse.
ASKS_BY_KEY = frozenset({"neovim", "helix", "vim-lsp", "kakoune-lsp"})
_ENCODINGS: tuple[PositionEncoding, ...] = ("utf-8", "utf-16", "utf-32")


@attrs.frozen
class ClientFeatures:
    """Abilities of a client; `name` is empty for one that does not introduce itself."""

    name: str = ""
    version: str = ""
    process_id: int | None = None
    position_encoding: PositionEncoding = "utf-16"
    work_done_progress: bool = False
    show_document: bool = False
    message_actions: bool = False
    configuration: bool = False
    code_action_literals: bool = False
    code_action_tags: bool = False
    apply_edit: bool = False
    document_changes: bool = False
    diagnostics: bool = False
    hover_format: str = "plaintext"
    hierarchical_symbols: bool = False
    code_lens_refresh: bool = False
    inline_completion: bool = False
    inline_completion_dynamic: bool = False
    dynamic: tuple[str, ...] = ()

    @property
    def is_neovim(self) -> bool:
        return self.name == "Neovim"

    @property
    def asks_by_key(self) -> bool:
        """Tell whether a hover is something that the user has asked for."""
        return self.name.lower() in ASKS_BY_KEY

    def in_place_of_missing(self) -> tuple[str, ...]:
        """Say in plain sentences what this server does where the client lacks an ability."""
        notes = []
        if not self.work_done_progress:
            notes.append("no window/workDoneProgress: progress is only sent on tokens that the client gives")
        if not self.show_document:
            notes.append(
                "no window/showDocument: answers are shown by window/showMessage, with the file that has the rest"
            )
        if not self.message_actions:
            notes.append("no window/showMessageRequest: trust is not asked for; run: missy trust FOLDER")
        if not self.configuration:
            notes.append(
                "no workspace/configuration: settings come from initializationOptions and didChangeConfiguration"
            )
        if not self.code_action_literals:
            notes.append("no code action literals: code actions are sent as commands")
        if not self.apply_edit:
            notes.append("no workspace/applyEdit: accepting a change goes through the code action itself")
        if not self.document_changes and not self.is_neovim:
            notes.append("no versioned edits: the version is checked here, right before an edit is sent")
        if not self.diagnostics:
            notes.append("no published diagnostics: a change that waits for review is told by a message")
        if not self.inline_completion:
            notes.append("no textDocument/inlineCompletion: suggestions stand last in the list of completions")
        return tuple(notes)


def read_client_features(params: types.InitializeParams, encoding: object) -> ClientFeatures:
    """Read the abilities from the parameters of `initialize`; `encoding` is the one that was agreed on."""
    capabilities = params.capabilities
    window = capabilities.window
    workspace = capabilities.workspace
    text_document = capabilities.text_document
    code_action = text_document.code_action if text_document else None
    tags = code_action.tag_support if code_action else None
    edit = workspace.workspace_edit if workspace else None
    symbols = text_document.document_symbol if text_document else None
    show_document = window.show_document if window else None
    inline = text_document.inline_completion if text_document else None
    info = params.client_info
    agreed = str(getattr(encoding, "value", encoding))
    return ClientFeatures(
        name=info.name if info else "",
        version=(info.version or "") if info else "",
        process_id=params.process_id,
        position_encoding=next((known for known in _ENCODINGS if known == agreed), "utf-16"),
        work_done_progress=bool(window and window.work_done_progress),
        show_document=bool(show_document and show_document.support),
        message_actions=bool(window and window.show_message),
        configuration=bool(workspace and workspace.configuration),
        code_action_literals=bool(code_action and code_action.code_action_literal_support),
        code_action_tags=bool(tags and _LLM_GENERATED in [getattr(tag, "value", tag) for tag in tags.value_set]),
        apply_edit=bool(workspace and workspace.apply_edit),
        document_changes=bool(edit and edit.document_changes),
        diagnostics=bool(text_document and text_document.publish_diagnostics),
        hover_format=_hover_format(text_document.hover if text_document else None),
        hierarchical_symbols=bool(symbols and symbols.hierarchical_document_symbol_support),
        code_lens_refresh=bool(workspace and workspace.code_lens and workspace.code_lens.refresh_support),
        inline_completion=inline is not None,
        inline_completion_dynamic=bool(inline and inline.dynamic_registration),
        dynamic=_dynamic(text_document),
    )


def _hover_format(hover: types.HoverClientCapabilities | None) -> str:
    """Return the first format that the client takes; one that lists none gets plain text."""
    formats = [str(getattr(kind, "value", kind)) for kind in (hover.content_format if hover else None) or ()]
    return next((kind for kind in formats if kind in ("markdown", "plaintext")), "plaintext")


def _dynamic(text_document: types.TextDocumentClientCapabilities | None) -> tuple[str, ...]:
    """Return the methods of chat documents that the client lets us register for these alone."""
    if text_document is None:
        return ()
    offered = {
        types.TEXT_DOCUMENT_CODE_LENS: text_document.code_lens,
        types.TEXT_DOCUMENT_DOCUMENT_SYMBOL: text_document.document_symbol,
        types.TEXT_DOCUMENT_FOLDING_RANGE: text_document.folding_range,
    }
    return tuple(method for method, given in offered.items() if given and given.dynamic_registration)
