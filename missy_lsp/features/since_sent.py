"""A document that was sent before and edited since: what the API's cache knows of it, and the difference to now.

The block of a document is the longest part of a prompt. While an edit is small, the block goes out as it was before,
so that the cache still has it, and the edit behind it as a diff (api.md, C.2).
"""

from __future__ import annotations

from missy_lsp.features.context import tagged
from missy_lsp.features.hunks import unified_diff
from missy_lsp.llm.estimating import about_tokens
from missy_lsp.llm.types import TextBlock

# The shortest prefix that any model's cache takes (llm/models.json).
_FEWEST_CACHED_TOKENS = 512
_CONTEXT_LINES = 1
_LARGEST_SHARE = 0.1
_SAYING = (
    "The document above is as it was a short while ago. It was edited since; below is the difference from that text to "
    "the document as it is now. Take the document with these changes made to it: every line number, selection and "
    "report that follows is about the document as it is now, and an edit is made there.\n\n"
)


def is_worth_keeping(base: str, text: str) -> bool:
    """Tell whether a request should carry `base` and the difference: not where it is short or was much changed."""
    if base == text or about_tokens(base) < _FEWEST_CACHED_TOKENS:
        return False
    if abs(len(text) - len(base)) > len(text) * _LARGEST_SHARE:
        return False
    return len(unified_diff(base, text, "", context=_CONTEXT_LINES)) <= len(text) * _LARGEST_SHARE


def changes_block(base: str, text: str, path: str) -> TextBlock | None:
    """Return what says how `text` came of `base`, the block above it; None where they are the same."""
    diff = unified_diff(base, text, path, context=_CONTEXT_LINES)
    return TextBlock(_SAYING + tagged("changes", diff, path=path)) if diff else None
