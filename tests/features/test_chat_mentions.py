"""What `@` names in a question, and what is only text."""

from __future__ import annotations

import pytest

from missy_lsp.features.chat_mentions import Typed, mentions, typed_mention


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("look at @file and @selection.", ["@file", "@selection"]),
        ("@file:src/a.py, please", ["@file:src/a.py"]),
        ('@file:"my file.py" (@diff)', ["@file:my file.py", "@diff"]),
        ("(@symbol) @diagnostics!", ["@symbol", "@diagnostics"]),
        ("mail me@file.com or @filename or @files", []),
        ("`@file` and ``@diff ` ``", []),
        ("```\n@file\n```\n@diff", ["@diff"]),
        ("@Selection", []),
    ],
)
def test_mentions_are_found_outside_of_code(text: str, labels: list[str]) -> None:
    found = mentions(text)
    assert [mention.label for mention in found] == labels
    assert all(text[mention.span.start] == "@" for mention in found)


@pytest.mark.parametrize(
    ("before", "typed"),
    [
        ("see @", Typed(4, "", None)),
        ("see @fi", Typed(4, "fi", None)),
        ("@file:src/m", Typed(0, "file:src/m", "src/m")),
        ("@file:", Typed(0, "file:", "")),
        ('@file:"my folder/a', Typed(0, 'file:"my folder/a', "my folder/a", is_quoted=True)),
        ('@file:"', Typed(0, 'file:"', "", is_quoted=True)),
        ('@file:"my file.txt"', None),
        ("@file:my folder/", None),
        ("me@", None),
        ("see @ ", None),
    ],
)
def test_a_mention_is_completed_where_it_is_typed(before: str, typed: Typed | None) -> None:
    assert typed_mention(before) == typed
