"""The language of answers: a text of whoever asks, and nothing that could be more than a language's name."""

from __future__ import annotations

import pytest

from missy_lsp.config.json_schema import json_schema
from missy_lsp.config.reference import reference_page
from missy_lsp.config.values import TOP_LEVEL, Config
from tests.support.config_place import Place


def language(place: Place, editor: object = None, trusted: bool | None = None) -> str | None:
    config = place.load(editor, trusted).config
    return None if config is None else config.reply_language


def test_every_place_may_set_it_and_the_later_one_wins(place: Place) -> None:
    found = [language(place)]
    place.user("reply_language: German")
    found.append(language(place))
    place.workspace("reply_language: Português (Brasil)")
    found += [language(place, trusted=False), language(place, trusted=True)]
    found += [language(place, {name: "Suomi"}, True) for name in ("replyLanguage", "reply_language")]
    found.append(language(place, {"replyLanguage": ""}, True))
    assert found == ["", "German", "German", "Português (Brasil)", "Suomi", "Suomi", ""]
    assert place.load(trusted=True).problems == ()


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("x" * 61, "at most 60 characters"),
        ('"German\\nand more"', "line break"),
        ('"German\\e[31m"', "can't be shown"),
        ("{no: way}", "a text is expected"),
        ("5", "a text is expected"),
        ("", "a text is expected"),
    ],
    ids=["long", "lines", "escape", "mapping", "number", "null"],
)
def test_what_is_no_name_is_refused_with_its_place(place: Place, value: str, said: str) -> None:
    place.user(f"hover: {{mode: off}}\nreply_language: {value}\n")
    loaded = place.load()
    assert loaded.config is None
    (problem,) = loaded.problems
    assert (problem.line, problem.severity) == (1, "error")
    assert said in problem.message
    assert problem.message.startswith("reply_language: ")


@pytest.mark.parametrize("value", ["x" * 61, "a\nb", 5, None, ["German"]])
def test_an_editors_bad_value_is_left_out_with_a_warning(place: Place, value: object) -> None:
    loaded = place.load({"replyLanguage": value})
    assert loaded.config == Config()
    assert [problem.severity for problem in loaded.problems] == ["warning"]


@pytest.mark.parametrize("name", TOP_LEVEL)
def test_the_fields_of_the_top_level_are_in_the_schema_and_the_reference(name: str) -> None:
    schema = json_schema()["properties"][name]
    assert schema["description"] == TOP_LEVEL[name].metadata["doc"]
    assert schema["default"] == getattr(Config(), name)
    row = next(line for line in reference_page().splitlines() if line.startswith(f"| `{name}` |"))
    assert TOP_LEVEL[name].metadata["doc"] in row


def test_its_limit_is_in_the_schema_and_the_reference() -> None:
    assert json_schema()["properties"]["reply_language"]["maxLength"] == 60
    assert "At most 60 characters." in reference_page()
    assert set(TOP_LEVEL) == {"default_provider", "folders", "reply_language"}
