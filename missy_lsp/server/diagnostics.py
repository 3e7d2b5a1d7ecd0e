"""What this server publishes on a document: one list by URI, whatever part of it says something there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from lsprotocol import types

if TYPE_CHECKING:
    from missy_lsp.server.protocol import MissyProtocol

Topic = Literal["configuration", "pending", "chat"]
Json = dict[str, object]


class PublishedDiagnostics:
    """Keep what each topic says of a document, and send the whole of it where that changed."""

    def __init__(self, protocol: MissyProtocol) -> None:
        self._protocol = protocol
        self._by_uri: dict[str, dict[Topic, list[Json]]] = {}

    def set(self, uri: str, topic: Topic, diagnostics: Sequence[Json]) -> None:
        """Say something else of a document, if it is something else."""
        topics = self._by_uri.get(uri, {})
        if topics.get(topic, []) == list(diagnostics):
            return
        topics = {**topics, topic: list(diagnostics)}
        everything = [diagnostic for said in topics.values() for diagnostic in said]
        if everything:
            self._by_uri[uri] = topics
        else:
            self._by_uri.pop(uri, None)
        self._protocol.notify(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS, {"uri": uri, "diagnostics": everything})
