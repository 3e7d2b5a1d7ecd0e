"""textDocument/codeAction: what can be done at a place; never a model call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from missy_lsp.server.dispatch import Request

if TYPE_CHECKING:
    from missy_lsp.server.session import Session

STOP_KIND = "missy.stop"


def code_actions(session: Session, params: types.CodeActionParams, request: Request) -> list[dict[str, object]]:
    """Offer to stop what runs on the document; offered on automatic requests too (contract 3.4)."""
    only = params.context.only
    if only is not None and not any(_holds(str(getattr(kind, "value", kind)), STOP_KIND) for kind in only):
        return []
    actions: list[dict[str, object]] = []
    for run in session.running.on_document(params.text_document.uri):
        title = f"Missy: Stop {run.title}"
        command: dict[str, object] = {"title": title, "command": "missy.stop", "arguments": [{"id": run.id}]}
        if session.client.code_action_literals:
            actions.append({"title": title, "kind": STOP_KIND, "command": command})
        else:
            actions.append(command)
    return actions


def _holds(wanted: str, kind: str) -> bool:
    """Tell whether a kind is asked for; kinds are hierarchical (LSP 3.17, CodeActionKind)."""
    return wanted == "" or kind == wanted or kind.startswith(f"{wanted}.")
