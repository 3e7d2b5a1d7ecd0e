"""The text of each open document as requests last carried it, which the API's cache may still know."""

from __future__ import annotations

import time
from collections.abc import Callable

import attrs

from missy_lsp.document import Snapshot

# A cached prefix lives for five minutes from its last use; after that the older text is worth nothing.
_LIFETIME_S = 300.0
_MOST_DOCUMENTS = 32
_LONGEST_TEXT = 500_000


@attrs.define
class _Sent:
    text: str
    used_at_s: float


class SentTexts:
    """One text a document, for as long as a cache has it; the oldest go where there are too many."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sent: dict[str, _Sent] = {}

    def with_base(self, snapshot: Snapshot) -> Snapshot:
        """Return a snapshot that knows the text which was sent before, where a request should still carry that."""
        from missy_lsp.features.since_sent import is_worth_keeping  # loaded with the commands, after `initialize`

        sent = self._sent.get(snapshot.uri)
        if sent is None or self._clock() - sent.used_at_s > _LIFETIME_S:
            return snapshot
        return attrs.evolve(snapshot, base=sent.text) if is_worth_keeping(sent.text, snapshot.text) else snapshot

    def note(self, snapshot: Snapshot) -> None:
        """Remember what a request carries of a document from now on."""
        text = snapshot.text if snapshot.base is None else snapshot.base
        self.forget(snapshot.uri)  # the newest stand last
        if len(text) > _LONGEST_TEXT:
            return
        self._sent[snapshot.uri] = _Sent(text, self._clock())
        while len(self._sent) > _MOST_DOCUMENTS:
            del self._sent[next(iter(self._sent))]

    def forget(self, uri: str) -> None:
        """Let go of a document that was closed."""
        self._sent.pop(uri, None)
