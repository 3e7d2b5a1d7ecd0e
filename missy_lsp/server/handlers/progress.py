"""window/workDoneProgress/cancel: the user's Cancel on a progress of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from missy_lsp.server.dispatch import Request

if TYPE_CHECKING:
    from missy_lsp.server.session import Session


def cancel(session: Session, params: types.WorkDoneProgressCancelParams, request: Request) -> None:
    session.running.stop_token(params.token)
