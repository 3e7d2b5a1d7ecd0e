"""A secret that is known is hidden in every form of it, judged by the tool that looks for leaks."""

from __future__ import annotations

import base64

import pytest

from missy_lsp.outbound.spellings import KnownSecrets, hide
from missy_lsp.secret import Secret
from tests.outbound.test_canary_sweep import KEY, LEAKS
from tests.support.canary import assert_absent

# What only the sweep looks for: no log line of ours is written like that.
NOT_HIDDEN = {"wrapped", "in capital letters"}


@pytest.mark.parametrize("name", [name for name in LEAKS if name not in NOT_HIDDEN])
def test_every_form_is_hidden(name: str) -> None:
    line = hide(f"before {LEAKS[name]} after", [Secret(KEY)])
    assert_absent(KEY, [line])
    assert "***" in line
    assert line.startswith("before ")
    assert line.endswith(" after")


def test_a_key_cut_anywhere_is_hidden() -> None:
    own = KEY.index("FAKE")
    for start in range(len(KEY)):
        for end in range(max(start, own) + 8, len(KEY) + 1):
            piece = KEY[max(start, own) : end]
            assert piece not in hide(f"x {KEY[start:end]} y", [Secret(KEY)])


def test_an_encoded_key_cut_anywhere_is_hidden() -> None:
    encoded = base64.b64encode(KEY.encode()).decode()
    for start in range(len(encoded) - 24):
        assert encoded[start : start + 24] not in hide(f"x {encoded[start : start + 24]} y", [Secret(KEY)])


def test_several_keys_and_several_places_are_hidden() -> None:
    other = "sk-ant-api03-FAKE-0ther-5c1d7e9a2b4f-Yp8VuKw1"
    line = hide(f"{KEY}{other} and {other}, {KEY}", [Secret(KEY), Secret(other)])
    assert_absent(KEY, [line])
    assert_absent(other, [line])
    assert " and " in line


@pytest.mark.parametrize("text", ["", "sk-ant-api03-", "a key starts with sk-ant-api", "nothing to hide: 7f3a9b"])
def test_other_text_stays(text: str) -> None:
    assert hide(text, [Secret(KEY)]) == text


def test_what_is_too_short_to_be_a_key_is_not_hidden() -> None:
    assert hide("abc is abc", [Secret("abc"), Secret("")]) == "abc is abc"


def test_secrets_are_kept_once_as_secrets_and_not_for_ever() -> None:
    known = KnownSecrets()
    texts = [f"FAKE-{number:03d}" for number in range(100)]
    for text in texts:
        known.add(Secret(text))
        known.add(Secret(text))
    assert "FAKE" not in f"{vars(known)}"
    assert [known.hide(text) for text in texts] == texts[:36] + ["***"] * 64


def test_letters_outside_of_ascii_are_hidden_too() -> None:
    assert "ß" not in hide('{"k": "pässwörter-groß-9"} %C3%9F', [Secret("pässwörter-groß-9")])
