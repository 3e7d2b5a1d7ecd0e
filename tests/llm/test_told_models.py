"""`llm/told_models.py`: what is taken of a provider's list, and how the file holds it."""

from __future__ import annotations

import itertools
from datetime import date
from pathlib import Path

import pytest

from missy_lsp.errors import MissyError
from missy_lsp.llm.catalogue import Catalogue
from missy_lsp.llm.configured_models import standing
from missy_lsp.llm.told_models import MOST_MODELS, ToldModel, ToldModels, overlaid, told_model

ADDRESS = "https://gateway.example.com"
WHOLE = {
    "id": "claude-sonnet-4-6",
    "max_input_tokens": 1000,
    "max_tokens": 100,
    "lifecycle": "retired",
    "retires_at": "2026-02-03T04:05:06Z",
    "capabilities": {
        "effort": {"supported": True, "max": {"supported": True}, "low": {"supported": True}, "new": {}},
        "structured_outputs": {"supported": True},
    },
}


def test_what_is_kept_comes_back_as_it_was_told(tmp_path: Path) -> None:
    models = ToldModels(tmp_path / "models" / "told.json")
    told = models.keep(ADDRESS, [WHOLE, {"id": "bare"}])
    whole = ToldModel("claude-sonnet-4-6", 1000, 100, ("low", "max"), True, "retired", "2026-02-03")
    assert told == (whole, ToldModel("bare"))
    models.keep("https://other.example.com", [{"id": "bare"}])
    assert models.read() == {ADDRESS: told, "https://other.example.com": (ToldModel("bare"),)}


def test_no_more_than_the_most_models_are_kept(tmp_path: Path) -> None:
    told = ToldModels(tmp_path / "told.json").keep(ADDRESS, [{"id": f"m{n}"} for n in range(MOST_MODELS + 1)])
    assert len(told) == MOST_MODELS


@pytest.mark.parametrize("content", ["", "[]", '{"addresses": 7}', '{"addresses": {"a": {}}}', "[" * 100_000])
def test_a_spoilt_file_holds_nothing_and_is_written_anew(
    tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "told.json"
    file.write_text(content)
    models = ToldModels(file)
    assert models.read() == {}
    assert "is damaged" in caplog.text
    assert models.keep(ADDRESS, [WHOLE]) == models.read()[ADDRESS]


def test_a_place_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("")
    with pytest.raises(MissyError, match="can't be written"):
        ToldModels(tmp_path / "models" / "told.json").keep(ADDRESS, [WHOLE])


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_input_tokens": True, "max_tokens": 1.5},
        {"max_input_tokens": 0, "max_tokens": "9"},
        {"lifecycle": "eternal", "retires_at": 20260203},
        {"capabilities": {"effort": {"supported": "yes"}, "structured_outputs": None}},
    ],
)
def test_what_is_out_of_bounds_counts_as_not_told(wrong: dict[str, object]) -> None:
    assert told_model({"id": "m", **wrong}) == ToldModel("m")


def test_no_price_changes_and_a_default_that_is_no_more_offered_goes() -> None:
    catalogue = Catalogue.load()
    seen = overlaid(catalogue, [ToldModel("claude-sonnet-4-6", efforts=("low",)), ToldModel("new")])
    facts = seen.facts("claude-sonnet-4-6")
    assert (facts.efforts, facts.effort_default) == (("low",), None)
    assert all(seen.facts(model).price == known.price for model, known in catalogue.models.items())
    assert seen.facts("new").price == catalogue.facts("new").price


@pytest.mark.parametrize(
    ("lifecycle", "retires", "expected"),
    [
        ("retired", None, ("gone", "retired, requests to it fail")),
        ("retired", "2026-01-02", ("gone", "retired since 2026-01-02, requests to it fail")),
        ("retired", "2027-01-02", ("gone", "retired, requests to it fail")),
        ("deprecated", None, ("soon", "deprecated, will be retired")),
        ("deprecated", "2027-01-02", ("soon", "retires on 2027-01-02")),
        ("active", None, ("none", "not in the catalogue; its price is counted as the highest known")),
    ],
)
def test_what_is_told_of_the_end_of_a_model_is_what_is_said(
    lifecycle: str, retires: str | None, expected: tuple[str, str]
) -> None:
    seen = overlaid(Catalogue.load(), [ToldModel("our-own", lifecycle=lifecycle, retires=retires)])
    assert standing(seen.facts("our-own"), date(2026, 11, 29)) == expected


DATED = ToldModel("claude-opus-4-6-20260101", max_output_tokens=10, lifecycle="deprecated", retires="2026-12-01")
LATER = ToldModel("claude-opus-4-6-20260601", max_output_tokens=20)
EXACT = ToldModel("claude-opus-4-6", context_tokens=30, lifecycle="active")


@pytest.mark.parametrize("told", list(itertools.permutations([DATED, LATER, EXACT])))
def test_each_spelling_of_a_model_keeps_what_was_told_of_it_in_whatever_order(told: tuple[ToldModel, ...]) -> None:
    installed = Catalogue.load().facts("claude-opus-4-6")
    seen = overlaid(Catalogue.load(), told)
    exact, dated, later = (seen.facts(model.id) for model in (EXACT, DATED, LATER))
    assert (exact.context_tokens, exact.max_output_tokens) == (30, installed.max_output_tokens)
    assert (exact.status, exact.retires) == (installed.status, None)
    assert (dated.context_tokens, dated.max_output_tokens) == (installed.context_tokens, 10)
    assert (dated.status, dated.retires, dated.price) == ("deprecated", "2026-12-01", installed.price)
    assert later.max_output_tokens == 20


@pytest.mark.parametrize("told", list(itertools.permutations([DATED, LATER])))
def test_without_its_own_spelling_the_latest_date_counts_for_a_model(told: tuple[ToldModel, ...]) -> None:
    seen = overlaid(Catalogue.load(), told)
    assert (seen.facts(EXACT.id).max_output_tokens, seen.facts(DATED.id).max_output_tokens) == (20, 10)


def test_spellings_of_which_the_same_was_told_are_one_model() -> None:
    told = [ToldModel(spelling, 30) for spelling in ("claude-opus-4-6", "anthropic/claude-opus-4.6", "claude-opus-4-6")]
    seen = overlaid(Catalogue.load(), told)
    assert seen.models.keys() == Catalogue.load().models.keys()
    assert seen.facts("anthropic/claude-opus-4.6").context_tokens == 30
