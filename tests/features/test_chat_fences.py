"""Where a fenced block of code begins and ends, so that neither a heading in it counts nor one behind it is lost."""

from __future__ import annotations

import pytest

from missy_lsp.features.chat_fences import Fence


def code_lines(text: str) -> list[int]:
    fence = Fence()
    return [number for number, line in enumerate(text.split("\n")) if fence.takes(line)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("```\nx\n```\nafter", [0, 1, 2]),
        ("````\n```\n~~~\n`````\nafter", [0, 1, 2, 3]),
        ("```\nx\n    ```\n> ```\n```\nafter", [0, 1, 2, 3, 4]),
        ("``` a`b\nafter", []),
        ("> ```\n> x\n\nafter", [0, 1]),
        ("> ```\n> x\n> ```\n> after", [0, 1, 2]),
        ("> > ```\n> x\n> > after", [0]),
        ("> ```\n```\nx\n```\nafter", [0, 1, 2, 3]),
        ("    ```\n    x\n\nafter", []),
        ("\t```\n\tx\n\nafter", []),
        ("   ```\nx\n  ```\nafter", [0, 1, 2]),
        ("- ```\n  x\n  ```\nafter", [0, 1, 2]),
        ("- ```\n  x\n\n  y\nafter", [0, 1, 2, 3]),
        ("1. text\n\n   ```\n   x\n\nafter", [2, 3, 4]),
        ("- text\n  - text\n\n    ```\n    x\n  after", [3, 4]),
        ("- text\n\nno list\n\n    ```\n    x", []),
        ("-\n  ```\n  x\nafter", [1, 2]),
        ("-     ```\nafter", []),
        ("- > ```\n  > x\nafter", [0, 1]),
    ],
)
def test_code_ends_with_its_fence_or_with_what_the_fence_stands_in(text: str, code: list[int]) -> None:
    assert code_lines(text) == code


@pytest.mark.parametrize(
    ("text", "closing"),
    [("```\nx", "```"), ("~~~~py\nx", "~~~~"), ("```\n```", ""), ("> ```\n> x", ""), ("- ```\n  x", ""), ("x", "")],
)
def test_only_a_fence_that_nothing_else_ends_has_a_line_to_close_it(text: str, closing: str) -> None:
    fence = Fence()
    for line in text.split("\n"):
        fence.takes(line)
    assert fence.closing == closing
