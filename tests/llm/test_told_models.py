"""`llm/told_models.py`: what is taken of a provider's list, and how the file holds it."""

from __future__ import annotations

from pathlib import Path

import pytest

from missy_lsp.errors import MissyError
from missy_lsp.llm.catalogue import Catalogue
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
