"""What is found in a text and what is left alone; `security.md` 5.7, issue 4 points 3 and 6."""

from __future__ import annotations

import json
import random
import re
import time
from itertools import pairwise
from pathlib import Path

import pytest

import missy_lsp.outbound.secrets
from missy_lsp.outbound.plausibility import is_key, is_password, is_placeholder
from missy_lsp.outbound.secrets import FoundSecret, find_secrets, provider_keys

DATA = Path(__file__).parents[1] / "data" / "outbound"
PATTERNS = Path(missy_lsp.outbound.secrets.__file__).with_name("secret_patterns.json")
# In the data `«kind|secret»` marks what has to be found; a broken bar breaks every key in pieces, so that no scanner
# of repositories takes the file for a leak.
MARKED = re.compile(r"«([a-z0-9-]+)\|(.*?)»", re.DOTALL)

Case = tuple[str, tuple[tuple[str, str], ...]]


def raw_cases(name: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


def cases(name: str) -> list[object]:
    return [pytest.param(case["text"], id=case["id"]) for case in raw_cases(name)]


def unmarked(text: str) -> Case:
    text = text.replace("¦", "")
    return MARKED.sub(r"\2", text), tuple((match[1], match[2]) for match in MARKED.finditer(text))


def shown(text: str, found: tuple[FoundSecret, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((secret.kind, text[secret.start : secret.end]) for secret in found)


@pytest.mark.parametrize("marked", cases("secrets.jsonl"))
def test_a_secret_is_found_as_a_whole_and_nothing_else(marked: str) -> None:
    text, expected = unmarked(marked)
    assert shown(text, find_secrets(text)) == expected


@pytest.mark.parametrize("text", cases("harmless.jsonl"))
def test_what_is_no_secret_passes_untouched(text: str) -> None:
    assert shown(text, find_secrets(text)) == ()


def test_there_are_enough_cases() -> None:
    assert len(cases("secrets.jsonl")) >= 40
    assert len(cases("harmless.jsonl")) >= 60


def test_every_kind_of_provider_key_has_a_case() -> None:
    patterns = json.loads(PATTERNS.read_text(encoding="utf-8"))["patterns"]
    kinds = {kind for case in raw_cases("secrets.jsonl") for kind, _ in unmarked(case["text"])[1]}
    assert {pattern["kind"] for pattern in patterns} <= kinds


@pytest.mark.parametrize("marked", cases("secrets.jsonl"))
def test_secrets_are_found_in_the_middle_of_other_text(marked: str) -> None:
    text, expected = unmarked(marked)
    around = "def f(x: int) -> str:\n    return 'é😀'\n"
    assert shown(around + text + "\n" + around, find_secrets(around + text + "\n" + around)) == expected


def test_findings_are_in_order_and_do_not_overlap() -> None:
    text = "\n".join(unmarked(case["text"])[0] for case in raw_cases("secrets.jsonl"))
    found = find_secrets(text)
    assert len(found) >= len(cases("secrets.jsonl")) - 3
    assert all(secret.start < secret.end for secret in found)
    assert all(before.end <= after.start for before, after in pairwise(found))


def test_a_log_line_is_only_searched_for_shapes() -> None:
    line = 'password="hJ7#kd92!x" key sk-ant-api03-FAKE-canary-1'
    assert shown(line, provider_keys(line)) == (("anthropic-key", "sk-ant-api03-FAKE-canary-1"),)


HOSTILE = {
    "code": "def handler(self, request: Request) -> Response:\n    token = self.tokens.get(request.key)\n",
    "one long word": "a",
    "markers of keys": "ghp_",
    "cut JSON web tokens": "eyJa.",
    "names": "secret_token=",
    "quotes": "password='\"",
    "URLs": "://a:",
    "beginnings of keys": "-----BEGIN PRIVATE KEY-----",
    "ends of keys": "-----END PRIVATE KEY-----",
    "base64": "A1b2C3d4",
    "keys of AWS": "AKIAABCDEFGHIJKLMNOP ",
    "bearers": "authorization: bearer ",
    "logins": "machine a login b ",
    "curl": "curl -u a:",
    "spaces": "password  ",
    "separators": "token : : = ",
}
# A text of a real source file is searched at some 10 MB a second; what is made to be slow, ten times slower at worst.
LIMIT_S_PER_MB = 3.0


@pytest.mark.parametrize("piece", HOSTILE.values(), ids=HOSTILE.keys())
def test_the_time_is_linear_in_the_length(piece: str) -> None:
    def seconds(length: int) -> float:
        text = (piece * (length // len(piece) + 1))[:length]
        started = time.process_time()
        find_secrets(text)
        return time.process_time() - started

    small = seconds(20_000)
    large = seconds(160_000)
    assert large < 0.16 * LIMIT_S_PER_MB
    assert large < 0.02 + 8 * 4 * small


def test_a_megabyte_of_code_takes_a_third_of_a_second_at_most() -> None:
    text = (HOSTILE["code"] * 12_000)[:1_000_000]
    find_secrets("")  # the patterns are built once
    started = time.process_time()
    assert find_secrets(text) == ()
    assert time.process_time() - started < 0.3


def test_random_text_is_searched_without_a_fault() -> None:
    choose = random.Random(5)
    signs = "aA1_-=:\"'`\\/.,;()<>{}[]@ \n\r\té\ud800😀İ"
    words = [
        "token",
        "password",
        "sk-ant-",
        "eyJ",
        "://",
        "-----BEGIN PRIVATE KEY-----",
        "Bearer ",
        "AKIA",
        "Q~",
        ":AA",
        "-us1",
    ]
    for _ in range(400):
        text = "".join(choose.choice([choose.choice(signs), choose.choice(words)]) for _ in range(60))
        for secret in find_secrets(text):
            assert 0 <= secret.start < secret.end <= len(text)


@pytest.mark.parametrize(
    "value", ["changeme", "${TOKEN}", "<key>", "xxxxxxxx", "0123456789abcdef", "abcabcabcabc", "…"]
)
def test_placeholders_are_known_by_their_characters(value: str) -> None:
    assert is_placeholder(value)
    assert not is_key(value)
    assert not is_password(value)


def test_nearly_every_random_key_counts_as_one() -> None:
    choose = random.Random(7)
    alphabets = {
        "hexadecimal": "0123456789abcdef",
        "letters and digits": "".join(map(chr, [*range(48, 58), *range(65, 91), *range(97, 123)])),
    }
    for alphabet in alphabets.values():
        keys = ["".join(choose.choices(alphabet, k=32)) for _ in range(1_000)]
        assert sum(map(is_key, keys)) >= 970
