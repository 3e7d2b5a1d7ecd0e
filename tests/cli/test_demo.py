from __future__ import annotations

import pytest

from tests.support.commands import Missy
from tests.support.configuration import write_user_config
from tests.support.fake_api import FakeApi, answer, api_error


@pytest.mark.parametrize(
    ("options", "reason"), [([], "no API key"), (["--offline"], "--offline was given")], ids=["no key", "asked"]
)
def test_without_claude_the_offline_provider_answers_and_says_so(missy: Missy, options: list[str], reason: str) -> None:
    run = missy("demo", *options)
    assert run.code == 0, run.err
    assert run.out.strip()
    assert reason in run.err
    for said in (
        "connected to",
        "opened limits.py",
        "provider  offline (offline",
        "model ",
        "tier ",
        "tokens ",
        "time ",
    ):
        assert said in run.err, said


def test_with_a_key_claude_is_asked_about_a_real_file(missy: Missy, api: FakeApi) -> None:
    api.enqueue(answer("It ", "waits\x1b[31m."))
    run = missy("demo")
    assert run.code == 0, run.err
    assert run.out == "It waits\\x1b[31m.\n"
    assert "a key is there: asking Claude" in run.err
    assert "provider  anthropic" in run.err
    assert "class " in str(api.requests[0].json["messages"])


def test_a_refusal_is_said_and_exits_1(missy: Missy, api: FakeApi) -> None:
    api.enqueue(api_error(401, "authentication_error", "invalid x-api-key"))
    run = missy("demo")
    assert run.code == 1
    assert run.err.splitlines()[-1].startswith("missy: ")


def test_a_bad_configuration_is_said_and_exits_1(missy: Missy, isolated_home: object) -> None:
    path = write_user_config(isolated_home)  # type: ignore[arg-type]
    path.write_text("providers: [\n")
    run = missy("demo")
    assert (run.code, run.out) == (1, "")
    assert run.err == f"missy: {path}:2:1: did not find expected node content\n"
