"""Questions on a real terminal: before the premium tier a yes is waited for, and without anybody there is none."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.support.commands import Missy
from tests.support.configuration import write_user_config
from tests.support.fake_api import FakeApi, answer
from tests.support.prepared import PreparedProcess

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal is needed")
PREMIUM = {"mode": "premium", "confirm_premium": True}


@pytest.mark.parametrize(
    ("typed", "model"),
    [
        ("y\n", "claude-opus-4-6"),
        ("n\n", "claude-sonnet-4-6"),
        ("\n", "claude-sonnet-4-6"),
        ("\x04", "claude-sonnet-4-6"),
    ],
    ids=["yes", "no", "return", "end of input"],
)
def test_whoever_sits_at_the_terminal_decides_on_the_premium_tier(
    isolated_home: Path, api: FakeApi, typed: str, model: str
) -> None:
    write_user_config(isolated_home, api.base_url, routing=PREMIUM)
    api.enqueue(answer("ok"))
    ours, theirs = os.openpty()
    with PreparedProcess(["ask", "why?"], dict(os.environ), terminal=theirs) as process:
        os.close(theirs)
        shown = b""
        while b"[y/N]" not in shown:
            shown += os.read(ours, 4096)
        assert api.requests == []
        os.write(ours, typed.encode())
        assert process.stdout.read().decode().strip() == "ok"
        assert process.wait(20) == 0
    os.close(ours)
    assert b"premium tier (claude-opus-4-6, up to $0." in shown
    assert api.requests[0].json["model"] == model


def test_where_nobody_sits_the_primary_tier_serves_and_says_so(missy: Missy, isolated_home: Path, api: FakeApi) -> None:
    write_user_config(isolated_home, api.base_url, routing=PREMIUM)
    api.enqueue(answer("ok"))
    run = missy("ask", "why?", "--json")
    assert (run.code, api.requests[0].json["model"]) == (0, "claude-sonnet-4-6")
    assert "nobody was there to confirm it" in run.out
