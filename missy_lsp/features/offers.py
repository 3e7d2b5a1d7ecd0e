"""Which actions a place in a document is offered: pure, and quick, since editors ask at every cursor move."""

from __future__ import annotations

import posixpath

from missy_lsp.config.actions import Action
from missy_lsp.document import Snapshot

# What is no program: prose, and what an editor opens to be written into.
_PROSE = frozenset(
    {"plaintext", "markdown", "asciidoc", "restructuredtext", "rst", "tex", "latex", "org", "mail", "text"}
)
_COMMIT_LANGUAGES = frozenset({"git-commit", "gitcommit", "jjdescription"})
_COMMIT_FILES = frozenset({"COMMIT_EDITMSG", "MERGE_MSG", "SQUASH_MSG", "TAG_EDITMSG"})


def is_commit_message(language_id: str, uri: str) -> bool:
    """Tell whether a document is a commit message that is being written."""
    return language_id in _COMMIT_LANGUAGES or posixpath.basename(uri) in _COMMIT_FILES


def applies(action: Action, snapshot: Snapshot, *, has_diagnostics: bool) -> bool:
    """Tell whether an action makes sense for a document and what is selected in it."""
    return applies_to(
        action,
        snapshot.language_id,
        snapshot.uri,
        has_selection=snapshot.span is None or not snapshot.span.is_empty,
        has_diagnostics=has_diagnostics,
    )


def applies_to(action: Action, language_id: str, uri: str, *, has_selection: bool, has_diagnostics: bool) -> bool:
    """Tell it from what a codeAction request knows, without the document's text."""
    if action.languages and language_id not in action.languages:
        return False
    commit = is_commit_message(language_id, uri)
    match action.when:
        case "commit":
            return commit
        case "code":
            return not commit and language_id not in _PROSE
        case "selection":
            return has_selection
        case "diagnostics":
            return has_diagnostics
        case _:
            return True
