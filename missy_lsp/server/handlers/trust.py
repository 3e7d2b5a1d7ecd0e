"""Whether a workspace folder's own Missy files may be used: the server's question and the command."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol import types

from missy_lsp.errors import TrustError, UsageError
from missy_lsp.server.documents import file_path
from missy_lsp.server.protocol import ClientRefused

if TYPE_CHECKING:
    from missy_lsp.server.arguments import TrustArguments
    from missy_lsp.server.session import Session

TRUST = "Trust this folder"
REFUSE = "Do not trust"
ANSWER_WITHIN_S = 600.0


def ask_where_needed(session: Session) -> None:
    """Ask about each folder whose Missy files wait for a decision; silence and nonsense leave it restricted."""
    for folder, state, digest in session.configuration.undecided():
        if session.client.message_actions:
            session.keep(asyncio.ensure_future(_ask(session, folder, digest, changed=state == "changed")))
        else:
            session.show_message(
                types.MessageType.Info,
                f"Missy: {folder.name} has Missy files of its own; unused. To use them: missy trust {folder}",
            )


def trust_workspace(session: Session, arguments: TrustArguments) -> dict[str, object]:
    """Store the user's decision about a folder (path or `file:` URI)."""
    text = file_path(arguments.folder) or arguments.folder
    folder = Path(text)
    if not folder.is_absolute() or not folder.is_dir():
        raise UsageError(f"{text[:200]} is not a folder on this machine. Give its absolute path or its file: URI.")
    if arguments.trust:
        session.configuration.trust.trust(folder)
    else:
        session.configuration.trust.revoke(folder)
    _take_effect(session)
    return {"trusted": session.configuration.trust.state(folder) in ("trusted", "not_needed")}


async def _ask(session: Session, folder: Path, digest: str, *, changed: bool) -> None:
    because = "its Missy files have changed" if changed else "it has Missy files of its own"
    question = {
        "type": types.MessageType.Warning.value,
        "message": f"Do you trust {folder.name}? I ask since {because}: they choose models, tools to leave out and "
        "instructions, never keys or addresses.",
        "actions": [{"title": TRUST}, {"title": REFUSE}],
    }
    try:
        chosen = await session.protocol.request(types.WINDOW_SHOW_MESSAGE_REQUEST, question, ANSWER_WITHIN_S)
    except ClientRefused:
        return
    title = chosen.get("title") if isinstance(chosen, dict) else None
    try:
        _decide(session, folder, digest, title)
    except TrustError as error:
        session.show_message(types.MessageType.Error, f"Missy: {error.message}")


def _decide(session: Session, folder: Path, digest: str, title: object) -> None:
    trust = session.configuration.trust
    if title == TRUST and trust.digest(folder) == digest:
        trust.trust(folder)
    elif title == REFUSE:
        trust.refuse(folder)
    else:
        return  # no answer of ours, or a yes to what is no longer there: the new content is asked about by itself
    _take_effect(session)


def _take_effect(session: Session) -> None:
    session.configuration.forget()
    session.publish_problems()
