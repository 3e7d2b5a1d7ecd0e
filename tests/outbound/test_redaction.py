"""Placeholders in what is sent, and the secrets back in an edit: `security.md` KEY-13, R7."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from missy_lsp.document import Span
from missy_lsp.outbound.redaction import Redacted, RestoreFault, placeholders, redact, redact_secrets, restore
from missy_lsp.outbound.secrets import FoundSecret, find_secrets

ONE = "sk-ant-api03-FAKE-canary-number-1"
TWO = "sk-ant-api03-FAKE-canary-number-2"
FIRST = "[secret:anthropic-key:1]"
SECOND = "[secret:anthropic-key:2]"
BLOCK = "\n".join(["-----BEGIN PRIVATE KEY-----", *["FAKE" * 16] * 3, "-----END PRIVATE KEY-----"])


def restored(text: str, redacted: Redacted) -> str:
    result = restore(text, redacted)
    assert isinstance(result, str), result
    return result


def fault(text: str, redacted: Redacted) -> RestoreFault:
    result = restore(text, redacted)
    assert isinstance(result, RestoreFault), result
    return result


def test_each_secret_has_a_number_and_equal_ones_the_same() -> None:
    redacted = redact_secrets(f"a = '{ONE}'\nb = '{TWO}'\nc = '{ONE}'\nd = postgres://u:tr0ub4dour@h/\n")
    assert redacted.text == f"a = '{FIRST}'\nb = '{SECOND}'\nc = '{FIRST}'\nd = postgres://u:[secret:password:1]@h/\n"
    assert redacted.count == 4
    assert redacted.kinds == ("anthropic-key", "password")


def test_a_text_without_secrets_is_the_same_text() -> None:
    text = "def f(password: str) -> None: ...\n"
    assert redact_secrets(text) == Redacted(text)
    assert restored(text, redact_secrets(text)) == text


def test_the_same_text_gives_the_same_bytes_and_is_not_redacted_twice() -> None:
    text = f'KEY = "{ONE}"\nPASSWORD = "hJ7#kd92!x"\n{BLOCK}\n'
    once = redact_secrets(text)
    assert redact_secrets(text) == once
    assert redact_secrets(once.text).text == once.text


def test_a_secret_is_hidden_wherever_else_the_text_has_it() -> None:
    """In the comment nothing says that it is one."""
    redacted = redact_secrets('PASSWORD = "hJ7#kd92!x"\n# log in with hJ7#kd92!x, please\n')
    assert redacted.text == 'PASSWORD = "[secret:password:1]"\n# log in with [secret:password:1], please\n'


def test_a_password_that_is_a_word_is_not_sought_elsewhere() -> None:
    redacted = redact_secrets("postgres://u:production@h/d  # production only\n")
    assert redacted.text == "postgres://u:[secret:password:1]@h/d  # production only\n"


def test_no_secret_shows_in_a_representation_and_none_is_pickled() -> None:
    redacted = redact_secrets(f"a = '{ONE}'")
    assert ONE not in repr(redacted)
    assert "canary" not in str(redacted.replacements)
    with pytest.raises(TypeError):
        pickle.dumps(redacted)


def test_texts_of_one_request_share_their_placeholders() -> None:
    document = redact_secrets(f"a = '{ONE}'")
    attachment = redact_secrets(f"x = '{TWO}'\ny = '{ONE}'", earlier=[document])
    assert attachment.text == f"x = '{SECOND}'\ny = '{FIRST}'"
    question = redact_secrets(f"why is {FIRST} not {TWO}?", earlier=[document, attachment])
    assert question.text == f"why is {FIRST} not {SECOND}?"


def test_a_secret_of_an_earlier_text_is_hidden_where_nothing_else_says_that_it_is_one() -> None:
    document = redact_secrets('PASSWORD = "hJ7#kd92!x"')
    question = redact_secrets("is hJ7#kd92!x strong?", earlier=[document])
    assert question.text == "is [secret:password:1] strong?"


def test_a_number_that_the_text_holds_itself_is_not_used() -> None:
    redacted = redact_secrets(f"# the placeholder {FIRST}\na = '{ONE}'\n")
    assert redacted.text == f"# the placeholder {FIRST}\na = '{SECOND}'\n"
    assert restored(redacted.text, redacted) == f"# the placeholder {FIRST}\na = '{ONE}'\n"


EDITS = {
    "unchanged": (f"a = '{FIRST}'\nb = '{SECOND}'\n", f"a = '{ONE}'\nb = '{TWO}'\n"),
    "the line changed": (f"const a: string = `{FIRST}`;\n", f"const a: string = `{ONE}`;\n"),
    "moved": (f"b = '{SECOND}'\na = '{FIRST}'\n", f"b = '{TWO}'\na = '{ONE}'\n"),
    "doubled": (f"a = '{FIRST}'\nc = '{FIRST}'\n", f"a = '{ONE}'\nc = '{ONE}'\n"),
    "dropped": ("a = os.environ['A']\n", "a = os.environ['A']\n"),
    "joined": (f"x = '{FIRST}{SECOND}'", f"x = '{ONE}{TWO}'"),
    "words that only look like it": (
        "x = {'secret': 1, secret: token, 'anthropic-key': [secret]}\n",
        "x = {'secret': 1, secret: token, 'anthropic-key': [secret]}\n",
    ),
}


@pytest.mark.parametrize(("edit", "expected"), EDITS.values(), ids=EDITS.keys())
def test_an_edit_gets_the_secrets_back(edit: str, expected: str) -> None:
    redacted = redact_secrets(f"a = '{ONE}'\nb = '{TWO}'\n")
    assert restored(edit, redacted) == expected


ALTERED = {
    "an unknown number": "a = '[secret:anthropic-key:3]'",
    "an unknown kind": "a = '[secret:github-token:1]'",
    "capital letters": "a = '[SECRET:ANTHROPIC-KEY:1]'",
    "spaces": "a = '[secret: anthropic-key: 1]'",
    "other brackets": "a = '<secret:anthropic-key:1>'",
    "no brackets": "a = 'secret:anthropic-key:1'",
    "cut off": "a = '[secret:anthropic-key:1",
    "escaped": "a = '\\[secret:anthropic-key:1\\]'",
    "without a number": "a = '[secret:anthropic-key]'",
}


@pytest.mark.parametrize("edit", ALTERED.values(), ids=ALTERED.keys())
def test_a_placeholder_that_stands_for_nothing_makes_the_edit_unusable(edit: str) -> None:
    found = fault(edit, redact_secrets(f"a = '{ONE}'\nb = '{TWO}'\n"))
    assert found.placeholders
    assert "nothing was changed" in found.sentence
    assert FIRST in found.for_model
    assert "canary" not in f"{found}"


def test_a_placeholder_of_another_text_is_not_restored_into_this_one() -> None:
    document = redact_secrets("a = 1\n")
    attachment = redact_secrets(f"key: {ONE}\n", earlier=[document])
    assert fault(f"a = '{FIRST}'\n", document).placeholders == (FIRST,)
    assert restored(f"a = '{FIRST}'\n", attachment) == f"a = '{ONE}'\n"


def test_placeholders_are_listed_for_a_text_that_must_not_have_any() -> None:
    assert placeholders(f"{SECOND} and {FIRST} and {SECOND}") == (SECOND, FIRST)
    assert placeholders("[secret:Key:1] [secret:key:x]") == ()


def test_a_block_moves_with_its_first_line() -> None:
    indented = BLOCK.replace("\n", "\n  ")
    redacted = redact_secrets(f"tls:\n  key: |\n  {indented}\nend: 1\n")
    assert redacted.text == "tls:\n  key: |\n  [secret:private-key:1]\nend: 1\n"
    deeper = restored("tls:\n  server:\n    key: |\n      [secret:private-key:1]\n", redacted)
    assert deeper == "tls:\n  server:\n    key: |\n      " + BLOCK.replace("\n", "\n      ") + "\n"
    assert restored("x: [secret:private-key:1]", redacted) == f"x: {indented}"


def test_the_lines_of_a_literal_stay_where_they_are() -> None:
    redacted = redact_secrets(f'KEY = """{BLOCK}"""\n')
    assert restored('    KEY = """[secret:private-key:1]"""\n', redacted) == f'    KEY = """{BLOCK}"""\n'


def test_spans_are_found_again_in_the_redacted_text() -> None:
    text = f"ab '{ONE}' cd '{TWO}' ef"
    redacted = redact_secrets(text)
    for word in ("ab", "cd", "ef"):
        at = text.index(word)
        span = redacted.span_of(Span(at, at + 2))
        assert redacted.text[span.start : span.end] == word
    assert redacted.span_of(Span(0, len(text))) == Span(0, len(redacted.text))


def test_a_span_that_cuts_a_secret_takes_all_of_it() -> None:
    text = f"ab '{ONE}' cd"
    redacted = redact_secrets(text)
    start = text.index(ONE)
    whole = redacted.widened(Span(start + 3, start + 9))
    assert text[whole.start : whole.end] == ONE
    there = redacted.span_of(Span(0, start + 9))
    assert redacted.text[there.start : there.end] == f"ab '{FIRST}"
    cursor = redacted.widened(Span(start + 3, start + 3))
    assert cursor == Span(start, start)


LINES = st.lists(
    st.sampled_from(
        [
            f"a = '{ONE}'\n", f"b = '{TWO}'\n", BLOCK + "\n", "url = postgres://u:tr0ub4dour@h/d\n", "x = 1\n",
            "é😀 = 2\n",
            "[secret:anthropic-key:1]\n", "# [secret:private-key:2]\r\n", "\n", f"  {BLOCK}\r\n", "[secret:x:1\n",
        ]
    ),
    max_size=12,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(LINES)
def test_redacting_and_restoring_gives_the_text_back(lines: list[str]) -> None:
    text = "".join(lines)
    redacted = redact_secrets(text)
    assert ONE not in redacted.text
    assert TWO not in redacted.text
    assert "FAKEFAKE" not in redacted.text
    assert restored(redacted.text, redacted) == text
    for line in redacted.text.splitlines(keepends=True):
        restored(line, redacted)


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="ab[]:secret1-", max_size=40), st.lists(st.integers(0, 40), max_size=6))
def test_any_found_places_are_restored(text: str, places: list[int]) -> None:
    ends = sorted({min(place, len(text)) for place in places})
    found = [FoundSecret(start, end, "x") for start, end in zip(ends[::2], ends[1::2], strict=False) if start < end]
    redacted = redact(text, found)
    assert restored(redacted.text, redacted) == text


def test_what_is_left_holds_no_secret() -> None:
    text = f"a = '{ONE}'\n{BLOCK}\nAPI_KEY=9f8a7b6c5d4e3f2a1b0c9d8e\n"
    assert find_secrets(redact_secrets(text).text) == ()
