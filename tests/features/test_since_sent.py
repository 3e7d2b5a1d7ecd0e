"""An earlier text and what became of it: when the two go out, and that no secret does."""

from __future__ import annotations

import attrs
import pytest

from missy_lsp.document import Snapshot, Span
from missy_lsp.features.ask import AskInput, build
from missy_lsp.features.outgoing import redacted_ask, redacted_document
from missy_lsp.features.since_sent import changes_block, is_worth_keeping
from missy_lsp.llm.types import TextBlock

TEXT = "".join(f"value_{number} = compute({number})\n" for number in range(200))
TOKEN, OTHER = "ghp_" + "A1b2C3d4E5" * 3 + "F6g7H8", "ghp_" + "Z9y8X7w6V5" * 3 + "U4t3S2"


def sent(base: str, text: str, max_tokens: int = 12_000) -> list[str]:
    """Return the texts of the blocks of a question about the last line of a document, as they leave."""
    snapshot = Snapshot("file:///ws/a.py", 2, "python", text, Span(len(text) - 2, len(text)), "/ws/a.py", base)
    prompt = build(redacted_ask(AskInput("why?", snapshot=snapshot))[0], max_tokens)
    return [block.text for block in prompt.messages[0].content if isinstance(block, TextBlock)]


@pytest.mark.parametrize(
    ("base", "text", "is_worth"),
    [
        pytest.param(TEXT, TEXT, False, id="nothing changed"),
        pytest.param(TEXT, TEXT + "x = 1\n", True, id="a line more"),
        pytest.param(TEXT, TEXT.replace("value_7 =", "value ="), True, id="a line changed"),
        pytest.param(TEXT, TEXT.replace("compute", "count"), False, id="every line changed"),
        pytest.param(TEXT, TEXT[:2_000], False, id="most of it gone"),
        pytest.param(TEXT, "", False, id="all of it gone"),
        pytest.param(TEXT[:1_000], TEXT[:1_000] + "x\n", False, id="too short for any cache"),
    ],
)
def test_an_earlier_text_is_kept_while_little_of_it_changed(base: str, text: str, is_worth: bool) -> None:
    assert is_worth_keeping(base, text) == is_worth


def test_texts_that_are_the_same_need_no_block() -> None:
    assert changes_block(TEXT, TEXT, "a.py") is None


def test_the_document_is_followed_by_its_changes_and_the_selection_by_its_place_of_now() -> None:
    text = "import sys\n" + TEXT
    document, changes, selection, question = sent(TEXT, text)
    assert TEXT in document
    assert "import sys" not in document
    assert "@@ -1 +1,2 @@\n+import sys\n value_0" in changes
    assert "line 201" in selection
    assert question == "why?"


def test_a_document_that_has_to_be_cut_goes_out_as_it_is_now() -> None:
    blocks = sent(TEXT, TEXT + "x = 1\n", max_tokens=1_000)
    assert "x = 1\n" in blocks[0]
    assert "left out here" in blocks[0]
    assert not any("+x = 1" in block for block in blocks)


@pytest.mark.parametrize(
    ("base", "text", "has_base"),
    [
        pytest.param(f'a = "{TOKEN}"\n', f'b = 1\na = "{TOKEN}"\n', True, id="the same secret"),
        pytest.param(f'a = "{TOKEN}"\n', f'c = "{OTHER}"\na = "{TOKEN}"\n', True, id="another one above it"),
        pytest.param(f'a = "{TOKEN}"\n', "a = None\n", False, id="one that was removed"),
        pytest.param("a = 1\n", "a = 1  # [secret:github-token:1]\n", False, id="a text like a placeholder"),
        pytest.param('x = "aB3dE5fG7hJ9kL1"\n', 'password = "aB3dE5fG7hJ9kL1"\n', False, id="one that shows only now"),
    ],
)
def test_an_earlier_text_goes_out_only_where_both_agree_on_secrets(base: str, text: str, has_base: bool) -> None:
    snapshot = Snapshot("file:///ws/a.py", 2, "python", text, base=base)
    redacted, earlier = redacted_document(snapshot)
    assert (earlier is not None) == has_base
    if earlier is None:
        assert redacted == redacted_document(attrs.evolve(snapshot, base=None))[0]
    else:
        assert earlier == redacted_document(Snapshot(snapshot.uri, 1, "python", base))[0]
        assert earlier.replacements[0].placeholder in redacted.text


@pytest.mark.parametrize("secret", [TOKEN, OTHER])
def test_no_secret_leaves_with_an_earlier_text(secret: str) -> None:
    blocks = sent(TEXT + f'token = "{TOKEN}"\n', TEXT + f'token = "{TOKEN}"\nother = "{OTHER}"\n')
    assert len(blocks) == 4
    assert secret not in "\n".join(blocks)
