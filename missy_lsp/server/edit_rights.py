"""Which files a model's change may still be applied to: folders leave the workspace and lose their trust meanwhile."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from missy_lsp.config.trust import MAY_EDIT

if TYPE_CHECKING:
    from missy_lsp.server.pending_groups import GroupFile
    from missy_lsp.server.session import Session


def forbidden(session: Session, files: Iterable[GroupFile]) -> str | None:
    """Return why files may not be changed (any more), None where they may; looks at what trust covers, on the disk."""
    states = {Path(os.path.realpath(folder)): state for folder, state in session.configuration.trust_states().items()}
    for file in files:
        found = [state for folder, state in states.items() if file.change.path.is_relative_to(folder)]
        if not found:
            return (
                f"{file.change.location.name} lies in no folder of the workspace any more, so nothing was changed. "
                "Open its folder again to accept it, or discard it."
            )
        if any(state not in MAY_EDIT for state in found):
            return (
                f"The folder of {file.change.location.name} is not trusted any more, so nothing was changed. Trust it "
                "again to accept the change, or discard it."
            )
    return None
