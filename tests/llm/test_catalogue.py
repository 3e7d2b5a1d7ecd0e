"""`llm/catalogue.py`: the facts in the data file, and what is assumed without one."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import get_args

import pytest

import missy_lsp.llm.catalogue as catalogue_module
from missy_lsp.llm.catalogue import EFFORTS, Catalogue, Price, catalogue_id
from missy_lsp.llm.types import Usage


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue.load()


@pytest.mark.parametrize(
    ("spelled", "known_as"),
    [
        ("claude-sonnet-4-6", "claude-sonnet-4-6"),
        ("claude-haiku-4-5-20251001", "claude-haiku-4-5"),
        ("claude-haiku-4-5-latest", "claude-haiku-4-5"),
        ("anthropic/claude-opus-5-5", "claude-opus-5-5"),
        ("openrouter/anthropic/claude-sonnet-4.6", "claude-sonnet-4-6"),
        ("anthropic/claude-sonnet-4.6:beta", "claude-sonnet-4-6"),
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", "claude-haiku-4-5"),
        ("claude-opus-4-6@20260101", "claude-opus-4-6"),
        ("claude-sonnet-4-6[1m]", "claude-sonnet-4-6"),
        (" Claude-Fable-5-1 ", "claude-fable-5-1"),
        ("claude-opus-5", "claude-opus-5"),
        ("anthropic/claude-sonnet-5", "claude-sonnet-5"),
        ("global.anthropic.claude-fable-5-20260609-v1:0", "claude-fable-5"),
        ("claude-opus-4-20250514", "claude-opus-4"),
        ("claude-opus-4@20250514", "claude-opus-4"),
        ("claude-opus-4-0", "claude-opus-4"),
        ("anthropic.claude-opus-4-1-20250805-v1:0", "claude-opus-4-1"),
        ("claude-opus-4-1@20250805", "claude-opus-4-1"),
        ("claude-opus-4-5-20251101", "claude-opus-4-5"),
    ],
)
def test_a_model_is_found_however_it_is_spelled(catalogue: Catalogue, spelled: str, known_as: str) -> None:
    facts = catalogue.facts(spelled)
    assert (facts.id, facts.known) == (known_as, True)


@pytest.mark.parametrize(
    "model_id",
    [
        "claude-sonnet-4-66",
        "claude-opus-6",
        "claude-opus-4-20250514-turbo",
        "claude-haiku-4-5-turbo",
        "my-claude-haiku-4-5",
        "gpt-4.1",
        "",
        "claude-x",
    ],
)
def test_an_unknown_model_gets_the_most_careful_facts(catalogue: Catalogue, model_id: str) -> None:
    facts = catalogue.facts(model_id)
    assert (facts.id, facts.known, facts.status) == (model_id, False, "unknown")
    assert (facts.prefill, facts.forced_tool, facts.structured_outputs) == (False, False, False)
    assert (facts.thinking, facts.efforts) == ((), ())
    everyone = catalogue.models.values()
    assert facts.context_tokens <= min(other.context_tokens for other in everyone)
    assert facts.max_output_tokens <= min(other.max_output_tokens for other in everyone)


def test_an_unknown_model_costs_the_highest_known_price(catalogue: Catalogue) -> None:
    usage = Usage(1_000_000, 1_000_000, 1_000_000, 1_000_000)
    assert catalogue.cost_usd("someone-elses", usage) == max(
        facts.cost_usd(usage) for facts in catalogue.models.values()
    )
    assert catalogue.facts("someone-elses").price == Price(15, 75, 1.5, 18.75), "Opus 4.1, which clouds still serve"


@pytest.mark.parametrize(
    ("model_id", "usage", "usd"),
    [
        pytest.param("claude-sonnet-4-6", Usage(1_000_000, 0), 3, id="input"),
        pytest.param("claude-sonnet-4-6", Usage(0, 1_000_000), 15, id="output"),
        pytest.param("claude-sonnet-4-6", Usage(0, 0, 1_000_000, 0), 0.3, id="cache read"),
        pytest.param("claude-sonnet-4-6", Usage(0, 0, 0, 1_000_000), 3.75, id="cache write"),
        pytest.param("claude-sonnet-4-6", Usage(0, 0, 0, 1_000_000, 1_000_000), 6, id="cache write for an hour"),
        pytest.param("claude-sonnet-4-6", Usage(0, 0, 0, 1_000_000, 400_000), 4.65, id="cache writes of both kinds"),
        pytest.param("claude-haiku-5-5", Usage(100_000, 1_000), 0.0105, id="a prompt at the border"),
        pytest.param("claude-haiku-5-5", Usage(100_001, 1_000), 0.0525005, id="a prompt above the border"),
        pytest.param("claude-haiku-5-5", Usage(1, 0, 60_000, 60_000), 0.0405005, id="cached tokens are prompt too"),
        pytest.param("offline", Usage(1_000_000, 1_000_000), 0, id="offline"),
        pytest.param("claude-fable-5-1", Usage(), 0, id="nothing"),
    ],
)
def test_the_price_of_a_request(catalogue: Catalogue, model_id: str, usage: Usage, usd: float) -> None:
    assert catalogue.cost_usd(model_id, usage) == pytest.approx(usd)


@pytest.mark.parametrize(
    ("model_id", "wanted", "sent"),
    [
        ("claude-opus-5-5", "xhigh", "xhigh"),
        ("claude-sonnet-4-6", "xhigh", "high"),
        ("claude-sonnet-4-6", "max", "max"),
        ("claude-haiku-4-5", "low", None),
        ("unknown-model", "low", None),
        ("claude-opus-5-5", None, None),
        ("claude-opus-5-5", "enormous", None),
    ],
)
def test_an_effort_that_a_model_refuses_is_lowered_or_left_out(
    catalogue: Catalogue, model_id: str, wanted: str | None, sent: str | None
) -> None:
    assert catalogue.facts(model_id).accepted_effort(wanted) == sent


def test_the_models_of_the_seed_page_and_of_the_newer_line_are_known(catalogue: Catalogue) -> None:
    wanted = {"claude-sonnet-4-6", "claude-haiku-4-5", "claude-opus-4-6"}
    wanted |= {"claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5", "claude-fable-5-1"}
    assert wanted <= set(catalogue.models)


def test_every_model_that_the_sdk_names_is_known_but_those_for_invited_customers(catalogue: Catalogue) -> None:
    from anthropic.types.model import Model

    named = get_args(get_args(Model)[0])
    assert len(named) > 15
    unknown = [model_id for model_id in named if not catalogue.facts(model_id).known]
    assert all(model_id.startswith("claude-mythos-") for model_id in unknown), unknown


def test_every_entry_is_whole_and_plausible(catalogue: Catalogue) -> None:
    for model_id, facts in catalogue.models.items():
        assert catalogue_id(model_id) == model_id
        assert 0 < facts.max_output_tokens <= facts.context_tokens
        assert set(facts.efforts) <= set(EFFORTS)
        assert facts.effort_default is None or facts.effort_default in facts.efforts
        assert facts.thinking_default is None or facts.thinking_default in facts.thinking
        if model_id != "offline":
            assert 0 < facts.price.cache_read < facts.price.input < facts.price.cache_write < facts.price.output
        if facts.price_above is not None:
            assert facts.price_above.input > facts.price.input
        assert (facts.status == "current") is (facts.successor is None)
        if facts.successor is not None:
            newer = catalogue.models[facts.successor]
            assert newer.status == "current"
            assert newer.name.split()[:2] == facts.name.split()[:2], "of the same family"
        assert facts.retires is None or date.fromisoformat(facts.retires)


def test_the_data_file_names_no_model_twice() -> None:
    document = json.loads(Path(catalogue_module.__file__).with_name("models.json").read_text("utf-8"))
    ids = [entry["id"] for entry in document["models"]]
    assert len(ids) == len(set(ids))
