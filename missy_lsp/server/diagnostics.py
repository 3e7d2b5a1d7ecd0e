"""What this server publishes on a document: one list by URI, whatever part of it says something there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from lsprotocol import types

if TYPE_CHECKING:
    from missy_lsp.server.protocol import MissyProtocol

Topic = Literal["configuration", "pending"]
Json = dict[str, object]


class PublishedDiagnostics:
    """Keep what each topic says of a document, and send the whole of it where that changed."""

    def __init__(self, protocol: MissyProtocol) -> None:
        self._protocol = protocol
        self._by_uri: dict[str, dict[Topic, list[Json]]] = {}

    def set(self, uri: str, topic: Topic, diagnostics: Sequence[Json]) -> bool:
        """Say something else of a document; return whether that changed anything."""
        topics = self._by_uri.setdefault(uri, {})
        if topics.get(topic, []) == list(diagnostics):
            return False
        topics[topic] = list(diagnostics)
        everything = [diagnostic for said in topics.values() for diagnostic in said]
        if not everything:
            del self._by_uri[uri]
        self._protocol.notify(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS, {"uri": uri, "diagnostics": everything})
        return True
