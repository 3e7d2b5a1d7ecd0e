"""missy.status: what this server is, what the client can't do, what is configured and trusted."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

import attrs

from missy_lsp import __version__
from missy_lsp.server.arguments import NoArguments
from missy_lsp.server.dispatch import Request

if TYPE_CHECKING:
    from missy_lsp.server.session import Session


def status(session: Session, arguments: NoArguments, request: Request) -> dict[str, object]:
    """Describe the session; no key, no prompt and no code is in it."""
    client = session.client
    return {
        "server": {
            "name": "missy-lsp",
            "version": __version__,
            "python": platform.python_version(),
            "running": session.running.count,
            "ready": session.is_ready,
        },
        "client": {
            "name": client.name,
            "version": client.version,
            "abilities": attrs.asdict(client, filter=lambda field, _: field.name not in ("name", "version")),
            "insteadOfMissing": list(client.in_place_of_missing()),
        },
        "config": [
            {
                "folder": None if folder is None else str(folder),
                "sources": [
                    {
                        "kind": source.kind,
                        "path": None if source.path is None else str(source.path),
                        "state": source.state,
                    }
                    for source in sources
                ],
            }
            for folder, sources in session.configuration.sources().items()
        ],
        "trust": {str(folder): state for folder, state in session.configuration.trust_states().items()},
        "provider": session.default_provider,
        "keys": session.models.key_states(),
        "outages": list(session.models.outages()),
    }
