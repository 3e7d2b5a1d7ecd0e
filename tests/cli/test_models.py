from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from missy_lsp.llm.catalogue import Catalogue
from tests.support.commands import Missy
from tests.support.configuration import FAKE_KEY, write_user_config
from tests.support.fake_api import Close, FakeApi, Reply, answer, api_error, document

GATEWAY = {
    "model": "anthropic/claude-sonnet-4.6",
    "fast_model": "our-own-model",
    "premium_model": "claude-sonnet-4-6",
}


def row_of(model: str, out: str) -> list[str]:
    (row,) = (line.split() for line in out.splitlines() if line.split()[0] == model)
    return row


def by_id(missy: Missy) -> dict[str, dict[str, Any]]:
    return {model["id"]: model for model in json.loads(missy("models", "--json").out)}


def test_every_model_stands_with_its_price_limits_status_and_uses(missy: Missy, api: FakeApi) -> None:
    run = missy("models")
    assert (run.code, run.err) == (0, "")
    sonnet = ["claude-sonnet-4-6", "3", "15", "1000000", "128000", "legacy", "primary"]
    assert row_of("claude-sonnet-4-6", run.out) == sonnet
    assert row_of("claude-haiku-4-5", run.out)[-1] == "fast"
    assert row_of("claude-haiku-5-5", run.out)[1:3] == ["0.1/0.5", "0.5/2.5"], "the dearer price of long prompts"
    assert row_of("claude-sonnet-4-5", run.out)[-3:] == ["deprecated,", "retires", "2026-11-30"]
    assert api.connections == 0


def test_json_has_what_the_catalogue_has(missy: Missy, isolated_home: Path) -> None:
    write_user_config(isolated_home)
    listed = by_id(missy)
    known = {model: facts for model, facts in Catalogue.load().models.items() if model != "offline"}
    assert list(listed) == list(known)
    for model, facts in known.items():
        told = listed[model]
        assert (told["inputUsd"], told["outputUsd"]) == (facts.price.input, facts.price.output)
        assert (told["contextTokens"], told["maxOutputTokens"]) == (facts.context_tokens, facts.max_output_tokens)
        assert (told["status"], told["retires"], told["successor"]) == (facts.status, facts.retires, facts.successor)
    assert listed["claude-haiku-5-5"]["longPrompt"] == {"aboveTokens": 100000, "inputUsd": 0.5, "outputUsd": 2.5}


def test_an_unknown_model_comes_last_and_another_spelling_counts_as_the_known_one(
    missy: Missy, isolated_home: Path
) -> None:
    write_user_config(isolated_home, providers={"anthropic": GATEWAY})
    listed = by_id(missy)
    assert list(listed)[-1] == "our-own-model"
    own, known = listed["our-own-model"], listed["claude-sonnet-4-6"]
    assert (own["known"], own["status"], own["usedBy"]) == (False, "unknown", ["fast"])
    assert (known["known"], known["usedBy"]) == (True, ["primary", "premium"])
    dearest = max(model["outputUsd"] for model in listed.values() if model["known"])
    assert row_of("our-own-model", missy("models").out)[2] == f"<={dearest:g}"


def test_a_name_can_not_write_to_the_terminal(missy: Missy, isolated_home: Path) -> None:
    write_user_config(isolated_home, providers={"anthropic": {"model": "evil\x1b[2Jmodel"}})
    run = missy("models")
    assert "\x1b" not in run.out + run.err


ACTIVE = {"type": "model", "lifecycle": "active", "retires_at": None}
SONNET = ACTIVE | {
    "id": "claude-sonnet-4-6",
    "max_input_tokens": 300000,
    "max_tokens": 50000,
    "capabilities": {
        "effort": {"supported": True, "low": {"supported": True}, "high": {"supported": False}},
        "structured_outputs": {"supported": False},
    },
}
HAIKU = {"id": "claude-haiku-4-5", "lifecycle": "deprecated", "retires_at": "2999-02-01T00:00:00Z"}
HOSTILE: list[object] = [
    None,
    {"id": "x" * 201},
    {"id": "evil\x1b[2J"},
    {"id": 7},
    {"id": "claude-opus-4-6", "max_input_tokens": -1, "max_tokens": 10**30, "retires_at": "soon", "capabilities": []},
]


def page(*models: object, **more: object) -> Reply:
    return document({"data": list(models), "has_more": False, **more})


def told_file(home: Path) -> Path:
    (file,) = home.rglob("told.json")
    return file


@pytest.fixture
def gateway(api: FakeApi) -> FakeApi:
    api.enqueue(page(SONNET, has_more=True, last_id="claude-sonnet-4-6"), page(HAIKU, ACTIVE | {"id": "new"}, *HOSTILE))
    return api


def test_a_refresh_asks_once_and_is_kept_without_any_price(missy: Missy, isolated_home: Path, gateway: FakeApi) -> None:
    before = by_id(missy)
    assert missy("models", "--refresh").code == 0
    assert [request.path for request in gateway.requests] == [
        "/v1/models?limit=100",
        "/v1/models?limit=100&after_id=claude-sonnet-4-6",
    ]
    assert gateway.requests[0].headers["x-api-key"] == FAKE_KEY
    after = by_id(missy)
    sonnet, haiku = after["claude-sonnet-4-6"], after["claude-haiku-4-5"]
    assert (sonnet["contextTokens"], sonnet["maxOutputTokens"], sonnet["efforts"]) == (300000, 50000, ["low"])
    assert sonnet["structuredOutputs"] is False
    assert (haiku["status"], haiku["retires"]) == ("deprecated", "2999-02-01")
    assert (after["new"]["known"], after["new"]["status"]) == (False, "unknown")
    assert after["claude-opus-4-6"] == before["claude-opus-4-6"], "what is out of bounds is not taken"
    assert len(after) == len(before) + 1
    assert all(after[model]["inputUsd"] == told["inputUsd"] for model, told in before.items())
    assert len(gateway.requests) == 2, "nobody is asked without --refresh"
    if os.name == "posix":
        assert told_file(isolated_home).stat().st_mode & 0o777 == 0o600


def test_clearing_the_cache_forgets_it(missy: Missy, gateway: FakeApi) -> None:
    before = by_id(missy)
    missy("models", "--refresh")
    assert by_id(missy) != before
    assert "models" in missy("cache", "clear").out
    assert by_id(missy) == before


def test_another_address_gets_nothing_of_it_and_a_spoilt_file_is_ignored(
    missy: Missy, isolated_home: Path, gateway: FakeApi, caplog: pytest.LogCaptureFixture
) -> None:
    before = by_id(missy)
    missy("models", "--refresh")
    write_user_config(isolated_home, "http://127.0.0.1:9")
    assert by_id(missy) == before
    told_file(isolated_home).write_text("{")
    assert by_id(missy) == before
    assert "missy models --refresh" in caplog.text


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (api_error(404, "not_found_error", "no"), "has no list of models"),
        (document(b"<html>", content_type="text/html"), "has no list of models"),
        (document({"data": {}}), "has no list of models"),
        (page(*HOSTILE[:-1]), "no model that can be used"),
        (api_error(401, "authentication_error", "invalid x-api-key"), "key"),
        (document(b"", 302, headers={"location": "http://127.0.0.1:9/"}), "127.0.0.1"),
        ([Close()], "closed the connection"),
    ],
    ids=["404", "page", "no list", "nothing usable", "refused", "redirect", "closed"],
)
def test_a_refresh_that_fails_is_told_and_the_list_still_printed(
    missy: Missy, api: FakeApi, reply: Reply, said: str
) -> None:
    listing = missy("models").out
    api.enqueue(reply)
    run = missy("models", "--refresh")
    assert (run.code, run.out) == (1, listing)
    assert said in run.err
    assert FAKE_KEY not in run.err
    assert len(api.requests) == 1


def test_without_a_key_nobody_is_asked(missy: Missy, isolated_home: Path) -> None:
    (isolated_home / ".missy").mkdir(exist_ok=True)
    run = missy("models", "--refresh")
    assert run.code == 1
    assert "missy vault set anthropic_api_key" in run.err
    assert "claude-sonnet-4-6" in run.out


def test_a_key_does_not_follow_a_changed_address_unasked(missy: Missy, isolated_home: Path, gateway: FakeApi) -> None:
    assert missy("models", "--refresh").code == 0
    with FakeApi() as other:
        write_user_config(isolated_home, other.base_url)
        run = missy("models", "--refresh")
        assert other.connections == 0
    assert run.code == 1
    assert "missy vault allow anthropic" in run.err


def test_doctor_knows_the_retirement_that_was_told(missy: Missy, gateway: FakeApi) -> None:
    assert "claude-haiku-4-5 (fast): still served, legacy" in missy("doctor").out
    missy("models", "--refresh")
    assert "claude-haiku-4-5 (fast): retires on 2999-02-01; newer: claude-haiku-5-5" in missy("doctor").out


def test_what_was_told_of_a_model_counts_for_what_is_sent_to_it(
    missy: Missy, isolated_home: Path, api: FakeApi
) -> None:
    write_user_config(isolated_home, api.base_url, routing={"mode": "primary", "primary_effort": "high"})
    api.enqueue(answer("before"), page(SONNET | {"max_tokens": 900}), answer("after"), answer("forgotten"))
    for command in (["ask", "why?"], ["models", "--refresh"], ["ask", "why?"], ["cache", "clear"], ["ask", "why?"]):
        assert missy(*command).code == 0
    before, after, forgotten = (request.json for request in api.requests if request.path == "/v1/messages")
    assert (before["output_config"], after["output_config"]) == ({"effort": "high"}, {"effort": "low"})
    assert after["max_tokens"] == 900 < before["max_tokens"]
    assert forgotten == before


def test_what_an_address_told_counts_for_its_own_provider_alone(
    missy: Missy, isolated_home: Path, api: FakeApi
) -> None:
    gateway = {"name": "anthropic", "api_key": FAKE_KEY, "base_url": api.base_url, "model": "claude-sonnet-4-6"}
    other = gateway | {"base_url": "http://127.0.0.1:9", "fast_model": "claude-haiku-4-5", "premium_model": "own"}
    providers = {"gateway": gateway, "other": other, "anthropic": {"enabled": False}}
    write_user_config(isolated_home, providers=providers, default_provider="gateway")
    api.enqueue(page(SONNET | {"lifecycle": "retired"}, {"id": "own", "max_tokens": 7}))
    missy("models", "--refresh")
    listed = json.loads(missy("models", "--json").out)
    found = [
        (model["id"], model["status"], model["maxOutputTokens"], model["usedBy"])
        for model in listed
        if model["usedBy"] or model["id"] == "own"
    ]
    installed = Catalogue.load()
    assert found == [
        ("claude-haiku-4-5", "legacy", 64000, ["other fast"]),
        ("claude-sonnet-4-6", "retired", 50000, ["gateway primary"]),
        ("own", "unknown", 7, []),
        ("claude-sonnet-4-6", "legacy", 128000, ["other primary"]),
        ("own", "unknown", installed.facts("own").max_output_tokens, ["other premium"]),
    ]
    run = missy("doctor")
    assert run.code == 1
    assert "claude-sonnet-4-6 (gateway primary): retired, requests to it fail" in run.out
    assert "claude-sonnet-4-6 (other primary): still served, legacy" in run.out


@pytest.mark.parametrize(
    "refusal", [(401, "authentication_error"), (403, "permission_error"), (429, "rate_limit_error")]
)
def test_a_refresh_takes_the_next_key_where_one_is_refused(
    missy: Missy, isolated_home: Path, api: FakeApi, refusal: tuple[int, str]
) -> None:
    keys = [f"{FAKE_KEY}-first", f"{FAKE_KEY}-second"]
    provider = {"api_keys": keys, "base_url": api.base_url, "model": "claude-sonnet-4-6"}
    write_user_config(isolated_home, providers={"anthropic": provider})
    api.enqueue(api_error(*refusal, "not with this key"), page(SONNET))
    run = missy("models", "--refresh")
    assert (run.code, row_of("claude-sonnet-4-6", run.out)[4]) == (0, "50000")
    assert [request.headers["x-api-key"] for request in api.requests] == keys
    api.enqueue(*[api_error(*refusal, "not with this key")] * 2)
    assert missy("models", "--refresh").code == 1
    assert len(api.requests) == 4


def test_a_refresh_does_not_go_on_with_another_key_where_the_key_is_not_at_fault(
    missy: Missy, isolated_home: Path, api: FakeApi
) -> None:
    provider = {"api_keys": [f"{FAKE_KEY}-1", f"{FAKE_KEY}-2"], "base_url": api.base_url}
    write_user_config(isolated_home, providers={"anthropic": provider})
    api.enqueue(api_error(529, "overloaded_error", "busy"))
    assert missy("models", "--refresh").code == 1
    assert len(api.requests) == 1
