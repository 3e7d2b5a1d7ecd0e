"""What the server is started with."""

from __future__ import annotations

from pathlib import Path

import attrs

from missy_lsp.outbound.spellings import KnownSecrets


@attrs.frozen
class ServerOptions:
    """`tcp` is a loopback host and a port (0: any free one); None means standard input and output.

    `known_secrets` are the keys that were found so far, for the log to hide.
    """

    tcp: tuple[str, int] | None = None
    config: Path | None = None
    offline: bool = False
    log_file: Path | None = None
    log_level: str = "warning"
    known_secrets: KnownSecrets = attrs.field(factory=KnownSecrets, eq=False, repr=False)
